r"""The journal's format: one event a line, each chained to the one before by SHA-256.

Pure: reading and writing files is ``pyregistry.journal``; the grader parses and verifies the same lines with this
module. A line is canonical JSON (sorted keys, no spaces, UTF-8) of the event's fields plus ``hash``, where

    hash ::= SHA-256 hex of ( previous line's hash | "" for the first ) + "\n" + canonical JSON without "hash"

So a changed, removed or inserted line breaks the chain at that line. No field ever holds a secret.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from operator import attrgetter
from typing import Protocol

GENESIS = ""
"""The ``previous`` of the first event."""


class JournalBroken(ValueError):
    """The chain does not hold: the journal was changed after it was written.

    Args:
        line: Number of the offending line, from 1.
        reason: What was seen and what was wanted.
    """

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"journal line {line}: {reason}")
        self.line = line
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. Times are aware UTC; sizes are bytes; None means "does not apply".

    ``kind`` is ``request`` (any HTTP request, refusals included), ``account`` (users and access tokens made, changed
    or revoked, ``action`` in ``detail``) or ``server`` (start, stop).
    """

    kind: str
    at: datetime
    monotonic_ns: int
    seq: int = 0
    actor: str | None = None
    """The account, None when anonymous."""
    credential_kind: str | None = None
    """How the actor proved itself: ``pat-classic``, ``pat-fine-grained``, ``password``, ``bearer`` …"""
    credential_id: str | None = None
    """Public id of the access token used (also behind a bearer token that was issued for it)."""
    credential_scopes: tuple[str, ...] = ()
    """The access token's own scopes, e.g. ``write:packages``."""
    tls_version: str | None = None
    peer: str | None = None
    user_agent: str | None = None
    host: str | None = None
    """The Host header: the name by which the client called the registry."""
    method: str | None = None
    path: str | None = None
    """Path and query of the request, credentials redacted."""
    endpoint: str | None = None
    """The matched endpoint's id in ``spec/endpoints.py``, e.g. ``end-7``."""
    repository: str | None = None
    reference: str | None = None
    """The tag or digest as the client wrote it."""
    digest: str | None = None
    """The digest that the request resolved to or produced."""
    media_type: str | None = None
    status: int | None = None
    error_code: str | None = None
    bytes_in: int = 0
    bytes_out: int = 0
    aborted: bool = False
    """The client went away before the end."""
    cache: str | None = None
    """``miss``, ``hit``, ``revalidated`` or ``stale`` for a pull-through cache."""
    upstream_status: int | None = None
    request_id: str | None = None
    detail: dict[str, object] = field(default_factory=dict)
    """What only this endpoint can tell; ``client`` and ``base_url`` as a proxy in front says; ``claimed_user``, by
    whose name the request came to a registry that asks nobody: nothing has proved it."""
    previous: str = GENESIS
    hash: str = ""


class EventLog(Protocol):
    """Remembers events in the order in which they are appended."""

    def append(self, event: Event) -> Event:
        """Give ``event`` its place in the chain and write it; returns it with ``seq``, ``previous`` and ``hash``.

        Threads and processes may append at the same time. What cannot be written raises, and leaves nothing behind.
        """
        ...

    def append_all(self, events: Sequence[Event]) -> None:
        """Append ``events`` in order and next to each other, all of them or none: one write for many requests."""


# Every request pays for what follows, so none of it is the obvious way: ``asdict`` copies deeply for 30 µs,
# ``json.dumps`` makes an encoder for each call, ``replace`` checks and sets all fields once more.
_SEALED = tuple(sorted(f.name for f in fields(Event) if f.name not in ("hash", "at", "seq", "previous")))
_read_sealed = attrgetter(*_SEALED)
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def _canonical(event: Event, seq: int, previous: str) -> bytes:
    """The event at its place in the chain, without ``hash``, as canonical JSON."""
    values = dict(zip(_SEALED, _read_sealed(event), strict=True))
    values |= {"at": event.at.isoformat(), "seq": seq, "previous": previous}
    return _encode(values).encode(errors="replace")  # a client's lone surrogate must not keep a request out


def seal(event: Event, seq: int, previous: str) -> tuple[str, bytes]:
    """``event`` at its place in the chain: its hash, and its line with the newline."""
    body = _canonical(event, seq, previous)
    digest = hashlib.sha256(b"%s\n%s" % (previous.encode(), body)).hexdigest()
    return digest, b'%s,"hash":"%s"}\n' % (body[:-1], digest.encode())


def parse_line(line: str, number: int = 1) -> Event:
    """Read one line; the chain is not looked at.

    Raises:
        JournalBroken: The line is no event.
    """
    known = {f.name for f in fields(Event)}
    try:
        values = json.loads(line)
        values["at"] = datetime.fromisoformat(values["at"])
        values["credential_scopes"] = tuple(values["credential_scopes"])
        return Event(**{name: value for name, value in values.items() if name in known})
    except (ValueError, TypeError, KeyError, RecursionError) as exc:
        raise JournalBroken(number, f"expected an event as JSON, got {line[:60]!r}") from exc


def verify(lines: Iterable[str]) -> Iterator[Event]:
    """Read lines and prove the chain as they come: sequence from 1 without holes, each hash over the one before.

    Raises:
        JournalBroken: At the first line that does not hold.
    """
    previous, expected_seq = GENESIS, 1
    for number, line in enumerate(lines, start=1):
        event = parse_line(line, number)
        if event.seq != expected_seq:
            raise JournalBroken(number, f"expected seq {expected_seq}, got {event.seq}")
        if event.previous != previous:
            raise JournalBroken(number, "its previous hash is not that of the line before")
        digest, sealed = seal(event, event.seq, event.previous)
        if digest != event.hash or line.rstrip("\n") != sealed.decode().rstrip("\n"):
            raise JournalBroken(number, f"event #{event.seq} does not have the hash that was written with it")
        previous, expected_seq = event.hash, event.seq + 1
        yield event
