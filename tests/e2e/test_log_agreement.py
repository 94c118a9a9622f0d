"""A real nginx and a real registry: log and journal agree on all that clients do, however badly they behave.

And a hand in the log is found, while nginx's own ways, once it was configured otherwise, accuse nobody.
"""

import base64
import random
import signal
import socket
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from checker.checks.agreement import BEGINNING_SECONDS, Agreement, agree
from checker.facts import AccessLog, Journal, Logging, LogLine, Stack
from checker.probes.access_log import AccessLogProbe
from checker.probes.journal import JournalProbe
from checker.probes.stack import read_surroundings
from checker.probes.surroundings import LocalFile, Surroundings
from checker.probes.trust import unverified
from pyregistry.spec.digest import Digest
from pyregistry.spec.journal import Event
from tests.unit.checker.built import NAME, PASSWORD, REPOSITORY, SITE, USER, BuiltStack, built_stack

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
    found = Surroundings(
        Stack("compose", "tp2", up=True),
        proxied=True,
        access_logs=(LocalFile(path),),
        logging=Logging(since=stack.started_at - timedelta(seconds=10), plain=True),
    )
    log = AccessLogProbe(found, stack.started_at).read()
    assert isinstance(log, AccessLog)
    return log


def read_requests(stack: BuiltStack) -> list[Event]:
    """Likewise the journal."""
    journal = JournalProbe(LocalFile(stack.registry.journal_path), 0, since=stack.started_at).read()
    assert isinstance(journal, Journal)
    return [event for event in journal.since_start if event.kind == "request"]


def held(log: AccessLog, requests: list[Event]) -> Agreement:
    """Both, with no grace for what may still be written: it has been waited for."""
    return agree(replace(log, read_at=None, begins_at=None), requests)


def settled(stack: BuiltStack) -> Agreement:
    """What became of lines and events once nginx has written down who left, or after a while."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        log = read_log(stack)
        found = held(log, read_requests(stack))
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
    log, requests = read_log(stack), read_requests(stack)
    served = next(line for line in log.lines if line.method == "HEAD" and line.status == 200)
    invented = replace(served, number=999, method="GET", path=f"/v2/{REPOSITORY}/manifests/1.0", size=1234)
    for name in (USER, None):
        forged = replace(invented, user=name)
        assert held(replace(log, lines=(*log.lines, forged)), requests).forged == (forged,)
    assert [line.path for line in held(replace(log, lines=(*log.lines, served)), requests).forged] == [served.path]
    without = tuple(line for line in log.lines if line is not served)
    assert [event.path for event in held(replace(log, lines=without), requests).missing] == [served.path]
    changes = ({"status": 201}, {"size": 7}, {"user": "eve"}, {"user_agent": str(uuid.uuid4())})
    for what, change in zip(("status", "size", "user", "agent"), changes, strict=True):
        lines = tuple(changed(line, served, change) for line in log.lines)
        assert [edit.what for edit in held(replace(log, lines=lines), requests).edited] == [what]


def changed(line: LogLine, wanted: LogLine, change: dict[str, object]) -> LogLine:
    """The line, with the change where it is the wanted one."""
    return replace(line, **change) if line is wanted else line  # type: ignore[arg-type]


MISTAKES = {
    "a slash behind the host": ("proxy_pass http://127.0.0.1:{registry};", "proxy_pass http://127.0.0.1:{registry}/;"),
    "a location that misses": ("location /v2/ {", "location = /v2/ {"),
    "an answer of its own": ("location /v2/ {", "location = /v2/ { return 200; }\n  location /v2/ {"),
    "no redirection": ("return 301 https://$host$request_uri;", "# nothing yet"),
    "no log": ("client_max_body_size 0;", "client_max_body_size 0; access_log off;"),
}
"""Of students', in the chapter's site."""


@pytest.mark.parametrize("mistake", MISTAKES)
def test_an_ordinary_mistake_is_no_forgery(mistake: str, tmp_path: Path) -> None:
    """Made, met, mended, and the file read anew: nothing is held against anybody, and a line by hand is found still."""
    right, wrong = MISTAKES[mistake]
    assert right in SITE
    with built_stack(tmp_path, SITE.replace(right, wrong)) as stack:
        tell_configuration(stack)
        meet(stack)
        assert not accused(judge(stack)[1])
        reread(stack, wrong, right)
        meet(stack)
        log, found = judge(stack)
        assert log.logging.plain
        assert found.pairs
        assert not accused(found)
        write_by_hand(log)
        assert len(judge(stack)[1].forged) == 1


def tell_configuration(stack: BuiltStack) -> None:
    """Note what nginx reads, as compose does."""
    text = (stack.folder / "nginx.conf").read_text(encoding="utf-8")
    stack.note_service("nginx", configuration=f"# configuration file /etc/nginx/nginx.conf:\n{text}")


def meet(stack: BuiltStack) -> None:
    """What a student does to see whether it works, by name and without one, and without TLS."""
    paths = ("/v2/", f"/v2/{REPOSITORY}/manifests/1.0", f"/v2/{REPOSITORY}/tags/list")
    for path in paths:
        talk(stack, "GET", path)
        talk(stack, "GET", path, user=None)
    talk(stack, "POST", f"/v2/{REPOSITORY}/blobs/uploads/")
    with socket.create_connection(("127.0.0.1", stack.http), timeout=10) as plain:
        plain.sendall(f"GET /v2/ HTTP/1.0\r\nHost: {NAME}\r\n\r\n".encode())
        assert plain.recv(1000)


def reread(stack: BuiltStack, wrong: str, right: str) -> None:
    """Mend nginx's file, let it read that anew, and wait until it has."""
    path, before = stack.folder / "nginx.conf", configured_at(stack)
    wrong, right = (text.replace("{registry}", str(stack.registry.port)) for text in (wrong, right))
    path.write_text(path.read_text(encoding="utf-8").replace(wrong, right), encoding="utf-8")
    stack.nginx.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + SETTLE_SECONDS
    while configured_at(stack) == before and time.monotonic() < deadline:
        time.sleep(0.02)
    tell_configuration(stack)


def configured_at(stack: BuiltStack) -> datetime:
    """Since when nginx runs with what it runs with, as the grader sees it."""
    since = read_surroundings(stack.engine, stack.work, NAME).logging.since
    assert since is not None
    return since


def judge(stack: BuiltStack) -> tuple[AccessLog, Agreement]:
    """As the grader does, by the record."""
    log = AccessLogProbe(read_surroundings(stack.engine, stack.work, NAME), stack.started_at).read()
    assert isinstance(log, AccessLog)
    return log, agree(log, read_requests(stack))


def accused(found: Agreement) -> bool:
    """Whether something is held against the student that no mistake explains."""
    return bool(found.forged or found.edited or found.missing)


def write_by_hand(log: AccessLog) -> None:
    """A pull that never was, a little later than nginx was started."""
    assert log.logging.since is not None
    at = (log.logging.since + timedelta(seconds=BEGINNING_SECONDS + 2)).strftime("%d/%b/%Y:%H:%M:%S +0000")
    with Path(log.path).open("a", encoding="utf-8") as file:
        request = f"GET /v2/{REPOSITORY}/manifests/1.0 HTTP/1.1"
        file.write(f'127.0.0.1 - {USER} [{at}] "{request}" 200 527 "-" "docker/28.5.1" "-"\n')
