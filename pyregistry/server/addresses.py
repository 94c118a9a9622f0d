"""Addresses: taken so that a second server is told, and shown as Go shows them."""

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from pyregistry.config.settings import Settings, TcpAddress, UnixAddress

BACKLOG = 1024
"""Connections that may wait to be accepted; the kernel turns further ones away."""


_MAX_TIMEOUT_MS = (1 << 31) - 1
"""What the kernel takes: 24 days."""


class StartError(Exception):
    """The registry cannot be started; the message is one line for the person who tried."""


@contextmanager
def listening(settings: Settings) -> Iterator[socket.socket]:
    """A bound socket that listens as soon as Granian has it; a unix socket's file is removed at the end.

    Raises:
        StartError: The address is taken, or not ours to take.
    """
    address = settings.http.address
    try:
        listener = _bind_unix(address.path) if isinstance(address, UnixAddress) else _bind_tcp(address)
    except OSError as exc:
        raise StartError(refusal(address, exc)) from exc
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
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds(seconds))


def milliseconds(seconds: float) -> int:
    """As the kernel and Granian take them."""
    return max(1, min(int(seconds * 1000), _MAX_TIMEOUT_MS))


def _bind_tcp(address: TcpAddress) -> socket.socket:
    """Every interface where no host is given, IPv4 and IPv6 in one socket, as Go's ``:5000``."""
    if not address.host:
        return socket.create_server(("", address.port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=BACKLOG)
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    return socket.create_server((address.host, address.port), family=family, backlog=BACKLOG)


def _bind_unix(path: Path) -> socket.socket:
    """A file that a killed server left behind is taken over, one that answers is not."""
    if _answers(path):
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(BACKLOG)
    return listener


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


def refusal(address: TcpAddress | UnixAddress, exc: OSError, key: str = "http.addr", ours: str = "the registry") -> str:
    """In registry:2's words, then who holds the port and which key moves ours."""
    if isinstance(address, UnixAddress):
        return f"listen unix {address.path}: bind: {reason(exc)}"
    line = f"listen tcp {address.host}:{address.port}: bind: {reason(exc)}"
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


def reason(exc: OSError) -> str:
    """Why, in the words of the system and the case of Go's messages."""
    return (exc.strerror or str(exc)).lower()


def shown(listener: socket.socket) -> str:
    """``host:port`` as Go prints an address, or a unix socket's path."""
    name = listener.getsockname()
    if isinstance(name, str):
        return name
    return f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"
