"""What happens around every request, one concern a class. ``app.py`` says in which order."""

import asyncio
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pyregistry.api import errors
from pyregistry.api.exchange import CLIENT_GONE_STATUS, current
from pyregistry.api.remembering import EventWriter
from pyregistry.api.request_log import RequestLog, request_fields
from pyregistry.spec.errors import Denied, Unauthorized
from pyregistry.spec.identity import ANONYMOUS

_UNREAD_BYTES = 16 << 20
"""Of a body that was refused unread, what is read and dropped all the same. A client that still sends while the
connection is closed sees a reset instead of the answer; 16 MiB covers any manifest that was ever refused."""


class Remembering:
    """Counts what passes and writes the journal's event before the last byte of the answer leaves."""

    def __init__(self, app: ASGIApp, events: EventWriter) -> None:
        self._app = app
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Every request has its event, also one that ends without an answer."""
        exchange = current(scope)
        remembered = False

        async def counting_receive() -> Message:
            message = await receive()
            exchange.bytes_in += len(message.get("body", b""))
            return message

        async def remembering_send(message: Message) -> None:
            nonlocal remembered
            exchange.status = message.get("status", exchange.status)
            exchange.bytes_out += len(message.get("body", b""))
            if message["type"] == "http.response.body" and not message.get("more_body"):
                remembered = True
                await self._events.remember(exchange, scope)
            await send(message)

        try:
            await self._app(scope, counting_receive, remembering_send)
        finally:
            if not remembered:
                exchange.aborted = True
                exchange.status = exchange.status or CLIENT_GONE_STATUS
                await self._events.remember(exchange, scope)


class Patience:
    """Waits for announced content only so long: a client that falls silent is taken for one that has gone.

    Those that take nothing of an answer are the kernel's to break off (see ``server.py``).

    Args:
        app: What is inside.
        seconds: Between two pieces of content; None waits for ever.
    """

    def __init__(self, app: ASGIApp, seconds: float | None) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the class."""
        received = not _announces_body(scope)

        async def patient_receive() -> Message:
            nonlocal received
            if received:  # what is waited for now is that the client goes
                return await receive()
            try:
                async with asyncio.timeout(self._seconds):
                    message = await receive()
            except TimeoutError:
                message = {"type": "http.disconnect"}
            received = not message.get("more_body")
            return message

        await self._app(scope, patient_receive, send)


class Logging:
    """A line in the access log and one in the application's, once the answer is out."""

    def __init__(self, app: ASGIApp, log: RequestLog) -> None:
        self._app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the class."""
        await self._app(scope, receive, send)
        self._log.write(current(scope), scope)


class CommonHeaders:
    """Headers of every answer, and no body for HEAD."""

    def __init__(self, app: ASGIApp, headers: Iterable[tuple[str, str]]) -> None:
        self._app = app
        self._headers = tuple(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the class."""

        async def completing_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                for name, value in self._headers:
                    headers.append(name, value)
            elif scope["method"] == "HEAD":
                message = {**message, "body": b""}
            await send(message)

        await self._app(scope, receive, completing_send)


class ErrorBoundary:
    """Turns what was raised into the answer; what was raised after the answer began breaks the connection off."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the class."""
        started, received = False, not _sends_body(scope)

        async def watching_receive() -> Message:
            nonlocal received
            message = await receive()
            received = not message.get("more_body")
            return message

        async def watching_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, watching_receive, watching_send)
        except Exception as exc:  # noqa: BLE001 - the one boundary: whatever it is, the client gets an answer
            _note(exc, scope)
            if started or isinstance(exc, ClientDisconnect):
                return
            while not received and current(scope).bytes_in < _UNREAD_BYTES:
                await watching_receive()
            await errors.respond(exc)(scope, receive, send)


def _note(exc: Exception, scope: Scope) -> None:
    exchange = current(scope)
    exchange.error_code = errors.error_code(exc)
    if isinstance(exc, Unauthorized | Denied) and exc.identity != ANONYMOUS:
        exchange.identity = exc.identity
    errors.log(exc, request_fields(exchange, scope))


def _sends_body(scope: Scope) -> bool:
    """Whether content is on its way. A client that waits for our 100 Continue has sent none yet, and need not."""
    return "expect" not in Headers(scope=scope) and _announces_body(scope)


def _announces_body(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
