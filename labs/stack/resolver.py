"""A name server that knows a few names, all of them on this machine: how pebble finds the student's own registry.

Run as a program with its settings' file: ``{"port": 5016, "names": ["registry.example.com"]}``. The system's own
resolver and /etc/hosts are left alone. pebble's package has a name server too (pebble-challtestsrv), but its options
change from version to version, and it knows every name there is.
"""

import contextlib
import json
import socket
import socketserver
import struct
import sys
import threading
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from labs.ports import HOST

MESSAGE_LIMIT = 4096
"""Bytes of an answer that are read: more than one of ours has."""

TIMEOUT_SECONDS = 1.0

# RFC 1035 4.1.1: ID, flags, and how many questions, answers, authorities and additional records follow.
_HEADER = struct.Struct("!6H")
_QUESTION = struct.Struct("!2H")
_LENGTH = struct.Struct("!H")
# A record: a pointer to the question's name, type, class, time to live, length, and the address.
_RECORD = struct.Struct("!3HIH4s")

_ANSWER_FLAGS = 0x8480
"""A response (QR), by the authority (AA), that could recurse (RA)."""

_NAME_ERROR = 3
_POINTER_TO_QUESTION = 0xC000 | _HEADER.size
_ADDRESS, _INTERNET = 1, 1


@dataclass(frozen=True, slots=True)
class Question:
    """One question. ``end``: where it ends in the message."""

    name: str
    kind: int
    end: int


def parse_question(message: bytes) -> Question:
    """The first question of a query.

    Raises:
        ValueError: It is no query, or cut off.
    """
    labels, at = [], _HEADER.size
    try:
        while length := message[at]:
            labels.append(message[at + 1 : at + 1 + length].decode("ascii"))
            at += 1 + length
        kind, _ = _QUESTION.unpack_from(message, at + 1)
    except (IndexError, struct.error) as exc:
        raise ValueError(f"expected a DNS query, got {len(message)} bytes that end too soon") from exc
    return Question(".".join(labels).lower(), kind, at + 1 + _QUESTION.size)


def answer(message: bytes, names: Collection[str]) -> bytes:
    """The answer to a query: 127.0.0.1 for a name of ours, no such name for any other.

    Raises:
        ValueError: It is no query.
    """
    question = parse_question(message)
    known = question.name in names
    record = b""
    if known and question.kind == _ADDRESS:
        address = socket.inet_aton(HOST)
        record = _RECORD.pack(_POINTER_TO_QUESTION, _ADDRESS, _INTERNET, 0, len(address), address)
    identifier = int.from_bytes(message[:2])
    flags = _ANSWER_FLAGS | (0 if known else _NAME_ERROR)
    header = _HEADER.pack(identifier, flags, 1, 1 if record else 0, 0, 0)
    return header + message[_HEADER.size : question.end] + record


def ask(port: int, name: str) -> bool:
    """Whether a name server on this port of this machine knows a name."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    query = _HEADER.pack(1, 0, 1, 0, 0, 0) + labels + b"\0" + _QUESTION.pack(_ADDRESS, _INTERNET)
    try:
        with (
            socket.create_connection((HOST, port), TIMEOUT_SECONDS) as connection,
            connection.makefile("rwb") as stream,
        ):
            stream.write(_LENGTH.pack(len(query)) + query)
            stream.flush()
            return stream.read(MESSAGE_LIMIT).endswith(socket.inet_aton(HOST))
    except OSError:
        return False


class _Datagram(socketserver.BaseRequestHandler):
    """A query over UDP."""

    server: "_UdpServer"

    def handle(self) -> None:
        message, answers = self.request
        with contextlib.suppress(ValueError):
            answers.sendto(answer(message, self.server.names), self.client_address)


class _Stream(socketserver.StreamRequestHandler):
    """A query over TCP, with its length before it (RFC 1035 4.2.2)."""

    server: "_TcpServer"
    timeout = TIMEOUT_SECONDS

    def handle(self) -> None:
        with contextlib.suppress(ValueError, OSError, struct.error):
            (length,) = _LENGTH.unpack(self.rfile.read(_LENGTH.size))
            said = answer(self.rfile.read(length), self.server.names)
            self.wfile.write(_LENGTH.pack(len(said)) + said)


class _UdpServer(socketserver.UDPServer):
    """One answer after the other: they take no time."""

    def __init__(self, port: int, names: Collection[str]) -> None:
        super().__init__((HOST, port), _Datagram)
        self.names = names


class _TcpServer(socketserver.ThreadingTCPServer):
    """A client that connects and says nothing keeps nobody waiting."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int, names: Collection[str]) -> None:
        super().__init__((HOST, port), _Stream)
        self.names = names


def serve(port: int, names: Collection[str]) -> None:
    """Answer over UDP, and over TCP as newer pebbles ask, until the process is ended. What is no query is dropped."""
    with _UdpServer(port, names) as udp, _TcpServer(port, names) as tcp:
        threading.Thread(target=udp.serve_forever, daemon=True).start()
        tcp.serve_forever()


if __name__ == "__main__":
    settings = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    serve(settings["port"], settings["names"])
