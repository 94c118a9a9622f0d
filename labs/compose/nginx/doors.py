"""``listen``: each port of the container that clients reach becomes a loopback port of this machine.

What only the container itself reaches there (127.0.0.1, and IPv6, which Docker publishes no port over) becomes a port
that stands for nothing published.
"""

import re
import socket
from dataclasses import dataclass, field
from enum import Enum, auto

from labs.compose.model import Issue
from labs.compose.nginx.tree import Source, Statement, flat, walk
from labs.compose.nginx.words import say
from labs.compose.place import Place

HOST = "127.0.0.1"
"""Nothing of the lab listens anywhere else."""

DEFAULT_PORT = 80
"""Where a server without ``listen`` listens, its master being root as in the image."""

DEFAULT_PORTS = {False: 80, True: 443}
"""By whether it is TLS: the ports that nginx leaves out of the redirects that it writes itself."""

LISTEN = re.compile(r"(?:(?P<host>\[[^\]]*\]|[^:]+):)?(?P<port>\d+)")
RANGE = re.compile(r"(?:.*:)?\d+-\d+")


class Reach(Enum):
    """Who can connect."""

    OUTER = auto()
    IPV6 = auto()
    INNER = auto()


@dataclass(slots=True)
class Doors:
    """Where nginx listens.

    Attributes:
        outer: By container port, the port of this machine, for those that other services and published ports reach.
        inner: Likewise, for those that only the container itself reaches.
    """

    place: Place
    outer: dict[int, int] = field(default_factory=dict)
    inner: dict[int, int] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)

    def open(self, main: Source) -> None:
        """Map every ``listen`` of a configuration."""
        for statement, blocks in walk(main.statements):
            if statement.name == "server" and blocks and blocks[-1].name in {"http", "stream", "mail"}:
                self._server(statement, is_http=blocks[-1].name == "http")

    def from_inside(self, port: int) -> int | None:
        """What the container's own 127.0.0.1 has on a port."""
        return self.inner.get(port, self.outer.get(port))

    def _server(self, server: Statement, *, is_http: bool) -> None:
        listens = [statement for statement in flat(server.children) if statement.name == "listen"]
        rows = [row for statement in listens if statement.arguments and (row := self._row(statement))]
        wildcards = {row.port for row in rows if row.reach is Reach.OUTER}
        for row in rows:
            if row.reach is Reach.IPV6 and row.port in wildcards:
                row.statement.source.edits.remove(row.statement.directive)
            else:
                self._move(row)
        if not is_http:
            return
        if not listens:
            server.source.edits.insert(server.directive.end, f" listen {HOST}:{self._outer(DEFAULT_PORT)};")
        if all(row.port == DEFAULT_PORTS[row.is_tls] for row in rows):
            _leave_port_out(server)

    def _row(self, statement: Statement) -> "_Row | None":
        """What a ``listen`` opens; None where it is refused, by us or by nginx."""
        address = statement.values[0]
        match = LISTEN.fullmatch(address)
        host, port = (match["host"] or "*", int(match["port"])) if match else (address, DEFAULT_PORT)
        reach = self._reach(host, statement.values)
        if address.startswith("unix:"):
            text = say("unix", raw=statement.raw)
        elif RANGE.fullmatch(address):
            text = say("port-range", raw=statement.raw)
        elif reach is None:
            text = f"nginx: [emerg] bind() to {host}:{port} failed (99: Cannot assign requested address)"
        else:
            return _Row(statement, port, reach) if 0 < port < 2**16 else None  # nginx: invalid port
        self.issues.append(statement.decline(text))
        return None

    def _reach(self, host: str, options: tuple[str, ...]) -> Reach | None:
        if host in {"*", "0.0.0.0", self.place.service.name, self.place.service.container_name}:  # noqa: S104  # read
            return Reach.OUTER
        if host == "[::]":
            return Reach.OUTER if "ipv6only=off" in options else Reach.IPV6
        return Reach.INNER if is_loopback(host) else None

    def _move(self, row: "_Row") -> None:
        edits, address, *options = (row.statement.source.edits, *row.statement.arguments)
        here = self._outer(row.port) if row.reach is Reach.OUTER else self._inner(row.port)
        edits.replace(address, f"{HOST}:{here}")
        for option in options:
            if option.text.startswith("ipv6only="):
                edits.remove(option)

    def _outer(self, port: int) -> int:
        return self.outer.setdefault(port, self.place.listen(port))

    def _inner(self, port: int) -> int:
        if port not in self.inner:
            self.inner[port] = _free_port()
        return self.inner[port]


@dataclass(frozen=True, slots=True)
class _Row:
    """One ``listen``."""

    statement: Statement
    port: int
    reach: Reach

    @property
    def is_tls(self) -> bool:
        return "ssl" in self.statement.values


def is_loopback(host: str) -> bool:
    """Whether a name or an address means the container itself, to itself."""
    return host in {"localhost", "[::1]"} or re.fullmatch(r"127(\.\d+){3}", host) is not None


def _leave_port_out(server: Statement) -> None:
    """In the container this server's ports are the scheme's own and stand in no redirect; here they would."""
    for statement, _ in walk([server]):
        if statement.name == "port_in_redirect":
            for token in statement.arguments:
                statement.source.edits.replace(token, "off")
    if not any(statement.name == "port_in_redirect" for statement in flat(server.children)):
        server.source.edits.insert(server.directive.end, " port_in_redirect off;")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
