"""Drivers that fail on purpose."""

from collections.abc import Callable
from typing import Any

from pyregistry.drivers.interface import Driver, DriverError, DriverFull
from tests.fakes.disk import Died

CHANGES = frozenset({"write", "append", "flush", "touch", "move", "delete", "prune"})


class DyingDriver:
    """A driver whose process is killed at the ``dies_at``-th change, from 1: not done, and nothing after it."""

    def __init__(self, driver: Driver, dies_at: int) -> None:
        self._driver = driver
        self._left = dies_at

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        real = getattr(self._driver, verb)
        if verb not in CHANGES:
            return real

        def change(*args: Any) -> Any:
            self._left -= 1
            if self._left <= 0:
                raise Died(verb)
            return real(*args)

        return change


class FailingDriver:
    """A driver that refuses the named verbs with the given error, as a broken or full disk does."""

    def __init__(self, driver: Driver, *verbs: str, error: type[DriverError] = DriverFull) -> None:
        self._driver = driver
        self._verbs = verbs
        self._error = error

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        if verb not in self._verbs:
            return getattr(self._driver, verb)

        def fail(key: str, *_: Any, **__: Any) -> None:
            raise self._error(f"{key}: {verb} failed")

        return fail
