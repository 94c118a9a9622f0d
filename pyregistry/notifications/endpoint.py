"""One endpoint: a bounded queue, a thread that empties it in order, and retries until the endpoint takes an event."""

import logging
import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Final

import urllib3
from urllib3.exceptions import HTTPError

from pyregistry.config.settings import NotificationEndpoint
from pyregistry.notifications.envelope import MEDIA_TYPE, Record
from pyregistry.spec.urls import parse_credentials, without_secrets

_LOG = logging.getLogger(__name__)

MAX_PENDING_BYTES: Final = 16 << 20
"""Of events that wait for one endpoint, some 20,000. registry:2's queue grows until memory is full; beyond this bound
the newest events are lost, which the log says once and ``lost`` counts."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How an endpoint has fared since the start, in events, under registry:2's names.

    Attributes:
        pending: Waiting, the one that is being sent included.
        events: Taken in.
        successes: Accepted by the endpoint.
        failures: Attempts that were answered with another status than 2xx and 3xx.
        errors: Attempts that were not answered.
        lost: Never to be sent: the queue was full, or the registry ended first.
        statuses: Answers by status, as in ``200 OK``.
    """

    pending: int = 0
    events: int = 0
    successes: int = 0
    failures: int = 0
    errors: int = 0
    lost: int = 0
    statuses: Mapping[str, int] = field(default_factory=dict)


class Endpoint:
    """Sends what it is offered, in order, each event until it is accepted.

    As registry:2: attempts follow each other at once until ``threshold`` have failed in a row, from then on after
    ``backoff_seconds`` each.

    Args:
        settings: Where to send, and how patiently.
        max_pending_bytes: See ``MAX_PENDING_BYTES``.
    """

    def __init__(self, settings: NotificationEndpoint, max_pending_bytes: int = MAX_PENDING_BYTES) -> None:
        self.name = settings.name
        self.shown = without_secrets(settings.url)
        self._settings = settings
        self._url, self._headers = _target(settings)
        # One event on its way at a time. Without retries there are no redirects either: the headers are for this URL.
        self._pool = urllib3.PoolManager(maxsize=1, retries=False)
        self._max_pending_bytes = max_pending_bytes
        self._pending: deque[bytes] = deque()
        self._pending_bytes = 0
        self._standing = Standing()
        self._statuses: Counter[str] = Counter()
        self._failed_in_a_row = 0
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=f"notifications {settings.name}", daemon=True)

    @property
    def standing(self) -> Standing:
        """As of now."""
        with self._changed:
            return replace(self._standing, pending=len(self._pending), statuses=dict(self._statuses))

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def wants(self, record: Record) -> bool:
        """Whether the configuration does not have it ignored."""
        ignored = self._settings.ignored_media_types, self._settings.ignored_actions
        return record["target"].get("mediaType") not in ignored[0] and record["action"] not in ignored[1]

    def offer(self, envelope: bytes) -> None:
        """Queue it, or lose it where the queue is full. Never waits."""
        with self._changed:
            is_full = self._pending_bytes + len(envelope) > self._max_pending_bytes
            self._count(events=1, lost=int(is_full))
            if is_full:
                if self._standing.lost == 1:
                    _LOG.error(
                        "notifications: %s takes too little, its queue is full, events are lost", self._described
                    )
                return
            self._pending.append(envelope)
            self._pending_bytes += len(envelope)
            self._changed.notify_all()

    def stop(self, timeout_seconds: float) -> int:
        """Send what is queued for so long, or until an attempt fails; returns how many events are lost."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(timeout_seconds)
        with self._changed:
            lost = len(self._pending)
            self._pending.clear()
            self._pending_bytes = 0
            self._count(lost=lost)
        if lost:
            _LOG.error("notifications: %s: %d events are lost with the end of the registry", self._described, lost)
        return lost

    def _run(self) -> None:
        while envelope := self._first():
            if self._send(envelope):
                self._drop_first()
            elif self._rest():
                return

    def _first(self) -> bytes | None:
        """The event that is due, left in its place until it was accepted; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._pending or self._closing)
            return self._pending[0] if self._pending else None

    def _drop_first(self) -> None:
        with self._changed:
            if self._pending:  # not cleared by ``stop``, whose patience may have ended during the last attempt
                self._pending_bytes -= len(self._pending.popleft())

    def _rest(self) -> bool:
        """After a failure: wait if there were too many. Returns whether to give up, for the registry ends."""
        with self._changed:
            if self._failed_in_a_row >= self._settings.threshold:
                self._changed.wait_for(lambda: self._closing, self._settings.backoff_seconds)
            return self._closing

    def _send(self, envelope: bytes) -> bool:
        """One attempt; returns whether the event was accepted."""
        try:
            status = self._post(envelope)
        except (HTTPError, OSError) as exc:
            self._note_failure(str(exc) or type(exc).__name__, errors=1)  # of the URL it has host and port only
            return False
        if HTTPStatus.OK <= status < HTTPStatus.BAD_REQUEST:
            self._note_success(status)
            return True
        self._note_failure(_phrase(status), failures=1, status=status)
        return False

    def _post(self, envelope: bytes) -> int:
        timeout = urllib3.Timeout(total=self._settings.timeout_seconds)
        answer = self._pool.request(
            "POST",
            self._url,
            body=envelope,
            headers=self._headers,
            timeout=timeout,
            preload_content=False,
        )
        answer.close()  # what it says beyond the status is not read; registry:2 takes a new connection each time, too
        return answer.status

    def _note_success(self, status: int) -> None:
        with self._changed:
            recovered, self._failed_in_a_row = self._failed_in_a_row, 0
            self._count(successes=1)
            self._statuses[_phrase(status)] += 1
        if recovered:
            _LOG.info("notifications: %s takes events again, after %d failures", self._described, recovered)

    def _note_failure(self, cause: str, *, failures: int = 0, errors: int = 0, status: int = 0) -> None:
        """The log tells the first failure of a row and the one from which on we wait, not each of thousands."""
        with self._changed:
            self._failed_in_a_row += 1
            self._count(failures=failures, errors=errors)
            if status:
                self._statuses[_phrase(status)] += 1
            failed = self._failed_in_a_row
        if failed == 1:
            _LOG.warning("notifications: %s: %s; retrying", self._described, cause)
        if failed == self._settings.threshold:
            _LOG.warning("notifications: %s: %s; encountered too many errors, backing off", self._described, cause)

    @property
    def _described(self) -> str:
        return f"endpoint {self.name} ({self.shown})"

    def _count(self, **more: int) -> None:
        """Add to the standing. The lock is held."""
        self._standing = replace(
            self._standing, **{name: getattr(self._standing, name) + number for name, number in more.items()}
        )


def _target(settings: NotificationEndpoint) -> tuple[str, dict[str, str]]:
    """Where to POST and with which headers; what is configured wins."""
    url, credentials = parse_credentials(settings.url)
    configured = {name.title(): ", ".join(values) for name, values in settings.headers.items()}
    return url, {"Content-Type": MEDIA_TYPE, "User-Agent": "pyregistry"} | credentials | configured


def _phrase(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
