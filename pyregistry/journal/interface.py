"""What the server and the command line ask of a journal."""

from typing import Protocol

from pyregistry.spec.journal import Event


class EventLog(Protocol):
    """Remembers events in the order in which they are appended."""

    def append(self, event: Event) -> Event:
        """Give ``event`` its place in the chain and write it; returns it with ``seq``, ``previous`` and ``hash``.

        Threads and processes may append at the same time.

        Raises:
            JournalError: It could not be written; nothing of it is left in the journal.
        """
        ...
