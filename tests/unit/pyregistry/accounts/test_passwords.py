"""A password file is changed one user at a time."""

import os
import stat
from pathlib import Path

import bcrypt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyregistry.accounts import passwords
from pyregistry.accounts.htpasswd import HtpasswdFile, format_line
from pyregistry.accounts.passwords import PasswordInvalid, UserInvalid, set_password
from pyregistry.spec.htpasswd import HtpasswdInvalid, parse_htpasswd


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing at its least cost."""
    monkeypatch.setattr(passwords, "format_line", lambda user, password: format_line(user, password, 4))


def test_a_new_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Mode 0600, whatever the umask; the user can log in."""
    path = tmp_path / "htpasswd"
    before = os.umask(0)
    try:
        assert set_password(path, "alice", "secret")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert HtpasswdFile(path).verify("alice", "secret")
    assert list(tmp_path.iterdir()) == [path]


def test_everything_else_stays(tmp_path: Path) -> None:
    """Comments, blank lines, foreign hashes, order, mode; a second line of the same user goes."""
    path = tmp_path / "htpasswd"
    path.write_bytes(b"# users\r\n\n  bob:{SHA}x\nalice:old\n#alice:note\nalice:older\neve:$2y$x")
    path.chmod(0o644)
    assert not set_password(path, "alice", "secret")
    lines = path.read_bytes().splitlines(keepends=True)
    assert lines.pop(3).startswith(b"alice:$2b$")
    assert lines == [b"# users\r\n", b"\n", b"  bob:{SHA}x\n", b"#alice:note\n", b"eve:$2y$x\n"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert HtpasswdFile(path).verify("alice", "secret")


def test_a_link_is_followed(tmp_path: Path) -> None:
    """The file behind it changes, and the link stays one."""
    (tmp_path / "real").write_text("", encoding="utf-8")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    set_password(tmp_path / "link", "alice", "secret")
    assert (tmp_path / "link").is_symlink()
    assert HtpasswdFile(tmp_path / "real").verify("alice", "secret")


@pytest.mark.parametrize("user", ["", "a:b", "#a", " a", "a ", "a\nb", "a\0", "é" * 200])
def test_names_that_a_file_cannot_hold_are_refused(tmp_path: Path, user: str) -> None:
    """And nothing is made."""
    with pytest.raises(UserInvalid):
        set_password(tmp_path / "htpasswd", user, "secret")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("password", ["", "a\0b", "é" * 37])
def test_passwords_that_are_not_what_they_seem_are_refused(tmp_path: Path, password: str) -> None:
    """Empty, cut at a NUL, or cut by bcrypt."""
    with pytest.raises(PasswordInvalid):
        set_password(tmp_path / "htpasswd", "alice", password)
    assert not list(tmp_path.iterdir())


def test_a_damaged_file_is_left_alone(tmp_path: Path) -> None:
    """It may be something else altogether; its name and line are said."""
    path = tmp_path / "htpasswd"
    path.write_text("alice:x\nnonsense\n", encoding="utf-8")
    with pytest.raises(HtpasswdInvalid, match=f"{path}: htpasswd: invalid entry at line 2; mend"):
        set_password(path, "alice", "secret")
    assert path.read_text(encoding="utf-8") == "alice:x\nnonsense\n"


NAMES = st.text("abé.@ -", min_size=1, max_size=5).filter(lambda name: name == name.strip())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(st.lists(st.tuples(NAMES, st.text("xyz", min_size=1, max_size=3)), min_size=1, max_size=6))
def test_who_was_set_last_counts(tmp_path: Path, changes: list[tuple[str, str]]) -> None:
    """After any changes the file holds each user once, with the last password."""
    path = tmp_path / "htpasswd"
    path.unlink(missing_ok=True)
    for user, password in changes:
        set_password(path, user, password)
    hashes = parse_htpasswd(path.read_bytes())
    assert hashes.keys() == {user for user, _ in changes}
    assert len(path.read_bytes().splitlines()) == len(hashes)
    assert all(bcrypt.checkpw(password.encode(), hashes[user]) for user, password in dict(changes).items())
