"""Reads facts of machines: the one that the grader runs on, and, through Docker's own command, a container.

testinfra asks them all in the same way. Importing it takes a fifth of a second, so it is imported when it is needed.
"""

import platform
from typing import Any

from checker.facts import NotObserved, Unavailable

_FAULTS = (AssertionError, OSError, RuntimeError, ValueError)
"""What testinfra raises where a command is not there, ends otherwise than with 0, or prints something odd."""


def read_os() -> str:
    """The operating system, its release and the processor, as the result document names them."""
    return f"{platform.system()} {platform.release()} {platform.machine()}"


def read_mode(path: str, container: str | None = None) -> int:
    """Permission bits of a file, by the machine's own ``stat``; a private key is not taken out for it.

    Args:
        path: Where it lies there.
        container: Id of the container, which runs; None is this machine.

    Raises:
        NotObserved: The file, a shell or ``stat`` is not there.
    """
    try:
        return int(_machine(container).file(path).mode)
    except _FAULTS as exc:
        raise NotObserved(Unavailable("file-unreadable", {"path": path, "error": type(exc).__name__})) from exc


def read_listening_ports() -> frozenset[int]:
    """TCP ports of this machine on which somebody listens, at whatever address.

    Raises:
        NotObserved: Neither ``ss`` nor ``netstat`` is there.
    """
    try:
        sockets = _machine(None).socket.get_listening_sockets()
    except _FAULTS as exc:
        raise NotObserved(Unavailable("probe-failed", {"source": "ss", "error": type(exc).__name__})) from exc
    ports = (socket.rpartition(":")[2] for socket in sockets if socket.startswith("tcp://"))
    return frozenset(int(port) for port in ports if port.isdigit())


def _machine(container: str | None) -> Any:  # noqa: ANN401  testinfra makes its classes as it goes
    """How testinfra reaches it."""
    import testinfra  # type: ignore[import-untyped]

    return testinfra.get_host(f"docker://{container}" if container else "local://")
