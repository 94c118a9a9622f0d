"""``labstack`` as a program: help, faults in words, exit codes."""

import errno
import importlib

import pytest

from labs import cli, messages
from labs.attempts import AttemptUnreadable
from labs.stack.interface import StackError


def fail_with(monkeypatch: pytest.MonkeyPatch, fault: BaseException) -> int:
    """Run a command that meets a fault."""
    module = importlib.import_module("labs.commands.down")

    def run(*_: object) -> int:
        raise fault

    monkeypatch.setattr(module, "run", run)
    return cli.main(["down"])


@pytest.mark.parametrize("language", messages.LANGUAGES)
@pytest.mark.parametrize("command", [name for name in cli.COMMANDS if name != "tree"])
def test_every_command_has_help(
    command: str, language: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """--help works for each command, in both languages."""
    monkeypatch.setenv("LAB_LANG", language)
    with pytest.raises(SystemExit) as caught:
        cli.main([command, "--help"])
    assert caught.value.code == 0
    first_words = messages.text(language, f"help.{command}").split()[:3]
    assert " ".join(first_words) in capsys.readouterr().out


def test_without_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Called wrongly is exit code 2, with the usage."""
    with pytest.raises(SystemExit) as caught:
        cli.main([])
    assert caught.value.code == 2
    assert "usage: labstack" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        (StackError("error.not-started", lab="tp1"), 1, "labstack up tp1"),
        (AttemptUnreadable("attempt.json: expected an attempt record"), 1, "labstack reset"),
        (OSError(errno.ENOSPC, "No space left on device", "/x"), 1, "LAB_HOME"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), 1, "labstack doctor"),
        (OSError(errno.EROFS, "Read-only file system", "/x"), 1, "/x: Read-only file system"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_faults_become_words(
    fault: BaseException,
    code: int,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What a person can mend is said in a sentence with the cure; nobody sees a traceback."""
    monkeypatch.setenv("LAB_LANG", "en")
    assert fail_with(monkeypatch, fault) == code
    assert words in capsys.readouterr().err


def test_our_own_mistakes_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug stays a traceback, for whoever mends it."""
    with pytest.raises(ZeroDivisionError):
        fail_with(monkeypatch, ZeroDivisionError())
