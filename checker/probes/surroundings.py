"""Where a stack that the student built is, and what of it may be read: found once, and handed to the other probes.

Compose's record (``stack.py``), Docker (``docker.py``) and a bare URL are three ways to fill the same value; what one
of them cannot know is ``Unavailable`` in it. Nothing is judged here, and nothing is read but on demand.
"""

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Generic, Protocol, TypeVar

from checker.facts import NO_JOURNAL, Kind, Logging, NotObserved, Stack, Unavailable

FILE_MAX_BYTES = 64 << 20
"""A log or a journal of an exercise; a larger one is not read, and says so (``too-large``)."""
HTTPS_PORT, HTTP_PORT = 443, 80

Value = TypeVar("Value")


class StackFile(Protocol):
    """A file of the stack, wherever it lies. It is read on demand, so that its fault is its own probe's."""

    @property
    def path(self) -> str:
        """As the student knows it; it may stand in a report."""
        ...

    def read(self) -> bytes:
        """All of it.

        Raises:
            NotObserved: It cannot be read, or is larger than ``FILE_MAX_BYTES``.
        """
        ...

    def mode(self) -> int:
        """Its permission bits.

        Raises:
            NotObserved: They cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file of this machine.

    Attributes:
        inside: How the student knows it where that is not where it lies: ``nginx:/etc/…`` of a container's own files.
    """

    location: Path
    inside: str | None = None

    @property
    def path(self) -> str:
        """Where it lies, or as the student knows it."""
        return self.inside or str(self.location)

    def read(self) -> bytes:
        """All of it, of regular files only: a pipe never ends.

        Raises:
            NotObserved: It cannot be read, or is too large.
        """
        try:
            found = self.location.stat()
            if not stat.S_ISREG(found.st_mode):
                raise NotObserved(Unavailable("not-a-file", {"path": self.path}))
            if found.st_size > FILE_MAX_BYTES:
                raise NotObserved(Unavailable("too-large", {"what": self.path}))
            return self.location.read_bytes()
        except OSError as exc:
            raise NotObserved(_unreadable(self.path, exc)) from exc

    def mode(self) -> int:
        """Its permission bits, behind symbolic links.

        Raises:
            NotObserved: They cannot be read.
        """
        try:
            return stat.S_IMODE(self.location.stat().st_mode)
        except OSError as exc:
            raise NotObserved(_unreadable(self.path, exc)) from exc


def _unreadable(path: str, exc: OSError) -> Unavailable:
    """A file's fault, in the system's word."""
    return Unavailable("file-unreadable", {"path": path, "error": os.strerror(exc.errno) if exc.errno else str(exc)})


@dataclass(frozen=True, slots=True)
class Address:
    """A port of the registry's name, and where it really leads.

    Attributes:
        name: What clients type, what TLS is asked for, and what Host says.
        typed: The port that clients type or leave out.
        host: The address that is called.
        port: Its port.
    """

    name: str
    typed: int
    host: str
    port: int

    def authority(self, usual: int = HTTPS_PORT) -> str:
        """``name``, with the typed port where it is not the scheme's ``usual`` one: what a Host header holds."""
        return self.name if self.typed == usual else f"{self.name}:{self.typed}"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A stack, as far as it could be found.

    Attributes:
        tls: Where the registry's name speaks TLS; None where no port of the stack is there for it.
        plain: Where port 80 of the name leads; None where the stack does not open it.
        others: By ``service port`` all further ports that the stack opens.
        journal: What its registry remembers.
        proxied: Something of the stack's stands before the registry.
        keeper: What that is, whose format its logs have.
        access_logs: Its logs; empty where it keeps none.
        logging: How lines get into them.
        logged_since: From when on these and what the registry remembers can be held against each other; None: always.
        password_files: htpasswd files by who reads them, ``nginx`` or ``registry``.
        certificates: What the stack serves TLS with.
        keys: Likewise.
    """

    stack: Stack
    tls: Address | None = None
    plain: Address | None = None
    others: Mapping[str, Address] | Unavailable = field(default_factory=dict)
    journal: StackFile | Unavailable = NO_JOURNAL
    proxied: bool = False
    keeper: Kind = Kind.NGINX
    access_logs: tuple[StackFile, ...] | Unavailable = ()
    logging: Logging = field(default_factory=Logging)
    logged_since: datetime | None = None
    password_files: Mapping[Kind, tuple[StackFile, ...]] | Unavailable = field(default_factory=dict)
    certificates: tuple[StackFile, ...] | Unavailable = ()
    keys: tuple[StackFile, ...] | Unavailable = ()


@dataclass(frozen=True, slots=True)
class Port:
    """A port that a running service opens to the outside.

    Attributes:
        container: On which the service listens.
        typed: What clients type.
        here: The port of ``host`` that it leads to.
    """

    service: str
    container: int
    typed: int
    here: int
    host: str = "127.0.0.1"

    def address(self, name: str) -> Address:
        """Under the registry's name."""
        return Address(name, self.typed, self.host, self.here)


@dataclass(frozen=True, slots=True)
class Doorways:
    """A stack's ports by what they are for: ``tls``, ``plain`` and ``others`` of ``Surroundings``."""

    tls: Address | None
    plain: Address | None
    others: Mapping[str, Address]


def sort_ports(name: str, ports: tuple[Port, ...], speaks_tls: Callable[[Address], bool]) -> Doorways:
    """Tell the ports of a stack apart.

    The TLS port is 443 as typed; else that of a container's 443; else the first that speaks TLS; else the first: there
    clients knock, and learn that TLS is not spoken. Port 80 is what is typed so, else that of a container's 80.

    Args:
        name: The registry's name.
        ports: Those that are open.
        speaks_tls: Asks a port; only called where numbers do not tell.
    """
    speaking = (port for port in ports if speaks_tls(port.address(name)))
    tls = _first(ports, HTTPS_PORT) or next(speaking, None) or next(iter(ports), None)
    plain = _first(tuple(port for port in ports if port is not tls), HTTP_PORT)
    others = {f"{port.service} {port.typed}": port.address(name) for port in ports if port not in {tls, plain}}
    return Doorways(tls.address(name) if tls else None, plain.address(name) if plain else None, others)


def _first(ports: tuple[Port, ...], number: int) -> Port | None:
    """The port that is typed so, else the one that a container knows so."""
    typed = (port for port in ports if port.typed == number)
    return next(typed, None) or next((port for port in ports if port.container == number), None)


class Once(Generic[Value]):
    """A reading that several probes share: done by the first that asks; the others wait for it, and get the same."""

    def __init__(self, read: Callable[[], Value]) -> None:
        self._read = read
        self._lock = Lock()
        self._outcome: Value | BaseException | None = None

    def __call__(self) -> Value:
        """What was read.

        Raises:
            Exception: Whatever the reading raised, each time.
        """
        with self._lock:
            if self._outcome is None:
                try:
                    self._outcome = self._read()
                except BaseException as exc:  # noqa: BLE001  every probe is to fail for the same reason
                    self._outcome = exc
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        return self._outcome
