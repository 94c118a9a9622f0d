"""Whether a proxy's access log and the journal of the registry behind it tell the same story. Pure.

A line and an event agree when they are of one request: the same method, path and user agent, the same user as far as
both know one, a status and a size that the one may have made of the other, and times that fit. Each line may stand for
one event only.

Nobody is accused of what an honest student may have done: configured the proxy in some other way for a while, moved or
cleared its log, let it answer by itself. So what is left over says something only where all of this is out of the
question: since the proxy runs with its present configuration, if that hands on and logs each request as it is. Then a
line of success needs an event, and an event below a repository needs a line. All else may agree, and is not judged.
"""

import re
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from checker import history
from checker.facts import AccessLog, LogLine
from pyregistry.spec.journal import Event

SLACK_SECONDS = 2.0
"""Between an event's time, when the request reached the registry, and its line's, when the answer was out; whole
seconds in the log."""
BEGINNING_SECONDS = 1.0
"""When something began is known to the second. What came within it may belong to the time before."""
LATE_SECONDS = 120.0
"""A line may come so much later than its event: on a machine that is very busy, or where client or proxy gave up, after
nginx's own timeouts of 60 s, and some more."""
BYTES_PER_SECOND = 1_000
"""And later still where bytes take their time. Docker can be stopped in the middle of a layer, and a laptop closed."""
EXPECTED_BYTES_PER_SECOND = 100_000
"""Until then a line is not missed yet."""
BUFFERED_BYTES = 16_384
"""A TLS record's worth (nginx's ``ssl_buffer_size``). A body that is not larger leaves in one piece, or not at all; of
a larger one a client may take a part, while the registry has handed out all of it."""
CLIENT_LEFT, NOT_MODIFIED, PARTIAL, OK = 499, 304, 206, 200
SUCCESSES = range(200, 300)
GATEWAY_GAVE_UP = frozenset({502, 504})
API = "/v2/"
_LISTS = frozenset({"catalog", "end-8"})
"""Endpoints that show what is there. To look at that from within the registry's container is nobody's fault."""
_MOMENT = timedelta(seconds=SLACK_SECONDS)
_REDACTED = "REDACTED"
"""The journal's word in the place of a secret."""
_WORDS_MAX = 1024
"""Characters of a client's words that the journal keeps."""

Pairs = tuple[tuple[LogLine, Event], ...]


@dataclass(frozen=True, slots=True)
class Edit:
    """A line and an event that are of one request, if it were not for ``what``: status, size, user, agent or time."""

    line: LogLine
    event: Event
    what: str
    seen: str
    wanted: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """What became of lines and events.

    Attributes:
        pairs: Lines with their events, whenever that was.
        edited: Lines that need an event and differ from one that has no line, or none yet.
        forged: Lines that need an event and have none.
        missing: Events that need a line and have none: they went past the proxy, or their lines are gone.
        rewritten: Refused requests for another path than the line says that must tell of them.
        open: How many lines have no event, and need none.
    """

    pairs: Pairs
    edited: tuple[Edit, ...] = ()
    forged: tuple[LogLine, ...] = ()
    missing: tuple[Event, ...] = ()
    rewritten: Pairs = ()
    open: int = 0

    @property
    def holds(self) -> bool:
        """Nothing is left over that must not be."""
        return not (self.edited or self.forged or self.missing or self.rewritten)


def agree(log: AccessLog, events: Sequence[Event], known_since: datetime | None = None) -> Agreement:
    """Hold an access log and a journal against each other.

    Args:
        log: Its lines, and since when they come as they come now.
        events: Requests, as the registry saw them.
        known_since: Since when the registry's memory is complete; None: always.
    """
    pairs = pair(log.lines, events)
    met, told = {event.seq for _, event in pairs}, {id(line) for line, _ in pairs}
    unmet = [event for event in events if event.seq not in met]
    untold = [line for line in log.lines if id(line) not in told]
    missing = _missing(log, events)
    forged = _forged(log, events, known_since)
    edits = _edits(forged, [event for event in unmet if needs_line(event, replace(log, read_at=None))])
    accused = {id(line) for line in forged}
    explained = {edit.event.seq for edit in edits.values()}
    return Agreement(
        pairs=pairs,
        edited=tuple(edits.values()),
        forged=tuple(line for place, line in enumerate(forged) if place not in edits),
        missing=tuple(event for event in missing if event.seq not in explained),
        rewritten=tuple(_rewritten(log, untold, unmet)),
        open=sum(id(line) not in accused for line in untold),
    )


