"""TP-2 put back to never used, from whatever state the student's own stack is in; with real processes."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from labs.attempts import Attempt
from labs.catalog.model import Lab, load
from labs.compose.record import FOLDER, ProjectRecord
from labs.stack.interface import NEVER_USED, Inventory
from tests.labs.conftest import LabUnderTest
from tests.labs.disks import needs_a_disk, reset_when_full

MACHINE = "a"
LISTENER = """\
import socket, sys, time
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print(flush=True)
time.sleep(600)
"""


@dataclass
class Built:
    """A lab whose TP-2 was just begun, and on request the stack that the solution builds in it.

    Attributes:
        others: Programs that are none of the lab's.
    """

    lab: LabUnderTest
    pristine: Inventory = field(default_factory=Inventory)
    others: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def tp2(self) -> Lab:
        """The exercise."""
        return load("tp2")

    @property
    def work(self) -> Path:
        """The student's folder."""
        return self.lab.home.files("tp2")

    @property
    def project(self) -> Path:
        """What compose keeps of the project."""
        return self.lab.home.engine("tp2", MACHINE) / FOLDER / "tp2"

    @property
    def attempt(self) -> Attempt:
        """The attempt under way."""
        attempt = Attempt.load(self.lab.home.stack("tp2"))
        assert attempt is not None
        return attempt

    def inventory(self) -> Inventory:
        """What TP-2 has now."""
        return self.lab.runner.inventory(self.tp2)

    def pid(self, service: str) -> int:
        """Of a service that runs."""
        pid = {row.name: row.pid for row in self.lab.runner.status(self.tp2).services}[service]
        assert pid is not None
        return pid

    def student(self, script: str, code: int = 0) -> str:
        """What a student's commands print, in their folder."""
        steps = Path(str(self.tp2.folder)) / "solution" / "steps.sh"
        words = ["sh", "-c", f'cd "{self.work}" && . "{steps}" && {script}']
        scratch = self.lab.home.state.parent / "scratch"
        scratch.mkdir(exist_ok=True)
        done = LabUnderTest(self.lab.home, self.lab.environ | {"LAB_SCRATCH": str(scratch)}).labstack(
            "shell", "tp2", "--", *words, code=code
        )
        return done.stdout + done.stderr

    def other(self, *command: str) -> subprocess.Popen[bytes]:
        """A program that is none of the lab's, and listens before this returns."""
        process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE)
        self.others.append(process)
        assert process.stdout is not None
        process.stdout.readline()
        return process

    def end_others(self) -> None:
        """End them; what the lab has is put away by whoever begins it next."""
        for process in self.others:
            process.kill()
            process.communicate()


@pytest.fixture
def tp2(begin: Callable[[str], LabUnderTest]) -> Iterator[Built]:
    """TP-2 freshly begun."""
    built = Built(begin("tp2"))
    built.pristine = built.inventory()
    yield built
    built.end_others()


@pytest.fixture
def built(tp2: Built) -> Built:
    """TP-2 with the solution's stack up."""
    tp2.student("prepare && bring_up")
    return tp2


def test_up_begins_and_starts_nothing(tp2: Built) -> None:
    """The student has their files and the commands; what runs is theirs to start."""
    status = tp2.lab.labstack("status").stdout
    assert "tp2: up" in status
    assert tp2.pristine.processes == ()
    assert {"work/tp2/Dockerfile", "work/tp2/payload.bin"} <= set(tp2.pristine.files)
    assert "connection refused" in tp2.student("docker login $LAB_REGISTRY -u a -p b", code=1)


def test_the_students_services_are_shown(built: Built) -> None:
    """Status, for people and for programs, shows each service of the student's, and logs what they said."""
    rows = json.loads(built.lab.labstack("status", "--json").stdout)["labs"]
    services = {row["name"]: row for row in next(row for row in rows if row["id"] == "tp2")["services"]}
    assert services.keys() == {"nginx", "registry"}
    assert services["nginx"]["pid"] == built.pid("nginx")
    port = int(built.lab.environ["LAB_PORT_BASE"]) + 3443
    assert f"127.0.0.1:{port}" in services["nginx"]["url"]
    assert "listening" in built.lab.labstack("logs", "tp2").stdout


