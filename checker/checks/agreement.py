"""Whether a proxy's access log and the journal of the registry behind it tell the same story. Pure.

A line and an event agree when they are of one request: the same method, path and user agent, the same user as far as
both know one, a status and a size that the one may have made of the other, and times that fit. Each line may stand for
one event only. Every event needs a line; a line needs an event, unless it tells what the proxy answers by itself.

Both questions are matchings in the same graph, and are answered apart. Where all events can be matched, and all lines
that need it, there is one matching that does both (Mendelsohn and Dulmage, 1958).
"""

import re
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from checker import history
from checker.facts import LogLine
from pyregistry.spec.journal import Event

SLACK_SECONDS = 2.0
"""Between an event's time, when the request reached the registry, and its line's, when the answer was out; whole
seconds in the log."""
BYTES_PER_SECOND = 1_000_000
"""Slower clients are given up: what a line may be later than its event by is the time that its bytes take."""
GIVEN_UP_SECONDS = 120.0
"""Likewise where client or proxy gave up: after nginx's own timeouts of 60 s, and some more."""
BUFFERED_BYTES = 16_384
"""A TLS record's worth (nginx's ``ssl_buffer_size``). A body that is not larger leaves in one piece, or not at all; of
a larger one a client may take a part, while the registry has handed out all of it."""
CLIENT_LEFT, NOT_MODIFIED, PARTIAL, OK = 499, 304, 206, 200
GATEWAY_GAVE_UP = frozenset({502, 504})
PROXY_ANSWERS = frozenset(
    {301, 302, 303, 307, 308, 400, 401, 403, 405, 408, 411, 413, 414, 429, 431, 444, 494, 495, 496, 497, CLIENT_LEFT}
    | {500, 501, 502, 503, 504, 505}
)
"""What proxies answer below /v2/ without asking the registry. Not 404: what is below /v2/ is the registry's to know,
unless the proxy says that it asked nobody."""
_REDACTED = "REDACTED"
"""The journal's word in the place of a secret."""
_PATH_MAX = 1024
"""Characters of a path that the journal keeps."""


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
        pairs: Lines with their events.
        edited: Lines that differ from an event that no other line fits.
        forged: Lines that need an event and have none.
        missing: Events without a line: requests that went past the proxy, or whose lines are gone.
    """

    pairs: tuple[tuple[LogLine, Event], ...]
    edited: tuple[Edit, ...]
    forged: tuple[LogLine, ...]
    missing: tuple[Event, ...]

    @property
    def holds(self) -> bool:
        """Nothing is left over."""
        return not (self.edited or self.forged or self.missing)


def agree(lines: Sequence[LogLine], events: Sequence[Event]) -> Agreement:
    """Hold an access log and a journal against each other.

    Args:
        lines: Of the time that is judged.
        events: Requests of that time, as the registry saw them.
    """
    asked = _by_kind(events)
    choices = [_choices(line, asked) for line in lines]
    needing = [place for place, line in enumerate(lines) if needs_event(line)]
    of_needing, of_lines = _match(needing, lines, choices), _match(range(len(lines)), lines, choices)
    met = set(of_lines.values())
    unmet = [event for event in events if event.seq not in met]
    edits = _edits({place: line for place, line in enumerate(lines) if place not in of_lines}, unmet)
    explained = {edit.event.seq for edit in edits.values()}
    by_seq = {event.seq: event for event in events}
    return Agreement(
        pairs=tuple((line, by_seq[of_lines[place]]) for place, line in enumerate(lines) if place in of_lines),
        edited=tuple(edits.values()),
        forged=tuple(lines[place] for place in needing if place not in of_needing and place not in edits),
        missing=tuple(event for event in unmet if event.seq not in explained),
    )


def needs_event(line: LogLine) -> bool:
    """The registry must have been asked for this answer, and not by the grader, whose requests no event is left of."""
    return line.path.startswith("/v2/") and line.asked and line.status not in PROXY_ANSWERS and bool(line.user_agent)


# --- one line, one event


def fits(line: LogLine, event: Event) -> bool:
    """The line may tell of the event."""
    return _same_path(line.path, event.path or "") and all(test(line, event) for test in _TESTS.values())


def _same_agent(line: LogLine, event: Event) -> bool:
    """The client called itself the same, as far as the log tells; "-" is written for nothing."""
    return not line.user_agent or line.user_agent == (event.user_agent or "-")


def _same_user(line: LogLine, event: Event) -> bool:
    """The names are equal, as far as both know one.

    A registry that asks for no password knows the name only where the proxy hands it on; a proxy does not know who
    came with a bearer token.
    """
    if event.detail.get("claimed_user"):
        return line.user == history.account(event)
    return event.actor is None or line.user in {None, event.actor}


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
    return -SLACK_SECONDS <= (line.at - event.at).total_seconds() <= _patience(line, event)


def _patience(line: LogLine, event: Event) -> float:
    """Seconds that the line may be later than the event."""
    if _given_up(line, event):
        return GIVEN_UP_SECONDS
    return SLACK_SECONDS + (event.bytes_in + event.bytes_out) / BYTES_PER_SECOND


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


def _same_path(seen: str, remembered: str) -> bool:
    """The paths are equal, as far as the journal keeps them."""
    if _REDACTED in remembered:
        pattern = r"[^\s&;\"']+".join(map(re.escape, remembered.split(_REDACTED)))
        return re.match(pattern, seen) is not None
    return seen == remembered or (len(remembered) >= _PATH_MAX and seen.startswith(remembered))


# --- all of them


# Lines go by their place: several logs may have lines of one number.


def _by_kind(events: Iterable[Event]) -> Mapping[tuple[str, str], Sequence[Event]]:
    """The events of each kind, the earliest first."""
    asked: dict[tuple[str, str], list[Event]] = {}
    for event in sorted(events, key=_at):
        asked.setdefault(_kind(event.method or "", event.path or ""), []).append(event)
    return asked


def _choices(line: LogLine, asked: Mapping[tuple[str, str], Sequence[Event]]) -> Sequence[int]:
    """The events that the line may tell of."""
    kinds = (_kind(line.method, line.path), (line.method, _REDACTED))
    return [event.seq for kind in kinds for event in _near(line, asked.get(kind, ())) if fits(line, event)]


def _near(line: LogLine, events: Sequence[Event]) -> Sequence[Event]:
    """Those of the events that are not out of the question by their time: an attempt may have thousands."""
    latest = bisect_right(events, line.at + timedelta(seconds=SLACK_SECONDS), key=_at)
    patience = timedelta(seconds=max((_patience(line, event) for event in events[:latest]), default=0))
    return events[bisect_left(events, line.at - patience, key=_at) : latest]


def _at(event: Event) -> datetime:
    """Its time."""
    return event.at


def _kind(method: str, path: str) -> tuple[str, str]:
    """Only requests of one kind are compared. What the journal may have cut off or redacted is left out."""
    stem = path.partition("?")[0][:_PATH_MAX]
    return method, _REDACTED if _REDACTED in stem else stem


def _match(places: Iterable[int], lines: Sequence[LogLine], choices: Sequence[Sequence[int]]) -> Mapping[int, int]:
    """As many pairs as there can be of these lines: events by the places of their lines."""
    found = _Matching(choices)
    for place in sorted(places, key=lambda place: (lines[place].at, place)):
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


def _edits(lines: Mapping[int, LogLine], events: Sequence[Event]) -> Mapping[int, Edit]:
    """Lines and events that nothing fits, of one method and path: those that differ least are taken for one request."""
    free, edits = dict(lines), dict[int, Edit]()
    for event in events:
        alike = [place for place, line in free.items() if _is_alike(line, event)]
        if alike:
            nearest = min(alike, key=lambda place: _distance(free[place], event))
            edits[nearest] = _edit(free.pop(nearest), event)
    return edits


def _is_alike(line: LogLine, event: Event) -> bool:
    """The same was asked for."""
    return line.method == event.method and _same_path(line.path, event.path or "")


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
