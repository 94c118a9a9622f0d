"""``proxy_pass`` and its like: services of the compose file become loopback ports of this machine.

The service that is asked sees what it would see in the container network: the same Host header, and redirects of its
own rewritten by the same rule. A name that Docker would not know is refused in nginx's words; a port on which nobody
listens is refused by the system when a request comes, which is a 502.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from labs.compose.model import Issue
from labs.compose.nginx.doors import HOST, Doors, is_loopback
from labs.compose.nginx.syntax import expand, quote
from labs.compose.nginx.tree import Blocks, Source, Statement, flat, in_force, walk
from labs.compose.nginx.words import say
from labs.compose.place import Place

PASSES = frozenset({"fastcgi_pass", "grpc_pass", "memcached_pass", "proxy_pass", "scgi_pass", "uwsgi_pass"})
NOBODY = f"{HOST}:1"
"""tcpmux, which nobody has offered for decades: a connection is refused, as on a port of a container that is closed."""

DOCKER_RESOLVER = "127.0.0.11"
DEFAULT_PORTS = {"http://": 80, "https://": 443}
TARGET = re.compile(
    r"(?P<scheme>[a-z]+://)?(?P<host>\[[^\]]*\]|[^/:?#$]+)(?::(?P<port>\d+))?(?P<rest>(?:[/?#$].*)?)", re.DOTALL
)
IP_ADDRESS = re.compile(r"\[.*\]|\d+(\.\d+){3}")
URI_VARIABLE = re.compile(r"\$\{?(request_uri|uri|document_uri)\b")


@dataclass(slots=True)
class Neighbours:
    """Maps where requests are passed on to."""

    place: Place
    doors: Doors
    main: Source
    issues: list[Issue] = field(default_factory=list)
    upstreams: frozenset[str] = frozenset()
    constants: Mapping[str, str] = field(default_factory=dict)

    def connect(self) -> None:
        """Map every statement that names a host."""
        statements = [statement for statement, _ in walk(self.main.statements)]
        self.upstreams = frozenset(s.values[0] for s in statements if s.name == "upstream" and s.values)
        self.constants = _constants(statements)
        for statement, blocks in walk(self.main.statements):
            if not statement.arguments:
                continue
            if statement.name in PASSES:
                self._pass(statement, blocks)
            elif statement.name == "server" and blocks and blocks[-1].name == "upstream":
                self._server(statement)
            elif statement.name == "resolver" and DOCKER_RESOLVER not in statement.values:
                self.issues.append(statement.decline(say("resolver", raw=statement.raw)))

    def _server(self, statement: Statement) -> None:
        """One ``server`` of an ``upstream``."""
        typed = statement.values[0]
        match = TARGET.fullmatch(typed)
        if typed.startswith("unix:"):
            self.issues.append(statement.decline(say("unix", raw=statement.raw)))
        elif match:
            here = self._address(statement, match["host"], int(match["port"] or 80), typed)
            statement.source.edits.replace(statement.arguments[0], here)

    def _pass(self, statement: Statement, blocks: Blocks) -> None:
        typed = statement.values[0]
        expanded = expand(typed, self.constants)
        if re.match(r"([a-z]+://)?unix:", expanded):
            self.issues.append(statement.decline(say("unix", raw=statement.raw)))
            return
        match = TARGET.fullmatch(expanded)
        if not match or _is_unknown(match, typed):
            self.issues.append(statement.decline(say("variable", raw=statement.raw)))
        elif match["host"] not in self.upstreams:
            self._redirect(statement, match)
            if statement.name == "proxy_pass" and blocks and blocks[-1].name == "location":
                self._disguise(statement, blocks, match)

    def _redirect(self, statement: Statement, match: re.Match[str]) -> None:
        """Put the port of this machine in the place of the service's name."""
        scheme, host, rest = match["scheme"] or "", match["host"], match["rest"]
        port = match["port"] or DEFAULT_PORTS.get(scheme)
        if port is not None:  # else nginx: no port in upstream
            here = self._address(statement, host, int(port), host)
            statement.source.edits.replace(statement.arguments[0], f"{scheme}{here}{rest}")

    def _disguise(self, statement: Statement, blocks: Blocks, match: re.Match[str]) -> None:
        """Say to the service what nginx would have said to it by its name, and undo its redirects as nginx would."""
        added = self._host_header(_host(match), blocks)
        if match["scheme"] == "https://" and not in_force("proxy_ssl_name", self.main, blocks):
            added += f" proxy_ssl_name {quote(match['host'])};"
        redirects = in_force("proxy_redirect", self.main, blocks)
        if "$" not in statement.values[0] and (not redirects or redirects[0].values == ("default",)):
            added += _default_redirect(match, blocks)
            for redirect in redirects:
                redirect.source.edits.remove(redirect.directive)
        if added:
            statement.source.edits.insert(statement.directive.end, added)

    def _host_header(self, typed: str, blocks: Blocks) -> str:
        """What makes the Host header what it is in the container, empty where the student sets it."""
        headers = in_force("proxy_set_header", self.main, blocks)
        if any(header.values[:1] and header.values[0].lower() == "host" for header in headers):
            return ""
        own = any(child.name == "proxy_set_header" for child in flat(blocks[-1].children))
        inherited = "" if own else "".join(f" {header.one_line()};" for header in headers)
        return f"{inherited} proxy_set_header Host {quote(typed)};"

    def _address(self, statement: Statement, host: str, port: int, named: str) -> str:
        """The address here of a host and a port of the container's network."""
        own = host in {self.place.service.name, self.place.service.container_name}
        ports = self.place.neighbours.get(host, self.place.neighbours.get(host.lower()))
        here = None
        if own or is_loopback(host):
            here = self.doors.outer.get(port) if own else self.doors.from_inside(port)
        elif ports is not None:
            here = ports.get(port)
        elif IP_ADDRESS.fullmatch(host):
            self.issues.append(statement.decline(say("address", raw=statement.raw)))
        else:
            self.issues.append(statement.issue(f'host not found in upstream "{named}"'))
        return NOBODY if here is None else f"{HOST}:{here}"


def _constants(statements: list[Statement]) -> dict[str, str]:
    """Variables that ``set`` gives one value without variables, wherever it stands."""
    values: dict[str, set[str]] = defaultdict(set)
    for statement in statements:
        if statement.name == "set" and len(statement.values) == 2:  # noqa: PLR2004  # name and value
            values[statement.values[0].removeprefix("$")].add(statement.values[1])
    return {
        name: next(iter(found)) for name, found in values.items() if len(found) == 1 and "$" not in next(iter(found))
    }


def _host(match: re.Match[str]) -> str:
    """``$proxy_host``: the port stands in it unless it is the scheme's own."""
    is_default = match["port"] is None or int(match["port"]) == DEFAULT_PORTS.get(match["scheme"])
    return match["host"] if is_default else f"{match['host']}:{match['port']}"


def _is_unknown(match: re.Match[str], typed: str) -> bool:
    """Whether variables hide the host, or would pass another URI once the host is spelled out."""
    rest = match["rest"]
    if rest.startswith("$") and not match["port"] and not URI_VARIABLE.match(rest):
        return True
    return "$" in typed and rest != "" and "$" not in rest


def _default_redirect(match: re.Match[str], blocks: Blocks) -> str:
    """``proxy_redirect default`` as nginx writes it out: the URL's own beginning for the location's."""
    url = match[0]
    if not match["rest"] or not blocks[-1].values:
        return f" proxy_redirect {quote(url + '/')} /;"
    return f" proxy_redirect {quote(url)} {quote(blocks[-1].values[-1])};"
