"""The registry's journal, read back."""

from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest

from labs.stack.journal import events, follow, head_seq
from pyregistry.spec.journal import Event, JournalBroken, seal


def line(seq: int) -> str:
    """One event's line."""
    return seal(Event("request", datetime(2026, 11, 23, tzinfo=UTC), 0), seq, "")[1].decode()


def test_no_journal_yet(tmp_path: Path) -> None:
    """Before the first event there is nothing, and that is no error."""
    assert list(events(tmp_path / "none")) == []
    assert head_seq(tmp_path / "none") == 0


def test_a_half_written_last_line_is_not_read(tmp_path: Path) -> None:
    """The registry may be writing while we read."""
    path = tmp_path / "journal"
    path.write_text(line(1) + line(2) + line(3)[:40])
    assert [event.seq for event in events(path)] == [1, 2]
    assert head_seq(path) == 2


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    """A line in the middle that is no event is an error with its number."""
    path = tmp_path / "journal"
    path.write_text(line(1) + "rubbish\n" + line(3))
    with pytest.raises(JournalBroken, match="line 2"):
        head_seq(path)


def test_follow_tells_each_event_once(tmp_path: Path) -> None:
    """What was seen before is not told again; what comes later is."""
    path = tmp_path / "journal"
    path.write_text(line(1) + line(2) + line(3))
    coming = follow(path, after_seq=1)
    assert [event.seq for event in islice(coming, 2)] == [2, 3]
    with path.open("a") as file:
        file.write(line(4))
    assert next(coming).seq == 4
