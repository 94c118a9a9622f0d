"""Byte ranges: the Range header of downloads (RFC 9110 §14) and the Content-Range of upload chunks.

``start`` and ``end`` are inclusive, as on the wire.
"""

import re
from dataclasses import dataclass

from pyregistry.spec.errors import RangeInvalid

# No content has a 20-digit size; the bound also keeps int() away from the megabyte of digits that a header may hold.
_DIGITS = r"[0-9]{1,19}"

# int-range    ::= first-pos "-" [ last-pos ]      suffix-range ::= "-" suffix-length        (RFC 9110 §14.1.1)
_BYTES_RANGE = re.compile(rf"(?P<first>{_DIGITS})?-(?P<last>{_DIGITS})?", re.ASCII)

# Content-Range of a chunk ::= start "-" end, without a unit        (distribution-spec 1.1.1 "Pushing a blob in chunks")
_CHUNK = re.compile(rf"(?P<start>{_DIGITS})-(?P<end>{_DIGITS})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes ``start`` to ``end``, both included."""

    start: int
    end: int

    @property
    def size(self) -> int:
        """Number of bytes."""
        return self.end - self.start + 1


def parse_range(header: str, size: int) -> ByteRange | None:
    """What a Range header asks of content of ``size`` bytes, cut at its end; None when all of it is to be sent.

    None is for what RFC 9110 lets a server ignore: a unit other than bytes, and several ranges at once. Empty content
    is sent whole, too, as distribution does: there is no byte that a 206 could name.

    Raises:
        RangeInvalid: The range is malformed, ends before it starts, or starts behind the end.
    """
    unit, _, ranges = header.partition("=")
    if unit.strip().lower() != "bytes" or "," in ranges or size == 0:
        return None
    match = _BYTES_RANGE.fullmatch(ranges.strip())
    if match is None or match["first"] is match["last"] is None:
        raise RangeInvalid(f"{header[:80]!r}: expected bytes=start-end, bytes=start- or bytes=-length")
    found = _resolve(match["first"], match["last"], size)
    if found.start > found.end or found.start >= size:
        raise RangeInvalid(f"{header[:80]!r}: expected a range within {size} bytes")
    return found


def _resolve(first: str | None, last: str | None, size: int) -> ByteRange:
    """Count a suffix from the end, and cut at the end of the content."""
    if first is None:
        return ByteRange(max(size - int(last or 0), 0), size - 1)
    return ByteRange(int(first), size - 1 if last is None else _cut(int(first), int(last), size))


def _cut(first: int, last: int, size: int) -> int:
    """``last``, at most the last byte there is; a range that is upside down stays so."""
    return last if last < first else min(last, size - 1)


def format_content_range(sent: ByteRange, size: int) -> str:
    """The Content-Range of a 206."""
    return f"bytes {sent.start}-{sent.end}/{size}"


def format_unsatisfied(size: int) -> str:
    """The Content-Range of a 416 (RFC 9110 §15.5.17)."""
    return f"bytes */{size}"


def parse_chunk(header: str) -> ByteRange:
    """Read the Content-Range of a chunk, ``0-1023``.

    Raises:
        RangeInvalid: It is not ``start-end``, or ends before it starts.
    """
    match = _CHUNK.fullmatch(header)
    if match is None:
        raise RangeInvalid(f"Content-Range {header[:80]!r}: expected start-end, e.g. 0-1023")
    chunk = ByteRange(int(match["start"]), int(match["end"]))
    if chunk.end < chunk.start:
        raise RangeInvalid(f"Content-Range {header[:80]!r}: expected an end that is not before the start")
    return chunk


def format_received(offset: int) -> str:
    """The Range header of an upload session that has received ``offset`` bytes.

    Nothing and one byte look the same, ``0-0``: so distribution began, and clients count on it.
    """
    return f"0-{max(offset - 1, 0)}"
