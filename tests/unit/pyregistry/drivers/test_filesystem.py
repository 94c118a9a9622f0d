"""What is particular to the filesystem driver: registry:2's folders, durability, broken disks."""

import errno
import fcntl
import multiprocessing
import os
import time
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from pyregistry.drivers.filesystem import FilesystemDriver
from pyregistry.drivers.interface import DriverError, DriverFull, KeyLocked
from tests.fakes.disk import Died, Disk


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root that does not exist yet."""
    return tmp_path / "not" / "yet"


@pytest.fixture
def driver(root: Path) -> FilesystemDriver:
    """A driver on it."""
    return FilesystemDriver(root)


def test_a_key_is_a_path_below_the_root(driver: FilesystemDriver, root: Path) -> None:
    """So that registry:2 finds what we wrote."""
    driver.write("docker/registry/v2/x/link", [b"sha256:", b"abc"])
    assert (root / "docker/registry/v2/x/link").read_bytes() == b"sha256:abc"


def test_modes_are_those_of_registry_2(driver: FilesystemDriver, root: Path) -> None:
    """0666 and 0777 less the umask: a registry that runs as another user may take over."""
    old = os.umask(0o027)
    try:
        driver.write("a/written", [b"x"])
        driver.append("a/appended", 0, b"x")
    finally:
        os.umask(old)
    assert [path.stat().st_mode & 0o777 for path in (root / "a", root / "a/written", root / "a/appended")] == [
        0o750,
        0o640,
        0o640,
    ]


def test_a_write_is_synced_renamed_and_synced(driver: FilesystemDriver) -> None:
    """File before rename, folder after it, each new folder in the one above."""
    driver.write("a/other", [b"x"])
    with Disk(remembers=True) as disk:
        driver.write("a/b/link", [b"content"])
    names = [(call, name if name in {"a", "b"} else "temporary") for call, name in disk.calls]
    assert names == [
        ("open", "temporary"),  # refused: its folder is not there
        ("mkdir", "b"),
        ("fsync", "a"),
        ("open", "temporary"),
        ("write", "temporary"),
        ("utime", "temporary"),
        ("fsync", "temporary"),
        ("replace", "temporary"),
        ("fsync", "b"),
    ]


def test_a_move_is_synced_on_both_sides(driver: FilesystemDriver) -> None:
    """The target first: content that is in neither folder after a power cut would be lost."""
    driver.write("up/data", [b"x"])
    driver.write("blobs/other", [b"x"])
    with Disk(remembers=True) as disk:
        driver.move("up/data", "blobs/data")
    assert disk.calls == [("replace", "data"), ("fsync", "blobs"), ("fsync", "up")]


def test_a_flush_syncs_file_and_folder(driver: FilesystemDriver) -> None:
    """The folder, because the first append made the file in it."""
    driver.append("up/data", 0, b"x")
    with Disk(remembers=True) as disk:
        driver.flush("up/data")
    assert disk.calls == [("fsync", "data"), ("fsync", "up")]


def test_a_delete_is_synced(driver: FilesystemDriver) -> None:
    """Of a key alone in its folder: the folder goes too, and the one above is synced."""
    driver.write("a/b/link", [b"x"])
    with Disk(remembers=True) as disk:
        driver.delete("a/b/link")
    assert disk.calls == [("unlink", "link"), ("rmdir", "b"), ("fsync", "a")]


def test_a_killed_write_leaves_the_old_content(driver: FilesystemDriver) -> None:
    """At whichever call it dies; what it leaves behind is no key."""
    driver.write("a/key", [b"old"])
    for dies_at in range(1, 5):  # open, write, write, replace
        with Disk(dies_at=dies_at), pytest.raises(Died):
            driver.write("a/key", [b"new ", b"content"])
        assert list(driver.keys("")) == ["a/key"]
        assert list(driver.children("a")) == ["key"]
        with driver.open("a/key") as reader:
            assert reader.read() == b"old"


def test_a_folder_that_looks_temporary_is_a_folder(driver: FilesystemDriver) -> None:
    """A tag may be called so; only files of that name are left-overs."""
    name = f"v1.{'0' * 32}.tmp"
    driver.write(f"tags/{name}/link", [b"x"])
    assert list(driver.children("tags")) == [name]
    assert list(driver.keys("tags")) == [f"tags/{name}/link"]


def test_a_delete_prunes_one_folder(driver: FilesystemDriver, root: Path) -> None:
    """The digest's folder goes; registry:2 knows a repository by the empty folders above it."""
    driver.write("app/_manifests/revisions/sha256/abc/link", [b"x"])
    driver.delete("app/_manifests/revisions/sha256/abc/link")
    assert (root / "app/_manifests/revisions/sha256").is_dir()
    assert not (root / "app/_manifests/revisions/sha256/abc").exists()
    assert list(driver.children("app")) == ["_manifests"]


def test_a_full_disk_says_so_and_leaves_nothing(driver: FilesystemDriver) -> None:
    """Of a write: the old content, and no temporary file that would keep the disk full."""
    driver.write("a/key", [b"old"])
    with Disk(room=4), pytest.raises(DriverFull, match="a/key: No space left") as failed:
        driver.write("a/key", [b"more than four bytes"])
    assert isinstance(failed.value.__cause__, OSError)
    assert [path.name for path in (driver._root / "a").iterdir()] == ["key"]
    with driver.open("a/key") as reader:
        assert reader.read() == b"old"


