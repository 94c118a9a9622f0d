"""Reads the registry's journal and proves its chain."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from checker.facts import Journal, NotObserved, Source, Unavailable
from checker.probes import GRADER
from checker.probes.connection import Connection
from pyregistry.spec.journal import Event, JournalBroken, parse_line, verify

SERVER_ERROR = 500
"""From here on the registry had troubles of its own: perhaps it could not write."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A point that the journal had reached when it was last read: it must still be there."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class JournalProbe:
    """Reads one journal file.

    Attributes:
        mark: Where an earlier run stopped, or None.
        connection: To the registry that keeps it, which must write down that it was called; None: unproved.
    """

    path: Path
    horizon_seq: int
    mark: Mark | None = None
    connection: Connection | None = None
    deadline_seconds: float = 4.0
    source: Source = Source.JOURNAL

    def read(self) -> Journal | Unavailable:
        """All events but the grader's; the last line is left alone while it is being written."""
        if self.connection and (status := self.connection.get("/v2/").status) >= SERVER_ERROR:
            return Unavailable("server-error", {"status": status, "what": "/v2/"})
        try:
            # Not ``splitlines``: a client's name for itself may hold U+0085 or U+2028, which are no ends of lines here.
            *lines, _ = self.path.read_bytes().split(b"\n")
            events = list(verify(line.decode() for line in lines))
        except OSError as exc:
            raise NotObserved(
                Unavailable("file-unreadable", {"path": str(self.path), "error": str(exc.strerror)})
            ) from exc
        except JournalBroken as exc:
            return Unavailable("journal-broken", {"line": exc.line})
        except ValueError:
            return Unavailable("garbage", {"source": self.source})
        return (
            self._lacking(events)
            or self._foreign(events)
            or Journal(
                tuple(event for event in events if not of_grader(event)),
                self.horizon_seq,
                events[-1].hash,
                events[-1].seq,
            )
        )

    def _lacking(self, events: Sequence[Event]) -> Unavailable | None:
        """Whether events are gone that were there: a chain that was cut at its end still holds."""
        reached = max(self.horizon_seq, self.mark.seq if self.mark else 0)
        if len(events) < reached:
            return Unavailable("journal-truncated", {"seq": len(events)})
        if self.mark and events[self.mark.seq - 1].hash != self.mark.hash:
            return Unavailable("journal-broken", {"line": self.mark.seq})
        return None if events else Unavailable("empty", {"source": self.source})

    def _foreign(self, events: Sequence[Event]) -> Unavailable | None:
        """Whether the registry that is graded writes into another journal, or none."""
        agent = self.connection.user_agent if self.connection else None
        if agent is None or any(event.user_agent == agent for event in reversed(events)):
            return None
        return Unavailable("journal-elsewhere", {"path": str(self.path)})


def of_grader(event: Event) -> bool:
    """The grader's own requests, those before its login included; what others do with its account is not its own."""
    if event.kind == "account":
        return event.actor == GRADER
    return event.actor in {None, GRADER} and (event.user_agent or "").startswith(f"{GRADER}/")


def is_news(lines: bytes) -> bool:
    """Whether these whole lines of a journal tell of anybody but the grader; what makes no sense is news too."""
    try:
        *whole, _ = lines.split(b"\n")
        return not all(of_grader(parse_line(line.decode())) for line in whole)
    except ValueError:
        return True
