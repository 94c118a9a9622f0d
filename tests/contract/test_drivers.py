"""What every driver does (``pyregistry.drivers.interface``)."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep

import pytest

from pyregistry.drivers.interface import Driver, DriverError, Identity, KeyLocked, KeyUnknown


def read(driver: Driver, key: str) -> bytes:
    """All of a key's content."""
    with driver.open(key) as reader:
        return reader.read()


def until(tell: Callable[[], Identity | None]) -> Identity:
    """What the driver tells as soon as it can."""
    deadline = monotonic() + 10
    while (told := tell()) is None:
        assert monotonic() < deadline
        sleep(0.02)
    return told


def test_what_was_written_is_read(driver: Driver) -> None:
    """The chunks come back as one content, and their size is told."""
    assert driver.write("a/b/c", [b"one ", b"", b"two"]) == 7
    assert read(driver, "a/b/c") == b"one two"
    assert driver.stat("a/b/c").size == 7


def test_empty_content_is_content(driver: Driver) -> None:
    """A key may hold nothing; that is not absence."""
    driver.write("a/empty", [])
    assert read(driver, "a/empty") == b""
    assert driver.stat("a/empty").size == 0


def test_write_replaces(driver: Driver) -> None:
    """Shorter content leaves nothing of the longer one before it."""
    driver.write("a/b", [b"a long content"])
    driver.write("a/b", [b"short"])
    assert read(driver, "a/b") == b"short"


def test_a_write_whose_source_fails_changes_nothing(driver: Driver) -> None:
    """The old content stays, and no key appears beside it."""

    def broken() -> Iterator[bytes]:
        yield b"half of the new"
        raise RuntimeError

    driver.write("a/b", [b"old"])
    with pytest.raises(RuntimeError):
        driver.write("a/b", broken())
    assert read(driver, "a/b") == b"old"
    assert list(driver.keys("")) == ["a/b"]


def test_a_reader_keeps_what_it_opened(driver: Driver) -> None:
    """Neither a replacing write nor a delete changes what is being sent."""
    driver.write("a/b", [b"first"])
    with driver.open("a/b") as reader:
        driver.write("a/b", [b"second"])
        driver.delete("a/b")
        assert reader.read() == b"first"


def test_a_reader_seeks(driver: Driver) -> None:
    """Range requests start in the middle."""
    driver.write("a/b", [b"0123456789"])
    with driver.open("a/b") as reader:
        reader.seek(4)
        assert reader.read(3) == b"456"
        assert reader.read() == b"789"


def test_append_grows_content(driver: Driver) -> None:
    """Each append tells the new size; the first makes the key."""
    assert driver.append("a/b", 0, b"") == 0
    assert driver.append("a/b", 0, b"one") == 3
    assert driver.append("a/b", 3, b"two") == 6
    driver.flush("a/b")
    assert read(driver, "a/b") == b"onetwo"


@pytest.mark.parametrize("offset", [0, 2, 4])
def test_append_elsewhere_is_refused(driver: Driver, offset: int) -> None:
    """An offset that is not the size means that somebody else wrote: nothing is changed."""
    driver.append("a/b", 0, b"one")
    with pytest.raises(DriverError, match=f"expected to append at 3, its size, got {offset}"):
        driver.append("a/b", offset, b"two")
    assert read(driver, "a/b") == b"one"


def test_stat_tells_when(driver: Driver) -> None:
    """The time is aware, UTC, and that of the last write."""
    driver.write("a/b", [b"x"])
    modified_at = driver.stat("a/b").modified_at
    assert modified_at.tzinfo is UTC
    assert abs(datetime.now(UTC) - modified_at) < timedelta(minutes=1)


def test_an_identity_tells_every_change(driver: Driver) -> None:
    """Written anew with the same bytes, grown, touched, moved over, deleted and made again: never the same value."""
    seen: list[Identity] = []

    def see() -> None:
        assert driver.identify("a/b") == driver.identify("a/b")
        seen.append(driver.identify("a/b"))

    for _ in range(20):
        driver.write("a/b", [b"x"])
        see()
        driver.write("a/b", [b"x"])
        see()
        driver.append("a/b", 1, b"y")
        see()
        driver.touch("a/b")
        see()
        driver.write("a/c", [b"x"])
        driver.move("a/c", "a/b")
        see()
        driver.delete("a/b")
        driver.write("a/b", [b"x"])
        see()
    assert len(set(seen)) == len(seen)


