"""When health is lost, when it is back, who sees it, and what the log says of it."""

import os
import threading

import pytest

from pyregistry.health import Check, Health, Watcher
from tests.fakes.forks import fork, join
from tests.fakes.sink import wait_until


class Storage:
    """Something that works or does not."""

    def __init__(self) -> None:
        self.works = True
        self.looks = 0

    def probe(self) -> None:
        """See the class."""
        self.looks += 1
        if not self.works:
            raise OSError("input/output error") from ValueError("the cause")


@pytest.mark.parametrize(("threshold", "failures"), [(0, 1), (1, 1), (3, 3)])
def test_health_is_lost_at_the_threshold_and_comes_back(
    threshold: int, failures: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Only failures in a row count, one success ends it, and the log has each change once, with its cause."""
    caplog.set_level("INFO", "pyregistry")
    storage = Storage()
    check = Check("storagedriver_filesystem", storage.probe, 10, threshold)
    health = Health([check])
    for _ in range(failures - 1):
        storage.works = False
        health.check(check)
        storage.works = True
        health.check(check)
    assert not caplog.messages
    storage.works = False
    for _ in range(failures):
        assert (health.is_failing, health.failing()) == (False, {})
        health.check(check)
    health.check(check)
    assert (health.is_failing, health.failing()) == (True, {"storagedriver_filesystem": "input/output error"})
    storage.works = True
    for _ in range(2):
        health.check(check)
        assert (health.is_failing, health.failing()) == (False, {})
    assert caplog.messages == [
        "health check failed: storagedriver_filesystem: input/output error: the cause",
        "health check passed again: storagedriver_filesystem",
    ]


def test_one_check_that_fails_is_enough() -> None:
    """Until the last of them is well."""
    one, other = Storage(), Storage()
    checks = Check("one", one.probe, 10), Check("other", other.probe, 10)
    health = Health(checks)
    one.works = other.works = False
    for check in checks:
        health.check(check)
    assert set(health.failing()) == {"one", "other"}
    one.works = True
    health.check(checks[0])
    assert (health.is_failing, set(health.failing())) == (True, {"other"})


def test_a_person_can_take_the_registry_down() -> None:
    """Whatever the checks find, and however often it is said."""
    storage = Storage()
    check = Check("storage", storage.probe, 10)
    health = Health([check])
    for _ in range(2):
        health.take_down()
    health.check(check)
    assert (health.is_failing, health.failing()) == (True, {"manual_http_status": "Manually Unhealthy"})
    for _ in range(2):
        health.bring_up()
    assert (health.is_failing, health.failing()) == (False, {})


@pytest.mark.parametrize("failing", [True, False])
def test_every_process_sees_it(*, failing: bool) -> None:
    """What was forked after the checks were made sees them fail and recover."""
    health = Health()
    turn = {True: health.take_down, False: health.bring_up}
    turn[not failing]()

    def see() -> None:
        assert health.is_failing is not failing
        os.write(tell, b"ready")
        wait_until(lambda: health.is_failing is failing)

    told, tell = os.pipe()
    with os.fdopen(told, "rb") as ready, os.fdopen(tell, "wb"):
        pid = fork(see)
        assert ready.read(5) == b"ready"
        turn[failing]()
        assert join(pid) == 0


def test_the_watcher_looks_at_each_check_at_its_interval() -> None:
    """Also while another one hangs, and no more once it was stopped."""
    storage, hangs = Storage(), Storage()
    released = threading.Event()

    def hang() -> None:
        hangs.looks += 1
        released.wait(10)

    watcher = Watcher(Health([Check("storage", storage.probe, 0.005), Check("hangs", hang, 0.001)]))
    watcher.start()
    wait_until(lambda: storage.looks >= 3)
    assert hangs.looks == 1
    watcher.stop()
    released.set()
