"""Where a project's things lie below an engine home. Pure path arithmetic; nothing is created here."""

from dataclasses import dataclass
from pathlib import Path

from labs.compose.record import FILE_NAME, FOLDER


@dataclass(frozen=True, slots=True)
class ProjectFolder:
    """``<engine home>/compose/<project>``."""

    engine: Path
    name: str

    @property
    def path(self) -> Path:
        """All of the project."""
        return self.engine / FOLDER / self.name

    @property
    def record(self) -> Path:
        """What the grader and the lab's internet read."""
        return self.path / FILE_NAME

    @property
    def lock(self) -> Path:
        """Held by the command that changes the project."""
        return self.path / "lock"

    @property
    def states(self) -> Path:
        """Ours, a folder a service."""
        return self.path / "state"

    @property
    def roots(self) -> Path:
        """What containers' own file systems hold, a folder a service."""
        return self.path / "root"

    def state(self, service: str) -> Path:
        """Written configurations, and what is known of the container; dropped by ``down``."""
        return self.states / service

    def root(self, service: str) -> Path:
        """The container's own files; dropped by ``down``."""
        return self.roots / service

    def logs(self, service: str) -> Path:
        """What it said; kept by ``down``."""
        return self.path / "logs" / service

    @property
    def volumes(self) -> Path:
        """Named volumes."""
        return self.path / "volumes"

    def volume(self, name: str) -> Path:
        """A named volume; kept by ``down``, dropped by ``down -v``."""
        return self.volumes / name
