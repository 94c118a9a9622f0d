"""Bodies in batches between the network and worker threads."""

import asyncio
import io
from collections.abc import Sequence

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from pyregistry.api.streams import BATCH_BYTES, READ_BATCH_BYTES, ReaderResponse, receive_into
from pyregistry.drivers.interface import DriverError, DriverFull
from tests.unit.pyregistry.api.harness import scope


class Writer:
    """An ``UploadWriter`` that remembers batches, and is full after ``room`` bytes."""

    def __init__(self, room: int = 1 << 40) -> None:
        self.batches: list[bytes] = []
        self.closed = 0
        self._room = room

    @property
    def offset(self) -> int:
        """Bytes so far."""
        return sum(map(len, self.batches))

    def write(self, data: bytes) -> None:
        """Remember."""
        if self.offset + len(data) > self._room:
            raise DriverFull("full")
        self.batches.append(data)

    def close(self) -> None:
        """Count."""
        self.closed += 1


def _receive(writer: Writer, pieces: Sequence[bytes], *, complete: bool = True) -> int:
    messages: list[Message] = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    messages.append(
        {"type": "http.request", "body": b"", "more_body": False} if complete else {"type": "http.disconnect"}
    )

    async def receive() -> Message:
        return messages.pop(0)

    return asyncio.run(receive_into(writer, Request(scope("PATCH", "/", [], {}), receive)))


def test_pieces_become_batches_in_order() -> None:
    """Small pieces are collected, the content is what was sent, the writer is closed once."""
    pieces = [bytes([number % 256]) * 300_000 for number in range(10)]
    writer = Writer()
    assert _receive(writer, pieces) == 3_000_000
    assert b"".join(writer.batches) == b"".join(pieces)
    assert all(BATCH_BYTES <= len(batch) < 2 * BATCH_BYTES for batch in writer.batches[:-1])
    assert writer.closed == 1


def test_what_arrived_before_the_client_left_is_written() -> None:
    """Also what had not filled a batch."""
    writer = Writer()
    with pytest.raises(ClientDisconnect):
        _receive(writer, [bytes(BATCH_BYTES), b"rest"], complete=False)
    assert (writer.offset, writer.closed) == (BATCH_BYTES + 4, 1)


def test_a_full_medium_ends_the_upload_and_closes_the_writer() -> None:
    """The failure of a batch that is written in the background is not lost."""
    for pieces in ([bytes(BATCH_BYTES)] * 5, [b"small"]):
        writer = Writer(room=4)
        with pytest.raises(DriverFull):
            _receive(writer, pieces)
        assert writer.closed == 1


class Reader(io.BytesIO):
    """Content that knows how much of it is in memory at once."""

    largest = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """As ever."""
        self.largest = max(self.largest, size or 0)
        return super().read(size)


def _respond(reader: io.BytesIO, size: int) -> list[Message]:
    sent: list[Message] = []

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    response = ReaderResponse(reader, size, 200, {})
    asyncio.run(response(scope("GET", "/", [], {}), receive, send))
    return sent


@pytest.mark.parametrize("size", [0, 1, READ_BATCH_BYTES, READ_BATCH_BYTES + 1, 3 * READ_BATCH_BYTES])
def test_content_leaves_in_batches_and_the_last_one_ends_the_answer(size: int) -> None:
    """No empty message follows: the journal is written before the last bytes, whatever the size."""
    content = bytes(range(256)) * (size // 256 + 1)
    reader = Reader(content)
    start, *bodies = _respond(reader, size)
    assert dict(start["headers"])[b"content-length"] == str(size).encode()
    assert b"".join(body["body"] for body in bodies) == content[:size]
    assert [body["more_body"] for body in bodies] == [True] * (len(bodies) - 1) + [False]
    assert size == 0 or bodies[-1]["body"]
    assert reader.largest <= READ_BATCH_BYTES
    assert reader.closed


def test_content_that_is_shorter_than_it_should_be_breaks_the_answer_off() -> None:
    """A client never takes a truncated blob for a whole one."""
    reader = Reader(bytes(READ_BATCH_BYTES + 1))
    with pytest.raises(DriverError, match="expected 262143 more bytes"):
        _respond(reader, 2 * READ_BATCH_BYTES)
    assert reader.closed
