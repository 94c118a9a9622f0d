"""Bodies too large for memory: in batches between the network and worker threads, disk and network at the same time."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import BinaryIO, ClassVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pyregistry.api.call import in_thread
from pyregistry.drivers.interface import DriverError
from pyregistry.store.interface import UploadWriter

BATCH_BYTES = 1 << 20
"""Handed to a thread at a time. An upload holds two of them, one filling and one being written."""

READ_BATCH_BYTES = 256 * 1024
"""Read at a time. The server keeps several for a client that does not take them: measured with 100 such clients, 3 MB
each at this size, and 8.5 MB with batches of 1 MiB, which a fast client gets a tenth faster."""

READ_BUDGET_BYTES = 4 << 20
"""For the batches of all downloads of a process, in equal shares: a crowd that does not take them gets smaller ones.
Measured: 100 clients that read nothing take 2.5 MB each, 600 1.1 MB, 2,000 0.5 MB."""

LEAST_READ_BYTES = 16 * 1024
"""Of a share."""


async def receive_into(writer: UploadWriter, request: Request) -> int:
    """Write the request's body, then close the writer; returns the number of bytes received.

    Raises:
        ClientDisconnect: The body ended early. What had arrived is in the session, durable.
    """
    batches = _Batches(writer)
    try:
        async for data in request.stream():
            await batches.add(data)
    finally:
        await batches.close()
    return batches.received


class _Batches:
    """Collects what arrives and writes it in order, one batch at a time, while the next one is collected."""

    def __init__(self, writer: UploadWriter) -> None:
        self.received = 0
        self._writer = writer
        self._filling: list[bytes] = []
        self._filled = 0
        self._writing: asyncio.Task[None] | None = None

    async def add(self, data: bytes) -> None:
        self.received += len(data)
        self._filling.append(data)
        self._filled += len(data)
        if self._filled >= BATCH_BYTES:
            await self._hand_over()

    async def close(self) -> None:
        """Write the rest and make all of it durable, also after a failure."""
        try:
            if self._filling:
                await self._hand_over()
            await self._written()
        finally:
            await in_thread(self._writer.close)

    async def _hand_over(self) -> None:
        await self._written()
        batch, self._filling, self._filled = b"".join(self._filling), [], 0
        self._writing = asyncio.create_task(in_thread(self._writer.write, batch))

    async def _written(self) -> None:
        """Wait for the batch that is being written; its failure is raised once."""
        writing, self._writing = self._writing, None
        if writing is not None:
            await writing


class ReaderResponse(Response):
    """Sends ``size`` bytes of a reader from where it stands, and closes it.

    The last bytes leave with the message that ends the response, so that what is remembered of it is remembered
    before the client has all of it. Starlette's streaming response ends with an empty message after the last bytes.
    """

    _under_way: ClassVar[int] = 0

    def __init__(self, reader: BinaryIO, size: int, status_code: int, headers: Mapping[str, str]) -> None:
        super().__init__(status_code=status_code, headers={**headers, "Content-Length": str(size)})
        self._reader = reader
        self._left = size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read ahead by one batch while the one before is on its way.

        Raises:
            ClientDisconnect: The client did not wait for the end.
            DriverError: The content is shorter than it should be, or could not be read.
        """
        ReaderResponse._under_way += 1
        gone = asyncio.create_task(_disconnect(receive, scope))
        ahead = asyncio.create_task(in_thread(self._read))
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            while True:
                data, last = await ahead, self._left == 0
                if not last:
                    ahead = asyncio.create_task(in_thread(self._read))
                if gone.done():
                    raise ClientDisconnect
                await send({"type": "http.response.body", "body": data, "more_body": not last})
                if last:
                    return
        finally:
            ReaderResponse._under_way -= 1
            gone.cancel()
            with suppress(DriverError):
                await ahead
            await in_thread(self._reader.close)

    def _read(self) -> bytes:
        share = max(LEAST_READ_BYTES, READ_BUDGET_BYTES // max(1, self._under_way))
        wanted = min(READ_BATCH_BYTES, share, self._left)
        data = self._reader.read(wanted)
        if wanted and not data:
            raise DriverError(f"expected {self._left} more bytes of stored content, got its end")
        self._left -= len(data)
        return data


async def _disconnect(receive: Receive, _scope: Scope) -> None:
    """Returns when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
