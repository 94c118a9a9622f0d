"""Programs that outlive their starter: found again, ended whole, never mistaken."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from labs.faults import LabError
from labs.processes import DetachedProcess, wait_until

# A server like Granian: a leader and a worker; says so when both run.
LEADER = """
import os, sys, time
from pathlib import Path
marker = Path(sys.argv[1])
if os.fork() == 0:
    marker.with_suffix(".worker").write_text(str(os.getpid()))
    time.sleep(60)
print("ready", flush=True)
marker.touch()
time.sleep(60)
"""


def program(folder: Path, source: str) -> DetachedProcess:
    """A program that is told a file of its own."""
    folder.mkdir(exist_ok=True)
    return DetachedProcess("server", folder, (sys.executable, "-c", source, str(folder / "marker")))


def started(process: DetachedProcess) -> DetachedProcess:
    """Start it and wait until leader and worker run."""
    process.start(os.environ)
    marker = process.folder / "marker"
    process.await_ready(lambda: marker.exists() and marker.with_suffix(".worker").exists(), 10)
    return process


def works(process: psutil.Process) -> bool:
    """Whether it still does anything: a zombie that nobody has looked at does not."""
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DetachedProcess]:
    """A running leader with its worker."""
    process = started(program(tmp_path / "a", LEADER))
    yield process
    process.stop()


def test_it_leads_a_session_of_its_own(server: DetachedProcess) -> None:
    """Closing the terminal that started it does not end it."""
    pid = server.pid()
    assert pid is not None
    assert os.getsid(pid) == pid != os.getsid(0)


def test_stop_ends_leader_and_worker(server: DetachedProcess) -> None:
    """Nothing of it is left, and stopping again is no error."""
    members = server.members()
    assert len(members) == 2
    server.stop()
    assert server.pid() is None
    assert not any(map(works, members))
    assert not server.is_expected()
    server.stop()


def test_a_worker_whose_leader_was_killed_is_found(server: DetachedProcess) -> None:
    """A ``kill -9`` of the leader does not leave an orphan on the port."""
    pid = server.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: server.pid() is None, 5)
    orphans = server.members()
    assert [str(orphan.pid) for orphan in orphans] == [(server.folder / "marker.worker").read_text()]
    assert server.is_expected()
    server.stop()
    assert not any(map(works, orphans))


@pytest.mark.parametrize("content", [None, "", '{"pid": ', '{"pid": 1}', "[]"])
def test_a_lost_record_does_not_lose_the_process(server: DetachedProcess, content: str | None) -> None:
    """Where the record is missing or damaged, the command line finds leader and worker."""
    if content is None:
        server.record_path.unlink()
    else:
        server.record_path.write_text(content)
    assert server.pid() is None
    assert len(server.members()) == 2
    server.stop()
    assert server.members() == []


def test_a_recycled_pid_is_left_alone(tmp_path: Path) -> None:
    """A record whose pid now belongs to somebody else's program ends nobody."""
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    try:
        process = program(tmp_path / "a", LEADER)
        begun = psutil.Process(stranger.pid).create_time()
        process.record_path.write_text(json.dumps({"pid": stranger.pid, "started": begun - 3600}))
        assert process.pid() is None
        process.stop()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_another_labs_server_is_left_alone(server: DetachedProcess, tmp_path: Path) -> None:
    """The same program of another lab is not ours, even where our record is lost."""
    program(tmp_path / "b", LEADER).stop()
    assert server.pid() is not None


def test_its_last_words_are_told(tmp_path: Path) -> None:
    """What ends before it answers is an error that ends with its log."""
    process = program(tmp_path / "a", "import sys; sys.exit('the disk is on fire')")
    process.start(os.environ)
    with pytest.raises(LabError) as caught:
        process.await_ready(lambda: False, 10)
    assert caught.value.message == "error.process-ended"
    assert caught.value.parameters["lines"] == "the disk is on fire"
    assert not process.is_expected()


def test_what_never_answers_is_stopped(tmp_path: Path) -> None:
    """A server that hangs at its start is not left behind."""
    process = program(tmp_path / "a", LEADER)
    process.start(os.environ)
    with pytest.raises(LabError) as caught:
        process.await_ready(lambda: False, 0.2)
    assert caught.value.message == "error.process-silent"
    assert process.members() == []


def test_what_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that does not want to end is ended all the same."""
    monkeypatch.setattr("labs.processes.STOP_TIMEOUT_SECONDS", 0.2)
    process = started(program(tmp_path / "a", "import signal; signal.signal(15, signal.SIG_IGN)" + LEADER))
    process.stop()
    assert process.members() == []
