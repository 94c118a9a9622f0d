"""The process that serves: one socket, one event loop, a clean end. Granian speaks HTTP, ``api`` answers.

One process on purpose: ``kill -9`` leaves no worker behind that still holds the port.
"""

import asyncio
import errno
import logging
import os
import resource
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import psutil
from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings
from granian.net import SocketHolder  # type: ignore[attr-defined]  # it is there; only its stub forgot to say so
from granian.server.embed import Server as GranianServer
from starlette.types import ASGIApp

from pyregistry import __version__
from pyregistry.api import logs
from pyregistry.api.app import build_app
from pyregistry.api.call import Wiring
from pyregistry.api.housekeeping import choose_delay, collect_garbage, purge_uploads
from pyregistry.api.manners import manners_of
from pyregistry.auth.guards import guard_for
from pyregistry.config.settings import (
    ClientAuth,
    FilesystemStorage,
    HttpSettings,
    MemoryStorage,
    Mode,
    Settings,
    TcpAddress,
    TlsSettings,
    TlsVersion,
    UnixAddress,
)
from pyregistry.drivers.filesystem import FilesystemDriver
from pyregistry.drivers.interface import Driver
from pyregistry.drivers.memory import MemoryDriver
from pyregistry.journal import EventLog, open_journal
from pyregistry.spec.journal import Event
from pyregistry.store.configured import wrap
from pyregistry.store.interface import Store
from pyregistry.store.locks import announce_serving
from pyregistry.store.recall import Prover
from pyregistry.store.registry import DriverStore, open_store
from pyregistry.twins import speech_of
from pyregistry.watch import Watch

_LOG = logging.getLogger(__name__)

_BACKLOG = 1024
"""Connections that may wait to be accepted; the kernel turns further ones away."""

_MAX_CONNECTIONS = 16_384
"""Open at a time; further ones wait. Granian's own limit is the backlog: 1,000 silent clients would keep all others
out for half a minute. Some 2.5 kB each while they are silent."""

_HEADERS_SECONDS = 30.0
"""From one answer, or the connection's begin, to the end of the next request's headers. Granian's own limit."""

_MAX_TIMEOUT_MS = (1 << 31) - 1
"""What the kernel takes: 24 days."""

_READ_BUFFER_BYTES = 1 << 20
"""Of a connection. With Granian's 400 KiB an upload comes in three times as many pieces, each a turn of the loop."""

_LEAST_DRAIN_SECONDS = 2.0
"""At shutdown, for requests in flight even where ``http.draintimeout`` is 0: their events are to be in the journal."""

_PROTOCOLS = {TlsVersion.TLS12: SSLProtocols.tls12, TlsVersion.TLS13: SSLProtocols.tls13}


class StartError(Exception):
    """The registry cannot be started; the message is one line for the person who tried."""


