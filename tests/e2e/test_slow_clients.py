"""Clients that take or send nothing any more: they hold neither the server's attention nor much of its memory."""

import resource
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from pyregistry.spec.digest import Digest
from tests.e2e.footprint import Footprint
from tests.e2e.pushes import MANIFEST_TYPE, make_image, push, require_whole
from tests.servers import RunningRegistry, running_registry
from tests.tools import absent

CLIENTS = 200
READERS = 300
CONNECTIONS = 1_200
STALL_SECONDS = 1
PROMPT_SECONDS = 5
"""For a whole push and pull beside them, which takes 0.1 s on a machine that does nothing else."""

SETTLE_SECONDS = 20
RECEIVE_BUFFER_BYTES = 4096
"""Of a slow reader: the kernel is not to take the server's answer in its stead."""

MAX_READER_BYTES = 2 << 20
BIG = make_image("big", 32 << 20)
REPOSITORY = "acme/app"

Beginning = Callable[[RunningRegistry], bytes]
"""What a client sends before it falls silent."""


def begin_headers(_registry: RunningRegistry) -> bytes:
    """A request whose headers do not end."""
    return b"GET /v2/ HTTP/1.1\r\nHost: registry\r\nAccept: "


def begin_layer(registry: RunningRegistry) -> bytes:
    """A layer of which only the first bytes come."""
    return patch(begin_upload(registry), b"first")


def begin_upload(registry: RunningRegistry) -> str:
    """The path of a new upload session."""
    return registry.request("POST", f"/v2/{REPOSITORY}/blobs/uploads/").headers["location"].removeprefix(registry.url)


def patch(target: str, content: bytes) -> bytes:
    """A request that announces more than its ``content``."""
    return f"PATCH {target} HTTP/1.1\r\nHost: registry\r\nContent-Length: 100000000\r\n\r\n".encode() + content


def begin_expecting(registry: RunningRegistry) -> bytes:
    """A layer that is announced, to be sent when the registry has agreed; then nothing of it comes."""
    return begin_layer(registry).replace(b"\r\n\r\nfirst", b"\r\nExpect: 100-continue\r\n\r\n")


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
    "layer after 100 Continue": begin_expecting,
    "manifest": begin_manifest,
    "download": begin_download,
}


Crowd = Callable[[RunningRegistry, Beginning, int], Sequence[socket.socket]]


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    """Makes clients that begin something and fall silent; they go when the test ends."""
    with ExitStack() as stack:

        def make(registry: RunningRegistry, begin: Beginning, count: int) -> Sequence[socket.socket]:
            clients = []
            for _ in range(count):
                client = stack.enter_context(socket.socket())
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
                client.connect((registry.host, registry.port))
                client.sendall(begin(registry))
                clients.append(client)
            return clients

        yield make


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    """One for all that holds the big image, is warm, and waits as long as registries do."""
    with serving(tmp_path_factory.mktemp("patient")) as running:
        yield running


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    """One for all that waits for a second."""
    limits = {"stalltimeout": f"{STALL_SECONDS}s"}
    with serving(tmp_path_factory.mktemp("impatient"), limits=limits) as running:
        yield running


@contextmanager
def serving(folder: Path, **own: Any) -> Iterator[RunningRegistry]:
    """A registry with two workers and the big image; ``own`` is what else stands below ``pyregistry``."""
    with running_registry(folder, config={"pyregistry": {"workers": 2, **own}}) as running:
        push(running, REPOSITORY, BIG, "big")
        require_whole(running, REPOSITORY, BIG, "big")
        yield running


@pytest.mark.parametrize("begin", BEGINNINGS.values(), ids=BEGINNINGS)
def test_a_crowd_of_silent_clients_pins_nothing(registry: RunningRegistry, crowd: Crowd, begin: Beginning) -> None:
    """Beside 200 of them, somebody else pushes an image and pulls it, as if they were not there."""
    crowd(registry, begin, CLIENTS)
    require_prompt(registry)


