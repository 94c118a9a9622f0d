"""The accounts file: read by the running server at every request, changed by the command line."""

from collections.abc import Callable
from pathlib import Path

from pyregistry.accounts.model import Accounts
from pyregistry.accounts.records import AccountsUnreadable, format_accounts, parse_accounts
from pyregistry.accounts.replacing import alone, replace_content
from pyregistry.accounts.snapshots import Snapshot


class AccountsFile:
    """Accounts in one JSON file, mode 0600. A missing file holds nobody.

    Args:
        path: The file; its folder is made with the first change. A symbolic link is followed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self._snapshot = Snapshot(self.path, self._parse, missing=Accounts())

    def current(self) -> Accounts:
        """Everybody as of now; costs one ``stat`` while nothing changes.

        Raises:
            AccountsUnreadable: The file is damaged.
            OSError: It cannot be read.
        """
        return self._snapshot.current()

    def held(self) -> Accounts | None:
        """Everybody as of now, where that is known without reading the file; None asks for ``current``."""
        return self._snapshot.held()

    def change(self, apply: Callable[[Accounts], Accounts]) -> Accounts:
        """Replace the content by what ``apply`` makes of it; other processes wait for their turn.

        What ``apply`` raises goes through, and nothing is changed. A reader sees the old content or the new.

        Raises:
            AccountsUnreadable: The file is damaged, and left as it is.
            OSError: It cannot be read or written.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with alone(self.path):
            changed = apply(self.current())
            replace_content(self.path, format_accounts(changed))
        return changed

    def _parse(self, content: bytes) -> Accounts:
        try:
            return parse_accounts(content)
        except AccountsUnreadable as exc:
            raise AccountsUnreadable(f"{self.path}: {exc}") from exc
