"""One service as it runs here, or ran: what Docker would call its container. Kept as a file beside its process.

``<engine home>/compose/<project>/state/<service>/container.json``, for our own commands only; what others may read is
``record``. A damaged one is as good as none: the processes are then found by what runs.
"""

import json
import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

import psutil

from labs.compose.layout import ProjectFolder
from labs.compose.model import Mount, Published, Service
from labs.compose.place import Plan
from labs.compose.record import FOLDER
from labs.ports import HOST
from labs.processes import DetachedProcess

FILE_NAME = "container.json"
_ID_BYTES = 32
_CONNECT_TIMEOUT_SECONDS = 1.0
_PLAN_PATHS = ("access_logs", "password_files", "certificates", "keys")


@dataclass(frozen=True, slots=True)
class Container:
    """One service of a project, planned.

    Attributes:
        ports: By the container's port, the port of this machine.
        neighbours: As in ``Place``.
        created: Seconds since the epoch; so ``stopped``, None unless ``docker compose stop`` ended it.
        log_start: Bytes of its log that an earlier container said: logs outlive ``down``.
    """

    folder: ProjectFolder
    service: Service
    plan: Plan
    ports: Mapping[int, int]
    neighbours: Mapping[str, Mapping[int, int]]
    id: str = field(default_factory=lambda: secrets.token_hex(_ID_BYTES))
    created: float = field(default_factory=time.time)
    stopped: float | None = None
    log_start: int = 0

    @property
    def name(self) -> str:
        """``tp2-nginx-1``, unless the file names it."""
        return container_name(self.folder.name, self.service)

    @property
    def process(self) -> DetachedProcess:
        """What runs, or ran."""
        return DetachedProcess(self.service.name, self.folder.logs(self.service.name), self.plan.command)

    @property
    def definition(self) -> tuple[object, ...]:
        """What it was made from; another one makes another container."""
        return definition(self.service, self.ports, self.neighbours)

    def again(self, before: "Container") -> "Container":
        """This plan for the container that was there before: started again, not made anew."""
        return replace(self, id=before.id, created=before.created, log_start=before.log_start)

    def pid(self) -> int | None:
        """The first process's pid if it runs."""
        pid = self.process.pid()
        return pid if pid is not None and belongs(psutil.Process(pid), self.folder.path) else None

    def is_listening(self) -> bool:
        """Whether every port that it listens on takes a connection."""
        return all(_connects(self.ports[port]) for port in self.plan.listens)

    def save(self) -> None:
        """Write it, atomically, for its owner's eyes: the environment may hold secrets."""
        path = self.folder.state(self.service.name) / FILE_NAME
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        temporary.touch(mode=0o600)
        values = {
            name: getattr(self, name) for name in ("id", "created", "stopped", "log_start", "ports", "neighbours")
        }
        values |= {"service": asdict(self.service), "plan": asdict(self.plan)}
        temporary.write_text(json.dumps(values, default=str), encoding="utf-8")
        temporary.replace(path)

    def forget(self) -> None:
        """Drop what is known of it; its logs stay."""
        shutil.rmtree(self.folder.state(self.service.name), ignore_errors=True)

    def end(self) -> None:
        """End its process. Never another's: a record that was copied here names one that is not ours."""
        forget_foreign(self.process, self.folder)
        self.process.stop()


def definition(
    service: Service, ports: Mapping[int, int], neighbours: Mapping[str, Mapping[int, int]]
) -> tuple[object, ...]:
    """A service and where it stands; where it is written does not count."""
    bare = replace(service, line=0, file=Path(), environment_lines={})
    return bare, dict(ports), {name: dict(others) for name, others in neighbours.items()}


def container_name(project: str, service: Service) -> str:
    """What Compose calls the container of a service."""
    return service.container_name or f"{project}-{service.name}-1"


def load(folder: ProjectFolder, service: str) -> Container | None:
    """The container of a service; None where there is none, or what is known of it is damaged."""
    try:
        values = json.loads((folder.state(service) / FILE_NAME).read_text(encoding="utf-8"))
        container = _container(folder, values)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    is_ours = container.service.name == service and any(str(folder.path) in word for word in container.plan.command)
    return container if is_ours else None


def load_all(folder: ProjectFolder) -> dict[str, Container]:
    """All containers of a project by service."""
    names = sorted(path.name for path in folder.states.glob("*") if path.is_dir())
    return {name: container for name in names if (container := load(folder, name))}


def of_engine(engine: Path) -> list[Container]:
    """All containers of an engine home, by project and service."""
    folders = sorted(path for path in (engine / FOLDER).glob("*") if path.is_dir())
    return [container for path in folders for container in load_all(ProjectFolder(engine, path.name)).values()]


def belongs(process: psutil.Process, folder: Path) -> bool:
    """Whether a process is a service's first: a program of ours whose command names a file below a folder.

    It leads a session. What the student starts on such a file does not: it is a member of their shell's.
    """
    try:
        words, is_leader = process.cmdline(), os.getsid(process.pid) == process.pid
    except (psutil.Error, OSError):
        return False
    line = " ".join(words)
    is_ours = "pyregistry" in words or Path(line.split(" ")[0]).name.startswith("nginx")
    return is_leader and is_ours and f"{folder}{os.sep}" in line


def strays(folder: Path) -> Iterator[psutil.Process]:
    """All processes of a project, or of a service by its state's folder, however their records were lost.

    Workers are found by their session.
    """
    processes = list(psutil.process_iter())
    sessions = {_session(process.pid) for process in processes if belongs(process, folder)} - {None}
    return (process for process in processes if _session(process.pid) in sessions)


def forget_foreign(process: DetachedProcess, folder: ProjectFolder) -> None:
    """Drop the record of a process that is another project's, as in a lab that was copied while it ran."""
    pid = process.pid()
    if pid is not None and not belongs(psutil.Process(pid), folder.path):
        process.record_path.unlink(missing_ok=True)


def _container(folder: ProjectFolder, values: dict[str, Any]) -> Container:
    return Container(
        folder=folder,
        service=_service(values["service"]),
        plan=_plan(values["plan"]),
        ports=_ports(values["ports"]),
        neighbours={name: _ports(ports) for name, ports in values["neighbours"].items()},
        id=str(values["id"]),
        created=float(values["created"]),
        stopped=values["stopped"],
        log_start=int(values["log_start"]),
    )


def _service(row: dict[str, Any]) -> Service:
    texts = {name: tuple(row[name]) for name in ("depends_on", "networks", "command")}
    mounts = tuple(
        Mount(**(mount | {"source": Path(mount["source"]), "target": PurePosixPath(mount["target"])}))
        for mount in row["mounts"]
    )
    ports = tuple(Published(**port) for port in row["ports"])
    return Service(**(row | texts | {"mounts": mounts, "ports": ports, "file": Path(row["file"])}))


def _plan(row: dict[str, Any]) -> Plan:
    paths = {name: tuple(Path(path) for path in row[name]) for name in _PLAN_PATHS}
    journal = Path(row["journal"]) if row["journal"] else None
    reload = tuple(row["reload"]) if row["reload"] else None
    words = {"command": tuple(row["command"]), "listens": tuple(row["listens"])}
    return Plan(**(row | paths | words | {"journal": journal, "reload": reload}))


def _ports(row: Mapping[str, int]) -> dict[int, int]:
    """JSON has texts for keys."""
    return {int(port): int(here) for port, here in row.items()}


def _connects(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=_CONNECT_TIMEOUT_SECONDS):
            return True
    except OSError:
        return False


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None