def test_more_connections_than_wait_to_be_accepted_pin_nothing(registry: RunningRegistry, crowd: Crowd) -> None:
    """1,200 that ask for nothing: each has been accepted, so that the next one is, too."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < 2 * CONNECTIONS:
        absent(f"needs {2 * CONNECTIONS:,} open files; raise the hard limit (ulimit -Hn), which is {most:,}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    crowd(registry, begin_nothing, CONNECTIONS)
    require_prompt(registry)


def test_a_download_that_nobody_reads_takes_little_memory(tmp_path: Path, crowd: Crowd) -> None:
    """What waits for 300 of them is a small part of the 32 MiB that each has asked for."""
    with serving(tmp_path) as registry:  # one of its own: memory that others have left would be used again
        footprint = Footprint(registry)
        crowd(registry, begin_download, READERS)
        growth = settled(lambda: footprint.growth_bytes)
    assert growth / READERS < MAX_READER_BYTES, f"{growth / READERS / 2**20:.1f} MiB each"


@pytest.mark.parametrize("begin", BEGINNINGS.values(), ids=BEGINNINGS)
def test_a_silent_client_is_given_up(impatient: RunningRegistry, crowd: Crowd, begin: Beginning) -> None:
    """After ``pyregistry.limits.stalltimeout`` its connection is gone."""
    clients = crowd(impatient, begin, 3)
    names = {client.getsockname()[1] for client in clients}
    wait_until(lambda: names <= peers(impatient))
    wait_until(lambda: not names & peers(impatient))


def test_a_download_that_was_given_up_is_remembered_as_broken_off(impatient: RunningRegistry, crowd: Crowd) -> None:
    """The journal tells it from one that was finished, and who reads on after all sees no whole layer."""
    (client,) = crowd(impatient, begin_download, 1)
    peer = f"127.0.0.1:{client.getsockname()[1]}"
    wait_until(lambda: any(event.peer == peer and event.aborted for event in impatient.events()))
    assert received(client) < len(BIG.layer)


def test_an_upload_that_was_given_up_goes_on_where_it_ended(impatient: RunningRegistry, crowd: Crowd) -> None:
    """What had arrived is kept: the client asks how much that is, and sends the rest."""
    target = begin_upload(impatient)
    (client,) = crowd(impatient, lambda _: patch(target, b"first"), 1)
    peer = f"127.0.0.1:{client.getsockname()[1]}"
    wait_until(lambda: any(event.peer == peer and event.aborted for event in impatient.events()))
    assert impatient.request("GET", target).headers["range"] == "0-4"
    assert impatient.request("PATCH", target, b" and rest", {"Content-Range": "5-13"}).status == 202


def test_a_slow_upload_is_waited_for(impatient: RunningRegistry) -> None:
    """A layer of which a piece comes every now and then takes longer than any pause may be, and is whole."""

    def pieces() -> Iterator[bytes]:
        for _ in range(6):
            time.sleep(STALL_SECONDS / 3)  # this is what a slow client does; nothing is waited for
            yield b"piece"

    target = begin_upload(impatient)
    assert impatient.request("PATCH", target, pieces()).status == 202
    digest = Digest.of(b"piece" * 6)
    assert impatient.request("PUT", f"{target}?digest={digest}").status == 201


def require_prompt(registry: RunningRegistry) -> None:
    """A push and a pull by somebody else take no time worth speaking of."""
    image = make_image("somebody else's", 1 << 20)
    began = time.monotonic()
    push(registry, "acme/other", image)
    require_whole(registry, "acme/other", image)
    assert time.monotonic() - began < PROMPT_SECONDS


def peers(registry: RunningRegistry) -> set[int]:
    """The ports of the clients that the server is connected to."""
    server = psutil.Process(registry.process.pid)
    return {
        connection.raddr[1]
        for process in (server, *server.children(recursive=True))
        for connection in process.net_connections("tcp")
        if connection.raddr
    }


def received(client: socket.socket) -> int:
    """How many bytes there are still to read, until the end or a reset."""
    count = 0
    with suppress(ConnectionResetError):
        while data := client.recv(1 << 16):
            count += len(data)
    return count


def wait_until(condition: Callable[[], bool]) -> None:
    """Until it holds, which it must do soon."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "still not so"
        time.sleep(0.05)


def settled(measure: Callable[[], int]) -> int:
    """What ``measure`` says when it has said the same for a second."""
    deadline, last, since = time.monotonic() + SETTLE_SECONDS, measure(), time.monotonic()
    while time.monotonic() < deadline and time.monotonic() - since < 1:
        time.sleep(0.05)
        if (now := measure()) != last:
            last, since = now, time.monotonic()
    return last