def test_a_full_disk_takes_an_append_back(driver: FilesystemDriver) -> None:
    """What fitted is cut off again: the size is the offset that the client knows."""
    driver.append("up/data", 0, b"before")
    with Disk(room=4), pytest.raises(DriverFull):
        driver.append("up/data", 6, b"more than four bytes")
    assert driver.stat("up/data").size == 6
    assert driver.append("up/data", 6, b"!") == 7


@pytest.mark.parametrize(("code", "error"), [(errno.EDQUOT, DriverFull), (errno.EIO, DriverError)])
def test_other_faults_keep_their_cause(
    driver: FilesystemDriver, code: int, error: type[DriverError], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quota is a full disk; anything else is a broken one. The message names the key, not the path."""

    def broken(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(error) as failed:
        driver.write("a/key", [b"x"])
    assert type(failed.value) is error
    assert str(failed.value) == f"a/key: {os.strerror(code)}"
    assert str(driver._root) not in str(failed.value)


def test_a_failing_read_is_the_drivers_fault(driver: FilesystemDriver) -> None:
    """Also in the middle of a download, long after ``open``."""
    driver.write("a/key", [b"x"])
    with driver.open("a/key") as reader:
        descriptor = os.open(driver._root, os.O_RDONLY)
        os.dup2(descriptor, reader.fileno())  # the same number now stands for a folder, which cannot be read
        os.close(descriptor)
        with pytest.raises(DriverError, match="a/key: Is a directory"):
            reader.read(10)


def test_a_file_in_the_way_is_a_fault(driver: FilesystemDriver) -> None:
    """A key cannot lie below another; that is our disk's trouble, not an absent key."""
    driver.write("a", [b"x"])
    for call in (lambda: driver.write("a/b", [b"y"]), lambda: driver.append("a/b", 0, b"y")):
        with pytest.raises(DriverError):
            call()


def test_a_root_that_is_no_folder_is_a_fault(tmp_path: Path) -> None:
    """The message is about the key; the cause is kept for the log."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DriverError):
        FilesystemDriver(tmp_path / "file").write("a", [b"x"])


def test_a_lock_on_a_folder_that_was_deleted_is_none(
    driver: FilesystemDriver, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waited for a folder that its holder deleted locks the one that is there now."""
    real = fcntl.flock

    def deleted_meanwhile(descriptor: int, operation: int) -> None:
        monkeypatch.setattr(fcntl, "flock", real)
        (root / "a/b").rmdir()
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", deleted_meanwhile)
    with driver.lock("a/b", wait=True):
        assert (root / "a/b").is_dir()
        with pytest.raises(KeyLocked), driver.lock("a/b", wait=False):
            pass


def hold(root: Path, held: Event, done: Event) -> None:
    """Hold a lock until told; then die without releasing it."""
    with FilesystemDriver(root).lock("a/b", wait=True):
        held.set()
        done.wait(30)
        os._exit(9)


def test_a_lock_holds_over_processes_and_dies_with_its_holder(root: Path) -> None:
    """Another process is kept out; ``kill -9`` releases."""
    context = multiprocessing.get_context("spawn")
    held, done = context.Event(), context.Event()
    holder = context.Process(target=hold, args=(root, held, done))
    holder.start()
    try:
        assert held.wait(30)
        with pytest.raises(KeyLocked), FilesystemDriver(root).lock("a/b", wait=False):
            pass
        done.set()
        with FilesystemDriver(root).lock("a/b", wait=True):
            pass
    finally:
        done.set()
        holder.join(30)
    assert holder.exitcode == 9


def test_what_is_written_bears_a_stamp_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's stands still for milliseconds before Linux 6.13, so that two states would look the same."""
    monkeypatch.setattr(time, "time_ns", lambda: 1_234_567_890_123_456_789)
    FilesystemDriver(tmp_path).write("a/b", [b"x"])
    assert (tmp_path / "a" / "b").stat().st_mtime_ns == 1_234_567_890_123_456_789


def test_a_touch_is_later_even_where_the_clock_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that stands still or goes back changes an identity all the same."""
    monkeypatch.setattr(time, "time_ns", lambda: 1_234_567_890_123_456_789)
    driver = FilesystemDriver(tmp_path)
    driver.write("a/b", [b"x"])
    driver.touch("a/b")
    assert (tmp_path / "a" / "b").stat().st_mtime_ns == 1_234_567_890_123_456_790


def test_a_file_of_another_owner_is_touched_with_the_kernels_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who may write to a file, and does not own it, may not choose its time."""
    driver = FilesystemDriver(tmp_path)
    driver.write("a/b", [b"x"])
    os.utime(tmp_path / "a" / "b", ns=(1, 1))
    real = os.utime

    def refuse(path: str, ns: tuple[int, int] | None = None) -> None:
        if ns is not None:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        real(path)

    monkeypatch.setattr(os, "utime", refuse)
    driver.touch("a/b")
    assert driver.stat("a/b").modified_at > datetime.now(UTC) - timedelta(minutes=1)
