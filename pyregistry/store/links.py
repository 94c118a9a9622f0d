"""Link files: a digest as text, without a newline, as registry:2 writes it.

When one was last written or touched tells when what it names was last pushed, or asked for.
"""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from datetime import datetime, timedelta

from pyregistry.drivers.interface import Driver, DriverError, KeyUnknown
from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import DigestInvalid

_LOG = logging.getLogger(__name__)

_MAX_BYTES = 512
"""More than any digest has (sha512: 135). What is longer is no link, and is not read into memory."""


def fetch_link(driver: Driver, key: str) -> Digest | None:
    """What the link at ``key`` points to; None where there is no link.

    An empty or garbage file, registry:2's scar of a crash, counts as no link and is logged: whoever asks gets a plain
    404 and can push again, which mends it.
    """
    try:
        with driver.open(key) as reader:
            content = reader.read(_MAX_BYTES)
    except KeyUnknown:
        return None
    try:
        return Digest.parse(content.decode("ascii"))
    except (DigestInvalid, UnicodeDecodeError):
        _LOG.warning("%s: expected a digest, got %r; served as absent until it is pushed again", key, content[:80])
        return None


def push_link(driver: Driver, key: str, digest: Digest) -> None:
    """Make ``key`` point to ``digest``. What it points to must be in place before."""
    driver.write(key, [str(digest).encode("ascii")])


def touch_link(driver: Driver, key: str) -> bool:
    """Mark a link as just used; whether there is one."""
    try:
        driver.touch(key)
    except KeyUnknown:
        return False
    return True


class Renewal:
    """Keeps what clients are told of young enough for garbage collection to leave it alone.

    Args:
        grace: How long after an answer its blob or manifest must still be there. A link is marked at most once in
            half of it, so that reading is not writing.
        clock: Aware UTC time.
    """

    def __init__(self, grace: timedelta, clock: Callable[[], datetime]) -> None:
        self._rest = grace / 2
        self._clock = clock

    def renew(self, driver: Driver, key: str, lock: Callable[[], AbstractContextManager[None]]) -> bool:
        """Mark the link at ``key`` as used, if it was not lately; whether it is still there.

        Under the lock that its deletion takes: else it could go between our mark and our answer. A medium that cannot
        be written to keeps its links anyway.
        """
        try:
            if self._clock() - driver.stat(key).modified_at > self._rest:
                with suppress(DriverError), lock():
                    driver.touch(key)
        except KeyUnknown:
            return False
        return True
