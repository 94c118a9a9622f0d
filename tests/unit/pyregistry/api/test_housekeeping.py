"""What the server does at intervals, on a clock that the test winds."""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pyregistry.api.housekeeping import choose_delay, format_duration, purge_uploads
from pyregistry.config.settings import UploadPurging
from pyregistry.drivers.memory import MemoryDriver
from pyregistry.store.registry import open_store


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


@pytest.mark.parametrize(
    ("seconds", "expected"), [(2640, "44m0s"), (86400, "24h0m0s"), (1.5, "1.5s"), (0, "0s"), (3661, "1h1m1s")]
)
def test_durations_are_written_as_go_writes_them(seconds: float, expected: str) -> None:
    """For log lines that people search for."""
    assert format_duration(seconds) == expected
