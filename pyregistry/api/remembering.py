"""From a request to its event in the journal, before the last byte of the answer leaves.

An answer waits for its event to be written. Under load all waiting events go together: one lock and one write for as
many requests as came in within a turn of the loop.

The write happens in the loop, the one exception to the rule that nothing there may block. It copies some kilobytes into
the page cache, 30 µs; a thread for it costs a good part of an answer, since each change of thread is a fight for the
interpreter (docs/performance.md). A write that did take long shows a medium that makes writers wait: for a while
threads do it then, so that a slow disk holds up everybody once, and not again and again.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic

from starlette.types import Scope

from pyregistry.api.call import in_thread
from pyregistry.api.exchange import Exchange, journal_event
from pyregistry.journal import EventLog, JournalError
from pyregistry.spec.journal import Event

_LOG = logging.getLogger(__name__)


SLOW_SECONDS = 0.02
"""Of a write that shows a slow medium. A busy machine may take a moment for one, too; caution costs little then."""

CAUTION_SECONDS = 10.0
"""For which threads write after a slow write."""


@dataclass(slots=True)
class _Batch:
    """Events that are written together, and who waits for that."""

    events: list[Event] = field(default_factory=list)
    written: asyncio.Event = field(default_factory=asyncio.Event)


class EventWriter:
    """Appends the events of requests to the journal.

    Args:
        journal: Where to.
        tls_version: What TLS connections are noted with.
        now: Seconds of a clock that never goes back.
        notes_claims: Nobody is asked who they are; who says so all the same is noted under that name.
    """

    def __init__(
        self,
        journal: EventLog,
        tls_version: str | None,
        now: Callable[[], float] = monotonic,
        *,
        notes_claims: bool = False,
    ) -> None:
        self._journal = journal
        self._tls_version = tls_version
        self._notes_claims = notes_claims
        self._now = now
        self._cautious_until = 0.0
        self._collecting = _Batch()
        self._writing: asyncio.Task[None] | None = None

    async def remember(self, exchange: Exchange, scope: Scope) -> None:
        """Return when the exchange is in the journal.

        A journal that cannot be written keeps nobody from pulling: the log says so, and the next event is tried.
        """
        batch = self._collecting
        batch.events.append(journal_event(exchange, scope, self._tls_version, notes_claims=self._notes_claims))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        await batch.written.wait()

    async def _write(self) -> None:
        try:
            while self._collecting.events:
                batch, self._collecting = self._collecting, _Batch()
                await self._write_batch(batch)
        finally:
            self._writing = None

    async def _write_batch(self, batch: _Batch) -> None:
        try:
            await self._append(batch.events)
        except JournalError as exc:
            requests = [event.request_id for event in batch.events]
            _LOG.exception("journal", exc_info=exc, extra={"fields": {"http.request.id": requests}})
        finally:
            batch.written.set()

    async def _append(self, events: Sequence[Event]) -> None:
        started = self._now()
        if started < self._cautious_until:
            await in_thread(self._journal.append_all, events)
            return
        self._journal.append_all(events)
        ended = self._now()
        if ended - started > SLOW_SECONDS:
            self._cautious_until = ended + CAUTION_SECONDS
