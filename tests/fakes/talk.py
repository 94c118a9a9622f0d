"""A server that says what it is told to say, or nothing, or only listens: for clients that must not believe it."""

import socket
import ssl
import threading
from contextlib import suppress
from typing import Self

from tests.fakes.certificates import Leaf


class Talk:
    """Answers every connection with the same bytes and closes it. Use it as a context: it listens on 127.0.0.1.

    Args:
        says: The answer; None never answers and never closes.
        leaf: Speaks TLS with this certificate.
        waits: Reads something first.
    """

    def __init__(self, says: bytes | None, *, leaf: Leaf | None = None, waits: bool = True) -> None:
        self._says = says
        self._waits = waits
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._held: list[socket.socket] = []
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if leaf else None
        if self._tls and leaf:
            self._tls.load_cert_chain(leaf.certificate, leaf.key)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._met = threading.Event()
        self.heard: list[bytes] = []

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listening.getsockname()[1])

    def wait(self) -> None:
        """Until somebody has connected."""
        assert self._met.wait(10)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()
        for held in self._held:
            held.close()

    def _serve(self) -> None:
        while True:
            try:
                accepted, _ = self._listening.accept()
            except OSError:
                return
            self._met.set()
            if self._says is None:
                self._held.append(accepted)
                continue
            with suppress(OSError), accepted:
                self._talk(accepted)

    def _talk(self, accepted: socket.socket) -> None:
        """One connection."""
        spoken = self._tls.wrap_socket(accepted, server_side=True) if self._tls else accepted
        if self._waits:
            self.heard.append(spoken.recv(65536))
        spoken.sendall(self._says or b"")
        with suppress(OSError):
            spoken.shutdown(socket.SHUT_RDWR)
        spoken.close()
