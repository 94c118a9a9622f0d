"""From the journal's events to all endpoints: a thread that puts them into words, so that no request does."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from pyregistry.config.settings import NotificationSettings
from pyregistry.notifications.endpoint import Endpoint
from pyregistry.notifications.envelope import (
    Record,
    Source,
    encode,
    is_notable,
    names_manifest,
    records,
    references_of,
)
from pyregistry.spec.journal import Event

_LOG = logging.getLogger(__name__)

MAX_WAITING: Final = 10_000
"""Events that wait to be put into words, which takes some 50 µs each: more come only faster than any server serves."""

ReadManifest = Callable[[str, str], bytes | None]
"""The content of a repository's manifest by digest, None where it is gone or cannot be read. It may block."""


class Broadcaster:
    """Takes events from any thread and hands them, in that order, to every endpoint that wants them.

    Args:
        settings: The endpoints.
        source: Who tells.
        read_manifest: For ``events.includereferences``.
    """

    def __init__(self, settings: NotificationSettings, source: Source, read_manifest: ReadManifest) -> None:
        self.endpoints = tuple(Endpoint(endpoint) for endpoint in settings.endpoints if not endpoint.disabled)
        self._source = source
        self._include_references = settings.include_references
        self._read_manifest = read_manifest
        self._waiting: queue.Queue[Event | None] = queue.Queue(MAX_WAITING)
        self._lost = 0
        self._thread = threading.Thread(target=self._run, name="notifications", daemon=True)
        for endpoint in settings.endpoints:
            if endpoint.disabled:
                _LOG.info("endpoint %s disabled, skipping", endpoint.name)

    def start(self) -> None:
        """Begin to hand over and to send."""
        for endpoint in self.endpoints:
            _LOG.info("configuring endpoint %s (%s)", endpoint.name, endpoint.shown)
            endpoint.start()
        self._thread.start()

    def offer(self, event: Event) -> None:
        """Tell the endpoints of it, if there is anything to tell. Never waits."""
        if not is_notable(event):
            return
        try:
            self._waiting.put_nowait(event)
        except queue.Full:
            self._lost += 1
            if self._lost == 1:
                _LOG.exception("notifications: events come faster than they can be handed over, and are lost")

    def stop(self, timeout_seconds: float) -> int:
        """Send what is there for so long at most; returns how many events are lost, over all endpoints."""
        deadline = time.monotonic() + timeout_seconds
        with suppress(queue.Full):
            self._waiting.put(None, timeout=timeout_seconds)
        self._thread.join(timeout_seconds)
        return sum(endpoint.stop(max(0.0, deadline - time.monotonic())) for endpoint in self.endpoints)

    def _run(self) -> None:
        while event := self._waiting.get():
            for record in records(event, self._source, self._references(event)):
                self._hand_over(record)

    def _hand_over(self, record: Record) -> None:
        envelope = encode(record)
        for endpoint in self.endpoints:
            if endpoint.wants(record):
                endpoint.offer(envelope)

    def _references(self, event: Event) -> Sequence[Record]:
        """Read from the store, where the manifest has just been; a manifest that is gone again has none."""
        if not self._include_references or not names_manifest(event):
            return ()
        manifest = self._read_manifest(event.repository or "", event.digest or "")
        return references_of(manifest) if manifest else ()
