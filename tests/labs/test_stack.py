"""The stack's life, with real processes: up, down, and back to never used from whatever state it is in."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from labs.attempts import Attempt
from labs.home import LabHome
from labs.processes import wait_until
from labs.stack.interface import NEVER_USED
from tests.labs.conftest import LabUnderTest, free_port_base
from tests.labs.disks import needs_a_disk, reset_when_full


def attempt_of(lab: LabUnderTest) -> Attempt:
    """TP-1's attempt."""
    attempt = Attempt.load(lab.home.stack("tp1"))
    assert attempt is not None
    return attempt


def state_of(lab: LabUnderTest) -> str:
    """As ``labstack status --json`` says it."""
    return str(json.loads(lab.labstack("status", "--json").stdout)["labs"][0]["state"])


def test_first_line_says_whose_internet_and_whose_docker(lab: LabUnderTest) -> None:
    """Nobody types docker push without having been told where it goes."""
    first = lab.labstack("up", "tp1").stdout.splitlines()[0]
    assert "LAB_INTERNET=twin" in first
    assert "LAB_DOCKER=lab" in first
    assert "ghcr.io" in first


def test_up_again_changes_nothing(lab: LabUnderTest) -> None:
    """Up is idempotent: the same process, the same attempt."""
    pids, attempt = lab.pids(), attempt_of(lab)
    lab.labstack("up", "tp1")
    assert (lab.pids(), attempt_of(lab)) == (pids, attempt)


def test_down_ends_the_process_and_up_goes_on(lab: LabUnderTest) -> None:
    """What was made before goes on to exist; the attempt is the same one."""
    attempt = attempt_of(lab)
    made = lab.labstack("pat", "new", "--scopes", "read:packages").stdout.strip()
    lab.labstack("down", "tp1")
    assert state_of(lab) == "down"
    assert lab.inventory().processes == ()
    lab.labstack("up", "tp1")
    assert state_of(lab) == "up"
    assert attempt_of(lab) == attempt
    assert made.startswith("ghp_")
    assert "read:packages" in lab.labstack("pat", "list").stdout


def test_attempt_record(lab: LabUnderTest) -> None:
    """The grader finds the registry, its journal, the CA and a credential that only it may read."""
    attempt = attempt_of(lab)
    hosted = attempt.registries["hosted"]
    assert hosted.name == "ghcr.io"
    assert all(Path(str(path)).is_file() for path in (hosted.ca, hosted.journal, hosted.credential))
    assert stat.S_IMODE(Path(str(hosted.credential)).stat().st_mode) == 0o600
    assert attempt.horizon_seq > 0
    assert attempt.student == "Zoé Martin"


def test_pat_secret_stands_alone(lab: LabUnderTest) -> None:
    """PAT=$(labstack pat new …) is the secret and nothing else; it is never shown again; revoked is revoked."""
    made = lab.labstack("pat", "new", "--scopes", "write:packages", "--note", "laptop")
    secret = made.stdout.removesuffix("\n")
    assert secret.startswith("ghp_")
    assert "\n" not in secret
    listed = lab.labstack("pat", "list").stdout
    assert secret not in listed
    assert "laptop" in listed
    lab.labstack("pat", "revoke", listed.splitlines()[-1].split()[0])
    assert "revoked" in lab.labstack("pat", "list").stdout


def test_pat_with_a_scope_that_github_does_not_have(lab: LabUnderTest) -> None:
    """A misspelt scope is refused in one sentence, and nothing is made."""
    refused = lab.labstack("pat", "new", "--scopes", "write:package", code=1)
    assert refused.stdout == ""
    assert "write:packages" in refused.stderr
    assert "usage" not in refused.stderr


def test_shell_runs_a_command_on_a_machine(lab: LabUnderTest) -> None:
    """A command after -- sees its machine's values and its exit code comes through."""
    shown = lab.labstack("shell", "--machine", "b", "--", "sh", "-c", 'echo "$LAB_MACHINE $LAB_ORG $DOCKER_CONFIG"')
    org = attempt_of(lab).parameters["org"]
    assert shown.stdout.split() == ["b", org, str(lab.home.engine("tp1", "b"))]
    lab.labstack("shell", "--", "sh", "-c", "exit 7", code=7)
    lab.labstack("shell", "--", "no-such-command", code=1)


