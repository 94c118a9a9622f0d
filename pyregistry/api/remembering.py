"""From a request to its event in the journal, before the last byte of the answer leaves.

An answer waits for its event to be written. Under load all waiting events go together: one thread, one lock, one write
for as many requests as came in while the write before was on its way.
"""

import asyncio
import logging
from dataclasses import dataclass, field

from starlette.types import Scope

from pyregistry.api.call import in_thread
from pyregistry.api.exchange import Exchange, journal_event
from pyregistry.journal import EventLog, JournalError
from pyregistry.spec.journal import Event

_LOG = logging.getLogger(__name__)


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
    """

    def __init__(self, journal: EventLog, tls_version: str | None) -> None:
        self._journal = journal
        self._tls_version = tls_version
        self._collecting = _Batch()
        self._writing: asyncio.Task[None] | None = None

    async def remember(self, exchange: Exchange, scope: Scope) -> None:
        """Return when the exchange is in the journal.

        A journal that cannot be written keeps nobody from pulling: the log says so, and the next event is tried.
        """
        batch = self._collecting
        batch.events.append(journal_event(exchange, scope, self._tls_version))
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
            await in_thread(self._journal.append_all, batch.events)
        except JournalError as exc:
            requests = [event.request_id for event in batch.events]
            _LOG.exception("journal", exc_info=exc, extra={"fields": {"http.request.id": requests}})
        finally:
            batch.written.set()
