"""The notebooks' magics say what a terminal would say."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from IPython.core.error import UsageError

from labs.attempts import Attempt, Endpoint
from labs.home import LabHome
from labs.notebook import lab, sh


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LabHome]:
    """A lab in whose TP-1 somebody is at work; what a test changes of this process is put back."""
    home = LabHome(tmp_path / ".lab", tmp_path / "work")
    for folder in (home.stack("tp1"), home.files("tp1")):
        folder.mkdir(parents=True)
    Attempt(
        slug="tp1",
        number=1,
        started_at=datetime(2026, 11, 23, tzinfo=UTC),
        horizon_seq=0,
        student="Ada",
        parameters={"user": "ada", "org": "atelier-1", "repo": "tp1-2", "nonce": "3"},
        engine="embedded",
        registries={"hosted": Endpoint("ghcr.io", "http://127.0.0.1:5001")},
        machines={},
        work=str(home.files("tp1")),
    ).save(home.stack("tp1"))
    monkeypatch.chdir(tmp_path)
    before = dict(os.environ)
    os.environ.update(LAB_HOME=str(home.state), LAB_WORK=str(home.work), LAB_DOCKER="lab", LAB_LANG="en")
    yield home
    os.environ.clear()
    os.environ.update(before)


def test_both_streams_come_in_the_order_they_were_written(capsys: pytest.CaptureFixture[str]) -> None:
    """Docker writes progress to standard error: it is no failure, and stands where it belongs."""
    sh("", "echo one; echo two >&2; echo three")
    assert capsys.readouterr().out == "one\ntwo\nthree\n"


def test_a_cell_stops_at_its_first_failure(capsys: pytest.CaptureFixture[str]) -> None:
    """What follows a failed command would only mislead."""
    with pytest.raises(UsageError, match="exit code 3"):
        sh("", "echo before; (exit 3); echo after")
    assert capsys.readouterr().out == "before\n"


def test_a_notebook_goes_where_the_exercises_shell_would_be(begun: LabHome) -> None:
    """The cells after it run in the exercise's folder, with its parameters and its machine."""
    lab("tp1")
    assert Path.cwd() == begun.files("tp1")
    assert os.environ["LAB_ORG"] == "atelier-1"
    assert os.environ["DOCKER_CONFIG"] == str(begun.engine("tp1", "a"))


def test_an_exercise_that_was_not_begun_ends_the_cell(begun: LabHome, capsys: pytest.CaptureFixture[str]) -> None:
    """What labstack says against it is shown, and nothing of the notebook has moved."""
    with pytest.raises(UsageError, match="labstack shell tp9 ended with exit code 1"):
        lab("tp9")
    assert "tp9" in capsys.readouterr().err
    assert Path.cwd() != begun.files("tp1")
