"""The internet of the lab: which host names reach this machine, and which the real internet.

A hosted registry's name leads to its twin. A private name leads to what the student built: to a port that their compose
project publishes, and to nothing where it publishes none. The stacks write ``<LAB_HOME>/internet.json``;
``LAB_INTERNET=real`` sets the twins aside. Only names are decided here, whom to trust behind a name is ``trust``.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType

from labs.compose.record import RecordUnreadable, projects
from labs.home import MACHINES, LabHome

FILE_NAME = "internet.json"
TWIN = "twin"
REAL = "real"
HTTPS_PORT = 443
LOOPBACK = "127.0.0.1"

# Docker Hub answers under several names; one twin stands in for all of them.
_HUB_NAMES = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io", "auth.docker.io"})
_HUB = "docker.io"
_WANTED = '{"names": {NAME: HOST:PORT}, "ca": PATH, "private": {NAME: {PORT: PORT}}, "forward": {PORT: PORT}}'
_NONE: Mapping[str, Mapping[int, int]] = MappingProxyType({})


class InternetUnreadable(ValueError):
    """``internet.json``, or the record of a compose project, is there and is not what was written."""


class PortClosed(Exception):
    """Nothing listens behind a port of a private name. Its text is what Go says of a refused connection."""

    def __init__(self, port: int) -> None:
        super().__init__(f"dial tcp {LOOPBACK}:{port}: connect: connection refused")


@dataclass(frozen=True, slots=True)
class Route:
    """Where a name is reached.

    Attributes:
        authorities: PEM files of the CAs that vouch for this name instead of the public ones; None: the public ones.
        told: The port that faults tell where it is not ``port``: the one that was typed.
    """

    host: str
    port: int
    authorities: tuple[Path, ...] | None = None
    told: int | None = None


@dataclass(frozen=True, slots=True)
class Internet:
    """The map of names.

    Attributes:
        mode: ``twin`` or ``real``.
        twins: By name (or shell pattern of names) the ``host:port`` of its twin; empty in mode ``real``.
        authority: The lab's CA, trusted for these names and no other.
        private: By name of a registry that the student builds, the loopback port for a port of it, as long as no
            compose project says more.
        forward: The loopback port that stands for a port that a compose file publishes; others stand for themselves.
        engines: Engine homes whose compose projects answer to the private names: the first that has one that is up.
    """

    mode: str = REAL
    twins: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    authority: Path | None = None
    private: Mapping[str, Mapping[int, int]] = field(default_factory=lambda: _NONE)
    forward: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    engines: tuple[Path, ...] = ()

    @classmethod
    def locate(cls, environ: Mapping[str, str], engine: Path | None = None) -> "Internet":
        """Read the map that goes with an environment; without a lab around, every name is the real one.

        Args:
            environ: Says where the lab is, and whose internet is meant.
            engine: Engine home, where it is not the environment's.

        Raises:
            InternetUnreadable: The file is damaged.
        """
        mode = REAL if environ.get("LAB_INTERNET") == REAL else TWIN
        home = LabHome.locate(dict(environ))
        path = home.state / FILE_NAME
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            twins = {str(name): str(address) for name, address in document["names"].items()}
            return cls(
                mode,
                MappingProxyType(twins if mode == TWIN else {}),
                Path(document["ca"]),
                {str(name): _ports(ports) for name, ports in document.get("private", {}).items()},
                _ports(document.get("forward", {})),
                _machines(home, engine or locate_engine(environ)),
            )
        except FileNotFoundError:
            return cls(mode)
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as exc:
            raise InternetUnreadable(f"{path}: expected {_WANTED}, got {type(exc).__name__}: {exc}") from exc

    def route(self, host: str, port: int) -> Route:
        """Where ``host:port`` is reached. A twin stands in for a name on port 443 only.

        Raises:
            PortClosed: The name is private, and nothing is published there.
            InternetUnreadable: The record of a compose project is damaged.
        """
        if host in self.private:
            return Route(LOOPBACK, self._published(host, port), authorities=(), told=port)
        address = self._twin(host) if port == HTTPS_PORT else None
        if address is None:
            return Route(host, port)
        twin_host, _, twin_port = address.rpartition(":")
        return Route(twin_host.strip("[]"), int(twin_port), (self.authority,) if self.authority else None)

    def addresses(self) -> Mapping[str, str]:
        """The names of the lab, private ones with their ports, and where each leads now. Raises InternetUnreadable."""
        private = {(name, port): here for name in self.private for port, here in self._ports(name).items()}
        return {**self.twins, **{f"{name}:{port}": f"{LOOPBACK}:{here}" for (name, port), here in private.items()}}

    def _published(self, host: str, port: int) -> int:
        """The loopback port behind a port of a private name."""
        ports = self._ports(host)
        if port not in ports:
            raise PortClosed(port)
        return ports[port]

    def _ports(self, host: str) -> Mapping[int, int]:
        """The loopback port for each port of a private name."""
        running = (_running(engine) for engine in self.engines)
        return next((ports for ports in running if ports is not None), self.private[host])

    def _twin(self, host: str) -> str | None:
        for name in (host, *([_HUB] if host in _HUB_NAMES else [])):
            for pattern, address in self.twins.items():
                if fnmatchcase(name, pattern):
                    return address
        return None


def locate_engine(environ: Mapping[str, str]) -> Path:
    """The engine home: ``LAB_ENGINE_HOME``, else ``DOCKER_CONFIG``, else ``~/.labdocker``."""
    chosen = environ.get("LAB_ENGINE_HOME") or environ.get("DOCKER_CONFIG")
    return Path(chosen) if chosen else Path(environ.get("HOME") or Path.home()) / ".labdocker"


def _machines(home: LabHome, engine: Path) -> tuple[Path, ...]:
    """An engine home, and the exercise's other machines: a name leads to one place, wherever it is typed."""
    slug = engine.parent.name
    beside = (
        [home.engine(slug, machine) for machine in MACHINES] if home.engines(slug) == engine.parent.resolve() else []
    )
    return tuple(dict.fromkeys((engine, *beside)))


def _running(engine: Path) -> Mapping[int, int] | None:
    """What the compose projects that are up publish; None where none is up."""
    try:
        up = [project for project in projects(engine) if project.up]
    except RecordUnreadable as exc:
        raise InternetUnreadable(str(exc)) from exc
    services = [service for project in up for service in project.services]
    return {port.host: port.here for service in services for port in service.published} if up else None


def _ports(values: Mapping[str, int]) -> Mapping[int, int]:
    """JSON has no numbers for keys."""
    return {int(port): int(here) for port, here in values.items()}
