"""The server itself: a thread that takes connections, a thread for each of them, and a table of what it answers."""

import json
import logging
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Final
from urllib.parse import parse_qs, urlsplit

from pyregistry.config.settings import TcpAddress

_LOG = logging.getLogger(__name__)

IDLE_SECONDS: Final = 10.0
"""For a connection that says nothing."""

_POLL_SECONDS: Final = 0.1
"""How long a stop may wait."""

_MAX_BODY_BYTES: Final = 64 * 1024
"""Of a request, read and dropped: a connection closed with unread content loses the answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent."""

    status: int
    content_type: str
    body: bytes


Query = Mapping[str, list[str]]
Route = Callable[[Query], Answer]
"""Answers a request, given its query; it may block."""


def json_answer(document: object, status: int = HTTPStatus.OK) -> Answer:
    """JSON, as compact as registry:2's."""
    return Answer(status, "application/json; charset=utf-8", json.dumps(document, separators=(",", ":")).encode())


def text_answer(text: str, status: int = HTTPStatus.OK, content_type: str = "text/plain; charset=utf-8") -> Answer:
    """Text."""
    return Answer(status, content_type, text.encode())


class DebugServer:
    """Listens from the start, answers once ``start`` was called.

    Args:
        address: Where to listen.
        routes: What to answer, by method and path. A path that ends with a slash stands for all below it.

    Raises:
        OSError: The address is taken, or not ours to take.
    """

    def __init__(self, address: TcpAddress, routes: Mapping[tuple[str, str], Route]) -> None:
        self._server = _Server(address, routes)

    @property
    def port(self) -> int:
        """Where it listens, which matters where the system chose."""
        return self._server.server_address[1]

    def start(self) -> None:
        """Answer, in a thread that ends with the process."""
        _LOG.info("debug server listening %s:%s", *self._server.server_address[:2])
        threading.Thread(
            target=self._server.serve_forever, args=(_POLL_SECONDS,), name="debug server", daemon=True
        ).start()

    def stop(self) -> None:
        """Take no more connections. Only after ``start``."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    """As the library's, with an address of either family, and what it answers."""

    def __init__(self, address: TcpAddress, routes: Mapping[tuple[str, str], Route]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        self.routes = routes
        super().__init__((address.host, address.port), _Handler)

    def server_bind(self) -> None:
        """Without asking for our own name, as the library's does: a name server may take its time."""
        TCPServer.server_bind(self)
        self.server_port = self.server_address[1]

    def handle_error(self, _request: object, client_address: object) -> None:
        """A connection that broke is no news."""
        _LOG.debug("debug server: connection of %s broke off", client_address, exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    """One request a connection."""

    timeout = IDLE_SECONDS
    server: _Server
    server_version = "pyregistry"
    sys_version = ""

    def _answer(self) -> None:
        length = self.headers.get("content-length", "0")
        self.rfile.read(min(int(length), _MAX_BODY_BYTES) if length.isdecimal() else 0)
        answer = self._found()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = _answer  # noqa: N815 - the library's names

    def _found(self) -> Answer:
        target = urlsplit(self.path)
        methods = {method: route for (method, path), route in self.server.routes.items() if _covers(path, target.path)}
        if not methods:
            return text_answer("404 page not found\n", HTTPStatus.NOT_FOUND)
        if self.command not in methods:
            wanted = " or ".join(methods)
            return text_answer(f"{target.path}: expected {wanted}, got {self.command}\n", HTTPStatus.METHOD_NOT_ALLOWED)
        # Any page that a browser here has open may POST to loopback, and says so with this header.
        if self.command == "POST" and "origin" in self.headers:
            return text_answer("expected no Origin: web pages may not do this\n", HTTPStatus.FORBIDDEN)
        return self._tried(methods[self.command], parse_qs(target.query, keep_blank_values=True))

    def _tried(self, route: Route, query: Query) -> Answer:
        try:
            return route(query)
        except Exception:  # noqa: BLE001 - whatever it is, who asked gets an answer
            _LOG.exception("debug server: %s", urlsplit(self.path).path)
            return text_answer("the log has the cause\n", HTTPStatus.INTERNAL_SERVER_ERROR)

    def log_message(self, template: str, *arguments: object) -> None:
        """Into our log, not to stderr."""
        _LOG.debug("debug server: %s", template % arguments)


def _covers(path: str, wanted: str) -> bool:
    return wanted == path or (path.endswith("/") and wanted.startswith(path))
