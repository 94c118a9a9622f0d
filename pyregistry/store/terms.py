"""On which terms a collection may delete, beside those who serve and push.

Nothing goes by the clock that a writer could be racing with: what was seen at the beginning is told from what was
written, linked or named since by its identity. The clock only tells what is young.
"""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime

from pyregistry.drivers.interface import Driver, KeyUnknown
from pyregistry.store.locks import hold_step, is_served

_LOG = logging.getLogger(__name__)


class Terms:
    """What was seen when, and whether anybody serves the store.

    Args:
        driver: The store's.
        used_since: What was used since stays where somebody serves, see ``Options``.
    """

    def __init__(self, driver: Driver, used_since: datetime) -> None:
        self._driver = driver
        self._used_since = used_since
        self._seen: set[int] = set()
        self._served = False
        self._look_who_serves()

    def see(self, key: str) -> None:
        """Remember the state of what lies under ``key`` now; 64 bits of it, which is less than its digest."""
        try:
            self._seen.add(self._state(key))
        except KeyUnknown:
            return

    def is_unchanged(self, key: str) -> bool:
        """Whether what lies under ``key`` is what was seen, never written nor touched since."""
        try:
            return self._state(key) in self._seen
        except KeyUnknown:
            return False

    def is_unused(self, key: str) -> bool:
        """Whether the link under ``key`` may go: unchanged, and, where somebody serves, not young either."""
        try:
            return self.is_unchanged(key) and not (self._served and self._is_young(key))
        except KeyUnknown:
            return False

    @contextmanager
    def step(self) -> Iterator[None]:
        """One deletion. Who starts to serve meanwhile waits for its end; from then on, what is young stays."""
        with ExitStack() as held:
            if not self._served:
                held.enter_context(hold_step(self._driver))
                self._look_who_serves()
            yield

    def _look_who_serves(self) -> None:
        self._served = is_served(self._driver)
        if self._served:
            _LOG.info(
                "a registry serves this store: what was used since %s stays", f"{self._used_since:%Y-%m-%d %H:%M:%S %Z}"
            )

    def _is_young(self, key: str) -> bool:
        return self._driver.stat(key).modified_at >= self._used_since

    def _state(self, key: str) -> int:
        return hash((key, self._driver.identify(key)))
