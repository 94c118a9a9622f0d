"""What a registry of ours remembers, read back: the journal's events, in the order of their numbers."""

import time
from collections.abc import Iterator
from pathlib import Path

from pyregistry.spec.journal import Event, parse_line

POLL_SECONDS = 0.2


def events(path: Path) -> Iterator[Event]:
    """All complete lines; none where there is no journal yet. Raises JournalBroken."""
    try:
        with path.open(encoding="utf-8") as lines:
            # The last line may be half-written: the registry is at it right now, or was killed.
            whole = (line for line in lines if line.endswith("\n"))
            yield from (parse_line(line, number) for number, line in enumerate(whole, start=1))
    except FileNotFoundError:
        return


def head_seq(path: Path) -> int:
    """Sequence number of the last event, 0 where there is none. Raises JournalBroken."""
    return max((event.seq for event in events(path)), default=0)


def follow(path: Path, after_seq: int) -> Iterator[Event]:
    """Events after ``after_seq``, and whatever comes; ends only with the reader."""
    seen = after_seq
    while True:
        for event in events(path):
            if event.seq > seen:
                seen = event.seq
                yield event
        time.sleep(POLL_SECONDS)