def test_an_identity_is_the_keys_own(driver: Driver) -> None:
    """What happens beside it, and reading it, change nothing."""
    driver.write("a/b", [b"x"])
    before = driver.identify("a/b")
    driver.write("a/c", [b"x"])
    driver.touch("a/c")
    driver.delete("a/c")
    assert read(driver, "a/b") == b"x"
    assert driver.identify("a/b") == before


def test_the_identity_of_children_tells_names_that_come_or_go(driver: Driver) -> None:
    """Never the same value for other names; None where there are none, or where the driver cannot tell yet."""

    def identify() -> Identity:
        return until(lambda: driver.identify_children("a"))

    assert driver.identify_children("a") is None
    driver.write("a/b/link", [b"x"])
    one = identify()
    assert driver.identify_children("a") == one
    driver.write("a/c/link", [b"x"])
    assert driver.identify_children("a") != one
    driver.delete("a/b")
    assert identify() != one
    driver.delete("a/c")
    assert driver.identify_children("a") != one


def test_a_touch_tells_when(driver: Driver) -> None:
    """The time is now, and later than before; the content stays."""
    driver.write("a/b", [b"x"])
    before = driver.stat("a/b")
    driver.touch("a/b")
    after = driver.stat("a/b")
    assert before.modified_at < after.modified_at <= datetime.now(UTC)
    assert read(driver, "a/b") == b"x"


def test_keys_are_walked_in_order_of_segments(driver: Driver) -> None:
    """``a/b`` comes before ``a-b``: folders are walked, strings are not sorted."""
    for key in ("a-b", "b", "a/c", "a/b/z", "a/b/a"):
        driver.write(key, [b"x"])
    assert list(driver.keys("")) == ["a/b/a", "a/b/z", "a/c", "a-b", "b"]
    assert list(driver.keys("a")) == ["a/b/a", "a/b/z", "a/c"]
    assert list(driver.children("")) == ["a", "a-b", "b"]
    assert list(driver.children("a")) == ["b", "c"]


def test_there_is_nothing_below_what_is_absent(driver: Driver) -> None:
    """Absence, and a key that holds content itself, are empty walks, not errors."""
    driver.write("a/b", [b"x"])
    assert list(driver.keys("nowhere")) == list(driver.children("nowhere")) == []
    assert list(driver.keys("a/b")) == list(driver.children("a/b")) == []


def test_move_renames_and_replaces(driver: Driver) -> None:
    """The source is gone, the target has its content."""
    driver.write("up/data", [b"new"])
    driver.write("blobs/data", [b"damaged"])
    driver.move("up/data", "blobs/data")
    assert read(driver, "blobs/data") == b"new"
    assert list(driver.keys("")) == ["blobs/data"]


def test_move_makes_the_way(driver: Driver) -> None:
    """The target's folders need not exist."""
    driver.write("a/b", [b"x"])
    driver.move("a/b", "c/d/e/f")
    assert read(driver, "c/d/e/f") == b"x"


def test_delete_removes_one_key(driver: Driver) -> None:
    """Its neighbours stay, also those that its name begins."""
    for key in ("a/b", "a/bc", "a/c/d"):
        driver.write(key, [b"x"])
    driver.delete("a/b")
    assert list(driver.keys("")) == ["a/bc", "a/c/d"]


def test_delete_removes_all_below(driver: Driver) -> None:
    """A prefix goes with everything under it."""
    for key in ("a/b/c", "a/b/d/e", "a/bc"):
        driver.write(key, [b"x"])
    driver.delete("a/b")
    assert list(driver.keys("")) == ["a/bc"]


def test_a_deleted_key_can_be_written_again(driver: Driver) -> None:
    """Whatever was pruned with it is made anew."""
    driver.write("a/b/c", [b"x"])
    driver.delete("a/b/c")
    driver.write("a/b/c", [b"y"])
    assert read(driver, "a/b/c") == b"y"


@pytest.mark.parametrize("key", ["absent", "a", "a/b/below-a-file"])
def test_absence_is_said(driver: Driver, key: str) -> None:
    """No content, a folder, and a way through a file are all KeyUnknown."""
    driver.write("a/b", [b"x"])
    verbs: list[Callable[[str], object]] = [driver.open, driver.stat, driver.flush, driver.identify, driver.touch]
    for verb in verbs:
        with pytest.raises(KeyUnknown):
            verb(key)


