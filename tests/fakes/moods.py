"""A server that takes each request as a script says: it answers, hangs up, or is silent; for clients that try again."""

import ssl
import threading
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from tests.fakes.certificates import Leaf


class Mood(Enum):
    """What the server does with a request, or before the first one."""

    HANGS_UP = auto()
    """The connection, new or kept, is closed without an answer."""
    IS_SILENT = auto()
    """No answer while the server lasts."""


class Moods:
    """Answers with each status of the script in turn, keeping connections open. Use it as a context.

    Args:
        script: For each request in turn a status, or a mood.
        leaf: Speaks TLS with this certificate.
        shakes_late_seconds: The first TLS handshake is left waiting for so long.
    """

    def __init__(self, *script: int | Mood, leaf: Leaf | None = None, shakes_late_seconds: float = 0.0) -> None:
        self._script = iter(script)
        self._over = threading.Event()
        self._late = iter([shakes_late_seconds] if shakes_late_seconds else [])
        self.connections: list[object] = []
        """By request, the client's address: kept connections have the same."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self._server.daemon_threads = True
        if leaf:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(leaf.certificate, leaf.key)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def be_late(self) -> None:
        """Before a handshake."""
        self._over.wait(next(self._late, 0))

    def take(self, client: object) -> int | None:
        """The next request: a status, or None to hang up."""
        self.connections.append(client)
        step = next(self._script)
        if step is Mood.IS_SILENT:
            self._over.wait()
        return step if isinstance(step, int) else None


def _handler_for(moods: Moods) -> type[BaseHTTPRequestHandler]:
    """A handler that asks ``moods``."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            moods.be_late()
            super().setup()

        def do_GET(self) -> None:
            status = moods.take(self.client_address)
            if status is None:
                self.close_connection = True
                return
            body = b'{"tags": ["1.0"]}'
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
