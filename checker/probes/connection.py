"""The grader's own HTTP: TLS proved for the registry's name, wherever it listens; the token dance; streamed bodies."""

import base64
import json
import re
import secrets
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote, urlencode, urljoin, urlsplit

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    MaxRetryError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
    SSLError,
)
from urllib3.response import BaseHTTPResponse

from checker.facts import NotObserved, Unavailable
from checker.probes import GRADER
from checker.probes.calls import ANSWER_SECONDS
from checker.probes.trust import unverified
from labs.attempts import Endpoint
from pyregistry import __version__

PAUSE_SECONDS = 0.2
"""Before a gateway is asked again: its server may be starting, for docker compose does not wait until it listens."""
CONNECTIONS = 8
"""Kept open at once: as many as there are probes that share them."""
CHUNK_BYTES = 1 << 20
MAX_REDIRECTS = 3
"""Hosted registries send blob downloads to a store of theirs, once; more is a loop."""
TOKEN_MAX_BYTES = 1 << 20
_OK, _UNAUTHORIZED, _NOT_FOUND, _SERVER_ERROR = 200, 401, 404, 500
_GATEWAY = frozenset({502, 503, 504})
"""What a proxy says of the server behind it, and a server of itself, for as long as it lasts."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})

# challenge ::= scheme 1*SP auth-param *( "," auth-param )   auth-param ::= token "=" quoted-string   (RFC 9110 §11)
_AUTH_PARAM = re.compile(r'(\w+)="([^"]*)"')
_REPOSITORY = re.compile(r"/v2/(?P<name>.+)/(?:manifests|blobs|tags|referrers)/")
_ABSENT = frozenset({"MANIFEST_UNKNOWN", "NAME_UNKNOWN", "BLOB_UNKNOWN"})


@dataclass(frozen=True, slots=True)
class Credential:
    """Who the grader is to a registry."""

    user: str
    secret: str

    def basic(self) -> str:
        """The Authorization header."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.secret}".encode()).decode()

    def __repr__(self) -> str:
        """Without the secret: a repr ends up in logs."""
        return f"Credential({self.user!r})"


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer of the registry."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connection:
    """Speaks to one registry. Safe for several threads.

    Args:
        endpoint: Where it is, and the name that its certificate must prove.
        credential: Called when the registry asks who we are; None stays anonymous.
        authority: What clients call it, port included; None: as the endpoint says.
        trust: Whom its TLS may lead to; None: the endpoint's CA.
        pin: SHA-256 of the certificate that it must show, whoever signed that; then ``trust`` is not asked.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        credential: Callable[[], Credential | None],
        *,
        authority: str | None = None,
        trust: ssl.SSLContext | None = None,
        pin: str | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._authority = authority
        # Its own in each run: by it the journal proves to be this registry's, and to be kept up to this moment.
        self.user_agent = f"{GRADER}/{__version__} run/{secrets.token_hex(8)}"
        self._credential = credential
        self._authorization: dict[str, str] = {}
        self._own = _pool(endpoint.url, endpoint.name, trust or endpoint.ca, pin)

    def get(self, path: str, *, accept: Sequence[str] = (), limit: int = TOKEN_MAX_BYTES) -> Reply:
        """GET a small thing of the registry, logging in as it asks.

        Raises:
            NotObserved: No answer, or one larger than ``limit`` bytes.
        """
        with self._opened(path, accept) as response:
            body = b"".join(_chunks(response, path, limit))
            return Reply(response.status, {k.lower(): v for k, v in response.headers.items()}, body)

    @contextmanager
    def open(self, path: str) -> "Iterator[Iterator[bytes] | None]":
        """A blob as a stream of chunks; None when the registry says that it has none.

        Raises:
            NotObserved: No usable answer.
        """
        with self._opened(path, ()) as response:
            if response.status == _OK:
                yield _chunks(response, path, None)
            else:
                reply = Reply(response.status, {}, b"".join(_chunks(response, path, TOKEN_MAX_BYTES)))
                expect_absent(reply, path)
                yield None

    @contextmanager
    def _opened(self, path: str, accept: Sequence[str]) -> Iterator[BaseHTTPResponse]:
        """The answer after login and redirects, its body unread."""
        match = _REPOSITORY.match(path)
        scope = f"repository:{match['name']}:pull" if match else None
        response = self._request(path, accept, scope)
        challenge = response.headers.get("WWW-Authenticate", "")
        if response.status == _UNAUTHORIZED and challenge and scope:
            response.drain_conn()
            self._authorization[scope] = self._answer(challenge, scope)
            response = self._request(path, accept, scope)
        response = self._followed(response, urljoin(self.endpoint.url, path))
        try:
            yield response
        finally:
            response.close()
            response.release_conn()

    def _request(self, path: str, accept: Sequence[str], scope: str | None) -> BaseHTTPResponse:
        """One request to the registry itself."""
        headers = {"Accept": ", ".join(accept)} if accept else {}
        if scope and scope in self._authorization:
            headers["Authorization"] = self._authorization[scope]
        return self._send(self._own, path, headers | {"Host": self._host()})

    def _host(self) -> str:
        """What the registry is called: with its port unless that is a stand-in for the name's own."""
        there = urlsplit(self.endpoint.url)
        if self._authority:
            return self._authority
        return there.netloc if self.endpoint.name == there.hostname else self.endpoint.name

    def _send(self, pool: urllib3.HTTPConnectionPool, path: str, headers: Mapping[str, str]) -> BaseHTTPResponse:
        """Send, and turn what the network does into reasons.

        A GET changes nothing: it is sent once more where its connection, perhaps one kept open, was closed before the
        answer, and to a gateway that misses its server. Silence was waited for already.
        """
        told = {"User-Agent": self.user_agent, "Accept-Encoding": "identity", **headers}
        ask = partial(pool.request, "GET", path, headers=told, preload_content=False, redirect=False, retries=False)
        with _reasons(self.endpoint, path):
            try:
                response = ask()
            except ProtocolError:
                return ask()
            if response.status not in _GATEWAY:
                return response
            response.drain_conn()
            time.sleep(PAUSE_SECONDS)
            return ask()

    def _followed(self, response: BaseHTTPResponse, url: str) -> BaseHTTPResponse:
        """Go where a blob really lies; the login stays behind."""
        for _ in range(MAX_REDIRECTS):
            if response.status not in _REDIRECTS:
                return response
            url = urljoin(url, response.headers.get("Location", ""))
            response.close()
            there = urlsplit(url)
            pool = _pool(f"{there.scheme}://{there.netloc}", there.hostname or "", None)
            response = self._send(pool, path_and_query(url), {})
        return response

    def _answer(self, challenge: str, scope: str) -> str:
        """The Authorization header that a challenge asks for; without a credential, that of nobody in particular.

        Raises:
            NotObserved: The token endpoint refuses, or makes no sense.
        """
        credential = self._credential()
        login = {"Authorization": credential.basic()} if credential else {}
        wanted = Unavailable("login-needed", {"url": self.endpoint.url, "name": self._host()})
        if challenge[:6].lower() == "basic ":
            if credential is None:
                raise NotObserved(wanted)
            return credential.basic()
        params = dict(_AUTH_PARAM.findall(challenge))
        realm = params.pop("realm", "")
        # distribution names the scope in its challenge; a client may know it without, and some servers leave it out.
        asked = {"service": params.get("service"), "scope": params.get("scope") or scope}
        there = urlsplit(realm)
        ours = there.netloc in {self._host(), urlsplit(self.endpoint.url).netloc}
        pool = self._own if ours else _pool(f"{there.scheme}://{there.netloc}", there.hostname or "", None)
        headers = login | ({"Host": there.netloc} if ours else {})
        response = self._send(
            pool,
            f"{there.path or '/'}?{urlencode({k: v for k, v in asked.items() if v}, quote_via=quote, safe=':,/')}",
            headers,
        )
        body = b"".join(_chunks(response, realm, TOKEN_MAX_BYTES))
        response.release_conn()
        if response.status != _OK:
            refused = Unavailable("grader-refused", {"status": response.status})
            raise NotObserved(refused if credential else wanted)
        values = read_json(body, "token")
        token = values.get("token") or values.get("access_token")
        if not isinstance(token, str):
            raise NotObserved(Unavailable("garbage", {"source": "token"}))
        return f"Bearer {token}"


