"""What the server does at intervals, on a clock that the test winds."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pyregistry.api.housekeeping import (
    choose_delay,
    collect_garbage,
    collect_when_asked,
    format_duration,
    purge_uploads,
)
from pyregistry.config.settings import GcSettings, Settings, UploadPurging
from pyregistry.drivers.memory import MemoryDriver
from pyregistry.store import paths
from pyregistry.store.locks import announce_serving
from pyregistry.store.registry import open_store
from tests.fakes.drivers import FailingDriver
from tests.fakes.pushes import an_image, push_blob, push_image
from tests.unit.pyregistry.api.harness import SETTINGS


class Enough(Exception):
    """The clock has run down."""


class Clock:
    """Sleeps take no time; after so many of them it stops the sleeper."""

    def __init__(self, sleeps: int) -> None:
        self.now = datetime.now(UTC)
        self.slept: list[float] = []
        self._left = sleeps

    async def sleep(self, seconds: float) -> None:
        """Move the clock."""
        if len(self.slept) == self._left:
            raise Enough
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)


def run_down(chore: Coroutine[Any, Any, Any]) -> None:
    """Run until the clock has run down."""
    with pytest.raises(Enough):
        asyncio.run(chore)


@pytest.mark.parametrize(("sleeps", "left"), [(1, 1), (2, 1), (3, 0)])
def test_uploads_are_purged_once_they_are_old_enough(sleeps: int, left: int, caplog: pytest.LogCaptureFixture) -> None:
    """After the first delay, then at each interval: 10 minutes, then 24 hours, against an age of 30 hours."""
    caplog.set_level("INFO", "pyregistry")
    store, clock = open_store(MemoryDriver()), Clock(sleeps)
    store.uploads.create("acme/app")
    settings = UploadPurging(age_seconds=30 * 3600)
    run_down(purge_uploads(store, settings, 600, lambda: clock.now, clock.sleep))
    assert clock.slept == [600, 86400, 86400][:sleeps]
    assert len(list(store.uploads.sessions(["acme/app"]))) == left
    assert caplog.messages[0] == "Starting upload purge in 10m0s"


def test_the_first_purge_is_within_the_hour() -> None:
    """At a whole minute, as registry:2's is."""
    assert all(choose_delay() in range(0, 3600, 60) for _ in range(100))


def a_server(grace_seconds: float) -> tuple[MemoryDriver, Settings]:
    """What a registry that announced itself has: a tagged image, an untagged one, a blob of nobody's."""
    driver = MemoryDriver()
    store = open_store(driver)
    push_image(store, "acme/app", an_image("tagged"), "1.0")
    push_image(store, "acme/app", an_image("untagged"), an_image("untagged").digest)
    push_blob(store, "acme/app", b"nobody's")
    return driver, replace(SETTINGS, gc=GcSettings(grace_seconds=grace_seconds, delete_untagged=True))


@pytest.mark.parametrize(("grace_seconds", "freed"), [(0.0, "4 blobs, 1 manifests, 3"), (3600.0, "0 blobs, 0 man")])
def test_garbage_is_collected_at_intervals(grace_seconds: float, freed: str, caplog: pytest.LogCaptureFixture) -> None:
    """With the configured grace, since the process that collects serves the store itself."""
    caplog.set_level("INFO", "pyregistry")
    (driver, settings), clock = a_server(grace_seconds), Clock(1)
    with announce_serving(driver):
        run_down(collect_garbage(driver, settings, 600, lambda: clock.now, clock.sleep))
    assert caplog.messages[0] == "Starting garbage collection in 10m0s"
    assert any(freed in message for message in caplog.messages)
    assert open_store(driver).manifests.fetch("acme/app", "1.0").body == an_image("tagged").body


def test_a_collection_that_fails_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    """Another one at it, no store yet, a broken disk: each is logged, and the next interval comes."""
    caplog.set_level("INFO", "pyregistry")
    driver, settings = a_server(0.0)
    with driver.lock(paths.ROOT, wait=False):
        run_down(collect_garbage(driver, settings, 1, sleep=Clock(2).sleep))
    run_down(collect_garbage(MemoryDriver(), settings, 1, sleep=Clock(1).sleep))
    run_down(collect_garbage(FailingDriver(driver, "children"), settings, 1, sleep=Clock(1).sleep))
    told = [message for message in caplog.messages if message.startswith("garbage collection")]
    assert [sum(part in line for line in told) for part in ("another garbage-collect", "Path not found")] == [2, 1]
    assert told[-1] == "garbage collection"


def test_an_admin_collects_when_asked() -> None:
    """A dry run counts and deletes nothing; untagged manifests go when asked for."""
    driver, settings = a_server(0.0)
    dry = collect_when_asked(driver, settings, dry_run=True, delete_untagged=True)
    assert dry["manifests"] == 1
    assert collect_when_asked(driver, settings, dry_run=True, delete_untagged=False)["manifests"] == 0
    assert collect_when_asked(driver, settings, dry_run=False, delete_untagged=True) == dry
    assert set(collect_when_asked(driver, settings, dry_run=False, delete_untagged=True).values()) == {0}


@pytest.mark.parametrize(
    ("seconds", "expected"), [(2640, "44m0s"), (86400, "24h0m0s"), (1.5, "1.5s"), (0, "0s"), (3661, "1h1m1s")]
)
def test_durations_are_written_as_go_writes_them(seconds: float, expected: str) -> None:
    """For log lines that people search for."""
    assert format_duration(seconds) == expected
