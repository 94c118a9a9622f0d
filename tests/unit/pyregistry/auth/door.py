"""A registry's door for tests: accounts in a file, a clock that is moved by hand, requests in one line."""

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pyregistry.accounts.file import AccountsFile
from pyregistry.accounts.model import AccessToken, Account, Role
from pyregistry.accounts.pat import TokenKind, hash_secret, new_id, new_secret
from pyregistry.auth.guards import guard_for
from pyregistry.auth.interface import AccessRequest, IssuedToken, RequestCredentials, TokenIssuer, TokenRequest
from pyregistry.config import Settings
from pyregistry.config.settings import HttpSettings, MemoryStorage, StorageSettings, TcpAddress, Twin
from pyregistry.spec.endpoints import Access
from pyregistry.spec.identity import Identity

BASE_URL = "https://ghcr.io"


def basic(secret: str, user: str = "whoever") -> str:
    """A header with name and password."""
    return f"Basic {base64.b64encode(f'{user}:{secret}'.encode()).decode()}"


def settings_for(folder: Path, twin: Twin | None, key: str = "s") -> Settings:
    """The least configuration with accounts."""
    storage = StorageSettings(MemoryStorage())
    http = HttpSettings(TcpAddress("", 0), key)
    return Settings(folder / "config.yml", storage, http, twin=twin, accounts_path=folder / "accounts.json")


class Door:
    """A guard and what stands behind it.

    Accounts: alice (in acme), bob (in nothing), labcheck (auditor).
    """

    def __init__(self, folder: Path, twin: Twin | None) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.accounts = AccountsFile(folder / "accounts.json")
        self.guard = guard_for(settings_for(folder, twin), lambda: self.now)
        for account in (Account("alice", ("acme",)), Account("bob"), Account("labcheck", (), Role.AUDITOR)):
            self.accounts.change(lambda accounts, account=account: accounts.with_account(account))

    @property
    def issuer(self) -> TokenIssuer:
        """The token endpoint."""
        assert self.guard.issuer is not None
        return self.guard.issuer

    def make_pat(
        self, login: str, *scopes: str, kind: TokenKind = TokenKind.CLASSIC, lifetime: timedelta | None = None
    ) -> tuple[str, str]:
        """A new access token: its secret and its id."""
        secret, expires_at = new_secret(kind), self.now + lifetime if lifetime is not None else None
        token = AccessToken(new_id(), login, kind, scopes, hash_secret(secret), self.now, expires_at)
        self.accounts.change(lambda accounts: accounts.with_token(token))
        return secret, token.id

    def revoke(self, token_id: str) -> None:
        """Revoke an access token now."""
        self.accounts.change(lambda accounts: accounts.with_revoked(token_id, self.now))

    def login(self, secret: str | None, *scopes: str) -> IssuedToken:
        """Ask the token endpoint."""
        header = None if secret is None else basic(secret)
        return self.issuer.issue(TokenRequest(header, self.issuer.path, scopes))

    def knock(self, authorization: str | None, *wanted: tuple[str, Access]) -> Identity:
        """Ask the registry."""
        requests = [AccessRequest(repository, access) for repository, access in wanted]
        return self.guard.controller.authorize(RequestCredentials(authorization, BASE_URL), requests)

    def dance(self, secret: str | None, repository: str, access: Access) -> Identity:
        """What a client does: get a token for the scope of the challenge, then come back with it."""
        actions = {Access.PULL: "pull", Access.PUSH: "pull,push", Access.DELETE: "delete"}[access]
        issued = self.login(secret, f"repository:{repository}:{actions}")
        return self.knock(f"Bearer {issued.token}", (repository, access))
