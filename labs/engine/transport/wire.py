"""One HTTP request to one name: the name's route, its trust, and faults in Go's words. Knows nothing of registries."""

import os
import socket
import ssl
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.client import RemoteDisconnected
from typing import Self, TypeVar
from urllib.parse import urlsplit

import urllib3
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    SSLError,
)
from urllib3.exceptions import (
    TimeoutError as ReadTimeoutError,
)
from urllib3.response import BaseHTTPResponse

from labs.certsd import FolderRefused
from labs.engine.internet import HTTPS_PORT, Internet, InternetUnreadable, PortClosed, Route
from labs.engine.transport.alerts import in_gos_words
from labs.engine.transport.faults import ConnectionBroken, RequestFailed, TransportError
from labs.engine.trust import Trust, TrustError

F = TypeVar("F", bound=BaseException)

HTTP_PORT = 80
CHUNK_SIZE = 256 * 1024
"""Bytes handed to the socket at a time."""
CONNECTIONS_PER_HOST = 8
"""Five uploads at once, as Docker does, and the requests between them."""
TIMEOUT = urllib3.Timeout(connect=30, read=300)
"""Seconds. A registry may take minutes to commit a large layer; the twins' upload limit is ten minutes."""

# OpenSSL's reasons, old and new, for an answer that begins with "HTTP/1.1" instead of a TLS record.
_NOT_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG")