def test_down_ends_the_students_services_and_keeps_what_they_made(built: Built) -> None:
    """Files, logs and the attempt stay; compose brings the stack up again, and then it is up."""
    attempt = built.attempt
    assert built.inventory().processes == ("nginx", "registry")
    built.lab.labstack("down", "tp2")
    assert built.inventory().processes == ()
    assert "tp2: down" in built.lab.labstack("status").stdout
    assert (built.work / "compose.yaml").exists()
    assert ProjectRecord.load(built.lab.home.engine("tp2", MACHINE), "tp2") is not None
    built.student("bring_up")
    assert "tp2: up" in built.lab.labstack("status").stdout
    assert built.attempt == attempt


def test_reset_after_down_leaves_a_lab_that_was_never_used(built: Built) -> None:
    """Nothing of the student's stack is left, and its name leads nowhere any more."""
    built.lab.labstack("down", "tp2")
    built.lab.labstack("reset", "tp2", "--yes")
    assert built.inventory() == NEVER_USED
    assert json.loads(built.lab.home.internet.read_text())["private"] == {}


def test_the_other_exercise_is_left_alone(built: Built) -> None:
    """A reset of one keeps the other's registry, logins, images and names, both ways round."""
    lab = built.lab
    lab.labstack("up", "tp1")
    (lab.home.engine("tp1", MACHINE) / "config.json").write_text("{}")
    first, pids = lab.inventory(), lab.pids()
    lab.labstack("reset", "tp2", "--yes")
    assert (lab.inventory(), lab.pids()) == (first, pids)
    built.student("prepare && bring_up")
    second, nginx = built.inventory(), built.pid("nginx")
    lab.labstack("reset", "tp1", "--yes")
    assert (built.inventory(), built.pid("nginx")) == (second, nginx)
    names = json.loads(lab.home.internet.read_text())
    assert names["names"].keys() == {"ghcr.io"}
    assert names["private"].keys() == {"registry.example.com"}


def killed_nginx(built: Built) -> None:
    """The first process of nginx was killed; its workers go on."""
    os.kill(built.pid("nginx"), signal.SIGKILL)


def stale_pids(built: Built) -> None:
    """The machine was switched off; since, the pids have gone to somebody else."""
    other = built.other("sh", "-c", "echo; exec sleep 600")
    for service in ("nginx", "registry"):
        os.killpg(built.pid(service), signal.SIGKILL)
    for path in built.project.rglob("*.pid.json"):
        path.write_text(json.dumps({"pid": other.pid, "started": psutil.Process(other.pid).create_time() - 3600}))
    rewrite_record(built, other.pid)


def foreign_program_in_the_records(built: Built) -> None:
    """The records name a program that is somebody else's, down to the second in which it began."""
    other = built.other("sh", "-c", "echo; exec sleep 600")
    for path in built.project.rglob("*.pid.json"):
        path.write_text(json.dumps({"pid": other.pid, "started": psutil.Process(other.pid).create_time()}))
    rewrite_record(built, other.pid)


def rewrite_record(built: Built, pid: int) -> None:
    """Have compose's record name another pid."""
    path = built.project / "project.json"
    values = json.loads(path.read_text())
    for service in values["services"]:
        service["pid"] = pid
    path.write_text(json.dumps(values))


def stolen_port(built: Built) -> None:
    """While the stack was down somebody else took its port; it did not come up again."""
    built.student("docker compose down")
    built.other(sys.executable, "-c", LISTENER, str(int(built.lab.environ["LAB_PORT_BASE"]) + 3443))
    assert f"pid {built.others[0].pid}" in built.student("docker compose up -d", code=1)


def certificates_gone(built: Built) -> None:
    """Somebody tidied the certificates away."""
    shutil.rmtree(built.work / "certs")


