"""A proxy that cuts one connection after so many bytes from the client: a network that fails in the middle."""

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Self


class CuttingProxy:
    """Listens on a free port of 127.0.0.1 and hands on to a server. Use it as a context.

    Args:
        port: The server's port on 127.0.0.1.
        cut_after: Bytes of one client connection that are handed on before that connection is cut, once.
    """

    def __init__(self, port: int, cut_after: int) -> None:
        self._target = port
        self._cut_after: int | None = cut_after
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    @property
    def has_cut(self) -> bool:
        """Whether the one connection was cut."""
        return self._cut_after is None

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._sockets:
            _close(one)
        for thread in self._threads:
            thread.join()

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                self._sockets += [client, server]
                self._start(self._copy, client, server, "up")
                self._start(self._copy, server, client, "down")

    def _copy(self, source: socket.socket, target: socket.socket, way: str) -> None:
        count = 0
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                count += len(data)
                if way == "up" and self._must_cut(count):
                    break
                target.sendall(data)
        _close(source)
        _close(target)

    def _must_cut(self, count: int) -> bool:
        with self._lock:
            if self._cut_after is None or count <= self._cut_after:
                return False
            self._cut_after = None
            return True


def _close(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
