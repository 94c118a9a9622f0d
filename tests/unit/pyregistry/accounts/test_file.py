"""One file, many processes: nobody's change is lost, and the running server sees it at once."""

import json
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent

import pytest

from pyregistry.accounts.file import AccountsFile
from pyregistry.accounts.model import (
    AccessToken,
    AccessTokenUnknown,
    Account,
    Accounts,
    AccountUnknown,
    Role,
    TokenState,
)
from pyregistry.accounts.pat import TokenKind, hash_secret, new_secret
from pyregistry.accounts.records import AccountsUnreadable, format_accounts, parse_accounts

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ADDER = dedent("""\
    import sys
    from pathlib import Path
    from pyregistry.accounts.file import AccountsFile
    from pyregistry.accounts.model import Account

    for number in range(20):
        login = f"{sys.argv[2]}{number}"
        AccountsFile(Path(sys.argv[1])).change(lambda accounts: accounts.with_account(Account(login)))
    """)


def token(text: str = "s", **values: object) -> AccessToken:
    """An access token of alice's."""
    made = AccessToken("id1", "alice", TokenKind.CLASSIC, ("write:packages",), hash_secret(text), NOW)
    return replace(made, **values)  # type: ignore[arg-type]  any field


def everybody() -> Accounts:
    """Two accounts and a token."""
    accounts = Accounts().with_account(Account("alice", ("acme",))).with_account(Account("labcheck", (), Role.AUDITOR))
    return accounts.with_token(token(expires_at=NOW + timedelta(days=1), note="for the lab"))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Accounts and tokens come back; nobody else may read the file; the secret is not in it."""
    file = AccountsFile(tmp_path / "new" / "accounts.json")
    secret = new_secret(TokenKind.CLASSIC)
    file.change(lambda _: everybody().with_token(token(secret, id="id2")))
    assert AccountsFile(file.path).current() == everybody().with_token(token(secret, id="id2"))
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert secret not in file.path.read_text(encoding="utf-8")
    assert [path.name for path in file.path.parent.iterdir()] == ["accounts.json"]


def test_a_missing_file_holds_nobody(tmp_path: Path) -> None:
    """Before the first account there is no file, and that is no error; a removed one holds nobody again."""
    file = AccountsFile(tmp_path / "accounts.json")
    assert file.current() == Accounts()
    file.change(lambda _: everybody())
    file.path.unlink()
    assert file.current() == Accounts()


def test_a_running_reader_sees_a_change_at_once(tmp_path: Path) -> None:
    """Every replacement is seen, however fast they come and however alike they are in size."""
    reader, writer = AccountsFile(tmp_path / "a.json"), AccountsFile(tmp_path / "a.json")
    for number in range(50):
        login = f"user{number:02}"
        writer.change(lambda _, login=login: Accounts().with_account(Account(login)))
        assert list(reader.current().accounts) == [login]


def test_processes_wait_for_their_turn(tmp_path: Path) -> None:
    """Three command lines at once: each account of each is there."""
    path = tmp_path / "accounts.json"
    running = [subprocess.Popen([sys.executable, "-c", ADDER, str(path), name]) for name in ("a", "b", "c")]
    assert [process.wait(30) for process in running] == [0, 0, 0]
    assert set(AccountsFile(path).current().accounts) == {f"{name}{n}" for name in "abc" for n in range(20)}


def test_a_change_that_fails_changes_nothing(tmp_path: Path) -> None:
    """What the change raises goes through, the file stays, nothing is left beside it."""
    file = AccountsFile(tmp_path / "accounts.json")
    file.change(lambda _: everybody())
    with pytest.raises(AccessTokenUnknown, match="id9: no such access token"):
        file.change(lambda accounts: accounts.with_revoked("id9", NOW))
    with pytest.raises(AccountUnknown, match="bob: no such account"):
        file.change(lambda accounts: accounts.with_token(token(account="bob")))
    assert file.current() == everybody()
    assert list(tmp_path.iterdir()) == [file.path]


def test_a_link_is_followed(tmp_path: Path) -> None:
    """A symbolic link stays one."""
    (tmp_path / "link").symlink_to(tmp_path / "real")
    AccountsFile(tmp_path / "link").change(lambda _: everybody())
    assert (tmp_path / "link").is_symlink()
    assert AccountsFile(tmp_path / "real").current() == everybody()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"schema": "other/1", "accounts": [], "tokens": []}',
        b'{"schema": "pyregistry/accounts/1", "accounts": [{}], "tokens": []}',
        b'{"schema": "pyregistry/accounts/1", "accounts": [{"login": 1, "orgs": [], "role": "member"}], "tokens": []}',
        b'{"schema": "pyregistry/accounts/1", "accounts": [{"login": "a", "orgs": [], "role": "king"}], "tokens": []}',
        format_accounts(everybody()).replace(b'"account": "alice"', b'"account": "bob"'),
        format_accounts(everybody()).replace(b"+00:00", b""),
        format_accounts(everybody()).replace(b'"revoked_at": null', b'"revoked_at": ""'),
        format_accounts(everybody()).replace(b'"2026-01-02T00:00:00+00:00"', b"false"),
        b"[" * 100_000,
    ],
)
def test_a_damaged_file_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    """Nobody is let in by a file that cannot be read, and no change overwrites it."""
    file = AccountsFile(tmp_path / "accounts.json")
    file.path.write_bytes(content)
    with pytest.raises(AccountsUnreadable, match=r"accounts\.json: expected"):
        file.current()
    with pytest.raises(AccountsUnreadable):
        file.change(lambda accounts: accounts.with_account(Account("eve")))
    assert file.path.read_bytes() == content


def test_the_format_is_what_the_docstring_says() -> None:
    """Other programs may read the file."""
    values = json.loads(format_accounts(everybody()))
    assert values["schema"] == "pyregistry/accounts/1"
    assert values["accounts"][0] == {"login": "alice", "orgs": ["acme"], "role": "member"}
    assert values["tokens"][0]["expires_at"] == "2026-01-02T00:00:00+00:00"
    assert parse_accounts(format_accounts(everybody())) == everybody()


def test_a_secret_finds_its_holder() -> None:
    """By its hash, whatever the token's state; a near miss finds nobody."""
    secret = new_secret(TokenKind.CLASSIC)
    accounts = everybody().with_token(token(secret))
    holder = accounts.holder_of(secret)
    assert holder is not None
    assert (holder.account.login, holder.identity.credential_id) == ("alice", "id1")
    assert accounts.holder_of(secret[:-1]) is None
    assert accounts.holder_of("") is None
    assert accounts.holder("id1") == holder
    assert accounts.holder("id9") is None


def test_logins_have_no_case_and_keep_their_spelling() -> None:
    """As on GitHub: ``Alice`` and ``alice`` are one, and so are namespaces."""
    accounts = Accounts().with_account(Account("Alice", ("Acme",))).with_token(token(account="ALICE"))
    assert accounts.account("aLICE").login == "Alice"
    assert accounts.tokens["id1"].account == "Alice"
    assert accounts.account("alice").belongs_to("acme")
    assert accounts.account("alice").belongs_to("alice")
    assert not accounts.account("alice").belongs_to("acme2")


def test_a_token_lives_until_it_expires_or_is_revoked() -> None:
    """The moment of expiry is already too late; revoked weighs more, and its first time stays."""
    limited = token(expires_at=NOW)
    assert limited.state_at(NOW - timedelta(seconds=1)) is TokenState.ACTIVE
    assert limited.state_at(NOW) is TokenState.EXPIRED
    accounts = everybody().with_token(limited).with_revoked("id1", NOW).with_revoked("id1", NOW + timedelta(days=1))
    assert accounts.tokens["id1"].state_at(NOW) is TokenState.REVOKED
    assert accounts.tokens["id1"].revoked_at == NOW
