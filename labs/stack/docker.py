"""The compose projects that a student runs in Docker, as the stack sees them: found by the folder they came from.

All is asked of Docker's own command. A container that did not come from the student's folder is never touched, whatever
it is called.
"""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labs.stack.environment import engine_version
from labs.stack.files import write_private
from labs.stack.interface import ServiceStatus, StackError

LABEL = "com.docker.compose.project"
CONTAINER = "container"
"""Role of what runs in one."""

TIMEOUT_SECONDS = 60.0
"""A container that does not end by itself within ten seconds is ended; a stack has a few."""


@dataclass(frozen=True, slots=True)
class DockerProjects:
    """All projects whose folder is the student's, or lies in it.

    Attributes:
        command: Docker's own.
        work: The student's folder.
    """

    command: Path
    work: Path
    environ: Mapping[str, str]

    def services(self) -> tuple[ServiceStatus, ...]:
        """Each container, running or not."""
        return tuple(_status(row) for row in self._containers())

    def is_damaged(self) -> bool:
        """Docker keeps its own records."""
        return False

    def running(self) -> Sequence[str]:
        """Containers that are there, running or not, by name: a stopped one is in the next one's way."""
        return sorted(_name(row) for row in self._containers())

    def stop(self) -> None:
        """Remove their containers and networks; what was pushed into a named volume stays. Idempotent.

        Raises:
            StackError: Docker refused, in its words.
        """
        self._down()

    def end(self) -> None:
        """Remove their named volumes as well. Raises StackError."""
        self._down("--volumes")

    def journals(self) -> Sequence[Path]:
        """None: what lies in a container is not ours to read here."""
        return ()

    def show_logs(self, *, follow: bool) -> None:
        """Have Docker print what the containers said, project by project; with ``follow`` it goes on with the last."""
        names = self.names()
        for name in names:
            options = ["--follow"] if follow and name == names[-1] else []
            self._show("compose", "--project-name", name, "logs", *options)

    def names(self) -> Sequence[str]:
        """The projects."""
        return sorted({str(row["Config"]["Labels"][LABEL]) for row in self._containers()})

    def _down(self, *options: str) -> None:
        """Take each down by its name, for its file may be gone."""
        for name in self.names():
            self._run("compose", "--project-name", name, "down", "--remove-orphans", *options)

    def _containers(self) -> Sequence[dict[str, Any]]:
        """What Docker knows of each of them."""
        every = self._run("ps", "--all", "--quiet", "--filter", f"label={LABEL}.working_dir").split()
        if not every:
            return ()
        rows = json.loads(self._run("inspect", "--type", "container", *every))
        return [row for row in rows if self._is_ours(row)]

    def _is_ours(self, row: Mapping[str, Any]) -> bool:
        """Whether compose made it from a file of the student's folder."""
        folder = Path(row["Config"]["Labels"][f"{LABEL}.working_dir"])
        return folder.resolve().is_relative_to(self.work.resolve())

    def _show(self, *words: str) -> None:
        """Run a command of Docker's whose words are the student's to read."""
        subprocess.run([self.command, *words], env=dict(self.environ), cwd="/", check=False)

    def _run(self, *words: str) -> str:
        """What a command of Docker's printed. Not from the student's folder: a mistake in a file there is no matter."""
        done = subprocess.run(
            [self.command, *words],
            env=dict(self.environ),
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
        )
        if done.returncode:
            raise StackError("error.docker-refused", command=" ".join(words[:2]), reason=done.stderr.strip())
        return done.stdout


def demand(command: Path | None, environ: Mapping[str, str]) -> Path:
    """Docker's own command, if an engine answers it and it knows compose.

    Args:
        command: As far as one was found.
        environ: In which the student will run it.

    Raises:
        StackError: Something of it is not there; the cure is told.
    """
    if command is None or engine_version(command) is None:
        raise StackError("error.no-docker-engine", path=command or "docker")
    done = subprocess.run(
        [command, "compose", "version"], env=dict(environ), capture_output=True, check=False, timeout=TIMEOUT_SECONDS
    )
    if done.returncode:
        raise StackError("error.no-docker-compose", path=command)
    return command


def lend_plugins(engine: Path, environ: Mapping[str, str]) -> None:
    """Let Docker's command find the student's own plugins (Docker Desktop's compose) though it is configured elsewhere.

    Args:
        engine: Engine home of a machine, which ``DOCKER_CONFIG`` names.
        environ: The student's own.
    """
    plugins = Path(environ.get("HOME") or Path.home()) / ".docker" / "cli-plugins"
    config = engine / "config.json"
    if plugins.is_dir() and not config.exists():
        write_private(config, json.dumps({"cliPluginsExtraDirs": [str(plugins)]}) + "\n")


def _status(row: Mapping[str, Any]) -> ServiceStatus:
    """A container as it is now; its log is Docker's to show."""
    bindings = (row["NetworkSettings"].get("Ports") or {}).values()
    ports = [f"{binding['HostIp']}:{binding['HostPort']}" for bound in bindings for binding in bound or ()]
    return ServiceStatus(CONTAINER, _name(row), ", ".join(ports), row["State"]["Pid"] or None, Path())


def _name(row: Mapping[str, Any]) -> str:
    """``tp2-nginx-1``."""
    return str(row["Name"]).removeprefix("/")
