"""From several processes to the one that tells the endpoints, through one socket: the order is that of the requests."""

import logging
import select
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from pyregistry.notifications.envelope import is_notable
from pyregistry.spec.journal import Event, parse_line, seal

_LOG = logging.getLogger(__name__)

WAIT_SECONDS: Final = 2.0
"""For the receiver to make room, once: from then on nothing waits until it has made some. It makes room all the time,
so that only one that is stuck takes as long."""

_MAX_EVENT_BYTES: Final = 64 * 1024
"""Of a line; the client's own words in it are clipped far below."""

# Keeps the boundaries of messages, and makes the sender wait when the receiver is slow. macOS has no such thing, and
# its datagrams are refused instead of delayed, which loses events of a burst there.
_KIND: Final = socket.SOCK_SEQPACKET if sys.platform == "linux" else socket.SOCK_DGRAM


class Funnel:
    """Made before the processes part: ``offer`` is for those who serve, ``pour_into`` for the one that tells."""

    def __init__(self, wait_seconds: float = WAIT_SECONDS) -> None:
        self._wait_seconds = wait_seconds
        self._receiver, self._sender = socket.socketpair(socket.AF_UNIX, _KIND)
        self._sender.settimeout(0)
        self._is_stuck = False

    def offer(self, event: Event) -> None:
        """Send a notable event. Waits at most ``WAIT_SECONDS``, and only for our own process at the other end."""
        if is_notable(event):
            _, line = seal(event, event.seq, event.previous)
            was_stuck, self._is_stuck = self._is_stuck, not (self._sent(line) or self._sent_later(line))
            if self._is_stuck and not was_stuck:
                _LOG.error("notifications: events are lost on the way: nobody takes them")

    def pour_into(self, offer: Callable[[Event], None]) -> None:
        """Hand everything that arrives to ``offer``, in a thread of its own."""
        self._pouring = threading.Thread(target=self._pour, args=(offer,), name="notifications funnel", daemon=True)
        self._pouring.start()

    def finish(self, timeout_seconds: float) -> None:
        """Hand over what is still on its way. Once those who serve have ended, and only after ``pour_into``."""
        self._sender.close()  # the last one: the receiver sees the end behind the last event
        self._pouring.join(timeout_seconds)

    def _pour(self, offer: Callable[[Event], None]) -> None:
        with self._receiver, suppress(ConnectionError):  # how the end of datagrams is told
            while line := self._receiver.recv(_MAX_EVENT_BYTES):
                offer(parse_line(line.decode()))

    def _sent(self, line: bytes) -> bool:
        try:
            self._sender.send(line)
        except OSError:  # full, or the other end is gone
            return False
        return True

    def _sent_later(self, line: bytes) -> bool:
        """Sent after a wait, unless one has been in vain already."""
        return (
            not self._is_stuck
            and bool(select.select((), (self._sender,), (), self._wait_seconds)[1])
            and self._sent(line)
        )
