"""One request and its answer while they happen: what the log lines and the journal's event are made of."""

import random
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

from starlette.datastructures import Headers
from starlette.types import Scope

from pyregistry.api.locations import called_by, client_address
from pyregistry.api.redaction import redact
from pyregistry.api.router import Match
from pyregistry.auth.credentials import Basic, parse_authorization
from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import ErrorCode
from pyregistry.spec.identity import ANONYMOUS, Identity
from pyregistry.spec.journal import Event
from pyregistry.store.recall import Proof

_KEY = "pyregistry.exchange"
_MAX_TEXT = 1024
"""Characters of a client's own words (path, user agent) that the journal keeps of each."""

_SHORT_TEXT = 256
"""Characters of a text that is worth remembering without its credentials; longer ones would fill the memory."""

_PROXY_HEADERS = frozenset({b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip"})

CLIENT_GONE_STATUS = 499
"""What the logs show where the client left before there was an answer; distribution and nginx say the same."""


@dataclass(slots=True)
class Exchange:
    """Filled in from the outside inwards: the middleware knows who and how much, the handler knows what.

    Attributes:
        match: None until the path was understood.
        digest: What the request resolved to, or produced.
        detail: What only this endpoint can tell, for the journal.
        proof: What the answer rests on, where it may be given again; see ``store.recall``.
    """

    request_id: str = field(default_factory=lambda: f"{random.getrandbits(128):032x}")
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    started_ns: int = field(default_factory=time.monotonic_ns)
    match: Match | None = None
    identity: Identity = ANONYMOUS
    digest: Digest | None = None
    media_type: str | None = None
    status: int | None = None
    error_code: ErrorCode | None = None
    bytes_in: int = 0
    bytes_out: int = 0
    aborted: bool = False
    detail: dict[str, object] = field(default_factory=dict)
    proof: Proof | None = None

    @property
    def duration_ms(self) -> float:
        """Since the request came in."""
        return (time.monotonic_ns() - self.started_ns) / 1e6


def begin(scope: Scope) -> Exchange:
    """Start the exchange of a request."""
    exchange = scope[_KEY] = Exchange()
    return exchange


def current(scope: Scope) -> Exchange:
    """The exchange that was begun for this request."""
    exchange: Exchange = scope[_KEY]
    return exchange


def header(scope: Scope, name: bytes) -> str | None:
    """The first header of that name (in lower case). Starlette's ``Headers`` costs five times as much for one look."""
    for field_name, value in scope["headers"]:
        if field_name == name:
            text: str = value.decode("latin-1")
            return text
    return None


def target(scope: Scope) -> str:
    """Path and query as the client wrote them. Whoever writes them down redacts them."""
    path: str = scope["raw_path"].decode("latin-1")
    query: str = scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


def peer(scope: Scope) -> str:
    """``host:port`` of the other end, empty on a socket that has none."""
    client = scope.get("client")
    return f"{client[0]}:{client[1]}" if client else ""


def journal_event(exchange: Exchange, scope: Scope, tls_version: str | None, *, notes_claims: bool = False) -> Event:
    """The event that remembers the exchange.

    ``notes_claims``: nobody asked who the client is, so what its Authorization header says of that is noted.
    """
    found, identity = exchange.match, exchange.identity
    return Event(
        kind="request",
        at=exchange.at,
        monotonic_ns=exchange.started_ns,
        actor=identity.account,
        credential_kind=identity.credential_kind,
        credential_id=identity.credential_id,
        credential_scopes=identity.credential_scopes,
        tls_version=tls_version if scope["scheme"] == "https" else None,
        peer=peer(scope) or None,
        user_agent=_clipped(header(scope, b"user-agent")),
        host=_clipped(header(scope, b"host")),
        method=_clipped(scope["method"]),
        path=_clipped(target(scope)),
        endpoint=found.endpoint.id if found else None,
        repository=found.repository or None if found else None,
        reference=_reference(found),
        digest=str(exchange.digest) if exchange.digest else None,
        media_type=_clipped(exchange.media_type),
        status=exchange.status,
        error_code=exchange.error_code,
        bytes_in=exchange.bytes_in,
        bytes_out=exchange.bytes_out,
        aborted=exchange.aborted,
        request_id=exchange.request_id,
        detail=exchange.detail | _said_by_proxy(scope) | (_claimed(scope) if notes_claims else {}),
    )


def _said_by_proxy(scope: Scope) -> dict[str, object]:
    """Who the client is and what it called us, where a proxy in front says so. A claim: anyone may send these."""
    if all(name not in _PROXY_HEADERS for name, _ in scope["headers"]):
        return {}
    headers = Headers(scope=scope)
    said = {"client": client_address(headers), "base_url": _clipped(called_by(headers, scope["scheme"]))}
    return {name: value for name, value in said.items() if value}


def _claimed(scope: Scope) -> dict[str, object]:
    """By whose name the client came, where a proxy in front has asked for passwords and hands them on: a claim."""
    if (sent := header(scope, b"authorization")) is None:
        return {}
    credentials = parse_authorization(sent)
    if not isinstance(credentials, Basic) or not credentials.user.isprintable():
        return {}  # RFC 7617: a name has no control characters
    return {"claimed_user": _clipped(credentials.user)} if credentials.user else {}


def _reference(found: Match | None) -> str | None:
    """The tag or digest as the client wrote it, unless it is an access token that slipped into the place of a tag."""
    named = (found.reference or found.digest) if found else None
    return _clipped(str(named)) if named else None


def _clipped(text: str | None) -> str | None:
    """A client's own words without credentials, at a length that a journal can bear. Latin-1, so always encodable."""
    if text is None or len(text) > _SHORT_TEXT:
        return text and redact(text)[:_MAX_TEXT]
    return _redacted(text)


@lru_cache(maxsize=1024)
def _redacted(text: str) -> str:
    """The same clients come again and again, and a search for secrets costs a microsecond each."""
    return redact(text)