def read_json(body: bytes, source: str) -> dict[str, object]:
    """A JSON object.

    Raises:
        NotObserved: It is none.
    """
    try:
        values = json.loads(body)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise NotObserved(Unavailable("garbage" if body else "empty", {"source": source}))
    return values


def expect_absent(reply: Reply, what: str) -> None:
    """Go on when the registry says, in the spec's words, that the thing is not there.

    Raises:
        NotObserved: It says something else.
    """
    if reply.status == _NOT_FOUND:
        errors = read_json(reply.body, what).get("errors")
        rows = errors if isinstance(errors, list) else []
        if any(isinstance(row, dict) and row.get("code") in _ABSENT for row in rows):
            return
        raise NotObserved(Unavailable("garbage", {"source": what}))
    refused = "server-error" if reply.status >= _SERVER_ERROR or reply.status < _UNAUTHORIZED else "grader-refused"
    raise NotObserved(Unavailable(refused, {"status": reply.status, "what": what}))


def _pool(
    url: str, name: str, trust: str | ssl.SSLContext | None, pin: str | None = None
) -> urllib3.HTTPConnectionPool:
    """A pool to ``url`` that proves the other side to be ``name``, or to hold the certificate of ``pin``."""
    there = urlsplit(url)
    # urllib3 counts the handshake of TLS to the connecting, where a busy server takes longest.
    timeout = urllib3.Timeout(connect=ANSWER_SECONDS, read=ANSWER_SECONDS)
    host = there.hostname or ""
    if there.scheme == "http":
        return urllib3.HTTPConnectionPool(host, there.port or 80, timeout=timeout, maxsize=CONNECTIONS)
    if pin:
        context = unverified()
    else:
        context = trust if isinstance(trust, ssl.SSLContext) else ssl.create_default_context(cafile=trust)
    return urllib3.HTTPSConnectionPool(
        host,
        there.port or 443,
        timeout=timeout,
        maxsize=CONNECTIONS,
        ssl_context=context,
        server_hostname=name,
        assert_hostname=False if pin else name,
        assert_fingerprint=pin,
    )


