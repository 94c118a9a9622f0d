"""Clients that take or send nothing any more: they hold neither the server's attention nor much of its memory."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pyregistry.spec.digest import Digest
from tests.e2e.footprint import Footprint
from tests.e2e.pushes import MANIFEST_TYPE, make_image, push, require_whole
from tests.servers import RunningRegistry, running_registry

CLIENTS = 200
PROMPT_SECONDS = 5
"""For a whole push and pull beside them, which takes 0.1 s on a machine that does nothing else."""

SETTLE_SECONDS = 20
RECEIVE_BUFFER_BYTES = 4096
"""Of a slow reader: the kernel is not to take the server's answer in its stead."""

MAX_READER_BYTES = 4 << 20
BIG = make_image("big", 32 << 20)
REPOSITORY = "acme/app"

Beginning = Callable[[RunningRegistry], bytes]
"""What a client sends before it falls silent."""


def begin_headers(_registry: RunningRegistry) -> bytes:
    """A request whose headers do not end."""
    return b"GET /v2/ HTTP/1.1\r\nHost: registry\r\nAccept: "


def begin_layer(registry: RunningRegistry) -> bytes:
    """A layer of which only the first bytes come."""
    location = registry.request("POST", f"/v2/{REPOSITORY}/blobs/uploads/").headers["location"]
    target = location.removeprefix(registry.url)
    return f"PATCH {target} HTTP/1.1\r\nHost: registry\r\nContent-Length: 100000000\r\n\r\nfirst".encode()


def begin_manifest(_registry: RunningRegistry) -> bytes:
    """A manifest of which only the first byte comes."""
    target, headers = f"/v2/{REPOSITORY}/manifests/never", f"Content-Type: {MANIFEST_TYPE}\r\nContent-Length: 100000"
    return f"PUT {target} HTTP/1.1\r\nHost: registry\r\n{headers}\r\n\r\n{{".encode()


def begin_download(_registry: RunningRegistry) -> bytes:
    """A large layer that nobody reads."""
    return f"GET /v2/{REPOSITORY}/blobs/{Digest.of(BIG.layer)} HTTP/1.1\r\nHost: registry\r\n\r\n".encode()


def begin_nothing(_registry: RunningRegistry) -> bytes:
    """A connection without a request."""
    return b""


BEGINNINGS = {
    "nothing": begin_nothing,
    "headers": begin_headers,
    "layer": begin_layer,
    "manifest": begin_manifest,
    "download": begin_download,
}


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RunningRegistry]:
    """One that holds the big image, and is warm."""
    with running_registry(tmp_path) as running:
        push(running, REPOSITORY, BIG, "big")
        require_whole(running, REPOSITORY, BIG, "big")
        yield running


@pytest.fixture
def slow(registry: RunningRegistry) -> Iterator[Callable[[Beginning], None]]:
    """Makes a crowd of clients that begin something and fall silent; they go when the test ends."""
    with ExitStack() as stack:

        def crowd(begin: Beginning) -> None:
            for _ in range(CLIENTS):
                client = stack.enter_context(socket.socket())
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
                client.connect((registry.host, registry.port))
                client.sendall(begin(registry))

        yield crowd


@pytest.mark.parametrize("begin", BEGINNINGS.values(), ids=BEGINNINGS)
def test_a_crowd_of_silent_clients_pins_nothing(
    registry: RunningRegistry, slow: Callable[[Beginning], None], begin: Beginning
) -> None:
    """Beside 200 of them, somebody else pushes an image and pulls it, as if they were not there."""
    slow(begin)
    image = make_image("somebody else's", 1 << 20)
    began = time.monotonic()
    push(registry, "acme/other", image)
    require_whole(registry, "acme/other", image)
    assert time.monotonic() - began < PROMPT_SECONDS


def test_a_download_that_nobody_reads_takes_little_memory(
    registry: RunningRegistry, slow: Callable[[Beginning], None]
) -> None:
    """What waits for 200 of them is a small part of the 32 MiB that each has asked for."""
    footprint = Footprint(registry)
    slow(begin_download)
    growth = settled(lambda: footprint.growth_bytes)
    assert growth / CLIENTS < MAX_READER_BYTES, f"{growth / CLIENTS / 2**20:.1f} MiB each"


def settled(measure: Callable[[], int]) -> int:
    """What ``measure`` says when it has said the same for a second."""
    deadline, last, since = time.monotonic() + SETTLE_SECONDS, measure(), time.monotonic()
    while time.monotonic() < deadline and time.monotonic() - since < 1:
        time.sleep(0.05)
        if (now := measure()) != last:
            last, since = now, time.monotonic()
    return last
