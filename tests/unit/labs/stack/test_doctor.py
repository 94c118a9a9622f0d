"""What the doctor finds, and whether every finding has its words."""

import socket
import sys
from pathlib import Path

import pytest

from labs import messages
from labs.catalog.model import load
from labs.home import LabHome
from labs.stack import doctor
from labs.stack.doctor import Health, examine
from labs.stack.process_runner import ProcessRunner
from tests.labs.conftest import free_port_base


@pytest.fixture
def runner(tmp_path: Path) -> ProcessRunner:
    """A lab that was never used, on a free port, without any docker."""
    base = free_port_base()
    return ProcessRunner(
        LabHome(tmp_path / ".lab", tmp_path / "work"), {"LAB_PORT_BASE": str(base), "LAB_DOCKER": "lab", "PATH": ""}
    )


def findings(runner: ProcessRunner, slug: str = "tp1") -> dict[str, Health]:
    """What was found, by name; of several of one name the worst."""
    found = [(symptom.name, symptom.health) for symptom in examine(runner, [load(slug)])]
    return dict(sorted(found, key=lambda pair: pair[1] is Health.ILL))


def test_a_machine_that_has_everything(runner: ProcessRunner) -> None:
    """Nothing is ill where the tests run, and looking changes nothing."""
    assert set(findings(runner).values()) == {Health.WELL}
    assert not runner.home.state.exists()


def test_a_port_held_by_somebody_else(runner: ProcessRunner) -> None:
    """A busy port is found before anything is started."""
    with socket.create_server(("127.0.0.1", int(runner.environ["LAB_PORT_BASE"]) + 1)):
        assert findings(runner)["port"] is Health.ILL


@pytest.mark.parametrize("offset", [3443, 3080])
def test_a_port_of_the_students_registry_held_by_somebody_else(runner: ProcessRunner, offset: int) -> None:
    """The ports that stand for 443 and 80 are looked at before the student meets them."""
    assert findings(runner, "tp2")["port"] is Health.WELL
    with socket.create_server(("127.0.0.1", int(runner.environ["LAB_PORT_BASE"]) + offset)):
        assert findings(runner, "tp2")["port"] is Health.ILL


def test_without_nginx(runner: ProcessRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exercise that needs nginx is told that there is none; the other one needs none."""
    assert findings(runner, "tp2")["nginx"] is Health.WELL
    monkeypatch.setattr("labs.compose.nginx.programs.SYSTEM_FOLDERS", ())
    monkeypatch.setattr("labs.compose.nginx.programs._wheel", lambda: None)
    assert findings(runner, "tp2")["nginx"] is Health.ILL
    assert "nginx" not in findings(runner, "tp1")


def test_an_acme_server_is_nobodys_duty(runner: ProcessRunner, tmp_path: Path) -> None:
    """Where pebble or certbot is missing that is a remark, for the exercise can be done without."""
    assert findings(runner, "tp2")["acme"] is Health.REMARK
    for name in doctor.ACME_COMMANDS:
        (tmp_path / name).touch(mode=0o755)
    assert findings(ProcessRunner(runner.home, {**runner.environ, "PATH": str(tmp_path)}), "tp2")["acme"] is Health.WELL


@pytest.mark.parametrize(
    "environ", [{"LAB_PORT_BASE": "x"}, {"LAB_DOCKER": "x"}, {"LAB_INTERNET": "x"}, {"LAB_DOCKER": "real"}]
)
def test_a_setting_without_sense(runner: ProcessRunner, environ: dict[str, str]) -> None:
    """A bad setting is one finding; the rest is looked at all the same."""
    found = findings(ProcessRunner(runner.home, {**runner.environ, **environ}))
    assert found["settings"] is Health.ILL
    assert found["python"] is Health.WELL


def test_a_full_disk(runner: ProcessRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too little room is found."""
    monkeypatch.setattr(doctor, "NEEDED_BYTES", 2**70)
    assert findings(runner)["disk"] is Health.ILL


def test_an_old_python_and_another_system(runner: ProcessRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the lab does not run on is said."""
    monkeypatch.setattr(doctor, "NEEDED_PYTHON", (sys.version_info.major + 1, 0))
    monkeypatch.setattr(sys, "platform", "win32")
    found = findings(runner)
    assert (found["python"], found["system"]) == (Health.ILL, Health.ILL)


def test_every_finding_has_words_and_every_illness_a_cure() -> None:
    """No finding ends in a missing message."""
    table = messages.table("en")
    ill = {name.split(".")[1] for name in table if name.startswith("doctor.") and name.endswith(".ill")} - {
        "mark",
        "ill",
    }
    cures = {name.split(".")[1] for name in table if name.startswith("doctor.") and name.endswith(".cure")}
    assert ill == cures
