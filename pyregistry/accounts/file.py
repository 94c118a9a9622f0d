"""The accounts file: read by the running server at every request, changed by the command line."""

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pyregistry.accounts.model import Accounts
from pyregistry.accounts.records import AccountsUnreadable, format_accounts, parse_accounts
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
        with self._alone():
            changed = apply(self.current())
            self._replace(format_accounts(changed))
        return changed

    def _parse(self, content: bytes) -> Accounts:
        try:
            return parse_accounts(content)
        except AccountsUnreadable as exc:
            raise AccountsUnreadable(f"{self.path}: {exc}") from exc

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Lock the folder: the file itself is replaced, and a lock beside it would stay behind."""
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _replace(self, content: bytes) -> None:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent)  # mode 0600
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(self.path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
