"""What the commands have in common that manage accounts and access tokens."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from pyregistry.accounts.administration import Administration, NewToken
from pyregistry.accounts.file import AccountsFile
from pyregistry.commands.outcomes import CommandError
from pyregistry.config import Settings, load
from pyregistry.journal import open_journal


def administer(config: Path) -> Administration:
    """Who changes the accounts of a configuration.

    Raises:
        CommandError: It has none.
    """
    settings = load(config)
    return Administration(_accounts_file(settings), open_journal(settings), lambda: datetime.now(UTC))


def new_token_row(token: NewToken) -> dict[str, object]:
    """A token just made, for ``--json``."""
    record = token.record
    row = {"id": record.id, "token": token.secret, "kind": record.kind, "scopes": record.scopes}
    return {**row, "expires_at": format_time(record.expires_at)}


def print_new_token(token: NewToken) -> None:
    """The secret alone on stdout, so that a script can take it; what else there is to say on stderr."""
    scopes = ", ".join(token.record.scopes) or "no scopes"
    print(f"access token {token.record.id} ({scopes}); its secret is shown this once:", file=sys.stderr)
    print(token.secret)


def print_json(value: object) -> None:
    """``--json``."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def format_time(time: datetime | None) -> str | None:
    """To the second."""
    return None if time is None else time.isoformat(timespec="seconds")


def _accounts_file(settings: Settings) -> AccountsFile:
    if settings.accounts_path is None:
        raise CommandError(f"{settings.source}: pyregistry.accounts.path is not set, so there are no accounts")
    return AccountsFile(settings.accounts_path)
