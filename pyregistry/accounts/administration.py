"""Changes of accounts and access tokens, each remembered in the journal."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from pyregistry.accounts.file import AccountsFile
from pyregistry.accounts.model import AccessToken, Account, Accounts, Role, TokenState
from pyregistry.accounts.pat import TokenKind, hash_secret, new_id, new_secret
from pyregistry.spec.journal import Event, EventLog

ACCOUNT_CREATED = "account.created"
ACCOUNT_UPDATED = "account.updated"
PAT_CREATED = "pat.created"
PAT_REVOKED = "pat.revoked"


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made, with its secret, which is nowhere else."""

    record: AccessToken
    secret: str = field(repr=False)


class Administration:
    """Who makes and unmakes accounts and access tokens. The file is changed first, then the journal says so.

    Args:
        accounts: The accounts file.
        journal: Remembers each change.
        now: Aware UTC time.
    """

    def __init__(self, accounts: AccountsFile, journal: EventLog, now: Callable[[], datetime]) -> None:
        self._accounts = accounts
        self._journal = journal
        self._now = now

    def add_account(self, login: str, orgs: Sequence[str], role: Role | None) -> Account:
        """Make an account, or add ``orgs`` to the one that is there and give it ``role`` where one is named."""
        before: list[Account] = []

        def apply(accounts: Accounts) -> Accounts:
            known = accounts.accounts.get(login.casefold())
            before.extend([known] if known else [])
            account = known or Account(login)
            together = tuple(dict.fromkeys((*account.orgs, *orgs)))
            return accounts.with_account(replace(account, orgs=together, role=role or account.role))

        account = self._accounts.change(apply).account(login)
        if account not in before:
            detail = {"action": ACCOUNT_UPDATED if before else ACCOUNT_CREATED, "orgs": account.orgs}
            self._record(account.login, None, {**detail, "role": account.role})
        return account

    def create_token(
        self, login: str, kind: TokenKind, scopes: tuple[str, ...], lifetime: timedelta | None = None, note: str = ""
    ) -> NewToken:
        """Make an access token.

        Raises:
            AccountUnknown: Nobody has that login.
        """
        now, secret = self._now(), new_secret(kind)
        expires_at = None if lifetime is None else now + lifetime
        token = AccessToken(new_id(), login, kind, scopes, hash_secret(secret), now, expires_at, note=note)
        record = self._accounts.change(lambda accounts: accounts.with_token(token)).tokens[token.id]
        self._record(record.account, record, {"action": PAT_CREATED})
        return NewToken(record, secret)

    def revoke_token(self, token_id: str) -> bool:
        """Revoke an access token; False when it was revoked before, which is remembered only once.

        Raises:
            AccessTokenUnknown: There is none of that id.
        """
        now = self._now()
        record = self._accounts.change(lambda accounts: accounts.with_revoked(token_id, now)).tokens[token_id]
        fresh = record.revoked_at == now
        if fresh:
            self._record(record.account, record, {"action": PAT_REVOKED})
        return fresh

    def list_tokens(self, login: str | None) -> list[tuple[AccessToken, TokenState]]:
        """The access tokens of one account or of all, oldest first, each with its state now.

        Raises:
            AccountUnknown: Nobody has that login.
        """
        now = self._now()
        return [(token, token.state_at(now)) for token in self._accounts.current().tokens_of(login)]

    def _record(self, actor: str, token: AccessToken | None, detail: dict[str, object]) -> None:
        event = Event(kind="account", at=self._now(), monotonic_ns=time.monotonic_ns(), actor=actor, detail=detail)
        if token is not None:
            expires_at = token.expires_at.isoformat() if token.expires_at else None
            event = replace(
                event,
                credential_kind=token.kind,
                credential_id=token.id,
                credential_scopes=token.scopes,
                detail={**detail, "expires_at": expires_at},
            )
        self._journal.append(event)
