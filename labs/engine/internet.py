"""The internet of the lab: which host names reach a twin on this machine, and which the real internet.

The stacks write ``<LAB_HOME>/internet.json``; ``LAB_INTERNET=real`` sets it aside. Only names are decided here, whom to
trust behind a name is ``trust``.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType

from labs.home import LabHome

FILE_NAME = "internet.json"
TWIN = "twin"
REAL = "real"
HTTPS_PORT = 443

# Docker Hub answers under several names; one twin stands in for all of them.
_HUB_NAMES = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io", "auth.docker.io"})
_HUB = "docker.io"


class InternetUnreadable(ValueError):
    """``internet.json`` is there and is not what the stacks write."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where a name is reached.

    Attributes:
        authority: PEM file of the CA that vouches for this name instead of the public ones; None: the public ones.
    """

    host: str
    port: int
    authority: Path | None = None


@dataclass(frozen=True, slots=True)
class Internet:
    """The map of names.

    Attributes:
        mode: ``twin`` or ``real``.
        twins: By name (or shell pattern of names) the ``host:port`` of its twin; empty in mode ``real``.
        authority: The lab's CA, trusted for these names and no other.
    """

    mode: str = REAL
    twins: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    authority: Path | None = None

    @classmethod
    def locate(cls, environ: Mapping[str, str]) -> "Internet":
        """Read the map that goes with an environment; without a lab around, every name is the real one.

        Raises:
            InternetUnreadable: The file is damaged.
        """
        if environ.get("LAB_INTERNET") == REAL:
            return cls()
        path = LabHome.locate(dict(environ)).state / FILE_NAME
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            twins = {str(name): str(address) for name, address in document["names"].items()}
            return cls(TWIN, MappingProxyType(twins), Path(document["ca"]))
        except FileNotFoundError:
            return cls(TWIN)
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as exc:
            message = f'{path}: expected {{"names": {{NAME: HOST:PORT}}, "ca": PATH}}, got {type(exc).__name__}: {exc}'
            raise InternetUnreadable(message) from exc

    def route(self, host: str, port: int) -> Route:
        """Where ``host:port`` is reached. A twin stands in for a name on port 443 only."""
        address = self._twin(host) if port == HTTPS_PORT else None
        if address is None:
            return Route(host, port)
        twin_host, _, twin_port = address.rpartition(":")
        return Route(twin_host.strip("[]"), int(twin_port), self.authority)

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