class Wire:
    """Sends requests. Close it: connections are kept for reuse.

    Args:
        internet: Which names reach a twin.
        trust: Whose certificates count.
        user_agent: How we call ourselves.
    """

    def __init__(self, internet: Internet, trust: Trust, user_agent: str) -> None:
        self._trust = trust
        self._internet = internet
        self._user_agent = user_agent
        self._pools: dict[tuple[str, str], HTTPConnectionPool] = {}
        self._routes: dict[tuple[str, str], Route] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()

    def schemes(self, registry: str) -> tuple[str, ...]:
        """How ``host[:port]`` may be spoken to, the better first.

        Raises:
            RequestFailed: The file that decides is damaged.
        """
        with self._translated("GET", f"https://{registry}/v2/"):
            return ("https", "http") if self._trust.is_insecure(registry) else ("https",)

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | Iterable[bytes] | None = None,
    ) -> BaseHTTPResponse:
        """Send one request; nothing is retried and no redirect followed. The caller reads the answer or releases it.

        Raises:
            RequestFailed: No connection, or the certificate was refused.
            ConnectionBroken: It was there and broke before the answer.
        """
        parts = urlsplit(url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        sent = {"Host": parts.netloc, "User-Agent": self._user_agent, "Accept-Encoding": "identity"} | dict(
            headers or {}
        )
        with self._translated(method, url):
            return self._pool(parts.scheme, parts.netloc).urlopen(
                method,
                target or "/",
                body=body,
                headers=sent,
                retries=False,
                redirect=False,
                assert_same_host=False,
                preload_content=False,
                decode_content=False,
            )

    def read(self, answer: BaseHTTPResponse, url: str) -> bytes:
        """The whole body of a small answer.

        Raises:
            ConnectionBroken: It broke off.
        """
        return b"".join(self.stream(answer, url))

    def stream(self, answer: BaseHTTPResponse, url: str) -> Iterator[bytes]:
        """The body in pieces.

        Raises:
            ConnectionBroken: It broke off; what came before was handed out.
        """
        with self._translated("GET", url):
            try:
                yield from answer.stream(CHUNK_SIZE, decode_content=False)
            finally:
                answer.release_conn()

    def _pool(self, scheme: str, netloc: str) -> HTTPConnectionPool:
        with self._lock:
            if (scheme, netloc) not in self._pools:
                self._pools[scheme, netloc] = self._open_pool(scheme, netloc)
            return self._pools[scheme, netloc]

    def _open_pool(self, scheme: str, netloc: str) -> HTTPConnectionPool:
        route = self._route(scheme, netloc)
        if scheme == "http":
            return HTTPConnectionPool(
                route.host, route.port, timeout=TIMEOUT, maxsize=CONNECTIONS_PER_HOST, blocksize=CHUNK_SIZE
            )
        context = self._trust.context(netloc, route.authorities)
        pool = HTTPSConnectionPool(
            route.host,
            route.port,
            timeout=TIMEOUT,
            maxsize=CONNECTIONS_PER_HOST,
            blocksize=CHUNK_SIZE,
            ssl_context=context,
            server_hostname=_hostname(netloc),
        )
        if context.verify_mode is ssl.CERT_NONE:
            pool.ConnectionCls = _AcceptedConnection
        return pool

    def _route(self, scheme: str, netloc: str) -> Route:
        """Where a name is reached, as it was found the first time: what a fault is told of is what was dialled."""
        if (scheme, netloc) not in self._routes:
            port = urlsplit(f"//{netloc}").port or (HTTPS_PORT if scheme == "https" else HTTP_PORT)
            self._routes[scheme, netloc] = self._internet.route(_hostname(netloc), port)
        return self._routes[scheme, netloc]

    @contextmanager
    def _translated(self, method: str, url: str) -> Iterator[None]:
        """Turn urllib3's faults into ours."""
        try:
            yield
        except FolderRefused as exc:  # before anything is asked, so that Docker names no address
            raise TransportError(str(exc)) from exc
        except (InternetUnreadable, PortClosed, TrustError) as exc:
            raise RequestFailed(method, url, str(exc)) from exc
        except SSLError as exc:
            raise RequestFailed(method, url, self._tls_fault(url, exc)) from exc
        except (NewConnectionError, ConnectTimeoutError) as exc:
            raise RequestFailed(method, url, self._dial_fault(url, exc)) from exc
        except ReadTimeoutError as exc:
            raise ConnectionBroken(method, url, "net/http: timeout awaiting response headers") from exc
        except ProtocolError as exc:
            raise ConnectionBroken(method, url, _break_fault(exc)) from exc
        except (HTTPError, OSError) as exc:
            raise ConnectionBroken(method, url, str(exc)) from exc

    def _dial_fault(self, url: str, fault: HTTPError) -> str:
        parts = urlsplit(url)
        route = self._route(parts.scheme, parts.netloc)
        if isinstance(fault, NameResolutionError):
            return f"dial tcp: lookup {route.host}: no such host"
        where = f"dial tcp {_resolved(route)}"
        if isinstance(fault, ConnectTimeoutError) and not isinstance(fault, NewConnectionError):
            return f"{where}: i/o timeout"
        return f"{where}: connect: {_errno_text(fault)}"

    def _tls_fault(self, url: str, fault: SSLError) -> str:
        cause = _find(fault, ssl.SSLError)
        parts = urlsplit(url)
        if isinstance(cause, ssl.SSLCertVerificationError):
            from labs.engine.certificates import explain

            route = self._route(parts.scheme, parts.netloc)
            roots = (*(route.authorities or ()), *self._trust.added(parts.netloc))
            reason = explain((route.host, route.port), _hostname(parts.netloc), cause, roots)
            return f"tls: failed to verify certificate: {reason}"
        if any(reason in str(fault) for reason in _NOT_TLS):
            return "http: server gave HTTP response to HTTPS client"
        return f"remote error: tls: {in_gos_words(cause.reason) if cause and cause.reason else fault}"


class _AcceptedConnection(HTTPSConnection):
    """Unverified by Docker's rule for loopback, not by oversight: urllib3 need not warn of it."""

    def connect(self) -> None:
        """Connect, and count as looked at."""
        super().connect()
        self.is_verified = True


def _hostname(netloc: str) -> str:
    return urlsplit(f"//{netloc}").hostname or netloc


def _resolved(route: Route) -> str:
    """The address that was dialled, as Go prints it; of a private name, the port that was typed."""
    if route.told:
        return f"{route.host}:{route.told}"
    try:
        address = socket.getaddrinfo(route.host, route.port, type=socket.SOCK_STREAM)[0][4]
    except OSError:
        return f"{route.host}:{route.port}"
    host = f"[{address[0]}]" if ":" in str(address[0]) else address[0]
    return f"{host}:{route.port}"


def _errno_text(fault: HTTPError) -> str:
    cause = _find(fault, OSError)
    return os.strerror(cause.errno).lower() if cause and cause.errno else str(fault)


def _break_fault(fault: ProtocolError) -> str:
    cause = _find(fault, ConnectionError)
    if isinstance(cause, BrokenPipeError):
        return "write: broken pipe"
    if isinstance(cause, ConnectionResetError) and cause.errno:
        return "read: connection reset by peer"
    if isinstance(cause, RemoteDisconnected):
        return "EOF"
    return "unexpected EOF"


def _find(fault: BaseException, kind: type[F]) -> F | None:
    """The first of a kind among a fault, what it wraps and what caused it."""
    waiting: list[object] = [fault]
    seen: set[int] = set()
    while waiting:
        candidate = waiting.pop(0)
        if isinstance(candidate, kind):
            return candidate
        if isinstance(candidate, BaseException) and id(candidate) not in seen:
            seen.add(id(candidate))
            waiting += [*candidate.args, getattr(candidate, "reason", None), candidate.__cause__, candidate.__context__]
    return None