def test_interactive_shell(lab: LabUnderTest) -> None:
    """The student's own start file does not hide the lab's docker, and the shell stands in the exercise's folder."""
    (Path(lab.environ["HOME"]) / ".bashrc").write_text("PATH=/usr/bin:$PATH\n")
    done = subprocess.run(
        [sys.executable, "-m", "labs", "shell"],
        env=lab.environ | {"SHELL": "/bin/bash"},
        input="command -v docker; pwd; ls\n",
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.split()[:2] == [str(lab.home.bin / "docker"), str(lab.home.files("tp1"))]
    assert "Dockerfile" in done.stdout


def test_the_shell_says_what_stands_for_the_placeholders(lab: LabUnderTest) -> None:
    """Whoever opens the lab's shell need not look up what to type for the course's <org>."""
    done = subprocess.run(
        [sys.executable, "-m", "labs", "shell"],
        env=lab.environ | {"SHELL": "/bin/sh"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    said = [line.split() for line in done.stderr.splitlines()]
    assert ["<org>", "$LAB_ORG", "=", attempt_of(lab).parameters["org"]] in said


def test_the_real_internet(lab: LabUnderTest) -> None:
    """Who works with the real ghcr.io is told so, first of all, and how to have that graded."""
    real = LabUnderTest(lab.home, lab.environ | {"LAB_INTERNET": "real"})
    lines = real.labstack("up", "tp1").stdout.splitlines()
    assert "LAB_INTERNET=real" in lines[0]
    assert "labcheck" in lines[1]


def test_journal_is_readable_and_leaves_the_grader_out(lab: LabUnderTest) -> None:
    """A student sees what they did; --all shows the grader's looks too."""
    lab.labcheck()
    lab.labstack("pat", "new", "--scopes", "read:packages")
    shown = lab.labstack("journal", "tp1")
    assert "pat.created" in shown.stdout
    assert "labcheck" not in shown.stdout
    assert "--all" in shown.stderr
    assert "labcheck" in lab.labstack("journal", "tp1", "--all").stdout
    assert len(lab.labstack("journal", "tp1", "--all", "--last", "2").stdout.splitlines()) == 3


def test_logs(lab: LabUnderTest) -> None:
    """What the registry said can be read."""
    assert "listening" in lab.labstack("logs", "tp1").stdout


def test_a_new_student_starts_with_the_next_attempt(lab: LabUnderTest) -> None:
    """An attempt stays its student's until it is reset; a reset gives new parameters."""
    before = attempt_of(lab)
    other = LabUnderTest(lab.home, lab.environ | {"LAB_STUDENT": "Ada"})
    assert "Zoé Martin" in other.labstack("whoami").stderr
    assert attempt_of(lab) == before
    other.labstack("reset", "tp1", "--yes")
    after = attempt_of(lab)
    assert after.parameters["user"] == "ada"
    assert after.number == before.number + 1
    assert not {before.parameters[name] for name in ("repo", "nonce")} & set(after.parameters.values())


def kill(lab: LabUnderTest) -> None:
    """The registry was killed."""
    lab.kill_registry()


def stale_pid_file(lab: LabUnderTest) -> None:
    """The machine was switched off; since, the pid has gone to somebody else: here, to this test."""
    kill(lab)
    started = psutil.Process().create_time() - 3600
    for door in lab.twin.doors:
        door.process.record_path.write_text(json.dumps({"pid": os.getpid(), "started": started}))


def lost_pid_file(lab: LabUnderTest) -> None:
    """Nobody wrote down which processes they are, and they hold the ports."""
    for door in lab.twin.doors:
        door.process.record_path.unlink()


def one_door_killed(lab: LabUnderTest) -> None:
    """One of the two processes died."""
    os.kill(lab.pids()[0], signal.SIGKILL)


def truncated_store(lab: LabUnderTest) -> None:
    """The disk lost the ends of files, links and journal included."""
    twin = lab.twin
    link = twin.store / "docker/registry/v2/repositories/o/r/_manifests/tags/1.0/current/link"
    link.parent.mkdir(parents=True)
    link.touch()
    os.truncate(twin.journal, twin.journal.stat().st_size // 2)
    os.truncate(twin.folder / "accounts.json", 7)


def half_written_attempt(lab: LabUnderTest) -> None:
    """The record was cut off."""
    os.truncate(lab.home.stack("tp1") / "attempt.json", 40)


def no_attempt(lab: LabUnderTest) -> None:
    """The record was deleted by hand."""
    (lab.home.stack("tp1") / "attempt.json").unlink()


def read_only_folders(lab: LabUnderTest) -> None:
    """Somebody was careful with chmod."""
    for folder in (lab.twin.folder, lab.home.stack("tp1"), lab.home.engine("tp1", "a"), lab.home.files("tp1")):
        folder.chmod(0o500)


def work_folder_gone(lab: LabUnderTest) -> None:
    """The student deleted their folder."""
    shutil.rmtree(lab.home.files("tp1"))


def files_of_the_registry_gone(lab: LabUnderTest) -> None:
    """Somebody tidied up while the registry was running."""
    for path in (lab.twin.plain.config, lab.twin.accounts, lab.twin.credential):
        path.unlink()


def certificates_gone(lab: LabUnderTest) -> None:
    """Somebody tidied the certificates away."""
    shutil.rmtree(lab.home.authority)
    shutil.rmtree(lab.twin.folder / "tls")


BREAKAGES: list[Callable[[LabUnderTest], None]] = [
    *(kill, one_door_killed, stale_pid_file, lost_pid_file, truncated_store, half_written_attempt, no_attempt),
    *(read_only_folders, work_folder_gone, certificates_gone, files_of_the_registry_gone),
]


@pytest.mark.parametrize("break_it", BREAKAGES, ids=lambda breakage: breakage.__name__)
def test_reset_mends_a_broken_stack(lab: LabUnderTest, break_it: Callable[[LabUnderTest], None]) -> None:
    """From whatever state, a reset ends with what a never-used stack has when it is brought up, and it is up."""
    number = attempt_of(lab).number
    (lab.home.engine("tp1", "a") / "config.json").write_text("{}")
    (lab.home.files("tp1") / "notes.txt").write_text("mine")
    break_it(lab)
    lab.labstack("reset", "tp1", "--yes")
    assert lab.inventory() == lab.pristine
    assert attempt_of(lab).number == number + 1
    assert lab.labcheck()[0] == 1


@pytest.mark.parametrize(
    "break_it",
    [*(kill, one_door_killed, stale_pid_file, lost_pid_file, work_folder_gone, files_of_the_registry_gone)],
)
def test_up_mends_what_needs_no_reset(lab: LabUnderTest, break_it: Callable[[LabUnderTest], None]) -> None:
    """A registry that is gone is started again; the attempt goes on."""
    attempt = attempt_of(lab)
    break_it(lab)
    lab.labstack("up", "tp1")
    assert state_of(lab) == "up"
    assert attempt_of(lab) == attempt
    assert lab.inventory() == lab.pristine
    assert lab.labstack("pat", "new", "--scopes", "read:packages").stdout.startswith("ghp_")


def test_a_lost_journal_is_no_running_stack(lab: LabUnderTest) -> None:
    """A registry whose journal was deleted remembers nothing more: that is not called up, and up begins a new one."""
    lab.twin.journal.unlink()
    assert state_of(lab) == "broken"
    assert "labstack up tp1" in lab.labstack("doctor", code=1).stdout
    lab.labstack("up", "tp1")
    assert lab.twin.journal.exists()
    assert state_of(lab) == "up"


def test_status_of_a_killed_registry(lab: LabUnderTest) -> None:
    """A stack that should be up and is not is called broken, by doctor too, with the cure."""
    kill(lab)
    assert state_of(lab) == "broken"
    assert "labstack up tp1" in lab.labstack("doctor", code=1).stdout


def test_reset_keeps_the_students_files(new_lab: LabUnderTest, tmp_path: Path) -> None:
    """What the student wrote can be copied back with the command that is printed, whatever their folders' names."""
    home = LabHome(tmp_path / "mon labo d'été" / ".lab", tmp_path / "mon labo d'été" / "work")
    lab = LabUnderTest(home, new_lab.environ | {"LAB_HOME": str(home.state)})
    lab.labstack("up", "tp1")
    dockerfile = lab.home.files("tp1") / "Dockerfile"
    dockerfile.write_text("FROM scratch\n# mine\n")
    printed = lab.labstack("reset", "tp1", "--yes").stdout
    lab.labstack("down")
    assert "mine" not in dockerfile.read_text()
    command = next(line for line in printed.splitlines() if "cp -R" in line).partition("back: ")[2]
    subprocess.run(["sh", "-c", command], check=True)
    assert dockerfile.read_text() == "FROM scratch\n# mine\n"


def test_reset_asks_first(lab: LabUnderTest) -> None:
    """Without a yes nothing is removed; what would be is listed."""
    attempt = attempt_of(lab)
    asked = lab.labstack("reset", "tp1", code=1)
    assert "work/tp1" in asked.stdout
    assert attempt_of(lab) == attempt
    lab.labstack("reset", code=2)
    lab.labstack("reset", "tp1", "--all", code=2)


def test_reset_of_a_stack_that_is_down_leaves_it_never_used(new_lab: LabUnderTest) -> None:
    """Who took a stack down and resets it is left with nothing; who resets nothing is told so."""
    new_lab.labstack("up", "tp1")
    new_lab.labstack("down", "tp1")
    new_lab.labstack("reset", "--all", "--yes")
    assert new_lab.inventory() == NEVER_USED
    assert state_of(new_lab) == "never"
    assert "never used" in new_lab.labstack("reset", "tp1").stdout


def test_a_busy_port_names_its_holder(new_lab: LabUnderTest) -> None:
    """Who holds the port is said, with the setting that moves ours, and nothing of ours is left running."""
    with socket.create_server(("127.0.0.1", int(new_lab.environ["LAB_PORT_BASE"]) + 1)):
        refused = new_lab.labstack("up", "tp1", code=1)
        assert str(os.getpid()) in refused.stderr
        assert "LAB_PORT_BASE" in refused.stderr
        assert str(os.getpid()) in new_lab.labstack("doctor", code=1).stdout
    assert new_lab.inventory().processes == ()
    new_lab.labstack("up", "tp1")


def test_moved_ports(new_lab: LabUnderTest) -> None:
    """LAB_PORT_BASE moves a stack that is up; the grader follows, and a terminal without the setting too."""
    new_lab.labstack("up", "tp1")
    base = free_port_base()
    moved = LabUnderTest(new_lab.home, new_lab.environ | {"LAB_PORT_BASE": str(base)})
    moved.labstack("up", "tp1")
    assert attempt_of(moved).registries["hosted"].url == f"http://127.0.0.1:{base + 1}"
    assert json.loads(moved.home.internet.read_text())["names"] == {"ghcr.io": f"127.0.0.1:{base + 21}"}
    assert moved.labcheck()[0] == 1
    elsewhere = LabUnderTest(new_lab.home, new_lab.environ | {"LAB_PORT_BASE": str(free_port_base())})
    assert f":{base + 1}," in elsewhere.labstack("status").stdout
    forgetful = LabUnderTest(new_lab.home, {k: v for k, v in new_lab.environ.items() if k != "LAB_PORT_BASE"})
    assert state_of(forgetful) == "up"
    assert f":{base + 1}," in forgetful.labstack("status").stdout


def test_a_registry_that_cannot_start_says_why(new_lab: LabUnderTest) -> None:
    """The last lines of its log come with the error."""
    new_lab.labstack("up", "tp1")
    new_lab.labstack("down", "tp1")
    journal = new_lab.twin.journal
    journal.write_text("no journal\n")
    refused = new_lab.labstack("up", "tp1", code=1)
    assert "journal" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_docker_stacks_are_refused_by_name(new_lab: LabUnderTest) -> None:
    """What does not exist is not pretended; what to do instead is said."""
    refused = new_lab.labstack("up", "--engine", "docker", "tp1", code=1)
    assert "tp1" in refused.stderr
    assert "--engine docker" in refused.stderr
    assert new_lab.inventory() == NEVER_USED


def test_commands_before_the_first_start(new_lab: LabUnderTest) -> None:
    """Each says how to begin; none changes anything."""
    for words in (("shell",), ("pat", "list"), ("journal", "tp1"), ("logs", "tp1")):
        assert "labstack up tp1" in new_lab.labstack(*words, code=1).stderr
    new_lab.labstack("doctor")
    new_lab.labstack("status")
    assert new_lab.inventory() == NEVER_USED


def test_an_unknown_exercise_is_named(new_lab: LabUnderTest) -> None:
    """A misspelt exercise is an error that lists the ones there are."""
    assert "tp1" in new_lab.labstack("up", "tp77", code=1).stderr


@needs_a_disk
def test_reset_on_a_full_disk(new_lab: LabUnderTest, tmp_path: Path) -> None:
    """A student whose disk is full gets it back by a reset, their files kept."""
    reset_when_full(new_lab, tmp_path, "tp1", size="8m", filler="tp1/hosted/store-filler")


def test_start_opens_jupyterlab_behind_a_token(new_lab: LabUnderTest) -> None:
    """Headless start prints the address of a server that lets only its bearer in, and its kernels begin in the lab."""
    started = new_lab.labstack("start", "--headless")
    url = next(line.partition(": ")[2] for line in started.stdout.splitlines() if line.startswith("JupyterLab"))
    server, token = url.partition("/lab/")[0], url.rpartition("=")[2]
    assert url.startswith("http://127.0.0.1:")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{server}/api/kernelspecs")
    with urllib.request.urlopen(f"{server}/api/kernelspecs?token={token}") as answer:
        specs = json.load(answer)
    assert "labs" in specs["kernelspecs"]["python3"]["spec"]["argv"]
    with urllib.request.urlopen(f"{server}/api/contents/tp1?token={token}") as answer:
        shown = {entry["name"] for entry in json.load(answer)["content"]}
    assert shown == {"Dockerfile", "README.md", "greet", "greeting.txt", "tp1.en.ipynb"}
    again = new_lab.labstack("start", "--headless").stdout
    assert url in again
    assert url.replace("tp1/tp1.en", "tp2/tp2.en") in again
    french = LabUnderTest(new_lab.home, new_lab.environ | {"LAB_LANG": "fr"})
    assert url.replace("tp1.en", "tp1.fr") in french.labstack("start", "--headless").stdout
    new_lab.labstack("down")
    assert "JupyterLab" not in new_lab.labstack("status").stdout


def nonces_of_kernels(lab: LabUnderTest) -> list[str]:
    """The exercise numbers that the lab's running kernels carry."""
    kernels = [process for process in psutil.process_iter() if "ipykernel_launcher" in _words(process)]
    ours = [process.environ() for process in kernels if str(lab.home.state) in " ".join(_words(process))]
    return sorted(values["LAB_NONCE"] for values in ours if "LAB_NONCE" in values)


def _words(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def post(url: str, path: str, values: dict[str, object]) -> None:
    """Ask the lab's Jupyter server for something."""
    server, token = url.partition("/lab/")[0], url.rpartition("=")[2]
    asked = urllib.request.Request(f"{server}{path}?token={token}", data=json.dumps(values).encode(), method="POST")
    urllib.request.urlopen(asked).close()


@pytest.mark.skipif(sys.platform != "linux", reason="reads another process's environment: needs Linux")
def test_a_reset_restarts_the_exercises_kernels_and_no_others(new_lab: LabUnderTest) -> None:
    """A notebook that is open, or opened anew, works on the new attempt; one of another exercise is not disturbed."""
    started = new_lab.labstack("start", "--headless").stdout
    url = next(line.partition(": ")[2] for line in started.splitlines() if line.startswith("JupyterLab"))
    kernel = {"name": "python3"}
    for slug in ("tp1", "tp2"):
        post(url, "/api/sessions", {"path": f"{slug}/n.ipynb", "name": "n", "type": "notebook", "kernel": kernel})
    tp2 = Attempt.load(new_lab.home.stack("tp2"))
    assert tp2 is not None
    kept, old = tp2.parameters["nonce"], attempt_of(new_lab).parameters["nonce"]
    assert wait_until(lambda: nonces_of_kernels(new_lab) == sorted([kept, old]), 30)
    new_lab.labstack("reset", "tp1", "--yes")
    new = attempt_of(new_lab).parameters["nonce"]
    assert wait_until(lambda: nonces_of_kernels(new_lab) == sorted([kept, new]), 30)
    new_lab.labstack("reset", "tp2", "--yes")
    assert wait_until(lambda: kept not in nonces_of_kernels(new_lab), 30)
    assert new in nonces_of_kernels(new_lab)
