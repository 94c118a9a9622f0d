"""A fed journal is the journal, and its listeners miss nothing."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from pyregistry.journal import JournalError, NullJournal
from pyregistry.journal.feeding import FedJournal
from pyregistry.spec.journal import Event

EVENTS = [Event(kind="request", at=datetime.now(UTC), monotonic_ns=number) for number in range(3)]


class Full:
    """A journal on a full disk."""

    def append(self, _event: Event) -> Event:
        """Fail."""
        raise JournalError("journal.jsonl: no space left on device")

    def append_all(self, _events: Sequence[Event]) -> None:
        """Fail."""
        raise JournalError("journal.jsonl: no space left on device")


def test_listeners_hear_every_event_in_order() -> None:
    """However it was appended, and also where nothing is remembered."""
    heard: list[int] = []
    also_heard: list[int] = []
    journal = FedJournal(
        NullJournal(),
        [lambda event: heard.append(event.monotonic_ns), lambda event: also_heard.append(event.monotonic_ns)],
    )
    assert journal.append(EVENTS[0]) == EVENTS[0]
    journal.append_all(EVENTS[1:])
    assert heard == also_heard == [0, 1, 2]


def test_listeners_hear_what_could_not_be_written() -> None:
    """The request was answered; and who appended still learns that it was not remembered."""
    heard: list[Event] = []
    journal = FedJournal(Full(), [heard.append])
    with pytest.raises(JournalError):
        journal.append(EVENTS[0])
    with pytest.raises(JournalError):
        journal.append_all(EVENTS[1:])
    assert heard == EVENTS
