"""An endpoint for notifications that a test can make fail: it keeps what it took, in order."""

import base64
import json
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.servers import ServerTls

DEADLINE_SECONDS = 10
_POLL_SECONDS = 0.005

HANG = "hang"
"""Behaviour: take the request and answer nothing."""

SLOW = "slow"
"""Behaviour: take the request, and accept it once the test has ``released`` it."""

CLOSE = "close"
"""Behaviour: take the request and close the connection."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request: what it carried, and how it was met: a status, HANG, SLOW or CLOSE."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    met_with: int | str

    @property
    def events(self) -> list[dict[str, Any]]:
        """The envelope's events."""
        events: list[dict[str, Any]] = json.loads(self.body)["events"]
        return events

    @property
    def was_accepted(self) -> bool:
        """Whether it was met with 2xx or 3xx."""
        return self.met_with == SLOW or (isinstance(self.met_with, int) and 200 <= self.met_with < 400)

    @property
    def basic(self) -> str:
        """``user:password`` of its Authorization header."""
        return base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()


@dataclass
class Sink:
    """What stands at the other end.

    Attributes:
        behaviours: How to meet the next requests, one each; afterwards ``afterwards``.
        deliveries: Every request, also the ones that it failed.
    """

    port: int = 0
    scheme: str = "http"
    behaviours: deque[int | str] = field(default_factory=deque)
    afterwards: int | str = 200
    deliveries: list[Delivery] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Where it takes events."""
        return f"{self.scheme}://127.0.0.1:{self.port}/events"

    @property
    def accepted(self) -> list[dict[str, Any]]:
        """The events of the requests that it met with 2xx or 3xx."""
        return [event for one in self.deliveries if one.was_accepted for event in one.events]

    def wait_for(self, count: int) -> list[dict[str, Any]]:
        """The accepted events, once there are so many."""
        wait_until(lambda: len(self.accepted) >= count, lambda: f"{count} events, got {self.accepted}")
        return self.accepted


def wait_until(is_so: Callable[[], bool], wanted: Callable[[], str] = lambda: "it to come true") -> None:
    """Poll with a deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, f"waited {DEADLINE_SECONDS} s for {wanted()}"
        time.sleep(_POLL_SECONDS)


@contextmanager
def running_sink(
    behaviours: Sequence[int | str] = (), afterwards: int | str = 200, tls: ServerTls | None = None
) -> Iterator[Sink]:
    """A sink that takes requests until the block ends."""
    sink = Sink(behaviours=deque(behaviours), afterwards=afterwards, scheme="https" if tls else "http")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            behaviour = sink.behaviours.popleft() if sink.behaviours else sink.afterwards
            sink.deliveries.append(Delivery(self.path, dict(self.headers), body, behaviour))
            if behaviour in (HANG, SLOW):
                sink.released.wait(DEADLINE_SECONDS)
            if behaviour in (HANG, CLOSE):
                self.close_connection = True
                return
            self.send_response(200 if behaviour == SLOW else int(behaviour))
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(tls.certificate, tls.key)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    sink.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,))
    thread.start()
    try:
        yield sink
    finally:
        sink.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
