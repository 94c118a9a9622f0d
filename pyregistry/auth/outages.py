"""The time during which a file that says who may come in cannot be read."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from pyregistry.accounts.records import AccountsUnreadable
from pyregistry.spec.errors import Unavailable
from pyregistry.spec.htpasswd import HtpasswdInvalid

_LOG = logging.getLogger(__name__)


class Outages:
    """Turns a file's trouble into 503, and tells the operator once what it is, and once that it is over."""

    def __init__(self) -> None:
        self._told = ""

    @contextmanager
    def translated(self) -> Iterator[None]:
        """For a block that reads the file.

        Raises:
            Unavailable: It could not; the client is told no path and no line, the log is.
        """
        try:
            yield
        except (AccountsUnreadable, HtpasswdInvalid, OSError) as exc:
            self._tell(str(exc))
            raise Unavailable("the registry cannot read who may come in; its log says why") from exc
        if self._told:
            self._told = ""
            _LOG.info("who may come in can be read again")

    def _tell(self, trouble: str) -> None:
        """Once for each trouble: clients come again and again while it lasts."""
        if trouble != self._told:
            self._told = trouble
            _LOG.error("nobody can come in: %s", trouble)