def truncated_store(built: Built) -> None:
    """The disk lost the ends of files, the journal's and the passwords' too."""
    built.student("make_passwords && trust $LAB_REGISTRY && log_in $LAB_REGISTRY && build && push")
    files = [path for folder in (built.work / "registry", built.project / "logs") for path in folder.rglob("*")]
    for path in (*files, built.work / "auth" / "htpasswd"):
        if path.is_file():
            os.truncate(path, path.stat().st_size // 2)


def half_written_attempt(built: Built) -> None:
    """The lab's own record was cut off."""
    os.truncate(built.lab.home.stack("tp2") / "attempt.json", 40)


def half_written_project(built: Built) -> None:
    """What compose wrote down was cut off, all of it."""
    for path in built.project.rglob("*.json"):
        os.truncate(path, path.stat().st_size // 2)


def read_only_folders(built: Built) -> None:
    """Somebody was careful with chmod."""
    folders = [built.lab.home.stack("tp2"), *(path for path in built.project.rglob("*") if path.is_dir()), built.work]
    for folder in folders:
        folder.chmod(0o500)


def project_removed_by_hand(built: Built) -> None:
    """Somebody deleted what compose keeps, while the stack runs."""
    shutil.rmtree(built.project)


def project_removed_and_nginx_killed(built: Built) -> None:
    """And killed nginx's first process, so that nothing names the lab any more but the files its workers hold open."""
    nginx = built.pid("nginx")
    shutil.rmtree(built.project)
    os.kill(nginx, signal.SIGKILL)


def foreign_nginx(built: Built) -> None:
    """Another nginx runs, of another folder: here a program that calls itself so."""
    folder = built.lab.home.state.parent / "foreign"
    folder.mkdir(exist_ok=True)
    shutil.copy(shutil.which("sleep") or "", folder / "nginx")
    built.other("sh", "-c", f'echo; exec "{folder}/nginx" 600')


BREAKAGES: list[Callable[[Built], None]] = [
    *(killed_nginx, stale_pids, stolen_port, certificates_gone, truncated_store, half_written_attempt),
    *(half_written_project, read_only_folders, project_removed_by_hand, project_removed_and_nginx_killed),
    *(foreign_nginx, foreign_program_in_the_records),
]


@pytest.mark.parametrize("break_it", BREAKAGES, ids=lambda breakage: breakage.__name__)
def test_reset_mends_a_broken_stack(built: Built, break_it: Callable[[Built], None]) -> None:
    """From whatever state, nothing of the student's stack is left, and nobody else's program was ended."""
    number = built.attempt.number
    break_it(built)
    built.lab.labstack("reset", "tp2", "--yes")
    assert built.inventory() == built.pristine
    assert built.attempt.number == number + 1
    assert lost_programs(built) == []
    assert all(process.poll() is None for process in built.others)
    port = int(built.lab.environ["LAB_PORT_BASE"]) + 3080
    with socket.create_server(("127.0.0.1", port)):
        pass


def lost_programs(built: Built) -> list[str]:
    """Command lines of what still runs with a file of the exercise's machines."""
    folder = f"{built.lab.home.engines('tp2')}{os.sep}"
    lines = []
    for process in psutil.process_iter():
        try:
            lines.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return [line for line in lines if folder in line]


@needs_a_disk
def test_reset_on_a_full_disk(new_lab: LabUnderTest, tmp_path: Path) -> None:
    """A student whose images filled the disk gets it back by a reset, their files kept."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    printed = reset_when_full(
        new_lab,
        tmp_path,
        "tp2",
        size="24m",
        filler="engines/tp2/a/filler",
        begun="""labstack shell tp2 -- sh -c 'cd "$LAB_WORK/tp2" && . "$LAB_STEPS" && prepare && bring_up'""",
        LAB_STEPS=str(Path(str(load("tp2").folder)) / "solution" / "steps.sh"),
        LAB_SCRATCH=str(scratch),
    )
    assert "the running process nginx" in printed
