"""The journal's lines: read back as written, and nothing else is taken for a chain."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from pyregistry.spec.journal import GENESIS, Event, JournalBroken, parse_line, seal, verify

AT = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
positions = st.integers(0, 10**6)


def chain(*texts: str) -> list[str]:
    """Sealed lines, one a text."""
    lines, previous = [], GENESIS
    for seq, text in enumerate(texts, start=1):
        previous, line = seal(Event("request", AT, seq, actor=text, detail={"n": seq}), seq, previous)
        lines.append(line.decode())
    return lines


CHAIN = chain("alice", "bob", "", "carol")


def test_what_was_sealed_is_read() -> None:
    """Every event, with its place and its hash."""
    read = list(verify(CHAIN))
    assert [(event.seq, event.actor, event.at) for event in read] == [
        (1, "alice", AT),
        (2, "bob", AT),
        (3, "", AT),
        (4, "carol", AT),
    ]
    assert [event.previous for event in read] == [GENESIS, *(event.hash for event in read[:-1])]


@given(number=st.integers(0, len(CHAIN) - 1), start=positions, length=st.integers(0, 3), junk=st.text(max_size=3))
def test_a_line_that_was_changed_anywhere_is_found(number: int, start: int, length: int, junk: str) -> None:
    """One character is enough: taken out, put in, or replaced."""
    line = CHAIN[number].rstrip("\n")
    start %= len(line)
    changed = line[:start] + junk + line[start + length :]
    assume(changed.rstrip("\n") != line)
    with pytest.raises(JournalBroken):
        list(verify([*CHAIN[:number], changed, *CHAIN[number + 1 :]]))


@given(order=st.lists(st.integers(0, len(CHAIN) - 1), max_size=6))
def test_lines_in_another_order_are_found(order: list[int]) -> None:
    """Left out, twice, or moved; only the end can be missing without a trace, which the head of the chain tells."""
    lines = [CHAIN[number] for number in order]
    if lines == CHAIN[: len(lines)]:
        assert len(list(verify(lines))) == len(lines)
    else:
        with pytest.raises(JournalBroken):
            list(verify(lines))


def test_a_line_of_another_chain_is_found() -> None:
    """With its own right hash."""
    with pytest.raises(JournalBroken):
        list(verify([CHAIN[0], chain("mallory", "mallory")[1]]))


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(str))
@example("[" * 100_000)
@example('{"at":' * 100_000)
@example(
    '{"at": "2026-11-23T20:00:00+00:00", "credential_scopes": [], "kind": "x", "monotonic_ns": ' + "9" * 5000 + "}"
)
def test_any_line_is_read_or_refused(line: str) -> None:
    """Nothing else than ``JournalBroken`` comes out of a line that somebody wrote."""
    with suppress(JournalBroken):
        parse_line(line)
