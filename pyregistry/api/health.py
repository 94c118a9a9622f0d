"""Whether the storage answers (``health.storagedriver``); while it does not, every request is 503."""

import logging
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from pyregistry.drivers.interface import DriverError
from pyregistry.spec.errors import Unavailable

_LOG = logging.getLogger(__name__)


class Health:
    """Counts failed probes in a row.

    Args:
        probe: Touches the storage, and may block; raises DriverError where it does not answer.
        threshold: Failures in a row from which on the storage counts as gone; 0 and 1 mean the first.
    """

    def __init__(self, probe: Callable[[], object], threshold: int) -> None:
        self._probe = probe
        self._threshold = max(1, threshold)
        self._failures = 0

    @property
    def is_failing(self) -> bool:
        """Whether requests are to be refused. One good probe ends it."""
        return self._failures >= self._threshold

    def check(self) -> None:
        """Probe once; the log tells when health is lost, and when it is back, before a client can notice."""
        try:
            self._probe()
        except DriverError as exc:
            if self._failures == self._threshold - 1:
                _LOG.exception("health check failed: storagedriver", exc_info=exc)
            self._failures += 1
            return
        if self.is_failing:
            _LOG.info("health check passed again: storagedriver")
        self._failures = 0


class HealthGate:
    """Lets nothing through while health is failing, the base endpoint included, as registry:2 does."""

    def __init__(self, app: ASGIApp, health: Health) -> None:
        self._app = app
        self._health = health

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the class."""
        if self._health.is_failing:
            raise Unavailable("health check failed: the storage does not answer")
        await self._app(scope, receive, send)
