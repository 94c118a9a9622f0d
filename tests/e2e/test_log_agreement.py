"""A real nginx and a real registry: log and journal agree on all that clients do, however badly they behave."""

import base64
import random
import socket
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from checker.checks.agreement import Agreement, agree
from checker.facts import AccessLog, Journal, LogLine, Stack
from checker.probes.journal import JournalProbe
from checker.probes.access_log import AccessLogProbe
from checker.probes.surroundings import LocalFile, Surroundings
from checker.probes.trust import unverified
from pyregistry.spec.digest import Digest
from pyregistry.spec.journal import Event
from tests.unit.checker.built import NAME, PASSWORD, REPOSITORY, USER, BuiltStack, built_stack

BLOB = random.Random(5).randbytes(3_000_000)  # noqa: S311  bytes that do not compress, no secret
DIGEST = str(Digest.of(BLOB))
SETTLE_SECONDS = 10.0
WAYS = 9


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BuiltStack]:
    """An nginx before a registry that holds one blob."""
    with built_stack(tmp_path_factory.mktemp("stack")) as built:
        session = f"/v2/{REPOSITORY}/blobs/uploads/?digest={DIGEST}"
        assert b" 201 " in talk(built, "POST", session, body=BLOB)
        yield built


def talk(
    stack: BuiltStack, method: str, path: str, *, body: bytes = b"", upto: int | None = None, user: str | None = USER
) -> bytes:
    """One request; the client goes away after ``upto`` bytes of the answer. Returns its head."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {NAME}", 'User-Agent: docker/28 (x "y" é)', "Connection: close"]
    if user:
        lines.append(f"Authorization: Basic {base64.b64encode(f'{user}:{PASSWORD}'.encode()).decode()}")
    request = "\r\n".join((*lines, f"Content-Length: {len(body)}", "", "")).encode("latin-1")
    taken = b""
    with (
        socket.create_connection(("127.0.0.1", stack.https), timeout=10) as plain,
        unverified().wrap_socket(plain, server_hostname=NAME) as wire,
        suppress(OSError),
    ):
        wire.sendall(request + body)
        while (upto is None or len(taken) < upto) and (some := wire.recv(65_536)):
            taken += some
    return taken[:1000]


def misbehave(stack: BuiltStack, seed: int) -> None:
    """What clients do, one after the other in an order of its own."""
    chance, blob = random.Random(seed), f"/v2/{REPOSITORY}/blobs/{DIGEST}"  # noqa: S311  no secret
    for way in chance.sample(range(WAYS), WAYS):
        if way == 0:
            talk(stack, "GET", blob, upto=chance.randrange(1, 400_000))
        elif way == 1:
            talk(stack, "GET", blob, upto=0)
        elif way == 2:
            talk(stack, "GET", "/v2/", user=None)
        elif way == 3:
            talk(stack, "HEAD", blob)
        elif way == 4:
            talk(stack, "GET", blob)
        elif way == 5:
            talk(stack, "POST", f"/v2/{REPOSITORY}/blobs/uploads/")
        elif way == 6:
            talk(stack, "GET", '/v2/o"dd%20n\\ame/manifests/1.0')
        elif way == 7:
            talk(stack, "GET", "/v2/", user="eve")
        else:
            talk(stack, "PUT", f"/v2/{REPOSITORY}/manifests/1.0?x=1", body=b"{}")


def read_log(stack: BuiltStack) -> AccessLog:
    """As the grader reads it."""
    path = Path(stack.record.services[1].access_logs[0])
    found = Surroundings(Stack("compose", "tp2", up=True), proxied=True, access_logs=(LocalFile(path),))
    log = AccessLogProbe(found, stack.started_at).read()
    assert isinstance(log, AccessLog)
    return log


def read_requests(stack: BuiltStack) -> list[Event]:
    """Likewise the journal."""
    journal = JournalProbe(LocalFile(stack.registry.journal_path), 0, since=stack.started_at).read()
    assert isinstance(journal, Journal)
    return [event for event in journal.since_start if event.kind == "request"]


def settled(stack: BuiltStack) -> Agreement:
    """What became of lines and events once nginx has written down who left, or after a while."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        log = read_log(stack)
        found = agree(log.lines, read_requests(stack))
        if found.holds or time.monotonic() > deadline:
            assert log.unreadable == ()
            return found
        time.sleep(0.05)


def test_log_and_journal_agree_on_all_that_clients_do(stack: BuiltStack) -> None:
    """Whole and broken off, allowed and refused, four clients at a time: every request has its line."""
    with ThreadPoolExecutor(4) as clients:
        list(clients.map(lambda seed: misbehave(stack, seed), range(8)))
    found = settled(stack)
    assert found.holds, found.edited[:1]
    assert len(found.pairs) == len(read_requests(stack)) > 40
    assert {line.status for line in read_log(stack).lines} >= {200, 202, 401}


def test_a_hand_in_the_log_is_found(stack: BuiltStack) -> None:
    """On the same run: a line put in, taken out, or changed in any of its words."""
    misbehave(stack, 99)
    assert settled(stack).holds
    lines, requests = read_log(stack).lines, read_requests(stack)
    served = next(line for line in lines if line.method == "HEAD" and line.status == 200)
    invented = replace(served, number=999, method="GET", path=f"/v2/{REPOSITORY}/manifests/1.0", size=1234)
    assert agree((*lines, invented), requests).forged == (invented,)
    assert [line.path for line in agree((*lines, served), requests).forged] == [served.path]
    assert not agree([line for line in lines if line is not served], requests).holds
    for change in ({"status": 404}, {"size": 7}, {"user": "eve"}, {"user_agent": str(uuid.uuid4())}):
        assert not agree([changed(line, served, change) for line in lines], requests).holds


def changed(line: LogLine, wanted: LogLine, change: dict[str, object]) -> LogLine:
    """The line, with the change where it is the wanted one."""
    return replace(line, **change) if line is wanted else line  # type: ignore[arg-type]
