"""The compose projects that a student runs on an exercise's machines, as the stack sees them: shown and ended.

Compose ends a project by its own record. Here also what has no record any more is found: by its command line, which
names a file of the project; and what is left of an nginx whose first process is gone, by the files that it has open.
A process of somebody's terminal is never taken for one of these, nor is any other program that reads such a file.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from labs import processes
from labs.compose.model import ComposeError
from labs.compose.record import FILE_NAME, FOLDER, ProjectRecord, RecordUnreadable, ServiceRecord
from labs.ports import HOST
from labs.stack.interface import ServiceStatus, StackError


@dataclass(frozen=True, slots=True)
class Projects:
    """All projects of some engine homes, whatever is left of them."""

    engines: tuple[Path, ...]

    def services(self) -> tuple[ServiceStatus, ...]:
        """Each service of each project that was brought up and not taken down since, running or not."""
        running = {process.pid for process in self.processes()}
        return tuple(
            _status(service, running)
            for _, record in self._records()
            if record and record.up
            for service in record.services
        )

    def is_damaged(self) -> bool:
        """Whether the record of a project cannot be read."""
        return any(record is None for _, record in self._records())

    def running(self) -> Sequence[str]:
        """What of them runs, by the services' names; by the programs' own where nobody wrote those down."""
        names = {service.pid: service.name for service in self.services()}
        return sorted({names.get(_session(process.pid)) or process.name() for process in self.processes()})

    def stop(self) -> None:
        """Take them down as compose does; their logs and what was pushed stay. Idempotent.

        Raises:
            StackError: Compose refused.
            LabError: Something of it does not end.
        """
        for engine in self.engines:
            for folder in sorted((engine / FOLDER).glob("*/")):
                _take_down(engine, folder.name)
        self.end()

    def end(self) -> None:
        """End everything of them, and read and write no file for it: that works on a full disk, and on a read-only one.

        Raises:
            LabError: Something of it does not end.
        """
        processes.end("docker compose", self.processes())

    def processes(self) -> Sequence[psutil.Process]:
        """What runs of them: first processes, and what these began."""
        living = {process.pid: process for process in psutil.process_iter() if _lives(process)}
        folders = [f"{engine / FOLDER}/" for engine in self.engines]
        firsts = {pid for pid, process in living.items() if _leads(pid) and _is_told_of(process, folders)}
        members = [process for pid, process in living.items() if _session(pid) in firsts]
        orphans = [process for pid, process in living.items() if _session(pid) not in living]
        return [*members, *(process for process in orphans if _is_nginx(process) and _holds_open(process, folders))]

    def journals(self) -> Sequence[Path]:
        """Where their registries remember, those of projects that are down included."""
        services = [service for _, record in self._records() if record for service in record.services]
        return [Path(service.journal) for service in services if service.journal]

    def _records(self) -> Iterator[tuple[Path, ProjectRecord | None]]:
        """The record of each project, with its engine home; None for one that is damaged."""
        for engine in self.engines:
            for path in sorted((engine / FOLDER).glob(f"*/{FILE_NAME}")):
                try:
                    yield engine, ProjectRecord.load(engine, path.parent.name)
                except RecordUnreadable:
                    yield engine, None


def _take_down(engine: Path, name: str) -> None:
    """End a project and remove its containers. Raises StackError."""
    # Compose brings nginx's grammar with it, and every labstack command would wait for that.
    from labs.compose import projects as compose

    try:
        compose.Projects(engine).down(name)
    except ComposeError as exc:
        raise StackError("error.compose-refused", reason=exc) from exc


def _status(service: ServiceRecord, running: set[int]) -> ServiceStatus:
    """A service as it is now. A recorded pid that is none of ours has gone to somebody else."""
    ports = ", ".join(f"{HOST}:{port.here}" for port in service.published)
    pid = service.pid if service.pid in running else None
    logs = tuple(map(Path, service.access_logs))
    return ServiceStatus(service.kind, service.name, ports, pid, Path(service.output), logs)


def _is_told_of(process: psutil.Process, folders: Sequence[str]) -> bool:
    """Whether it is a program that stands for an image, started with a file of a project."""
    words = _words(process)
    stands = _is_nginx(process) or (words[1:3] == ["-m", "pyregistry"] and _is_our_python(words[0]))
    line = " ".join(words)
    return stands and any(folder in line for folder in folders)


def _is_our_python(program: str) -> bool:
    """Whether it is this interpreter, under any of its names: scripts begin as ``python3``, modules as ``python``."""
    return Path(program).parent == Path(sys.executable).parent


def _is_nginx(process: psutil.Process) -> bool:
    """Whether it is nginx, which calls its processes by what they do."""
    try:
        return bool(process.name().startswith("nginx"))
    except psutil.Error:
        return False


def _holds_open(process: psutil.Process, folders: Sequence[str]) -> bool:
    """Whether a file of a project is open in it, one that was deleted since included."""
    return any(path.startswith(tuple(folders)) for path in _open_files(process))


def _open_files(process: psutil.Process) -> Sequence[str]:
    """As far as we may know. Where there is /proc psutil is not asked: it leaves deleted files out."""
    descriptors = Path(f"/proc/{process.pid}/fd")
    try:
        if descriptors.parent.is_dir():
            return [str(entry.readlink()) for entry in descriptors.iterdir()]
        return [file.path for file in process.open_files()]
    except (OSError, psutil.Error):
        return []


def _words(process: psutil.Process) -> list[str]:
    """Its command line; nothing where we may not know."""
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def _lives(process: psutil.Process) -> bool:
    """Whether it runs, in nobody's terminal."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE and process.terminal() is None
    except psutil.Error:
        return False


def _leads(pid: int) -> bool:
    """Whether a session is its own: compose starts its programs so."""
    return _session(pid) == pid


def _session(pid: int) -> int | None:
    """The session that a process belongs to; None where there is no process or we may not know."""
    try:
        return os.getsid(pid)
    except OSError:
        return None
