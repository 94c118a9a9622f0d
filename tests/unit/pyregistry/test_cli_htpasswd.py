"""``pyregistry htpasswd``: where the password comes from, what is printed, the exit codes."""

import io
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from pyregistry.accounts.htpasswd import HtpasswdFile
from pyregistry.cli import main


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file will be."""
    return tmp_path / "htpasswd"


def test_the_password_comes_from_the_command_line(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With ``-b``, in htpasswd's order; what happened is said on stderr, and the password is not."""
    assert main(["htpasswd", "-b", str(path), "alice", "secret"]) == 0
    assert main(["htpasswd", "-b", str(path), "alice", "other"]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "Adding password for user alice\nUpdating password for user alice\n"
    assert HtpasswdFile(path).verify("alice", "other")


def test_the_password_comes_from_standard_input(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, of which the end is not part."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("sécret \r\nmore\n"))
    assert main(["htpasswd", str(path), "alice"]) == 0
    assert HtpasswdFile(path).verify("alice", "sécret ")


@pytest.mark.parametrize(("typed", "code"), [("secret\nsecret\n", 0), ("secret\nsecrte\n", 1), ("\n", 1)])
def test_a_terminal_is_asked_twice(path: Path, typed: str, code: int) -> None:
    """On a real terminal, without showing what is typed; two different answers change nothing."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "pyregistry", "htpasswd", str(path), "alice"]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as process:
        os.close(theirs)
        shown = _converse(ours, typed)
    assert process.returncode == code, shown
    assert "secret" not in shown
    assert path.exists() == (code == 0)


def _converse(terminal: int, typed: str) -> str:
    """Type each line when it is asked for; returns what was shown."""
    shown, answers = "", typed.splitlines(keepends=True)
    while True:
        try:
            shown += os.read(terminal, 1024).decode()
        except OSError:  # the other end is closed
            os.close(terminal)
            return shown
        if answers and shown.endswith("password: "):
            os.write(terminal, answers.pop(0).encode())


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["-b", "FILE", "alice"], 2, "-b needs PASSWORD"),
        (["FILE", "alice", "secret"], 2, "PASSWORD goes with -b"),
        (["-b", "FILE", "a:b", "secret"], 2, "'a:b': expected a name without ':'"),
        (["-b", "FILE", "alice", ""], 1, "pyregistry: the password is empty"),
        (["-b", "FILE", "alice", "x" * 73], 1, "bcrypt would drop the rest"),
        (["-b", "FILE/below", "alice", "secret"], 1, "not a directory"),
    ],
)
def test_what_cannot_be_is_said(
    path: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, said: str
) -> None:
    """2 for a wrong call, 1 for a failure; the file is as it was."""
    path.write_text("bob:x\n", encoding="utf-8")
    try:
        ended = main(["htpasswd", *(word.replace("FILE", str(path)) for word in words)])
    except SystemExit as left:
        ended = int(str(left.code))
    assert ended == code
    assert said in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") == "bob:x\n"
