"""A service's surroundings in a folder of the test's: files as a student mounts them, ports as a test chooses them."""

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from labs.compose.model import Mount, Service
from labs.compose.place import Place


@dataclass
class Container:
    """What would be a container. ``ports`` are this machine's by the container's; others are 10000 higher."""

    folder: Path
    ports: dict[int, int] = field(default_factory=dict)
    neighbours: dict[str, dict[int, int]] = field(default_factory=dict)
    mounts: list[Mount] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ()

    def mount(self, source: str, target: str) -> Path:
        """Mount a path of the student's folder; the path of this machine."""
        here = self.folder / "work" / source
        here.parent.mkdir(parents=True, exist_ok=True)
        self.mounts.append(Mount(here, PurePosixPath(target), read_only=True))
        return here

    def write(self, target: str, text: str) -> Path:
        """Put a file where a container path leads; the path of this machine."""
        here = self.place.path(target)
        here.parent.mkdir(parents=True, exist_ok=True)
        here.write_text(text, encoding="utf-8", newline="")
        return here

    @property
    def place(self) -> Place:
        """As the code under test gets it."""
        service = Service(
            "nginx",
            "nginx:1.25",
            1,
            mounts=tuple(self.mounts),
            environment=self.environment,
            command=self.command,
            container_name="proxy",
        )
        folders = (self.folder / "root", self.folder / "state", self.folder / "logs")
        return Place(service, *folders, lambda port: self.ports.get(port, port + 10000), self.neighbours)