def pair(lines: Sequence[LogLine], events: Iterable[Event]) -> Pairs:
    """Lines with the events that they tell of, each log for itself: a request may stand in several."""
    asked, found = _by_kind(events), list[tuple[LogLine, Event]]()
    by_seq = {event.seq: event for kind in asked.values() for event in kind}
    for own in _by_log(lines):
        event_of = _match(own, [_choices(line, asked) for line in own])
        found += ((line, by_seq[event_of[place]]) for place, line in enumerate(own) if place in event_of)
    return tuple(found)


# --- what must not be left over


def needs_event(line: LogLine, log: AccessLog, known_since: datetime | None = None) -> bool:
    """The registry must have been asked for this answer: nobody else grants anything below /v2/.

    And not by the grader, whose requests no event is left of.
    """
    since = log.logging.since
    if not log.logging.plain or since is None or not _is_granted(line):
        return False
    return line.at > _after(since, log.since, known_since)


def _is_granted(line: LogLine) -> bool:
    """Somebody got what they asked the API for; the log says who, so that it was not the grader."""
    return line.asked and line.user_agent != "" and line.path.startswith(API) and line.status in SUCCESSES


def needs_line(event: Event, log: AccessLog) -> bool:
    """The proxy must have logged it by now, if it passed: what somebody pushed or pulled.

    That the registry lives, and what it has, is asked in its own container too: by health checks, and out of curiosity.
    """
    since = log.logging.since
    if not log.logging.plain or since is None or event.repository is None or event.endpoint in _LISTS:
        return False
    begun = event.at > _after(since, log.since, log.begins_at)
    return begun and (log.read_at is None or event.at < log.read_at - timedelta(seconds=_grace(event)))


def _after(*times: datetime | None) -> datetime:
    """The latest of these times, and the moment that it takes."""
    return max(time for time in times if time) + timedelta(seconds=BEGINNING_SECONDS)


def _grace(event: Event) -> float:
    """Seconds after which its line must be there."""
    if event.aborted:
        return LATE_SECONDS
    return SLACK_SECONDS + (event.bytes_in + event.bytes_out) / EXPECTED_BYTES_PER_SECOND


def _missing(log: AccessLog, events: Sequence[Event]) -> Sequence[Event]:
    """Events without a line, though they need one. No line is taken by an event that needs none."""
    needing = [event for event in events if needs_line(event, log)]
    asked = _by_kind(needing)
    met = set(_match(log.lines, [_choices(line, asked) for line in log.lines]).values())
    return [event for event in needing if event.seq not in met]


def _forged(log: AccessLog, events: Sequence[Event], known_since: datetime | None) -> Sequence[LogLine]:
    """Lines without an event, though they need one.

    No event is taken by a line that needs none, but where both are of one moment, before: a copy of that line would
    have it otherwise.
    """
    found = list[LogLine]()
    for own in _by_log(log.lines):
        needing = [line for line in own if needs_event(line, log, known_since)]
        before = [line for line in own if _is_granted(line) and not needs_event(line, log, known_since)]
        told = {event.seq for line, event in pair(before, events) if abs(line.at - event.at) <= _MOMENT}
        asked = _by_kind(event for event in events if event.seq not in told)
        event_of = _match(needing, [_choices(line, asked) for line in needing])
        found += (line for place, line in enumerate(needing) if place not in event_of)
    return found


def _rewritten(log: AccessLog, lines: Iterable[LogLine], events: Iterable[Event]) -> Iterable[tuple[LogLine, Event]]:
    """Refused requests whose lines have another path, where the configuration gives them one."""
    since = log.logging.since
    if not log.logging.rewrites or since is None:
        return
    refused = [event for event in events if event.at > since and history.is_refusal(event)]
    for line in lines:
        event = next((event for event in refused if _is_of_other_path(line, event)), None)
        if event is not None:
            refused.remove(event)
            yield line, event


