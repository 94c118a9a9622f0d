"""Reads the access log of what stands before the registry, in the format of the proxy that keeps it.

What is no line leaves this module as its number only: nobody knows what it holds.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from checker.facts import AccessLog, Kind, LogLine, NotObserved, Source, Unavailable
from checker.probes import DEADLINE_SECONDS, caddy, nginx, traefik
from checker.probes.guises import is_graders
from checker.probes.journal import POLL_SECONDS
from checker.probes.surroundings import StackFile, Surroundings


@dataclass(frozen=True, slots=True)
class LogFormat:
    """How a proxy writes its access log.

    Attributes:
        parse: Reads one line with its number; None where it is none.
        is_aside: The proxy prints such a line in the same place, and it tells of no request.
    """

    parse: Callable[[str, int], LogLine | None]
    is_aside: Callable[[str], bool]


_FORMATS: Mapping[Kind, LogFormat] = {
    Kind.NGINX: LogFormat(nginx.parse, nginx.is_aside),
    Kind.CADDY: LogFormat(caddy.parse, caddy.is_aside),
    Kind.TRAEFIK: LogFormat(traefik.parse, traefik.is_aside),
}


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
        logs, keeper = self.stack.access_logs, self.stack.keeper
        if isinstance(logs, Unavailable):
            return logs
        if not self.stack.proxied or not logs:
            return AccessLog(kept=bool(logs), proxied=self.stack.proxied, keeper=keeper)
        now, agent = datetime.now(UTC), self._called()
        texts = self._texts(logs, agent)
        if agent and not any(texts):
            return Unavailable("empty", {"source": self.source})
        read = [_rows(log, text, _FORMATS[keeper]) for log, text in zip(logs, texts, strict=True)]
        lines = [line for rows in read for _, line in rows if line]
        named = {line.user_agent for line in lines}
        if "" in named and (len(named) == 1 or (agent and agent not in named)):
            return Unavailable("log-agentless", {"path": logs[0].path})
        begun = max(self.since, self.stack.logged_since or self.since).replace(microsecond=0)
        logging = self.stack.logging
        return AccessLog(
            kept=True,
            proxied=True,
            lines=tuple(line for line in lines if line.at >= begun and not _of_grader(line)),
            unreadable=tuple(number for rows in read for number in _unreadable(rows, logging.since)),
            path=logs[0].path,
            read_at=now,
            since=self.stack.logged_since,
            keeper=keeper,
            begins_at=max(min((line.at for _, line in rows if line), default=now) for rows in read),
            logging=logging,
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


def _rows(log: StackFile, content: bytes, written: LogFormat) -> Sequence[tuple[int, LogLine | None]]:
    """What a log tells of requests, by the number of the line; None where it makes no sense."""
    parsed = ((number, written.parse(text, number)) for number, text in numbered(content) if not written.is_aside(text))
    return [(number, line and replace(line, log=log.path)) for number, line in parsed]


def _unreadable(rows: Sequence[tuple[int, LogLine | None]], since: datetime | None) -> Iterator[int]:
    """Lines that make no sense, and that no line from before then follows: another format may have been in force."""
    before = max((number for number, line in rows if line and since and line.at < since), default=0)
    yield from (number for number, line in rows if line is None and number > before)


def numbered(content: bytes) -> Iterator[tuple[int, str]]:
    """Whole lines with their numbers from 1; the last is left alone while it is being written."""
    *lines, _ = content.split(b"\n")
    yield from ((number, line.decode(errors="replace")) for number, line in enumerate(lines, 1))


def _of_grader(line: LogLine) -> bool:
    """Whether the grader itself came by. Whoever borrows its names is seen neither here nor in the journal."""
    return is_graders(line.user_agent)