def test_the_absent_is_neither_moved_nor_deleted(driver: Driver) -> None:
    """Both say KeyUnknown, and a target in the way stays."""
    driver.write("a/b", [b"x"])
    with pytest.raises(KeyUnknown):
        driver.move("absent", "a/b")
    with pytest.raises(KeyUnknown):
        driver.delete("absent")
    assert read(driver, "a/b") == b"x"


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../up", "a/../../up", "a/./b", "a//b", "a/", "nul\0l"])
def test_no_key_leads_out_of_the_root(driver: Driver, key: str) -> None:
    """Such a key is a bug of ours, never an answer."""
    calls: list[Callable[[], object]] = [
        lambda: driver.open(key),
        lambda: driver.write(key, [b"x"]),
        lambda: driver.append(key, 0, b"x"),
        lambda: driver.flush(key),
        lambda: driver.stat(key),
        lambda: driver.identify(key),
        lambda: driver.touch(key),
        lambda: driver.move(key, "a"),
        lambda: driver.delete(key),
        lambda: driver.prune(key),
        lambda: driver.lock(key, wait=False).__enter__(),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="expected a relative path"):
            call()


def test_a_lock_keeps_others_out(driver: Driver) -> None:
    """Who does not want to wait is told; another prefix is free; afterwards it is free again."""
    with driver.lock("a/b", wait=False):
        with pytest.raises(KeyLocked), driver.lock("a/b", wait=False):
            pass
        with driver.lock("a/c", wait=False), driver.lock("a", wait=False):
            pass
    with driver.lock("a/b", wait=False):
        pass


def test_a_lock_holds_nothing(driver: Driver) -> None:
    """Locking what is absent leaves no key; locking does not hinder writing and deleting."""
    with driver.lock("a/b", wait=True):
        pass
    assert list(driver.keys("")) == []
    with driver.lock("a/b", wait=True):
        driver.write("a/b/c", [b"x"])
        driver.delete("a/b")
    with driver.lock("a/b", wait=False):
        pass


def test_a_lock_may_be_shared(driver: Driver) -> None:
    """By many, against one; the last of them frees it, whichever that is, and nothing is left."""
    first, second = (driver.lock("a/b", wait=False, shared=True) for _ in range(2))
    first.__enter__()
    second.__enter__()
    with pytest.raises(KeyLocked), driver.lock("a/b", wait=False):
        pass
    first.__exit__(None, None, None)
    with pytest.raises(KeyLocked), driver.lock("a/b", wait=False):
        pass
    second.__exit__(None, None, None)
    with driver.lock("a/b", wait=False), pytest.raises(KeyLocked), driver.lock("a/b", wait=False, shared=True):
        pass
    assert "b" not in driver.children("a")


def test_pruning_takes_no_key(driver: Driver) -> None:
    """What leads to a key stays; the rest is gone, and can be written to again."""
    for key in ("a/b/c", "a/d/e/f"):
        driver.write(key, [b"x"])
    driver.delete("a/d/e/f")
    driver.prune("a")
    assert list(driver.keys("")) == ["a/b/c"]
    assert list(driver.children("a")) == ["b"]
    driver.delete("a/b/c")
    driver.prune("a")
    driver.prune("nowhere")
    assert list(driver.children("")) == []
    driver.write("a/d/e/f", [b"x"])
    assert read(driver, "a/d/e/f") == b"x"


def test_waiting_for_a_lock_serializes(driver: Driver) -> None:
    """Of many who read, add one and write, none loses an addition, though the key is away in between."""
    driver.write("a/counts/count", [b"0"])

    def add() -> None:
        for _ in range(5):
            with driver.lock("a", wait=True):
                count = int(read(driver, "a/counts/count"))
                driver.delete("a/counts/count")
                driver.write("a/counts/count", [str(count + 1).encode()])

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert read(driver, "a/counts/count") == b"20"


def test_a_lock_is_released_by_an_exception(driver: Driver) -> None:
    """A request that fails does not keep the next one out."""
    with pytest.raises(RuntimeError), driver.lock("a/b", wait=False):
        raise RuntimeError
    with driver.lock("a/b", wait=False):
        pass


def test_threads_that_write_and_delete_in_one_folder_do_not_trip_each_other(driver: Driver) -> None:
    """A folder that one prunes while another is about to write into it is made again."""
    failures: list[BaseException] = []

    def churn(name: str) -> None:
        try:
            for _ in range(40):
                driver.write(f"deep/folder/{name}", [b"x"])
                driver.delete(f"deep/folder/{name}")
        except BaseException as exc:  # noqa: BLE001 - whatever it is, the main thread must see it
            failures.append(exc)

    threads = [threading.Thread(target=churn, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert failures == []
    assert list(driver.keys("")) == []
