"""Granian on a socket of our own, and how it ends."""

import asyncio
import logging
import os
import resource
import signal
import socket
import tempfile
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings
from granian.net import SocketHolder  # type: ignore[attr-defined]  # it is there; only its stub forgot to say so
from granian.server.embed import Server as GranianServer
from starlette.types import ASGIApp

from pyregistry.config.settings import ClientAuth, HttpSettings, Settings, TlsSettings, TlsVersion
from pyregistry.server.addresses import BACKLOG, milliseconds

_LOG = logging.getLogger(__name__)

_MAX_CONNECTIONS = 16_384
"""Open at a time; further ones wait. Granian's own limit is the backlog: 1,000 silent clients would keep all others
out for half a minute. Some 2.5 kB each while they are silent."""

_HEADERS_SECONDS = 30.0
"""From one answer, or the connection's begin, to the end of the next request's headers. Granian's own limit."""

_READ_BUFFER_BYTES = 1 << 20
"""Of a connection. With Granian's 400 KiB an upload comes in three times as many pieces, each a turn of the loop."""

LEAST_DRAIN_SECONDS = 2.0
"""At shutdown, for requests in flight even where ``http.draintimeout`` is 0: their events are to be in the journal."""

_PROTOCOLS = {TlsVersion.TLS12: SSLProtocols.tls12, TlsVersion.TLS13: SSLProtocols.tls13}

Chore = Coroutine[None, None, NoReturn]
"""What goes on beside serving until it is cancelled."""


async def run(
    server: "EmbeddedServer", settings: HttpSettings, chores: Iterable[Chore], ready: Callable[[], None]
) -> None:
    """Serve until a signal comes, then let what is in flight end. What does not end in time is cancelled.

    ``ready`` is called as soon as a signal would be heard.
    """
    stopping = stop_signal()
    ready()
    serving = asyncio.create_task(server.serve())
    beside = [asyncio.create_task(chore) for chore in chores]
    await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
    for chore in beside:
        chore.cancel()
    server.stop()  # type: ignore[no-untyped-call]  # Granian does not annotate it
    await asyncio.wait([serving], timeout=max(settings.drain_timeout_seconds, LEAST_DRAIN_SECONDS))
    if not serving.done():
        _LOG.warning("requests are still in flight and are broken off")


def stop_signal() -> "asyncio.Task[bool]":
    """Is done when SIGTERM or SIGINT comes."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _say_goodbye, stop)
    return asyncio.create_task(stop.wait())


def _say_goodbye(stop: asyncio.Event) -> None:
    _LOG.info("stopping server gracefully")
    stop.set()


class EmbeddedServer(GranianServer):
    """Granian on a socket of our own.

    Granian's own is bound with SO_REUSEPORT, so that a second server on a busy port would start without a word and
    get half of its connections; nor does it tell which port 0 became.
    """

    def __init__(
        self, app: ASGIApp, listener: socket.socket, settings: Settings, client_authorities: Path | None
    ) -> None:
        tls = settings.http.tls
        headers_seconds = min(_HEADERS_SECONDS, settings.limits.stall_seconds or _HEADERS_SECONDS)
        super().__init__(
            app,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,  # over HTTP/2 an upload comes in 16 kB frames, at less than half the speed
            http1_settings=HTTP1Settings(
                header_read_timeout=milliseconds(headers_seconds), max_buffer_size=_READ_BUFFER_BYTES
            ),
            websockets=False,
            backlog=BACKLOG,
            backpressure=_raise_connection_limit(),
            log_enabled=False,
            ssl_cert=tls.certificate if tls else None,
            ssl_key=tls.key if tls else None,
            ssl_protocol_min=_PROTOCOLS[tls.minimum if tls else TlsVersion.TLS12],
            ssl_ca=client_authorities,
            ssl_client_verify=bool(client_authorities and tls and tls.client_auth is ClientAuth.REQUIRE_AND_VERIFY),
        )
        self._listener = listener

    def _init_shared_socket(self) -> None:
        is_unix = self._listener.family == socket.AF_UNIX
        # Granian's type stub leaves the constructor out; Granian itself calls it so when it unpickles one.
        self._shd = SocketHolder(os.dup(self._listener.fileno()), is_unix, BACKLOG)  # type: ignore[call-arg, assignment]


def _raise_connection_limit() -> int:
    """As many connections as we may have descriptors for, two each: an answer may need a file.

    Go's programs, registry:2 among them, raise the soft limit likewise.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * _MAX_CONNECTIONS
    descriptors = max(soft, wanted if hard == resource.RLIM_INFINITY else min(wanted, hard))
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, hard))
    return min(_MAX_CONNECTIONS, descriptors // 2)


@contextmanager
def client_authorities(tls: TlsSettings | None) -> Iterator[Path | None]:
    """The client CAs in one file, which is what Granian takes; None where clients need no certificate."""
    if tls is None or not tls.client_cas:
        yield None
        return
    with tempfile.NamedTemporaryFile(prefix="client-authorities-", suffix=".pem") as joined:
        joined.write(b"\n".join(path.read_bytes() for path in tls.client_cas))
        joined.flush()
        yield Path(joined.name)
