"""While a check fails (``health``), every request is refused: 503, the base endpoint and ``/`` included."""

from starlette.types import ASGIApp, Receive, Scope, Send

from pyregistry.health import Health
from pyregistry.spec.errors import Unavailable

_REFUSAL = "health check failed: please see /debug/health"
"""registry:2's words. The cause may name hosts and files, and so is told on the debug server only."""


class HealthGate:
    """Lets nothing through while health is failing, as registry:2 does."""

    def __init__(self, app: ASGIApp, health: Health) -> None:
        self._app = app
        self._health = health

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the class."""
        if self._health.is_failing:
            raise Unavailable(_REFUSAL)
        await self._app(scope, receive, send)
