r"""Reads a proxy's access log, in nginx's formats ``combined`` and ``main``.

    line ::= address " - " user " [" time "] " DQUOTE request DQUOTE SP status SP bytes
             SP DQUOTE referer DQUOTE SP DQUOTE user-agent DQUOTE [ SP DQUOTE forwarded-for DQUOTE ]

nginx writes ``"``, ``\`` and every byte that is no printable ASCII as ``\xHH``, so that no client can end a field; here
they are what the client sent again. What is no line leaves this module as its number only: nobody knows what it holds.
"""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from checker.facts import AccessLog, LogLine, NotObserved, Source, Unavailable
from checker.probes import DEADLINE_SECONDS, GRADER
from checker.probes.journal import POLL_SECONDS
from checker.probes.surroundings import StackFile, Surroundings

_LINE = re.compile(
    r'(?P<peer>\S+) - (?P<user>.*?) \[(?P<at>[^\]]+)\] "(?P<request>[^"]*)" (?P<status>\d{3}) (?P<size>\d+|-)'
    r' "[^"]*" "(?P<agent>[^"]*)"(?: "[^"]*")*'
)
_TIME = re.compile(
    r"(?P<day>\d\d)/(?P<month>[A-Z][a-z]{2})/(?P<year>\d{4}):(?P<clock>\d\d:\d\d:\d\d)"
    r" (?P<zone>[+-]\d\d)(?P<minutes>\d\d)"
)
_ESCAPED = re.compile(r"\\x([0-9A-F]{2})")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""In English whatever the locale is."""


@dataclass(frozen=True, slots=True)
class AccessLogProbe:
    """Reads the log of what stands before the registry.

    Attributes:
        since: Earlier lines are left out.
        witness: Calls through the proxy and returns the user agent that its log must then show, as far as it got
            through: a container's output comes late, and in order. None: what is there now counts.
        patience_seconds: How long that line is waited for.
    """

    stack: Surroundings
    since: datetime
    witness: Callable[[], str | None] | None = None
    patience_seconds: float = 1.5
    deadline_seconds: float = DEADLINE_SECONDS
    source: Source = Source.ACCESS_LOG

    def read(self) -> AccessLog | Unavailable:
        """The lines of all its logs, in their order. Nothing at all, where the grader itself must stand, is no log.

        Raises:
            NotObserved: A log cannot be read.
        """
        logs = self.stack.access_logs
        if isinstance(logs, Unavailable):
            return logs
        if not self.stack.proxied or not logs:
            return AccessLog(kept=bool(logs), proxied=self.stack.proxied)
        now, agent = datetime.now(UTC), self._called()
        texts = self._texts(logs, agent)
        if agent and not any(texts):
            return Unavailable("empty", {"source": self.source})
        read = [(number, parse(line, number)) for log in texts for number, line in numbered(log)]
        begun = max(self.since, self.stack.logged_since or self.since).replace(microsecond=0)
        return AccessLog(
            kept=True,
            proxied=True,
            lines=tuple(line for _, line in read if line and line.at >= begun and not _of_grader(line)),
            unreadable=tuple(number for number, line in read if line is None),
            path=logs[0].path,
            read_at=now,
            since=self.stack.logged_since,
        )

    def _called(self) -> str | None:
        """By what name the proxy must know the grader now; None where it need not."""
        with suppress(NotObserved):  # where nobody answers any more, the log is still worth reading
            return self.witness() if self.witness else None
        return None

    def _texts(self, logs: Sequence[StackFile], agent: str | None) -> list[bytes]:
        """The logs, once the witness's line is among them; without it, as they are when patience ends."""
        deadline = time.monotonic() + self.patience_seconds
        texts = [log.read() for log in logs]
        while agent and not any(agent.encode() in text for text in texts) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            texts = [log.read() for log in logs]
        return texts


def numbered(content: bytes) -> Iterator[tuple[int, str]]:
    """Whole lines with their numbers from 1; the last is left alone while it is being written."""
    *lines, _ = content.split(b"\n")
    yield from ((number, line.decode(errors="replace")) for number, line in enumerate(lines, 1))


def parse(text: str, number: int) -> LogLine | None:
    """One line; None where it is none. A request that is no HTTP has no method, and no path."""
    found = _LINE.fullmatch(text)
    at = _at(found["at"]) if found else None
    if found is None or at is None:
        return None
    method, _, rest = found["request"].partition(" ")
    path, _, version = rest.rpartition(" ")
    spoken = version.startswith("HTTP/")
    return LogLine(
        number=number,
        at=at,
        user=None if found["user"] == "-" else _sent_name(found["user"]),
        method=method if spoken else "",
        path=_sent(path) if spoken else "",
        status=int(found["status"]),
        size=int(found["size"]) if found["size"].isdigit() else 0,
        user_agent=_sent(found["agent"]),
    )


def _sent(text: str) -> str:
    """As the client wrote it, in Latin-1 like every header (RFC 9110 §5.5), and like the registry's journal."""
    return _ESCAPED.sub(lambda byte: chr(int(byte[1], 16)), text)


def _sent_name(text: str) -> str:
    """A user's name, which is UTF-8 where it makes sense as such (RFC 7617 §2.1)."""
    name = _sent(text)
    try:
        return name.encode("latin-1").decode()
    except ValueError:
        return name


def _at(text: str) -> datetime | None:
    """``23/Nov/2026:14:03:22 +0000``; None where it is no time."""
    found = _TIME.fullmatch(text)
    if found is None or found["month"] not in _MONTHS:
        return None
    month = f"{_MONTHS.index(found['month']) + 1:02}"
    stamp = f"{found['year']}-{month}-{found['day']}T{found['clock']}{found['zone']}:{found['minutes']}"
    try:
        return datetime.fromisoformat(stamp).astimezone(UTC)
    except ValueError:
        return None


def _of_grader(line: LogLine) -> bool:
    """Whether the grader itself came by. Whoever borrows its name is seen neither here nor in the journal."""
    return line.user_agent.startswith(f"{GRADER}/")
