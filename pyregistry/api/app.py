"""The wiring: middleware outermost first, then match → authorize → handler."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from types import MappingProxyType

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pyregistry.api import base, blobs, listings, manifests, tokens, uploads
from pyregistry.api.authorization import authorize, may_pull, mount_source, recall
from pyregistry.api.call import Call, Wiring, in_thread
from pyregistry.api.exchange import current
from pyregistry.api.health import HealthGate
from pyregistry.api.locations import base_url
from pyregistry.api.middleware import CommonHeaders, ErrorBoundary, Logging, Patience, Remembering
from pyregistry.api.recalling import Recalling
from pyregistry.api.remembering import EventWriter
from pyregistry.api.request_log import RequestLog
from pyregistry.api.router import below_prefix
from pyregistry.auth.interface import RequestCredentials
from pyregistry.config.settings import TlsVersion

Handler = Callable[[Call], Awaitable[Response]]

HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        "root": base.root,
        "redirect": base.redirect,
        "options": base.options,
        "token": tokens.issue,
        "catalog": listings.catalog,
        "end-1": base.base,
        "end-2": blobs.fetch,
        "end-3": manifests.fetch,
        "end-4": uploads.begin,
        "end-5": uploads.append,
        "end-6": uploads.close,
        "end-7": manifests.push,
        "end-8": listings.tags,
        "end-9": manifests.delete,
        "end-10": blobs.delete,
        "end-12": listings.referrers,
        "end-13": uploads.status,
        "end-14": uploads.cancel,
    }
)
"""By endpoint id; every row of ``spec/endpoints.py`` has one."""

_TLS_LABELS = {TlsVersion.TLS12: "TLSv1.2+", TlsVersion.TLS13: "TLSv1.3"}
"""Granian does not tell which version a connection negotiated: the journal names what it was at least."""


def build_app(wiring: Wiring) -> ASGIApp:
    """The registry as one ASGI application."""
    tls = wiring.settings.http.tls
    tls_version = _TLS_LABELS[tls.minimum] if tls else None
    events = EventWriter(wiring.journal, tls_version, notes_claims=not wiring.guard.asks)
    log = RequestLog()
    middleware = [
        Middleware(Recalling, wiring, events, log),
        Middleware(Remembering, events),
        Middleware(Patience, wiring.settings.limits.stall_seconds),
        Middleware(Logging, log),
        Middleware(CommonHeaders, list(_common_headers(wiring))),
        Middleware(ErrorBoundary),
    ]
    if wiring.health:
        middleware.append(Middleware(HealthGate, wiring.health))
    app: ASGIApp = Registry(wiring)
    for layer in reversed(middleware):
        app = layer.cls(app, *layer.args, **layer.kwargs)
    return app


class Registry:
    """Match, authorize, handle. Whatever is raised on the way is the boundary's."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        call = await self._admit(request)
        response = await HANDLERS[call.match.endpoint.id](call)
        await response(scope, receive, send)

    async def _admit(self, request: Request) -> Call:
        """The request as a call that may go on."""
        wiring, http = self._wiring, self._wiring.settings.http
        issuer = wiring.guard.issuer
        path, token_path = request.scope["raw_path"].decode("latin-1"), issuer.path if issuer else None
        path = below_prefix(path, http.prefix)
        found = wiring.manners.match(request.method, path, token_path, wiring.lacking_endpoints)
        exchange = current(request.scope)
        exchange.match = found
        source = mount_source(found, request.query_params)
        if source:
            exchange.detail["from"] = source
        url = base_url(http, request.headers, request.url.scheme)
        credentials = RequestCredentials(request.headers.get("authorization"), url)
        asked = (wiring, credentials, found, source)
        known = recall(*asked)
        exchange.identity, source = await in_thread(authorize, *asked) if known is None else known
        return Call(request, found, wiring, url, source, partial(may_pull, wiring, credentials))


def _common_headers(wiring: Wiring) -> Iterator[tuple[str, str]]:
    yield "Docker-Distribution-Api-Version", "registry/2.0"
    for name, values in wiring.settings.http.headers.items():
        yield from ((name, value) for value in values)
    yield from wiring.guard.headers.items()
