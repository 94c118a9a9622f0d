"""What the server does beside answering, again and again until it ends. Time comes from outside."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NoReturn

from pyregistry.api.call import in_thread
from pyregistry.config.settings import UploadPurging
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


def format_duration(seconds: float) -> str:
    """As Go prints one of a second and more: ``44m0s``, ``24h0m0s``, ``1.5s``."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    if hours:
        return f"{hours}h{minutes}m{rest:g}s"
    return f"{minutes}m{rest:g}s" if minutes else f"{rest:g}s"
