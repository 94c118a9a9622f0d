"""Events on their way to the journal: together, in the loop while that is quick, and in threads while it is not."""

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from pyregistry.api.exchange import begin
from pyregistry.api.remembering import CAUTION_SECONDS, SLOW_SECONDS, EventWriter
from pyregistry.journal import JournalError
from pyregistry.spec.journal import Event
from tests.unit.pyregistry.api.harness import scope


@dataclass
class SlowJournal:
    """A journal on a medium that takes ``seconds`` for a write, by a clock of its own; it notes who writes it."""

    seconds: float = 0.0
    clock: float = 0.0
    fails: bool = False
    batches: list[tuple[int, bool]] = field(default_factory=list)

    def append(self, event: Event) -> Event:
        """Nobody does."""
        raise AssertionError(event)

    def append_all(self, events: Sequence[Event]) -> None:
        """Take its time."""
        self.batches.append((len(events), threading.current_thread() is threading.main_thread()))
        self.clock += self.seconds
        if self.fails:
            raise JournalError("no space left on device")


async def _remember(writer: EventWriter) -> None:
    request = scope("GET", "/v2/", [], {})
    await writer.remember(begin(request), request)


def _write(journal: SlowJournal, *rounds: int) -> None:
    """So many requests at once, round by round."""

    async def write() -> None:
        writer = EventWriter(journal, None, lambda: journal.clock)
        for requests in rounds:
            await asyncio.gather(*[_remember(writer) for _ in range(requests)])
            journal.clock += CAUTION_SECONDS / 3

    asyncio.run(write())


def test_the_events_of_one_turn_are_one_write_in_the_loop() -> None:
    """Whatever their number."""
    journal = SlowJournal()
    _write(journal, 5, 1)
    assert journal.batches == [(5, True), (1, True)]


def test_a_slow_medium_holds_up_the_loop_once() -> None:
    """Then threads write for a while, and the loop tries again after it."""
    journal = SlowJournal(seconds=2 * SLOW_SECONDS)
    _write(journal, 1, 1, 1, 1)
    assert [in_loop for _, in_loop in journal.batches] == [True, False, False, True]


def test_a_journal_that_cannot_be_written_keeps_nobody_waiting() -> None:
    """In the loop as in a thread."""
    journal = SlowJournal(fails=True)
    _write(journal, 3, 2)
    assert [count for count, _ in journal.batches] == [3, 2]
