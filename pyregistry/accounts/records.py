"""The accounts file's JSON: accounts by login, access tokens by id, hashes instead of secrets.

```json
{"schema": "pyregistry/accounts/1",
 "accounts": [{"login": "alice", "orgs": ["acme"], "role": "member"}],
 "tokens": [{"id": "5f0c92ab", "account": "alice", "kind": "pat-classic", "scopes": ["write:packages"],
             "sha256": "…", "created_at": "…", "expires_at": null, "revoked_at": null, "note": ""}]}
```
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime

from pyregistry.accounts.model import AccessToken, Account, Accounts, Role
from pyregistry.accounts.pat import TokenKind

SCHEMA = "pyregistry/accounts/1"


class AccountsUnreadable(ValueError):
    """The file is there and is not what was written."""


def parse_accounts(content: bytes) -> Accounts:
    """Read the file's content.

    Raises:
        AccountsUnreadable: It is damaged or of another schema.
    """
    try:
        values = json.loads(content)
        schema = values["schema"]
        accounts = _parse_everybody(values)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as exc:
        raise AccountsUnreadable(f"expected an accounts file, got {type(exc).__name__}: {exc}") from exc
    if schema != SCHEMA:
        raise AccountsUnreadable(f"expected schema {SCHEMA}, got {schema!r}")
    return accounts


def format_accounts(accounts: Accounts) -> bytes:
    """The file's content."""
    values = {
        "schema": SCHEMA,
        "accounts": [asdict(account) for account in accounts.accounts.values()],
        "tokens": [asdict(token) for token in accounts.tokens.values()],
    }
    return (json.dumps(values, indent=2, ensure_ascii=False, default=datetime.isoformat) + "\n").encode()


def _parse_everybody(values: dict[str, list[dict[str, str]]]) -> Accounts:
    rows = [_parse_account(row) for row in values["accounts"]]
    accounts = Accounts({account.login.casefold(): account for account in rows})
    return replace(accounts, tokens={row["id"]: _parse_token(row, accounts) for row in values["tokens"]})


def _parse_account(row: Mapping[str, object]) -> Account:
    login, orgs = row["login"], row["orgs"]
    if not isinstance(login, str) or not isinstance(orgs, list):
        raise TypeError("login must be a text and orgs a list")
    return Account(login, tuple(map(str, orgs)), Role(str(row["role"])))


def _parse_token(row: dict[str, str], accounts: Accounts) -> AccessToken:
    return AccessToken(
        id=row["id"],
        account=accounts.account(row["account"]).login,
        kind=TokenKind(row["kind"]),
        scopes=tuple(row["scopes"]),
        sha256=row["sha256"],
        created_at=_parse_time(row["created_at"]),
        expires_at=None if row["expires_at"] is None else _parse_time(row["expires_at"]),
        revoked_at=None if row["revoked_at"] is None else _parse_time(row["revoked_at"]),
        note=row["note"],
    )


def _parse_time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"expected a time with its zone, got {text!r}")
    return time
