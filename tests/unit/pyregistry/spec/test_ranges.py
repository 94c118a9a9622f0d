"""Byte ranges of downloads and of upload chunks."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyregistry.spec.errors import RangeInvalid
from pyregistry.spec.ranges import (
    ByteRange,
    format_content_range,
    format_received,
    format_unsatisfied,
    parse_chunk,
    parse_range,
)

sizes = st.integers(1, 2**63 - 1)


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=500-1499", 500, 1499),
        ("bytes=500-", 500, 2999),
        ("bytes=-500", 2500, 2999),
        ("bytes=2000-5000", 2000, 2999),
        ("bytes=-5000", 0, 2999),
        ("bytes=0-0", 0, 0),
        ("bytes=2999-2999", 2999, 2999),
        ("Bytes = 1-2", 1, 2),
    ],
)
def test_a_range_is_cut_at_the_end(header: str, start: int, end: int) -> None:
    """Of 3000 bytes: the conformance suite's ranges, and the edges."""
    assert parse_range(header, 3000) == ByteRange(start, end)


@pytest.mark.parametrize(
    "header",
    ["500-0", "3000-", "5000-10000", "-0", "-", "", "a-b", "1-2-3", "--1", "1", "+1-2", "\u0661-2", "9" * 5000 + "-"],
)
def test_a_range_that_names_no_byte_is_refused(header: str) -> None:
    """Upside down, behind the end, or no range at all: 416, whose Content-Range tells the size."""
    with pytest.raises(RangeInvalid):
        parse_range(f"bytes={header}", 3000)


@pytest.mark.parametrize("header", ["", "lines=1-2", "bytes=0-1,5-9", "0-1"])
def test_what_may_be_ignored_is(header: str) -> None:
    """Another unit, several ranges at once: everything is sent, as RFC 9110 allows."""
    assert parse_range(header, 3000) is None


def test_empty_content_is_sent_whole() -> None:
    """There is no byte to name; distribution answers 200."""
    assert parse_range("bytes=0-", 0) is None


@given(start=st.integers(0, 2**63 - 1), end=st.integers(0, 2**63 - 1), size=sizes)
def test_any_range_lies_within_the_content(start: int, end: int, size: int) -> None:
    """Whatever is asked: refused, or bytes that are there, from where they were asked."""
    try:
        found = parse_range(f"bytes={start}-{end}", size)
    except RangeInvalid:
        assert start > end or start >= size
    else:
        assert found is not None
        assert (found.start, found.end) == (start, min(end, size - 1))
        assert 0 < found.size <= size


@given(length=st.integers(1, 2**63 - 1), size=sizes)
def test_a_suffix_counts_from_the_end(length: int, size: int) -> None:
    """It is as long as asked, or all there is."""
    found = parse_range(f"bytes=-{length}", size)
    assert found is not None
    assert (found.end, found.size) == (size - 1, min(length, size))


@given(header=st.text(), size=sizes)
def test_no_header_breaks_the_parser(header: str, size: int) -> None:
    """An answer or a refusal, for any text, also behind the right unit."""
    for text in (header, f"bytes={header}"):
        try:
            found = parse_range(text, size)
        except RangeInvalid:
            continue
        assert found is None or 0 <= found.start <= found.end < size


@given(start=st.integers(0, 2**62), length=st.integers(1, 2**62))
def test_a_chunk_is_read_as_it_was_written(start: int, length: int) -> None:
    """Both ends included, so the size is one more than their difference."""
    chunk = ByteRange(start, start + length - 1)
    assert parse_chunk(f"{chunk.start}-{chunk.end}") == chunk
    assert chunk.size == length


@pytest.mark.parametrize(
    "header",
    ["", "-", "1-", "-1", "5-4", "bytes 0-9", "bytes=0-9", "0-9/10", " 0-9", "0-9\n", "0x1-0x2", "9" * 5000 + "-1"],
)
def test_what_is_no_chunk_is_refused(header: str) -> None:
    """The spec's ``^[0-9]+-[0-9]+$``, without a unit and without a total."""
    with pytest.raises(RangeInvalid):
        parse_chunk(header)


@given(st.text())
def test_no_chunk_header_breaks_the_parser(header: str) -> None:
    """An answer or a refusal, for any text."""
    with suppress(RangeInvalid):
        assert parse_chunk(header).size > 0


def test_what_the_answers_say() -> None:
    """206, 416, and the session's progress: nothing and one byte look the same by custom."""
    assert format_content_range(ByteRange(0, 499), 1234) == "bytes 0-499/1234"
    assert format_unsatisfied(1234) == "bytes */1234"
    assert [format_received(offset) for offset in (0, 1, 1024)] == ["0-0", "0-0", "0-1023"]
