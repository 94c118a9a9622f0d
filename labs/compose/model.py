"""A compose file as values: what of the Compose Specification the course's stacks use.

Pure. Reading files is ``reading``; how a service becomes processes is each image's module.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath


@dataclass(frozen=True, slots=True)
class Issue:
    """One mistake in a student's file. ``line`` counts from 1; ``text`` is said as Docker, or nginx, says it."""

    file: Path
    line: int | None
    text: str

    def __str__(self) -> str:
        """``compose.yaml:12: …``."""
        return f"{self.file}{'' if self.line is None else f':{self.line}'}: {self.text}"


class ComposeError(Exception):
    """What was asked cannot be done, and nothing of it was begun. Every mistake at once."""

    def __init__(self, *issues: Issue | str) -> None:
        super().__init__("\n".join(str(issue) for issue in issues))
        self.issues = issues


@dataclass(frozen=True, slots=True)
class Published:
    """One row of ``ports``: a port of the container under a port of the machine, as the file says it.

    ``host`` 0: any free one, as in ``ports: ["80"]``.
    """

    host: int
    container: int
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Mount:
    """One row of ``volumes``. ``source`` is a path of this machine, a named volume's already looked up.

    ``is_made``: a missing source is made, as Docker does for the short syntax; else it is a mistake. ``volume`` is the
    name of a named volume.
    """

    source: Path
    target: PurePosixPath
    read_only: bool = False
    is_made: bool = True
    volume: str | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """One service.

    Attributes:
        line: Where it begins in ``file``.
        environment_lines: Where the file sets a variable; those of an ``env_file`` are not in it.
        restart: As the file says it. Nothing of ours follows it.
    """

    name: str
    image: str
    line: int
    environment: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    ports: tuple[Published, ...] = ()
    depends_on: tuple[str, ...] = ()
    networks: tuple[str, ...] = ("default",)
    command: tuple[str, ...] = ()
    container_name: str | None = None
    restart: str | None = None
    file: Path = Path("compose.yaml")
    environment_lines: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Project:
    """A compose file, read and found good. ``folder`` is what its relative paths begin at."""

    name: str
    folder: Path
    file: Path
    services: Mapping[str, Service]
    networks: tuple[str, ...] = ("default",)
    volumes: tuple[str, ...] = ()
