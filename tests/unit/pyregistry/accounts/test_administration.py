"""Every change of accounts and tokens is in the journal, with what a grader needs to know of it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pyregistry.accounts.administration import Administration
from pyregistry.accounts.file import AccountsFile
from pyregistry.accounts.model import AccountUnknown, Role, TokenState
from pyregistry.accounts.pat import TokenKind
from pyregistry.journal import Journal, read

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def administration(tmp_path: Path) -> Administration:
    """With a clock that stands still."""
    return Administration(AccountsFile(tmp_path / "accounts.json"), Journal(tmp_path / "journal"), lambda: NOW)


def test_a_life_of_a_token_is_told(administration: Administration, tmp_path: Path) -> None:
    """Created and revoked: who, which, what it may, until when; a second revocation tells nothing new."""
    administration.add_account("alice", ["acme"], None)
    made = administration.create_token("Alice", TokenKind.CLASSIC, ("write:packages",), timedelta(days=30))
    assert administration.revoke_token(made.record.id)
    revoked_again = Administration(
        AccountsFile(tmp_path / "accounts.json"), Journal(tmp_path / "journal"), lambda: NOW + timedelta(1)
    ).revoke_token(made.record.id)
    assert not revoked_again
    created, new, revoked = read(tmp_path / "journal")
    assert {event.kind for event in (created, new, revoked)} == {"account"}
    assert {event.actor for event in (created, new, revoked)} == {"alice"}
    assert created.detail == {"action": "account.created", "orgs": ["acme"], "role": "member"}
    assert (new.credential_kind, new.credential_id) == ("pat-classic", made.record.id)
    assert new.credential_scopes == ("write:packages",)
    assert new.detail == {"action": "pat.created", "expires_at": "2026-01-31T00:00:00+00:00"}
    assert revoked.detail["action"] == "pat.revoked"
    assert made.secret not in (tmp_path / "journal").read_text(encoding="utf-8")
    assert made.secret not in repr(made)


def test_an_account_grows(administration: Administration, tmp_path: Path) -> None:
    """Adding it again adds organizations and may change the role; nothing new is no event."""
    administration.add_account("alice", ["acme"], None)
    administration.add_account("alice", ["acme", "other"], Role.AUDITOR)
    account = administration.add_account("ALICE", [], None)
    assert (account.login, account.orgs, account.role) == ("alice", ("acme", "other"), Role.AUDITOR)
    assert [event.detail["action"] for event in read(tmp_path / "journal")] == ["account.created", "account.updated"]


def test_tokens_are_listed_with_their_state(administration: Administration) -> None:
    """Of one account or of all."""
    for login in ("alice", "bob"):
        administration.add_account(login, [], None)
    administration.create_token("alice", TokenKind.CLASSIC, (), timedelta(0), note="over")
    administration.create_token("bob", TokenKind.FINE_GRAINED, ("repo",))
    assert [(token.note, state) for token, state in administration.list_tokens("alice")] == [
        ("over", TokenState.EXPIRED)
    ]
    assert {token.account for token, _ in administration.list_tokens(None)} == {"alice", "bob"}
    with pytest.raises(AccountUnknown):
        administration.list_tokens("carol")


def test_nobody_gets_no_token(administration: Administration, tmp_path: Path) -> None:
    """A token needs an account; the refusal leaves nothing behind."""
    with pytest.raises(AccountUnknown, match="alice: no such account"):
        administration.create_token("alice", TokenKind.CLASSIC, ())
    assert list(read(tmp_path / "journal")) == []
