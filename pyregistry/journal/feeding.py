"""A journal around a journal: what was appended is passed on, in order, to whoever makes something else of it."""

from collections.abc import Callable, Sequence

from pyregistry.spec.journal import Event, EventLog

Listener = Callable[[Event], None]
"""Told of each event once. It runs in the thread that appends, so it neither waits nor raises."""


class FedJournal:
    """Appends to ``journal``, then tells the listeners.

    They are told also of what the journal could not write: the request was answered all the same, and who counts
    requests or waits for a push is not to miss it because a disk is full.
    """

    def __init__(self, journal: EventLog, listeners: Sequence[Listener]) -> None:
        self._journal = journal
        self._listeners = tuple(listeners)

    def append(self, event: Event) -> Event:
        """See ``EventLog.append``."""
        try:
            return self._journal.append(event)
        finally:
            self._tell([event])

    def append_all(self, events: Sequence[Event]) -> None:
        """See ``EventLog.append_all``."""
        try:
            self._journal.append_all(events)
        finally:
            self._tell(events)

    def _tell(self, events: Sequence[Event]) -> None:
        for event in events:
            for listener in self._listeners:
                listener(event)