def path_and_query(url: str) -> str:
    """What of a URL a request line holds."""
    there = urlsplit(url)
    return f"{there.path or '/'}?{there.query}" if there.query else there.path or "/"


def _chunks(response: BaseHTTPResponse, what: str, limit: int | None) -> Iterator[bytes]:
    """The body in chunks; at most ``limit`` bytes of it."""
    size = 0
    with _reasons(None, what):
        for chunk in response.stream(CHUNK_BYTES, decode_content=False):
            size += len(chunk)
            if limit is not None and size > limit:
                raise NotObserved(Unavailable("too-large", {"what": what}))
            yield chunk


@contextmanager
def _reasons(endpoint: Endpoint | None, what: str) -> Iterator[None]:
    """Turn faults of the network into reasons."""
    where = {"url": endpoint.url if endpoint else what, "name": endpoint.name if endpoint else what}
    # The lab can start its own registry again; of another one nobody knows more than that.
    silent = "not-answering" if endpoint and endpoint.journal else "unreachable"
    try:
        yield
    except (NewConnectionError, ConnectTimeoutError, MaxRetryError) as exc:
        raise NotObserved(Unavailable(silent, where)) from exc
    except SSLError as exc:
        raise NotObserved(Unavailable("tls", where)) from exc
    except ReadTimeoutError as exc:
        raise NotObserved(Unavailable("timeout", {"seconds": int(ANSWER_SECONDS), "source": what})) from exc
    except (HTTPError, OSError) as exc:
        raise NotObserved(Unavailable("interrupted", {"what": what})) from exc
