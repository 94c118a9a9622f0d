"""Which exercise a command is about."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from labs.catalog.model import load
from labs.commands.selection import current
from labs.home import LabHome
from labs.stack.interface import StackError
from labs.stack.process_runner import ProcessRunner

TP2 = load("tp2")
Stand = Callable[..., ProcessRunner]


@pytest.fixture
def stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
    """Stand in a folder of a lab, in a shell of some exercise."""
    home = LabHome(tmp_path / ".lab", tmp_path / "work")

    def stand(folder: str, shell: str = "") -> ProcessRunner:
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        monkeypatch.chdir(tmp_path / folder)
        environ = {"LAB_STUDENT": "Ada", "LAB_PORT_BASE": "20000"} | ({"LAB_EXERCISE": shell} if shell else {})
        return ProcessRunner(home, environ)

    return stand


def begin(runner: ProcessRunner, *slugs: str) -> None:
    """Have attempts at exercises, without any service of theirs."""
    for slug in slugs:
        attempt = runner.up(TP2, lambda *_, **__: None)
        runner.home.stack(slug).mkdir(exist_ok=True)
        replace(attempt, slug=slug).save(runner.home.stack(slug))


@pytest.mark.parametrize(
    ("folder", "shell", "named", "expected"),
    [
        (".", "", None, "tp1"),
        ("work/tp2/nginx/conf.d", "", None, "tp2"),
        ("work/tp1", "tp2", None, "tp1"),
        (".", "tp2", None, "tp2"),
        (".", "tp9", None, "tp1"),
        ("work/tp2", "tp2", "tp1", "tp1"),
    ],
)
def test_the_exercise_that_is_meant(stand: Stand, folder: str, shell: str, named: str | None, expected: str) -> None:
    """Named, around one, of one's shell, the first: in this order."""
    runner = stand(folder, shell)
    begin(runner, "tp2", "tp1")
    assert current(runner, named).slug == expected


def test_what_was_not_begun_is_not_meant(stand: Stand) -> None:
    """In the folder of an exercise that was never begun one works on the one that was; by name that is an error."""
    runner = stand("work/tp1")
    begin(runner, "tp2")
    assert current(runner).slug == "tp2"
    with pytest.raises(StackError, match=r"error\.not-started"):
        current(runner, "tp1")


def test_nothing_was_begun(stand: Stand) -> None:
    """Who begins is told how."""
    with pytest.raises(StackError, match=r"error\.not-started"):
        current(stand("."))