def serve(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT.

    Returns:
        1, with one line in the log, where the registry cannot be started. After having served, the process ends here
        with 0 (see ``_leave``).

    Raises:
        JournalError, AccountsUnreadable: What the configuration names is damaged.
    """
    logs.configure(settings.log)
    try:
        with _listening(settings) as listener, _client_authorities(settings.http.tls) as authorities:
            journal = open_journal(settings)
            driver = _open_driver(settings.storage.driver)
            store = open_store(driver, timedelta(seconds=settings.gc.grace_seconds))
            watch = _watch(settings, driver, store, _shown(listener))
            fed, begun = watch.fed(journal)
            manners = manners_of(settings.mode)
            lacking = speech_of(settings.twin).lacking_endpoints | manners.lacking_endpoints
            prover = Prover(driver) if settings.mode is Mode.OCI else None
            guard = guard_for(settings)
            wiring = Wiring(settings, wrap(store, settings), guard, fed, lacking, watch.health, begun, prover, manners)
            server = _Embedded(build_app(wiring), listener, settings, authorities)
            _remember(journal, "server.started", _shown(listener))
            watch.start()
            with announce_serving(driver):
                asyncio.run(_run(server, settings.http, _chores(store, driver, settings)))
            watch.stop()
            _remember(journal, "server.stopped", _shown(listener))
    except StartError as exc:
        _LOG.critical("%s", exc)
        return 1
    return _leave(0)


def _watch(settings: Settings, driver: Driver, store: Store, address: str) -> Watch:
    """What goes on beside serving.

    Raises:
        StartError: The debug server's address is taken, or not ours to take.
    """
    try:
        return Watch(settings, driver, store, address)
    except OSError as exc:
        taken = settings.http.debug
        raise StartError(
            _refusal(taken.address, exc, "http.debug.addr", "the debug server") if taken else _reason(exc)
        ) from exc


def _chores(store: DriverStore, driver: Driver, settings: Settings) -> Iterator[Coroutine[None, None, NoReturn]]:
    """What goes on beside serving, to be started in the loop."""
    purging = settings.storage.upload_purging
    if purging.enabled and not settings.storage.read_only:
        yield purge_uploads(store, purging, choose_delay())
    if settings.gc.interval_seconds is not None and not settings.storage.read_only:
        yield collect_garbage(driver, settings, settings.gc.interval_seconds)


async def _run(server: "_Embedded", settings: HttpSettings, chores: Iterable[Coroutine[None, None, NoReturn]]) -> None:
    """Serve until a signal comes, then let what is in flight end. What does not end in time is cancelled."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    beside = [asyncio.create_task(chore) for chore in chores]
    serving = asyncio.create_task(server.serve())
    stopping = asyncio.create_task(stop.wait())
    _LOG.info("listening on %s%s", server.address, ", tls" if settings.tls else "")
    await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
    _LOG.info("stopping server gracefully")
    for chore in beside:
        chore.cancel()
    server.stop()  # type: ignore[no-untyped-call]  # Granian does not annotate it
    await asyncio.wait([serving], timeout=max(settings.drain_timeout_seconds, _LEAST_DRAIN_SECONDS))
    if not serving.done():
        _LOG.warning("requests are still in flight and are broken off")


class _Embedded(GranianServer):
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
                header_read_timeout=_milliseconds(headers_seconds), max_buffer_size=_READ_BUFFER_BYTES
            ),
            websockets=False,
            backlog=_BACKLOG,
            backpressure=_raise_connection_limit(),
            log_enabled=False,
            ssl_cert=tls.certificate if tls else None,
            ssl_key=tls.key if tls else None,
            ssl_protocol_min=_PROTOCOLS[tls.minimum if tls else TlsVersion.TLS12],
            ssl_ca=client_authorities,
            ssl_client_verify=bool(client_authorities and tls and tls.client_auth is ClientAuth.REQUIRE_AND_VERIFY),
        )
        self._listener = listener

    @property
    def address(self) -> str:
        """Where it listens, as a person reads it."""
        return _shown(self._listener)

    def _init_shared_socket(self) -> None:
        is_unix = self._listener.family == socket.AF_UNIX
        # Granian's type stub leaves the constructor out; Granian itself calls it so when it unpickles one.
        self._shd = SocketHolder(os.dup(self._listener.fileno()), is_unix, _BACKLOG)  # type: ignore[call-arg, assignment]


def _open_driver(storage: FilesystemStorage | MemoryStorage) -> Driver:
    if isinstance(storage, MemoryStorage):
        return MemoryDriver()
    _check_writable(storage.root)
    return FilesystemDriver(storage.root)


