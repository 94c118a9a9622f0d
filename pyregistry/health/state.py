"""Which checks fail: counted here, seen by every process of the registry."""

import logging
import mmap
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_LOG = logging.getLogger(__name__)

MANUAL = "manual_http_status"
"""Name of the check that a person makes fail by hand, and what it then says; registry:2's words."""

_MANUAL_CAUSE = "Manually Unhealthy"


@dataclass(frozen=True, slots=True)
class Check:
    """Something that has to be so.

    Attributes:
        name: As the debug server and the log call it; without secrets.
        probe: Looks, and may block for a bounded time; any exception says that it is not so.
        interval_seconds: Between two looks.
        threshold: Failures in a row from which on it counts; 0 and 1 mean the first.
    """

    name: str
    probe: Callable[[], object]
    interval_seconds: float
    threshold: int = 0


class Health:
    """The checks and how they stand. One process calls ``check``, or a person there takes the registry down.

    ``is_failing`` is true in all processes that were forked from where this was made: it is one number in memory
    that they share, and costs no more than reading it.
    """

    def __init__(self, checks: Sequence[Check] = ()) -> None:
        self.checks = tuple(checks)
        self._failures = dict.fromkeys(self.checks, 0)
        self._causes: dict[str, str] = {}
        self._lock = threading.Lock()
        self._failing_count = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("Q")

    @property
    def is_failing(self) -> bool:
        """Whether requests are to be refused."""
        return self._failing_count[0] != 0

    def failing(self) -> dict[str, str]:
        """The causes by the check's name; empty where all is well. Only in the process that checks."""
        with self._lock:
            return dict(self._causes)

    def check(self, check: Check) -> None:
        """Look once; the log tells when health is lost, and when it is back, before a client can notice."""
        try:
            check.probe()
        except Exception as exc:  # noqa: BLE001 - whatever keeps a check from passing makes it fail
            self._note_failure(check, exc)
        else:
            self._note_success(check)

    def take_down(self) -> None:
        """Fail until ``bring_up``, whatever the checks find."""
        self._set(MANUAL, _MANUAL_CAUSE)
        _LOG.warning("health: taken down by hand")

    def bring_up(self) -> None:
        """End what ``take_down`` began."""
        self._set(MANUAL, None)
        _LOG.info("health: brought up by hand")

    def _note_failure(self, check: Check, exc: Exception) -> None:
        self._failures[check] += 1
        if self._failures[check] == max(1, check.threshold):
            _LOG.error("health check failed: %s: %s%s", check.name, exc, f": {exc.__cause__}" if exc.__cause__ else "")
        if self._failures[check] >= check.threshold:
            self._set(check.name, str(exc) or type(exc).__name__)

    def _note_success(self, check: Check) -> None:
        if self._failures[check] >= max(1, check.threshold):
            _LOG.info("health check passed again: %s", check.name)
        self._failures[check] = 0
        self._set(check.name, None)

    def _set(self, name: str, cause: str | None) -> None:
        with self._lock:
            if cause is None:
                self._causes.pop(name, None)
            else:
                self._causes[name] = cause
            self._failing_count[0] = len(self._causes)
