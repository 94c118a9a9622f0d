"""Reads the registry's journal and proves its chain."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from checker.facts import Journal, NotObserved, Source, Unavailable
from checker.probes import DEADLINE_SECONDS, GRADER
from checker.probes.connection import Connection, read_json
from checker.probes.guises import is_graders
from checker.probes.surroundings import StackFile
from pyregistry.spec.journal import Event, JournalBroken, parse_line, verify

SERVER_ERROR = 500
"""From here on the registry had troubles of its own: perhaps it could not write."""
POLL_SECONDS = 0.05
_OK, _NOT_FOUND = 200, 404
_UNPROVED = frozenset({"journal-elsewhere", "journal-silent"})


@dataclass(frozen=True, slots=True)
class Mark:
    """A point that the journal had reached when it was last read: it must still be there."""

    seq: int
    hash: str


def called(connection: Connection) -> str:
    """Call a registry that is ours, so that it writes it down; returns the user agent that its journal must hold.

    Raises:
        NotObserved: It does not answer, or cannot.
    """
    if (status := connection.get("/v2/").status) >= SERVER_ERROR:
        raise NotObserved(Unavailable("server-error", {"status": status, "what": "/v2/"}))
    return connection.user_agent


def called_through(connection: Connection, repository: str) -> str | None:
    """Likewise through the student's proxy, which lets nobody through without a login.

    Returns:
        None where the proxy, and not the registry, may have answered: then nothing is proved, and nobody accused.

    Raises:
        NotObserved: Nothing answers.
    """
    try:
        reply = connection.get(f"/v2/{repository}/tags/list")
        heard = reply.status == _OK or (reply.status == _NOT_FOUND and "errors" in read_json(reply.body, "tags"))
    except NotObserved as exc:
        if exc.unavailable.reason not in {"login-needed", "garbage", "empty"}:
            raise
        heard = False
    return connection.user_agent if heard else None


@dataclass(frozen=True, slots=True)
class JournalProbe:
    """Reads one journal file.

    Attributes:
        horizon_seq: The last event that does not count.
        mark: Where an earlier run stopped, or None.
        witness: Has the registry write something down, and returns what the journal must now hold; None: unproved.
        since: Earlier events do not count either: the journal of a student's stack is not numbered by attempts.
        is_own: Whether an event is the grader's doing.
        is_ours: The lab runs the registry, with nothing before it that could change what the witness says.
        patience_seconds: How long a registry may take to write down what it has answered already.
    """

    file: StackFile
    horizon_seq: int
    mark: Mark | None = None
    witness: Callable[[], str | None] | None = None
    since: datetime | None = None
    is_own: Callable[[Event], bool] | None = None
    is_ours: bool = True
    patience_seconds: float = 0.0
    deadline_seconds: float = DEADLINE_SECONDS
    source: Source = Source.JOURNAL

    def read(self) -> Journal | Unavailable:
        """All events but the grader's; the last line is left alone while it is being written.

        Raises:
            NotObserved: It cannot be read, or the registry does not answer.
        """
        agent = self.witness() if self.witness else None
        deadline = time.monotonic() + self.patience_seconds
        found = self._read(agent)
        while isinstance(found, Unavailable) and found.reason in _UNPROVED and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            found = self._read(agent)
        return found

    def _read(self, agent: str | None) -> Journal | Unavailable:
        """What the file holds now."""
        try:
            # Not ``splitlines``: a client's name for itself may hold U+0085 or U+2028, which are no ends of lines here.
            *lines, _ = self.file.read().split(b"\n")
            events = list(verify(line.decode() for line in lines))
        except JournalBroken as exc:
            return Unavailable("journal-broken", {"line": exc.line})
        except ValueError:
            return Unavailable("garbage", {"source": self.source})
        return self._lacking(events) or self._foreign(events, agent) or self._journal(events)

    def _journal(self, events: Sequence[Event]) -> Journal:
        """The events as checks see them."""
        is_own = self.is_own or of_grader
        early = [event.seq for event in events if self.since and event.at < self.since]
        return Journal(
            tuple(event for event in events if not is_own(event)),
            max(self.horizon_seq, *early, 0),
            events[-1].hash,
            events[-1].seq,
            self.file.path,
        )

    def _lacking(self, events: Sequence[Event]) -> Unavailable | None:
        """Whether events are gone that were there: a chain that was cut at its end still holds."""
        reached = max(self.horizon_seq, self.mark.seq if self.mark else 0)
        if len(events) < reached:
            return Unavailable("journal-truncated", {"seq": len(events)})
        if self.mark and events[self.mark.seq - 1].hash != self.mark.hash:
            return Unavailable("journal-broken", {"line": self.mark.seq})
        return None if events else Unavailable("empty", {"source": self.source})

    def _foreign(self, events: Sequence[Event], agent: str | None) -> Unavailable | None:
        """Whether the registry that is graded writes into another journal, or none."""
        if agent is None or any(event.user_agent == agent for event in reversed(events)):
            return None
        if self.is_ours:
            return Unavailable("journal-elsewhere", {"path": self.file.path})
        return Unavailable("journal-silent", {"path": self.file.path})


def of_grader(event: Event) -> bool:
    """The grader's own requests, those before its login included; what others do with its account is not its own."""
    if event.kind == "account":
        return event.actor == GRADER
    return event.actor in {None, GRADER} and (event.user_agent or "").startswith(f"{GRADER}/")


def by_agent(event: Event) -> bool:
    """Likewise in a stack that the student built: there the grader knocks with the student's own login, and in guises.

    Whoever borrows its names hides from the grader, in the journal as in the proxy's log, and wins nothing.
    """
    return of_grader(event) or is_graders(event.user_agent or "")


def is_news(lines: bytes, is_own: Callable[[Event], bool] = of_grader) -> bool:
    """Whether these whole lines of a journal tell of anybody but the grader; what makes no sense is news too."""
    try:
        *whole, _ = lines.split(b"\n")
        return not all(is_own(parse_line(line.decode())) for line in whole)
    except ValueError:
        return True
