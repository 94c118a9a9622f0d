"""The name server that pebble asks: a few names, this machine's address, and nothing else."""

import json
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.processes import wait_until
from labs.stack.resolver import answer, ask, parse_question

NAME = "registry.example.com"
A, AAAA, CAA = 1, 28, 257
NO_SUCH_NAME = 3


def query(name: str = NAME, kind: int = A, more: bytes = b"") -> bytes:
    """A query as resolvers send it; newer ones add a record (EDNS) after the question."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!6H", 0xBEEF, 0x0100, 1, 0, 0, bool(more)) + labels + b"\0" + struct.pack("!2H", kind, 1) + more


def test_a_known_name_is_here() -> None:
    """The answer, byte by byte: the query's number, the question again, and 127.0.0.1 that nobody may keep."""
    header = "beef 8480 0001 0001 0000 0000"
    question = "08 7265676973747279 07 6578616d706c65 03 636f6d 00 0001 0001"
    record = "c00c 0001 0001 00000000 0004 7f000001"
    assert answer(query(), {NAME}) == bytes.fromhex(header + question + record)


def test_upper_case_and_additions_change_nothing() -> None:
    """Some resolvers play with the case of names to recognise answers, and expect theirs back."""
    said = answer(query("Registry.EXAMPLE.com", more=b"\0\0\x29\x10\0\0\0\0\0\0\0"), {NAME})
    assert said.endswith(socket.inet_aton("127.0.0.1"))
    assert b"Registry" in said


@pytest.mark.parametrize("kind", [AAAA, CAA])
def test_a_known_name_has_nothing_else(kind: int) -> None:
    """No error and no record: the name exists, so that the client goes on with its IPv4 address."""
    (flags, answers) = struct.unpack("!2xH2xH", answer(query(kind=kind), {NAME})[:8])
    assert (flags & 0xF, answers) == (0, 0)


@pytest.mark.parametrize("name", ["www.example.com", "example.com", "com", f"a.{NAME}"])
def test_other_names_do_not_exist(name: str) -> None:
    """A name of the real internet leads nowhere here, and is told so as a real name server tells it."""
    (flags, answers) = struct.unpack("!2xH2xH", answer(query(name), {NAME})[:8])
    assert (flags & 0xF, answers) == (NO_SUCH_NAME, 0)


@given(st.binary(max_size=64))
def test_rubbish_is_one_kind_of_fault(message: bytes) -> None:
    """Whatever comes, it is a question or it is refused."""
    try:
        question = parse_question(message)
    except ValueError:
        return
    assert question.end <= len(message)


@pytest.mark.parametrize("length", range(len(query())))
def test_half_a_query_is_none(length: int) -> None:
    """At whatever byte it ends."""
    with pytest.raises(ValueError, match="expected a DNS query"):
        parse_question(query()[:length])


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """A name server that runs as a program."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    settings = tmp_path / "resolver.json"
    settings.write_text(json.dumps({"port": port, "names": [NAME]}))
    with subprocess.Popen([sys.executable, "-m", "labs.stack.resolver", settings]) as server:
        try:
            assert wait_until(lambda: ask(port, NAME), 10)
            yield port
        finally:
            server.terminate()


def test_both_ways_of_asking(port: int) -> None:
    """A pebble asks over UDP up to 2.6, and over TCP since; rubbish in between stops neither."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.connect(("127.0.0.1", port))
        client.send(b"rubbish")
        client.send(query())
        assert client.recv(512) == answer(query(), {NAME})
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.send(b"\x00\x07rubbish")
    with socket.create_connection(("127.0.0.1", port)):
        assert ask(port, NAME)
    assert not ask(port, "www.example.com")


def test_nobody_there() -> None:
    """A name server that is not there knows nothing."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        assert not ask(probe.getsockname()[1], NAME)
