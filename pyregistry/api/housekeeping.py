"""What the server does beside answering, again and again until it ends. Time comes from outside."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NoReturn

from pyregistry.api.call import in_thread
from pyregistry.config.settings import Settings, UploadPurging
from pyregistry.drivers.interface import Driver, DriverError
from pyregistry.store.configured import choose_garbage
from pyregistry.store.gc import collect
from pyregistry.store.locks import StoreInUse, StoreUnknown
from pyregistry.store.purging import purge
from pyregistry.store.registry import DriverStore

Sleep = Callable[[float], Awaitable[None]]

_LOG = logging.getLogger(__name__)

_MAX_DELAY_MINUTES = 60
"""Before the first purge, so that registries which were started together do not all walk one store at once."""


def _now() -> datetime:
    return datetime.now(UTC)


def choose_delay() -> float:
    """Seconds until the first purge, whole minutes as registry:2 chooses them."""
    return secrets.randbelow(_MAX_DELAY_MINUTES) * 60.0


async def purge_uploads(
    store: DriverStore,
    settings: UploadPurging,
    first_delay_seconds: float,
    now: Callable[[], datetime] = _now,
    sleep: Sleep = asyncio.sleep,
) -> NoReturn:
    """Purge after the first delay, then at each interval."""
    delay = first_delay_seconds
    while True:
        _LOG.info("Starting upload purge in %s", format_duration(delay))
        await sleep(delay)
        older_than = now() - timedelta(seconds=settings.age_seconds)
        await in_thread(partial(purge, store, older_than, dry_run=settings.dry_run))
        delay = settings.interval_seconds


async def collect_garbage(
    driver: Driver,
    settings: Settings,
    interval_seconds: float,
    now: Callable[[], datetime] = _now,
    sleep: Sleep = asyncio.sleep,
) -> NoReturn:
    """Collect at each interval, from the end of one collection to the next; what fails is logged, and tried again."""
    while True:
        _LOG.info("Starting garbage collection in %s", format_duration(interval_seconds))
        await sleep(interval_seconds)
        await in_thread(_collect_once, driver, settings, now())


def collect_when_asked(
    driver: Driver, settings: Settings, *, dry_run: bool, delete_untagged: bool
) -> Mapping[str, object]:
    """Collect now; how many of what went, or would go.

    Raises:
        StoreInUse: Another collection, or a scrub, is at it.
        StoreUnknown: Nothing was ever pushed.
        DriverError: The disk failed.
    """
    options = choose_garbage(settings, _now(), delete_untagged=delete_untagged)
    return collect(driver, options, _LOG.debug, dry_run=dry_run).counts


def _collect_once(driver: Driver, settings: Settings, now: datetime) -> None:
    options = choose_garbage(settings, now, delete_untagged=settings.gc.delete_untagged)
    try:
        plan = collect(driver, options, _LOG.debug, dry_run=False)
    except (StoreInUse, StoreUnknown) as exc:
        _LOG.info("garbage collection: %s", exc)
    except DriverError:
        _LOG.exception("garbage collection")
    else:
        _LOG.info("garbage collection: %s", plan.summarize("freed"))


def format_duration(seconds: float) -> str:
    """As Go prints one of a second and more: ``44m0s``, ``24h0m0s``, ``1.5s``."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    if hours:
        return f"{hours}h{minutes}m{rest:g}s"
    return f"{minutes}m{rest:g}s" if minutes else f"{rest:g}s"
