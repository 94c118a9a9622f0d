"""The endpoints that hold nothing: the API's base (end-1), the root, and the way from ``/v2`` to ``/v2/``."""

from starlette.responses import Response

from pyregistry.api.call import Call
from pyregistry.api.locations import location
from pyregistry.api.router import BASE_PATH
from pyregistry.store.recall import RESTS_ON_NOTHING


async def base(call: Call) -> Response:
    """The registry speaks this API, and the client may talk to it."""
    call.exchange.proof = RESTS_ON_NOTHING
    return Response("{}", media_type="application/json")


async def root(_call: Call) -> Response:
    """A load balancer's first question."""
    return Response(headers={"Cache-Control": "no-cache"})


async def options(call: Call) -> Response:
    """Which methods a path takes. ``http.headers`` says what pages of other origins may do with them."""
    return Response(headers={"Allow": ", ".join(call.match.methods)})


async def redirect(call: Call) -> Response:
    """``/v2`` → ``/v2/``."""
    return Response(status_code=301, headers={"Location": location(call.wiring.settings.http, "", BASE_PATH)})