def _is_of_other_path(line: LogLine, event: Event) -> bool:
    """Line and event agree but for their paths."""
    return line.method == event.method and line.path != event.path and _agrees_but_for_path(line, event)


# --- one line, one event


def fits(line: LogLine, event: Event) -> bool:
    """The line may tell of the event."""
    return _is_same(line.path, event.path or "") and _agrees_but_for_path(line, event)


def _agrees_but_for_path(line: LogLine, event: Event) -> bool:
    """All else fits."""
    return all(test(line, event) for test in _TESTS.values())


def _same_agent(line: LogLine, event: Event) -> bool:
    """The client called itself the same, as far as the log tells; "-" is written for nothing."""
    return not line.user_agent or _is_same(line.user_agent, event.user_agent or "-")


def _same_user(line: LogLine, event: Event) -> bool:
    """The names are equal, as far as both know one.

    A registry that asks for no password knows the name only where the proxy hands it on; a proxy does not know who
    came with a bearer token.
    """
    known = history.account(event)
    if event.detail.get("claimed_user"):
        return line.user is not None and known is not None and _is_same(line.user, known)
    return known is None or line.user is None or _is_same(line.user, known)


def _same_status(line: LogLine, event: Event) -> bool:
    """The statuses are equal, or the proxy made the one of the other."""
    if line.status == CLIENT_LEFT or line.status in GATEWAY_GAVE_UP:
        return True
    return line.status == event.status or (event.status == OK and line.status in {PARTIAL, NOT_MODIFIED})


def _same_size(line: LogLine, event: Event) -> bool:
    """As many bytes were sent to the client as the registry handed out; fewer where one of the two left before."""
    if line.method == "HEAD" or line.status == NOT_MODIFIED:
        return line.size == 0
    if _given_up(line, event) or line.size == event.bytes_out:
        return True
    is_part = line.status == PARTIAL and event.status != PARTIAL
    return line.method == "GET" and line.size < event.bytes_out and (is_part or event.bytes_out > BUFFERED_BYTES)


def _same_time(line: LogLine, event: Event) -> bool:
    """The line was written when the answer to the event was out."""
    return -SLACK_SECONDS <= (line.at - event.at).total_seconds() <= _patience(event)


def _patience(event: Event) -> float:
    """Seconds that the line may be later than the event."""
    return LATE_SECONDS + (event.bytes_in + event.bytes_out) / BYTES_PER_SECOND


def _given_up(line: LogLine, event: Event) -> bool:
    """The client or the proxy did not wait for the end."""
    return event.aborted or line.status == CLIENT_LEFT or line.status in GATEWAY_GAVE_UP


_TESTS: Mapping[str, Callable[[LogLine, Event], bool]] = {
    "status": _same_status,
    "size": _same_size,
    "user": _same_user,
    "agent": _same_agent,
    "time": _same_time,
}
"""In the order in which a difference is told."""


def _is_same(seen: str, remembered: str) -> bool:
    """The client's words are equal, as far as the journal keeps them."""
    if _REDACTED in remembered:
        pattern = r"[^\s&;\"']+".join(map(re.escape, remembered.split(_REDACTED)))
        return re.match(pattern, seen) is not None
    return seen == remembered or (len(remembered) >= _WORDS_MAX and seen.startswith(remembered))


# --- all of them


def _by_log(lines: Iterable[LogLine]) -> Iterable[Sequence[LogLine]]:
    """The lines of each log."""
    logs: dict[str, list[LogLine]] = {}
    for line in lines:
        logs.setdefault(line.log, []).append(line)
    return logs.values()


def _by_kind(events: Iterable[Event]) -> Mapping[tuple[str, str], Sequence[Event]]:
    """The events of each kind, the earliest first."""
    asked: dict[tuple[str, str], list[Event]] = {}
    for event in sorted(events, key=_at):
        asked.setdefault(_kind(event.method or "", event.path or ""), []).append(event)
    return asked


