"""What this machine has and lacks for the exercises. Looks, and changes nothing."""

import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from labs import ports
from labs.catalog.model import Lab, Private
from labs.compose.model import ComposeError
from labs.compose.nginx.programs import programs
from labs.faults import LabError
from labs.home import LabHome
from labs.stack import environment, inventory
from labs.stack.interface import StackState
from labs.stack.process_runner import ProcessRunner

NEEDED_PYTHON = (3, 11)
NEEDED_BYTES = 500 * 2**20
"""Room for the four exercises' images, twice, and JupyterLab's own files."""

ACME_COMMANDS = ("pebble", "certbot")
"""An ACME server to practise with, and the client."""

COMMANDS = ("pyregistry", "labcheck", "labdocker", "labcosign")


class Health(StrEnum):
    """``remark``: works, and you should know."""

    WELL = "well"
    REMARK = "remark"
    ILL = "ill"


@dataclass(frozen=True, slots=True)
class Symptom:
    """One thing looked at. Its text is ``doctor.<name>.<health>``; the cure of what is ill, ``doctor.<name>.cure``."""

    name: str
    health: Health
    parameters: dict[str, object] = field(default_factory=dict)


def examine(runner: ProcessRunner, labs: list[Lab]) -> Iterator[Symptom]:
    """Everything, one after the other."""
    yield _python()
    yield _system()
    yield _folder(runner.home, labs)
    yield _disk(runner.home.state)
    yield _commands()
    yield _notebooks()
    yield from _settings(runner)
    for lab in labs:
        yield from _stack(runner, lab)


def _python() -> Symptom:
    """Whether the interpreter is new enough."""
    health = Health.WELL if sys.version_info >= NEEDED_PYTHON else Health.ILL
    return Symptom("python", health, {"version": platform.python_version()})


def _system() -> Symptom:
    """Linux and macOS; Windows through WSL2."""
    health = Health.WELL if sys.platform in {"linux", "darwin"} else Health.ILL
    return Symptom("system", health, {"name": f"{platform.system()} {platform.machine()}"})


def _folder(home: LabHome, labs: list[Lab]) -> Symptom:
    """Whether the lab's folder, or the first one above it that exists, and what lies in it can be used."""
    there = _existing(home.state)
    closed = [] if os.access(there, os.W_OK | os.X_OK) else [there]
    closed += [folder for lab in labs for folder in inventory.closed(home, lab.id)]
    return Symptom(
        "folder", Health.ILL if closed else Health.WELL, {"path": home.state, "there": next(iter(closed), there)}
    )


def _disk(state: Path) -> Symptom:
    """Whether there is room."""
    free = shutil.disk_usage(_existing(state)).free
    health = Health.WELL if free >= NEEDED_BYTES else Health.ILL
    return Symptom("disk", health, {"free": free // 2**20, "needed": NEEDED_BYTES // 2**20, "path": state})


def _commands() -> Symptom:
    """Whether the project's own commands lie beside the interpreter."""
    folder = Path(sys.executable).parent
    missing = [name for name in COMMANDS if not (folder / name).exists()]
    health = Health.ILL if missing else Health.WELL
    return Symptom("commands", health, {"names": ", ".join(missing or COMMANDS), "folder": folder})


def _notebooks() -> Symptom:
    """Whether JupyterLab is installed."""
    found = importlib.util.find_spec("jupyterlab") is not None
    return Symptom("notebooks", Health.WELL if found else Health.ILL)


def _settings(runner: ProcessRunner) -> Iterator[Symptom]:
    """Whose internet and whose docker; a setting that says nothing sensible."""
    try:
        internet = environment.choose_internet(runner.environ)
        choice = environment.choose_docker(runner.home, runner.environ)
        ports.base(runner.environ)
    except LabError as exc:
        yield Symptom("settings", Health.ILL, {"error": exc})
        return
    yield Symptom("internet", Health.WELL if internet is environment.Internet.TWIN else Health.REMARK)
    command = environment.real_docker(runner.home, runner.environ)
    if choice.docker is environment.Docker.REAL and command:
        version = environment.engine_version(command)
        yield Symptom("engine", Health.WELL if version else Health.ILL, {"path": command, "version": version or "-"})
    else:
        yield Symptom("docker", Health.WELL if choice.is_forced or not command else Health.REMARK, {"path": command})


def _stack(runner: ProcessRunner, lab: Lab) -> Iterator[Symptom]:
    """Whether a stack that should be up is, and whether the ports of one that is not are free."""
    try:
        base = ports.base(runner.environ)
        status = runner.status(lab)
        twins = runner.twins(lab) if status.state is StackState.UP else runner.planned(lab)
    except (LabError, PermissionError):
        return  # said among the settings and the folders
    if status.state is StackState.BROKEN:
        yield Symptom("stack", Health.ILL, {"lab": lab.id})
    for door in (door for twin in twins for door in twin.doors):
        yield _port(door.port, door.name, is_ours=bool(door.process.members()))
    if lab.private:
        yield from _private(runner, lab, lab.private)
    if base == ports.AIRPLAY_BASE and not runner.environ.get("LAB_PORT_BASE"):
        yield Symptom("airplay", Health.REMARK, {"base": ports.AIRPLAY_BASE})


def _port(port: int, name: str, *, is_ours: bool) -> Symptom:
    """Whether we hold a port, or nobody does."""
    if is_ours or ports.is_free(port):
        return Symptom("port", Health.WELL, {"port": port, "name": name})
    who = ports.holder(port)
    return Symptom("port", Health.ILL, {"port": port, "program": who.name, "pid": who.pid or "?"})


def _private(runner: ProcessRunner, lab: Lab, private: Private) -> Iterator[Symptom]:
    """What the student needs to build a registry: nginx, ports for 443 and 80, perhaps an ACME server."""
    if runner.is_dockers(lab):
        command = environment.real_docker(runner.home, runner.environ)
        version = environment.engine_version(command) if command else None
        health = Health.WELL if version else Health.ILL
        yield Symptom("stack-engine", health, {"lab": lab.id, "version": version})
        return
    yield _nginx(runner)
    ours = {process.pid for process in runner.projects(lab).processes()}
    for usual, port in runner.forwarded(lab).private[private.name].items():
        yield _port(port, f"{private.name}:{usual}", is_ours=ports.holder(port).pid in ours)
    path = os.pathsep.join([str(Path(sys.executable).parent), runner.environ.get("PATH", os.defpath)])
    missing = [name for name in ACME_COMMANDS if shutil.which(name, path=path) is None]
    health = Health.REMARK if missing else Health.WELL
    yield Symptom("acme", health, {"names": ", ".join(missing or ACME_COMMANDS), "lab": lab.id})


def _nginx(runner: ProcessRunner) -> Symptom:
    """Whether there is an nginx, the system's or the one that is installed with the lab."""
    try:
        program = programs(runner.environ)[0]
    except ComposeError:
        return Symptom("nginx", Health.ILL)
    return Symptom("nginx", Health.WELL, {"path": program.path, "version": ".".join(map(str, program.version))})


def _existing(path: Path) -> Path:
    """The path, or the first above it that exists."""
    # Not Path.exists: it raises below a folder that we may not enter.
    return next(folder for folder in (path, *path.parents) if os.access(folder, os.F_OK))
