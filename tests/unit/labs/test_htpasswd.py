"""The lab's htpasswd: Apache's flags and words, bcrypt only."""

import io
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import bcrypt
import pytest

from labs import htpasswd
from labs.home import LabHome
from labs.stack.environment import write_commands
from tests.tools import require

LINE = re.compile(r"admin:\$2y\$05\$[./A-Za-z0-9]{53}\n")


def opens(line: str, password: str) -> bool:
    """Whether a line's hash is this password's."""
    return bcrypt.checkpw(password.encode(), line.strip().partition(":")[2].replace("$2y$", "$2b$").encode())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in which we stand; we read English."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAB_LANG", "en")
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_as_the_chapter_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    """``htpasswd -Bbc auth/htpasswd admin 'motdepasse_fort'``, and again: added, then updated, no other line lost."""
    Path("auth").mkdir()
    assert htpasswd.main(["-Bbc", "auth/htpasswd", "admin", "motdepasse_fort"]) == 0
    assert capsys.readouterr() == ("", "Adding password for user admin\n")
    assert LINE.fullmatch(Path("auth/htpasswd").read_text())
    assert htpasswd.main(["-B", "-b", "auth/htpasswd", "zoé", "two"]) == 0
    assert htpasswd.main(["-Bb", "auth/htpasswd", "admin", "three"]) == 0
    assert capsys.readouterr().err == "Adding password for user zoé\nUpdating password for user admin\n"
    first, second = Path("auth/htpasswd").read_text().splitlines()
    assert opens(first, "three")
    assert opens(second, "two")
    assert htpasswd.main(["-cBb", "auth/htpasswd", "bob", "four"]) == 0
    assert Path("auth/htpasswd").read_text().startswith("bob:")


def test_shown_and_not_kept(capsys: pytest.CaptureFixture[str]) -> None:
    """With -n the line goes to standard output, a blank one after it, and -C sets the cost."""
    assert htpasswd.main(["-nbBC", "4", "admin", "secret"]) == 0
    line, blank = capsys.readouterr().out.split("\n", 1)
    assert line.startswith("admin:$2y$04$")
    assert blank == "\n"
    assert htpasswd.main(["-nbB", "-C6", "admin", "secret"]) == 0
    assert capsys.readouterr().out.startswith("admin:$2y$06$")


@pytest.mark.parametrize(("flags", "typed"), [("-Bi", "one\n"), ("-B", "one\none\n")])
def test_a_password_that_is_not_on_the_command_line(
    flags: str, typed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read once with -i, and else twice."""
    file = tmp_path / "htpasswd"
    file.touch()
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    assert htpasswd.main([flags, str(file), "admin"]) == 0
    assert opens(file.read_text(), "one")


@pytest.mark.parametrize(
    ("words", "typed", "code", "said"),
    [
        (["-Bb", "missing", "admin", "pw"], "", 1, "htpasswd: cannot modify file missing; use '-c' to create it"),
        (["-Bbc", "auth/htpasswd", "admin", "pw"], "", 1, "htpasswd: cannot create file auth/htpasswd"),
        (["-Bbc", "f", "a:b", "pw"], "", 6, "htpasswd: username contains illegal character ':'"),
        (["-Bbcn", "u", "p"], "", 2, "htpasswd: only one of -c -n -v -D may be specified"),
        (["-BbcC", "3", "f", "u", "p"], "", 3, "htpasswd: Unable to encode with bcrypt: Invalid argument"),
        (["-Bc", "f", "u"], "one\ntwo\n", 3, "htpasswd: password verification error"),
        (["-bz", "f", "u", "p"], "", 2, "htpasswd: illegal option -- z\nUsage:"),
        (["-Bb", "f", "u"], "", 2, "Usage:"),
        (["-Bbi", "f", "u", "p"], "", 2, "Usage:"),
        ([], "", 2, "Usage:"),
        (["-Bbc", "f", "u", "p", "q"], "", 2, "Usage:"),
        (["-mbc", "f", "u", "p"], "", 2, "htpasswd: -m is not in the lab's"),
        (["-Bv", "f", "u"], "", 2, "htpasswd: -v is not in the lab's"),
        (["-bc", "f", "u", "p"], "", 2, "htpasswd: say -B"),
    ],
)
def test_refusals(words: Sequence[str], typed: str, code: int, said: str, folder: Path) -> None:
    """In Apache's words and with its exit codes; what only Apache's can do is named, and nothing is written."""
    done = subprocess.run(
        [sys.executable, "-m", "labs.htpasswd", *words], input=typed, capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert done.stderr.startswith(said)
    assert list(folder.iterdir()) == []


def test_the_systems_own_goes_first(tmp_path: Path) -> None:
    """In the lab ``htpasswd`` is Apache's where there is one, and ours where there is none."""
    home = LabHome(tmp_path / "it's .lab", tmp_path / "work")
    write_commands(home)
    shown = subprocess.run(
        [home.bin / "htpasswd", "-nbB", "admin", "pw"],
        env={"PATH": str(home.bin), "LAB_DOCKER": "real"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert LINE.match(shown.stdout)
    other = tmp_path / "htpasswd"
    other.write_text('#!/bin/sh\necho "apache $@"\n')
    other.chmod(0o755)
    asked = [str(home.bin / "htpasswd"), "-nbm", "admin", "pw"]
    path = f"{home.bin}:{tmp_path}"
    assert subprocess.run(asked, env={"PATH": path}, capture_output=True, text=True, check=True).stdout == (
        "apache -nbm admin pw\n"
    )


def test_apache_opens_what_ours_made(tmp_path: Path) -> None:
    """Apache's own htpasswd verifies a password that ours wrote down."""
    program = require("htpasswd")["htpasswd"]
    file = tmp_path / "htpasswd"
    assert htpasswd.main(["-Bbc", str(file), "admin", "motdepasse_fort"]) == 0
    for password, code in (("motdepasse_fort", 0), ("other", 3)):
        verified = subprocess.run([program, "-vb", file, "admin", password], capture_output=True, check=False)
        assert verified.returncode == code