def _choices(line: LogLine, asked: Mapping[tuple[str, str], Sequence[Event]]) -> Sequence[int]:
    """The events that the line may tell of, the nearest first: the log may lack the lines of others like it."""
    kinds = (_kind(line.method, line.path), (line.method, _REDACTED))
    fitting = [event for kind in kinds for event in _near(line, asked.get(kind, ())) if fits(line, event)]
    return [event.seq for event in sorted(fitting, key=lambda event: abs(line.at - event.at))]


def _near(line: LogLine, events: Sequence[Event]) -> Sequence[Event]:
    """Those of the events that are not out of the question by their time: an attempt may have thousands."""
    latest = bisect_right(events, line.at + timedelta(seconds=SLACK_SECONDS), key=_at)
    patience = timedelta(seconds=max((_patience(event) for event in events[:latest]), default=0))
    return events[bisect_left(events, line.at - patience, key=_at) : latest]


def _at(event: Event) -> datetime:
    """Its time."""
    return event.at


def _kind(method: str, path: str) -> tuple[str, str]:
    """Only requests of one kind are compared. What the journal may have cut off or redacted is left out."""
    stem = path.partition("?")[0][:_WORDS_MAX]
    return method, _REDACTED if _REDACTED in stem else stem


def _match(lines: Sequence[LogLine], choices: Sequence[Sequence[int]]) -> Mapping[int, int]:
    """As many pairs as there can be: events by the places of their lines."""
    found = _Matching(choices)
    for place in sorted(range(len(lines)), key=lambda place: (lines[place].at, place)):
        found.place(place)
    return found.event_of


class _Matching:
    """Lines with events of their own; it grows by augmenting paths (Berge), and no line that has an event loses it.

    Args:
        choices: By the place of a line the events that it may have.
    """

    def __init__(self, choices: Sequence[Sequence[int]]) -> None:
        self.event_of: dict[int, int] = {}
        self._line_of: dict[int, int] = {}
        self._choices = choices

    def place(self, place: int) -> None:
        """Find the line an event of its own, and others another one where that is needed."""
        reached: dict[int, int] = {}
        queue = deque([place])
        while queue:
            line = queue.popleft()
            for event in self._choices[line]:
                if event not in reached:
                    reached[event] = line
                    if event not in self._line_of:
                        self._shift(event, reached)
                        return
                    queue.append(self._line_of[event])

    def _shift(self, event: int | None, reached: Mapping[int, int]) -> None:
        """Give each line on the way its next event, from the free one back to the line that had none."""
        while event is not None:
            line = reached[event]
            left = self.event_of.get(line)
            self.event_of[line], self._line_of[event] = event, line
            event = left


def _edits(lines: Sequence[LogLine], events: Sequence[Event]) -> Mapping[int, Edit]:
    """By their place, lines of one method and path with an event: those that differ least are taken for one request."""
    free, edits = dict(enumerate(lines)), dict[int, Edit]()
    for event in events:
        alike = [place for place, line in free.items() if _is_alike(line, event)]
        if alike:
            nearest = min(alike, key=lambda place: _distance(free[place], event))
            edits[nearest] = _edit(free.pop(nearest), event)
    return edits


def _is_alike(line: LogLine, event: Event) -> bool:
    """The same was asked for."""
    return line.method == event.method and _is_same(line.path, event.path or "")


def _distance(line: LogLine, event: Event) -> tuple[int, float]:
    """In how many ways they differ, and by how many seconds."""
    return sum(not test(line, event) for test in _TESTS.values()), abs((line.at - event.at).total_seconds())


def _edit(line: LogLine, event: Event) -> Edit:
    """Where they differ first."""
    what = next((name for name, test in _TESTS.items() if not test(line, event)), "time")
    said = {
        "status": (line.status, event.status),
        "size": (line.size, event.bytes_out),
        "user": (line.user, history.account(event)),
        "agent": (line.user_agent, event.user_agent),
        "time": (f"{line.at:%H:%M:%S}Z", f"{event.at:%H:%M:%S}Z"),
    }
    seen, wanted = said[what]
    return Edit(line, event, what, str(seen if seen is not None else "-"), str(wanted if wanted is not None else "-"))