def _check_writable(root: Path) -> None:
    """Prove it by writing: modes say little about read-only mounts, and nothing to root.

    Raises:
        StartError: The folder cannot be made or written to.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root):
            pass
    except OSError as exc:
        raise StartError(f"storage.filesystem.rootdirectory {root}: {_reason(exc)}") from exc


@contextmanager
def _client_authorities(tls: TlsSettings | None) -> Iterator[Path | None]:
    """The client CAs in one file, which is what Granian takes; None where clients need no certificate."""
    if tls is None or not tls.client_cas:
        yield None
        return
    with tempfile.NamedTemporaryFile(prefix="client-authorities-", suffix=".pem") as joined:
        joined.write(b"\n".join(path.read_bytes() for path in tls.client_cas))
        joined.flush()
        yield Path(joined.name)


@contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    """A bound socket that listens as soon as Granian has it; a unix socket's file is removed at the end.

    Raises:
        StartError: The address is taken, or not ours to take.
    """
    address = settings.http.address
    try:
        listener = _bind_unix(address.path) if isinstance(address, UnixAddress) else _bind_tcp(address)
    except OSError as exc:
        raise StartError(_refusal(address, exc)) from exc
    try:
        with listener:
            _give_up_stalls(listener, settings.limits.stall_seconds)
            listener.settimeout(0)
            yield listener
    finally:
        if isinstance(address, UnixAddress):
            address.path.unlink(missing_ok=True)


def _give_up_stalls(listener: socket.socket, seconds: float | None) -> None:
    """Have the kernel break off connections whose other end takes nothing, or has gone without a word.

    Accepted connections inherit it. Only Linux can, and only for TCP. In the loop it would be a timer a piece, and
    could not be had at all where Granian sends a file by itself.
    """
    if seconds and listener.family != socket.AF_UNIX and hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _milliseconds(seconds))


def _milliseconds(seconds: float) -> int:
    return max(1, min(int(seconds * 1000), _MAX_TIMEOUT_MS))


def _raise_connection_limit() -> int:
    """As many connections as we may have descriptors for, two each: an answer may need a file.

    Go's programs, registry:2 among them, raise the soft limit likewise.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * _MAX_CONNECTIONS
    descriptors = max(soft, wanted if hard == resource.RLIM_INFINITY else min(wanted, hard))
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, hard))
    return min(_MAX_CONNECTIONS, descriptors // 2)


def _bind_tcp(address: TcpAddress) -> socket.socket:
    """Every interface where no host is given, IPv4 and IPv6 in one socket, as Go's ``:5000``."""
    if not address.host:
        return socket.create_server(("", address.port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=_BACKLOG)
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    return socket.create_server((address.host, address.port), family=family, backlog=_BACKLOG)


def _bind_unix(path: Path) -> socket.socket:
    """A file that a killed server left behind is taken over, one that answers is not."""
    if _answers(path):
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(_BACKLOG)
    return listener


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


def _refusal(
    address: TcpAddress | UnixAddress, exc: OSError, key: str = "http.addr", ours: str = "the registry"
) -> str:
    """In registry:2's words, then who holds the port and which key moves ours."""
    if isinstance(address, UnixAddress):
        return f"listen unix {address.path}: bind: {_reason(exc)}"
    line = f"listen tcp {address.host}:{address.port}: bind: {_reason(exc)}"
    if exc.errno != errno.EADDRINUSE:
        return line
    holder = _holder(address.port)
    return f"{line}{f' by {holder}' if holder else ''}; {key} in the configuration moves {ours}"


def _holder(port: int) -> str | None:
    """The program that listens on ``port``; None where we may not know."""
    with suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            is_there = connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,)
            if is_there and connection.pid:
                return f"{psutil.Process(connection.pid).name()}, process {connection.pid}"
    return None


def _reason(exc: OSError) -> str:
    return (exc.strerror or str(exc)).lower()


def _shown(listener: socket.socket) -> str:
    """``host:port`` as Go prints an address, or a unix socket's path."""
    name = listener.getsockname()
    if isinstance(name, str):
        return name
    return f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"


def _remember(journal: EventLog, action: str, address: str) -> None:
    detail: dict[str, object] = {"action": action, "address": address, "pid": os.getpid(), "version": __version__}
    journal.append(Event(kind="server", at=datetime.now(UTC), monotonic_ns=time.monotonic_ns(), detail=detail))


def _leave(code: int) -> NoReturn:
    """End the process without the interpreter's farewell.

    Granian's threads may still want the interpreter while it is being taken down, and then abort the process (seen
    with 2.8 on Python 3.11, one stop in some ten). Nothing is left to do: what was stored and remembered is on disk.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
