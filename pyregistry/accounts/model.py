"""Accounts and their access tokens as values. Secrets are never among them, only their hashes."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from pyregistry.accounts.pat import TokenKind, hash_secret
from pyregistry.spec.identity import Identity


class Role(StrEnum):
    """What an account is besides being itself."""

    MEMBER = "member"
    AUDITOR = "auditor"
    """Reads every repository, writes only its own: the grader."""


class TokenState(StrEnum):
    """Whether an access token can be used at some moment."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Account:
    """A user: ``login`` and the organizations it belongs to, as they were spelled."""

    login: str
    orgs: tuple[str, ...] = ()
    role: Role = Role.MEMBER

    def belongs_to(self, namespace: str) -> bool:
        """Whether ``namespace``, a repository's first path component, is the account or one of its organizations."""
        return namespace.casefold() in {name.casefold() for name in (self.login, *self.orgs)}


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A personal access token. ``sha256`` is its secret's, in hex; times are aware UTC, None means never."""

    id: str
    account: str
    kind: TokenKind
    scopes: tuple[str, ...]
    sha256: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    note: str = ""

    def state_at(self, now: datetime) -> TokenState:
        """Whether the token can be used at ``now``; revoked weighs more than expired."""
        if self.revoked_at is not None:
            return TokenState.REVOKED
        if self.expires_at is not None and self.expires_at <= now:
            return TokenState.EXPIRED
        return TokenState.ACTIVE


@dataclass(frozen=True, slots=True)
class Holder:
    """An account together with the access token that it shows."""

    account: Account
    token: AccessToken

    @property
    def identity(self) -> Identity:
        """Who this is, for errors and the journal."""
        return Identity(self.account.login, self.token.kind, self.token.id, self.token.scopes)


class AccountUnknown(LookupError):
    """No such account."""


class AccessTokenUnknown(LookupError):
    """No access token of that id."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """Everybody, at one moment. Changes give a new value.

    Args:
        accounts: By login in lower case; GitHub's logins have no case either.
        tokens: By id.
    """

    accounts: Mapping[str, Account] = field(default_factory=dict)
    tokens: Mapping[str, AccessToken] = field(default_factory=dict)
    _by_hash: Mapping[str, AccessToken] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_hash", {token.sha256: token for token in self.tokens.values()})

    def account(self, login: str) -> Account:
        """One account, whatever the case of ``login``.

        Raises:
            AccountUnknown: There is none.
        """
        try:
            return self.accounts[login.casefold()]
        except KeyError as exc:
            raise AccountUnknown(f"{login}: no such account") from exc

    def holder(self, token_id: str) -> Holder | None:
        """The access token of that id and its account."""
        token = self.tokens.get(token_id)
        return None if token is None else Holder(self.account(token.account), token)

    def holder_of(self, secret: str) -> Holder | None:
        """The access token with that secret and its account, whatever the token's state."""
        digest = hash_secret(secret)
        token = self._by_hash.get(digest)
        # The look-up's time depends on the hash alone, which nobody can aim at; the comparison's not even on that.
        if token is None or not hmac.compare_digest(token.sha256, digest):
            return None
        return Holder(self.account(token.account), token)

    def tokens_of(self, login: str | None) -> list[AccessToken]:
        """The access tokens of one account, or of all, oldest first."""
        wanted = None if login is None else self.account(login).login
        tokens = [token for token in self.tokens.values() if wanted in (None, token.account)]
        return sorted(tokens, key=lambda token: token.created_at)

    def with_account(self, account: Account) -> "Accounts":
        """The same with ``account`` added or replaced."""
        return replace(self, accounts={**self.accounts, account.login.casefold(): account})

    def with_token(self, token: AccessToken) -> "Accounts":
        """The same with ``token`` added or replaced.

        Raises:
            AccountUnknown: Its account is not there.
        """
        owned = replace(token, account=self.account(token.account).login)
        return replace(self, tokens={**self.tokens, token.id: owned})

    def with_revoked(self, token_id: str, now: datetime) -> "Accounts":
        """The same with one token revoked; the first revocation's time stays.

        Raises:
            AccessTokenUnknown: There is none of that id.
        """
        token = self.tokens.get(token_id)
        if token is None:
            raise AccessTokenUnknown(f"{token_id}: no such access token")
        return self.with_token(replace(token, revoked_at=token.revoked_at or now))
