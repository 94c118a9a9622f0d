"""Programs that outlive the command that started them: started detached, found again, ended, never mistaken.

A record (``<name>.pid.json``) holds the pid and when that process began, because the system gives pids out again. Each
program leads a session of its own, so that workers whose leader was killed are found by the session's id, which the
system does not reuse while one member lives. Where the record was lost, the command line finds the program: it names a
file of this lab's.
"""

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from labs.faults import LabError

START_TOLERANCE_SECONDS = 2.0
"""A process's start time is derived from the boot time, which the system may correct by a second."""

STOP_TIMEOUT_SECONDS = 5.0
"""After this, SIGKILL: a registry that does not end on SIGTERM by then hangs."""

POLL_SECONDS = 0.02
LAST_LINES = 8


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """What tells our process from another with the same pid. ``started`` is seconds since the epoch."""

    pid: int
    started: float


@dataclass(frozen=True, slots=True)
class DetachedProcess:
    """One program of ours, running or not.

    Attributes:
        folder: Holds its record and its log.
        command: What starts it, program first; an argument of it names a file of this lab's and of no other.
    """

    name: str
    folder: Path
    command: tuple[str, ...]

    @property
    def record_path(self) -> Path:
        """Where the record lies while it should be running."""
        return self.folder / f"{self.name}.pid.json"

    @property
    def log(self) -> Path:
        """All that it prints."""
        return self.folder / f"{self.name}.log"

    def start(self, environ: Mapping[str, str]) -> None:
        """Start it detached from this terminal. The log grows, so that the story of a restart can be read."""
        self.folder.mkdir(parents=True, exist_ok=True)
        append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        # Not subprocess.Popen: its object complains when it is dropped while the process lives, which is the aim here.
        pid = os.posix_spawn(
            self.command[0],
            self.command,
            environ,
            setsid=True,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(self.log), append, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
        )
        record = ProcessRecord(pid, psutil.Process(pid).create_time())
        self.record_path.write_text(json.dumps(asdict(record)), encoding="ascii")

    def is_expected(self) -> bool:
        """Whether it was started and not stopped since. Where the record was lost, what runs of it tells so."""
        return self.record_path.exists() or bool(self.members())

    def pid(self) -> int | None:
        """The leader's pid if it runs, else None."""
        record = self._record()
        return record.pid if record and _leads(record) else None

    def members(self) -> list[psutil.Process]:
        """What of it runs: the leader and its workers, orphaned ones too."""
        processes = list(psutil.process_iter())
        sessions = {_session(process.pid) for process in processes if _arguments(process) == self.command[1:]}
        record = self._record()
        if record and (_leads(record) or not psutil.pid_exists(record.pid) or _is_zombie(record.pid)):
            sessions.add(record.pid)
        return [process for process in processes if _session(process.pid) in sessions - {None} and _lives(process)]

    def stop(self) -> None:
        """End all of it and drop the record. Idempotent.

        Raises:
            LabError: Something of it is still there after SIGKILL.
        """
        end(self.name, self.members())
        self.record_path.unlink(missing_ok=True)

    def await_ready(self, is_ready: Callable[[], bool], timeout_seconds: float) -> None:
        """Wait until it answers.

        Raises:
            LabError: It ended before, or did not answer in time; its last words are told, and it is stopped.
        """
        ended = False

        def ready_or_ended() -> bool:
            nonlocal ended
            ended = self.pid() is None
            return ended or is_ready()

        if wait_until(ready_or_ended, timeout_seconds) and not ended:
            return
        self.stop()
        message = "error.process-ended" if ended else "error.process-silent"
        raise LabError(message, name=self.name, log=self.log, lines="\n".join(self.last_lines()))

    def last_lines(self, count: int = LAST_LINES) -> list[str]:
        """The end of its log."""
        try:
            return self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:]
        except FileNotFoundError:
            return []

    def _record(self) -> ProcessRecord | None:
        """The record; a damaged one names no process, and nobody is ended by guess."""
        try:
            return ProcessRecord(**json.loads(self.record_path.read_text(encoding="ascii")))
        except (OSError, ValueError, TypeError):
            return None


def end(name: str, processes: Sequence[psutil.Process]) -> None:
    """End processes: those that do not go when they are asked, by force.

    Raises:
        LabError: Something of it, which is called ``name``, is still there after SIGKILL.
    """
    _signal(processes, signal.SIGTERM)
    if not wait_until(lambda: not any(map(_lives, processes)), STOP_TIMEOUT_SECONDS):
        _signal(processes, signal.SIGKILL)
        if not wait_until(lambda: not any(map(_lives, processes)), STOP_TIMEOUT_SECONDS):
            raise LabError("error.will-not-end", name=name, pid=", ".join(str(p.pid) for p in processes))


def module_command(module: str, *arguments: str) -> tuple[str, ...]:
    """The command that runs a Python module with this very interpreter."""
    return (sys.executable, "-m", module, *arguments)


def _leads(record: ProcessRecord) -> bool:
    """Whether the recorded process itself lives."""
    try:
        process = psutil.Process(record.pid)
        same = abs(process.create_time() - record.started) < START_TOLERANCE_SECONDS
    except (psutil.Error, ValueError):
        return False
    return same and _lives(process)


def _lives(process: psutil.Process) -> bool:
    """Whether it runs; a zombie does not, it only waits for its parent to look. A child of ours is looked at here."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _is_zombie(pid: int) -> bool:
    """Whether the pid still stands for a process that ended."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def _arguments(process: psutil.Process) -> tuple[str, ...]:
    """Its command line without the program; empty where we may not know."""
    try:
        return tuple(process.cmdline()[1:])
    except psutil.Error:
        return ()


def _session(pid: int) -> int | None:
    """The session that a process belongs to; None where there is no process or we may not know."""
    try:
        return os.getsid(pid)
    except OSError:
        return None


def _signal(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    """Send a signal to each that still is the process it was (psutil compares start times)."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def wait_until(condition: Callable[[], bool], timeout_seconds: float) -> bool:
    """Poll; whether the condition came true in time."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
