"""Password files are read as registry:2 reads them."""

import logging
import stat
from collections.abc import Iterator
from pathlib import Path

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyregistry.accounts.htpasswd import MEMORY_SECONDS, HtpasswdFile, format_line
from pyregistry.spec.htpasswd import HtpasswdInvalid, parse_htpasswd

CHEAP = 4


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """Records each time that bcrypt is asked."""
    asked: list[bytes] = []
    real = bcrypt.checkpw

    def checkpw(password: bytes, digest: bytes) -> bool:
        asked.append(password)
        return real(password, digest)

    monkeypatch.setattr(bcrypt, "checkpw", checkpw)
    return iter([asked])


def write(path: Path, *lines: str) -> HtpasswdFile:
    """A password file with these lines."""
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return HtpasswdFile(path)


def test_the_right_password_is_the_right_one(tmp_path: Path) -> None:
    """Name and password must both be right; long passwords and empty ones are passwords."""
    long = "é" * 60
    passwords = write(
        tmp_path / "f",
        format_line("alice", "secret", CHEAP),
        format_line("bob", long, CHEAP),
        format_line("eve", "", CHEAP),
    )
    assert passwords.verify("alice", "secret")
    assert passwords.verify("bob", long)
    assert passwords.verify("eve", "")
    assert not passwords.verify("alice", "Secret")
    assert not passwords.verify("bob", "secret")
    assert not passwords.verify("carol", "secret")


@pytest.mark.parametrize("prefix", ["$2a$", "$2b$", "$2y$"])
def test_all_three_marks_of_bcrypt_match(tmp_path: Path, prefix: str) -> None:
    """``htpasswd -B`` writes $2y$, Python $2b$, older programs $2a$."""
    line = format_line("alice", "secret", CHEAP).replace("$2b$", prefix)
    assert write(tmp_path / "f", line).verify("alice", "secret")


@pytest.mark.parametrize(
    "digest",
    [
        "secret",
        "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
        "$apr1$salt$PBAyNbuWJqtVmC1/1fPzF/",
        "$2y$",
        "$2y$10$tooshort",
        "$2y$99$" + "a" * 53,
        "",
    ],
)
def test_other_hashes_never_match(tmp_path: Path, digest: str) -> None:
    """Plain, SHA-1, MD5 and mutilated bcrypt are in the file for nothing."""
    assert not write(tmp_path / "f", f"alice:{digest}").verify("alice", "secret")


def test_comments_and_blank_lines_say_nothing(tmp_path: Path) -> None:
    """``#`` lines and empty ones are skipped; of two lines for one user the later holds."""
    lines = ("# users", "", "  ", format_line("alice", "old", CHEAP), format_line("alice", "new", CHEAP))
    passwords = write(tmp_path / "f", *lines)
    assert passwords.verify("alice", "new")
    assert not passwords.verify("alice", "old")


def test_a_changed_file_counts_at_once(tmp_path: Path) -> None:
    """A password changed in the file is changed, also for one that was remembered."""
    path = tmp_path / "f"
    passwords = write(path, format_line("alice", "old", CHEAP))
    assert passwords.verify("alice", "old")
    path.write_text(format_line("alice", "changed", CHEAP) + "\n\n", encoding="utf-8")
    assert passwords.verify("alice", "changed")
    assert not passwords.verify("alice", "old")


def test_a_verified_password_is_hashed_once_a_minute(tmp_path: Path, checks: Iterator[list[bytes]]) -> None:
    """Hundreds of requests of one push cost one bcrypt; a wrong password is never remembered."""
    asked = next(checks)
    clock = [0.0]
    (tmp_path / "f").write_text(format_line("alice", "secret", CHEAP), encoding="utf-8")
    passwords = HtpasswdFile(tmp_path / "f", lambda: clock[0])
    assert all(passwords.verify("alice", "secret") for _ in range(100))
    assert asked == [b"secret"]
    clock[0] = MEMORY_SECONDS
    assert passwords.verify("alice", "secret")
    assert asked == [b"secret"] * 2
    assert not any(passwords.verify("alice", "wrong") for _ in range(2))
    assert asked == [b"secret", b"secret", b"wrong", b"wrong"]


@pytest.mark.parametrize("user", ["nobody", "weak"])
def test_an_unknown_user_costs_as_much_as_a_wrong_password(
    tmp_path: Path, checks: Iterator[list[bytes]], user: str
) -> None:
    """One bcrypt each, or a stopwatch would list the users; likewise for a user whose hash is no bcrypt."""
    asked = next(checks)
    passwords = write(tmp_path / "f", "weak:plain", format_line("alice", "secret", CHEAP))
    assert not passwords.verify(user, "guess")
    assert asked == [b"guess"]


def test_a_missing_file_is_provisioned(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One user, a random password that is logged, nobody else may read the file; an existing one is left alone."""
    passwords = HtpasswdFile(tmp_path / "f")
    with caplog.at_level(logging.WARNING):
        passwords.provision()
        passwords.provision()
    (record,) = caplog.records
    assert record.message == "htpasswd is missing, provisioning with default user"
    shown = record.__dict__["fields"]
    assert passwords.verify(shown["user"], shown["password"])
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o600


@pytest.mark.parametrize(("content", "line"), [(b"alice", 1), (b"#\n\na:b\nbob\n", 4), (b"\xff:x", 1)])
def test_a_line_that_is_none_is_said_with_its_number(content: bytes, line: int) -> None:
    """In registry:2's words."""
    with pytest.raises(HtpasswdInvalid, match=f"htpasswd: invalid entry at line {line}"):
        parse_htpasswd(content)


NAMES = st.text(st.characters(exclude_characters=":#", exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=8)


@given(st.dictionaries(NAMES, st.text("./$0123456789abcXYZ", max_size=20), max_size=5))
def test_what_is_written_is_read(entries: dict[str, str]) -> None:
    """Every name and hash comes back."""
    content = "".join(f"{name}:{digest}\n" for name, digest in entries.items())
    assert parse_htpasswd(content.encode()) == {name: digest.encode() for name, digest in entries.items()}


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    """Nothing else than ``HtpasswdInvalid`` comes out of it."""
    try:
        hashes = parse_htpasswd(content)
    except HtpasswdInvalid:
        hashes = {}
    assert all(isinstance(name, str) for name in hashes)
