"""Where a service's container would be, on this machine: its paths, its ports, its neighbours.

A container path is looked up in the mounts, the longest first; what no mount holds lies in the container's own file
system, a folder of ours (``root``). A port that a container listens on is a loopback port here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from labs.compose.model import Service


@dataclass(frozen=True, slots=True)
class Place:
    """One service's surroundings.

    Attributes:
        root: What the container's own file system holds; it lasts until ``compose down``.
        state: Ours: written configurations, records of processes. The student does not see it.
        logs: What it says and logs; outlives ``compose down``, for the grader reads it.
        listen: The port of this machine for a port that the container listens on; asked twice it answers the same.
        neighbours: By name (service or container name) and container port, the port of this machine. Only services
            that share a network are in it; for a registry, without their ports.
    """

    service: Service
    root: Path
    state: Path
    logs: Path
    listen: Callable[[int], int]
    neighbours: Mapping[str, Mapping[int, int]] = field(default_factory=dict)

    def path(self, inside: PurePosixPath | str) -> Path:
        """The path of this machine that stands for an absolute container path."""
        wanted = PurePosixPath(inside)
        for mount in sorted(self.service.mounts, key=lambda mount: len(mount.target.parts), reverse=True):
            if wanted.is_relative_to(mount.target):
                return mount.source / wanted.relative_to(mount.target)
        return self.root / wanted.relative_to("/")

    def inside(self, path: Path) -> PurePosixPath | None:
        """The container path that a path of this machine stands for; None where it stands for none."""
        for mount in sorted(self.service.mounts, key=lambda mount: len(mount.source.parts), reverse=True):
            if path.is_relative_to(mount.source):
                return mount.target / path.relative_to(mount.source)
        return PurePosixPath("/") / path.relative_to(self.root) if path.is_relative_to(self.root) else None


@dataclass(frozen=True, slots=True)
class Plan:
    """How a service runs here, and what of it may be looked at.

    Attributes:
        command: Program first. It stays in the foreground and ends on SIGTERM.
        environ: Its whole environment.
        listens: Container ports on which it listens.
        access_logs: Files of ours or the student's that it logs requests to.
        journal: Where the registry remembers, None for other images.
        password_files: htpasswd files that it reads, certificates and private keys that it serves with.
        reload: Command that makes it read its files again, None where there is none.
        configuration: What it reads, as ``nginx -T`` would print it in the container; empty for other images.
    """

    command: tuple[str, ...]
    environ: Mapping[str, str]
    listens: tuple[int, ...]
    access_logs: tuple[Path, ...] = ()
    journal: Path | None = None
    password_files: tuple[Path, ...] = ()
    certificates: tuple[Path, ...] = ()
    keys: tuple[Path, ...] = ()
    reload: tuple[str, ...] | None = None
    configuration: str = ""
