"""One lab a worker: its own folder, its own ports, a stack that stays up while tests put it back to new."""

import itertools
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from labs.catalog.model import load, slugs
from labs.home import LabHome
from labs.ports import is_free
from labs.stack.interface import Inventory, StackState
from labs.stack.process_runner import ProcessRunner
from labs.stack.twin import Twin

TIMEOUT_SECONDS = 60
BIN = Path(sys.executable).parent
FIRST_BASE, BASES, APART = 10_000, 180, 100
"""So far apart that the ports of two labs, base + 0 … 21, + 3080 and + 3443, are never the same."""

WORKER, WORKERS = (
    int(os.environ.get(name, default).removeprefix("gw"))
    for name, default in (("PYTEST_XDIST_WORKER", "0"), ("PYTEST_XDIST_WORKER_COUNT", "1"))
)
_turns = itertools.count(secrets.randbelow(BASES))


@dataclass(frozen=True)
class LabUnderTest:
    """A lab as a student has it; commands run as programs of their own."""

    home: LabHome
    environ: dict[str, str]
    pristine: Inventory = field(default_factory=Inventory)

    @property
    def runner(self) -> ProcessRunner:
        """What runs its stacks, for a look inside."""
        return ProcessRunner(self.home, self.environ)

    def labstack(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run ``labstack`` and expect an exit code."""
        return self._run([sys.executable, "-m", "labs", *words], {code})

    def labcheck(self, slug: str = "tp1", *words: str) -> tuple[int, dict[str, Any]]:
        """Grade an exercise: the exit code and the result document, empty where there was nothing to grade."""
        done = self._run([sys.executable, "-m", "checker", slug, "--json", *words], {0, 1, 3, 4, 5})
        return done.returncode, json.loads(done.stdout or "{}")

    @property
    def twin(self) -> Twin:
        """TP-1's registry."""
        (twin,) = self.runner.twins(load("tp1"))
        return twin

    def pids(self) -> list[int]:
        """The registry's processes that run."""
        return [pid for pid in (door.process.pid() for door in self.twin.doors) if pid]

    def kill_registry(self) -> None:
        """End the registry as a power cut does."""
        for pid in self.pids():
            os.kill(pid, signal.SIGKILL)

    def inventory(self) -> Inventory:
        """What TP-1 has now."""
        return self.runner.inventory(load("tp1"))

    def _run(self, command: list[str], codes: set[int]) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=TIMEOUT_SECONDS,
        )
        assert done.returncode in codes, f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done


def free_port_base() -> int:
    """A base whose ports nobody holds, never another worker's nor, for long, one that was given out before.

    All are below those that the system gives to clients: one of these may come any time.
    """
    labs = [load(slug) for slug in slugs()]
    services = [port for lab in labs for service in lab.services for port in (service.port, service.tls_port)]
    private = [port for lab in labs if lab.private for port in (0, lab.private.https_port, lab.private.http_port)]
    while True:
        base = FIRST_BASE + (next(_turns) * WORKERS + WORKER) % BASES * APART
        if all(is_free(base + port) for port in (*services, *private)):
            return base


def make_lab(folder: Path) -> LabUnderTest:
    """A lab that was never used, with the lab's own docker, whatever else this machine has."""
    home = LabHome(folder / ".lab", folder / "work")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LAB_", "REGISTRY_", "DOCKER_"))}
    settings = {
        "LAB_HOME": str(home.state),
        "LAB_PORT_BASE": str(free_port_base()),
        "LAB_DOCKER": "lab",
        "LAB_STUDENT": "Zoé Martin",
        "LAB_LANG": "en",
        "PATH": os.pathsep.join((str(BIN), kept["PATH"])),
        "HOME": str(folder),
    }
    return LabUnderTest(home, kept | settings)


@pytest.fixture
def new_lab(tmp_path: Path) -> Iterator[LabUnderTest]:
    """A lab that was never used."""
    lab = make_lab(tmp_path)
    yield lab
    lab.labstack("down")


@pytest.fixture(scope="session")
def running_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabUnderTest]:
    """A lab of this worker whose TP-1 was brought up once."""
    lab = make_lab(tmp_path_factory.mktemp("lab"))
    lab.labstack("up", "tp1")
    yield LabUnderTest(lab.home, lab.environ, pristine=lab.inventory())
    lab.labstack("down")


@pytest.fixture
def begin(running_lab: LabUnderTest) -> Callable[[str], LabUnderTest]:
    """Starts an exercise freshly: what an earlier test did in it is gone."""

    def begin(slug: str) -> LabUnderTest:
        running_lab.labstack("reset", slug, "--yes")
        if running_lab.runner.status(load(slug)).state is not StackState.UP:
            running_lab.labstack("up", slug)
        return running_lab

    return begin


@pytest.fixture
def lab(begin: Callable[[str], LabUnderTest]) -> LabUnderTest:
    """TP-1 freshly started."""
    return begin("tp1")
