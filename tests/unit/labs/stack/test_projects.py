"""A student's compose projects, as the stack sees them: with real processes, whatever became of their records."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from labs.compose.record import FILE_NAME, FOLDER, ProjectRecord, PublishedPort, ServiceRecord
from labs.processes import DetachedProcess, end, wait_until
from labs.stack.projects import Projects
from tests.tools import require

CONFIGURATION = """\
worker_processes {workers};
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
  access_log {folder}/access.log;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; }}
}}
"""
WORKERS = 2
DEADLINE_SECONDS = 10


class Machines:
    """Engine homes below a folder, and what the test starts: all of it is gone at the end, by pid."""

    def __init__(self, folder: Path) -> None:
        self.engine = folder / "engines" / "tp2" / "a"
        self.projects = Projects((self.engine, folder / "engines" / "tp2" / "b"))
        self.cleanup = ExitStack()

    @property
    def folder(self) -> Path:
        """The project's."""
        return self.engine / FOLDER / "tp2"

    def nginx(self, folder: Path) -> DetachedProcess:
        """An nginx with two workers whose files lie in a folder."""
        folder.mkdir(parents=True)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = int(probe.getsockname()[1])
        (folder / "nginx.conf").write_text(CONFIGURATION.format(folder=folder, port=port, workers=WORKERS))
        command = (str(require("nginx")["nginx"]), "-e", "stderr", "-c", str(folder / "nginx.conf"))
        process = DetachedProcess("nginx", folder, (*command, "-g", "daemon off;"))
        process.start(os.environ)
        started = wait_until(lambda: len(process.members()) == 1 + WORKERS, DEADLINE_SECONDS)
        self.cleanup.callback(end, "nginx", process.members())
        assert started, process.last_lines()
        return process

    def record(self, pid: int | None) -> None:
        """Compose's record of the project, with one nginx."""
        service = ServiceRecord(
            "nginx", "nginx:1.25", "nginx", (PublishedPort(443, 443, 8443),), output=str(self.folder / "out"), pid=pid
        )
        ProjectRecord("tp2", "/work/tp2", "/work/tp2/compose.yaml", up=True, services=(service,)).save(self.engine)

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """A program of somebody else's, in a session of its own."""
        process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL)
        self.cleanup.callback(process.wait)
        self.cleanup.callback(process.kill)
        return process


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    """Machines on which nothing runs yet."""
    made = Machines(tmp_path)
    with made.cleanup:
        yield made


def test_a_service_is_shown_as_it_is(machines: Machines) -> None:
    """Running, with its published ports; a recorded pid that has gone to somebody else is none of ours."""
    pid = machines.nginx(machines.folder / "state" / "nginx").pid()
    machines.record(pid)
    (service,) = machines.projects.services()
    assert (service.name, service.url, service.pid) == ("nginx", "127.0.0.1:8443", pid)
    assert machines.projects.running() == ["nginx"]
    machines.record(os.getpid())
    assert machines.projects.services()[0].pid is None


@pytest.mark.parametrize("name", ["python", "python3"])
def test_a_registry_is_found_by_whatever_name_its_interpreter_has(machines: Machines, name: str) -> None:
    """What one command started another one ends, though pip made their scripts begin otherwise."""
    config = machines.folder / "state" / "registry" / "config.yml"
    config.parent.mkdir(parents=True)
    storage = f"storage: {{filesystem: {{rootdirectory: {config.parent}}}}}"
    config.write_text(f"version: 0.1\n{storage}\nhttp: {{addr: '127.0.0.1:0'}}\n")
    started = machines.start(str(Path(sys.executable).with_name(name)), "-m", "pyregistry", "serve", str(config))
    assert wait_until(lambda: started.pid in {each.pid for each in machines.projects.processes()}, DEADLINE_SECONDS)
    machines.projects.end()
    assert started.wait(DEADLINE_SECONDS) is not None


def test_everything_of_a_project_is_ended_and_nothing_else(machines: Machines, tmp_path: Path) -> None:
    """Another lab's nginx goes on, and so does whoever only reads the project's files."""
    ours, other = machines.nginx(machines.folder / "state" / "nginx"), machines.nginx(tmp_path / "other")
    reader = machines.start("tail", "-f", str(machines.folder / "state" / "nginx" / "nginx.conf"))
    held = machines.start(
        sys.executable,
        "-c",
        "import sys, time; held = open(sys.argv[1], 'w'); time.sleep(60)",
        str(machines.folder / "x"),
    )
    machines.record(ours.pid())
    machines.projects.stop()
    assert ours.members() == []
    assert machines.projects.services() == ()
    record = ProjectRecord.load(machines.engine, "tp2")
    assert record is not None
    assert not record.up
    assert len(other.members()) == 1 + WORKERS
    assert (reader.poll(), held.poll()) == (None, None)
    machines.projects.stop()


@pytest.mark.parametrize("is_deleted", [False, True])
def test_workers_that_outlived_their_master(machines: Machines, *, is_deleted: bool) -> None:
    """They are ended though their own command line names nothing, and though the project's folder was deleted."""
    process = machines.nginx(machines.folder / "state" / "nginx")
    master, workers = process.pid(), process.members()
    assert master is not None
    os.kill(master, signal.SIGKILL)
    os.waitpid(master, 0)
    if is_deleted:
        shutil.rmtree(machines.folder)
    assert len(machines.projects.processes()) == len(workers) - 1
    machines.projects.stop()
    assert machines.projects.processes() == []


def test_a_project_whose_folder_was_deleted(machines: Machines) -> None:
    """What runs of it is found by its command line."""
    process = machines.nginx(machines.folder / "state" / "nginx")
    shutil.rmtree(machines.engine)
    assert machines.projects.running() == ["nginx"]
    machines.projects.stop()
    assert process.members() == []


def test_a_damaged_record(machines: Machines) -> None:
    """It is said, and what it spoke of is ended all the same."""
    process = machines.nginx(machines.folder / "state" / "nginx")
    machines.record(process.pid())
    assert not machines.projects.is_damaged()
    (machines.folder / FILE_NAME).write_text('{"name": "tp')
    assert machines.projects.is_damaged()
    machines.projects.stop()
    assert process.members() == []


def test_journals_of_projects_that_are_down_too(machines: Machines) -> None:
    """What a registry remembered can be read after its end."""
    service = ServiceRecord("registry", "registry:2", "registry", journal="/journal.jsonl")
    ProjectRecord("tp2", "/work/tp2", "compose.yaml", up=False, services=(service,)).save(machines.engine)
    assert machines.projects.journals() == [Path("/journal.jsonl")]
