"""TP-2's fault matrix in Docker: whatever goes wrong while the daemon or a container is asked, no verdict follows.

All is done in these tests, and the grader sees it. What is no question to Docker is known beforehand.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import bcrypt
import pytest
import requests
from docker.errors import APIError

from checker.checks.tp2 import CHECKS
from checker.facts import Source, Unavailable
from checker.model import Status
from checker.probes.access_log import AccessLogProbe
from checker.probes.docker import read_surroundings
from checker.probes.journal import JournalProbe, by_agent
from checker.probes.keys import KeysProbe
from checker.probes.passwords import PasswordsProbe
from checker.probes.stack import StackProbe
from checker.probes.surroundings import Once, Surroundings
from checker.runner import run
from pyregistry.spec.journal import Event
from tests.fakes.certificates import TestAuthority
from tests.labs.test_faults import hanging
from tests.unit.checker.exercise import HERE, START, USER, digest
from tests.unit.checker.private import CODES, NAME, Scene, solved, world
from tests.unit.checker.test_docker_probe import FakeDaemon

GRADER = "labcheck/0 (planted)"
CERTS = "/etc/nginx/certs"
TAGGED = f"registry/docker/registry/v2/repositories/{HERE}/_manifests/tags/1.0/index/sha256/{'a' * 64}/link"
IN_FOLDERS = frozenset({Source.CLIENT, Source.STORE, Source.PACK})
"""What is read without the stack."""


# --- all done, as Docker tells of it


def registry_line(event: Event) -> str:
    """What registry:2 prints of a request."""
    return (
        f'time="{event.at.isoformat()}" level=info msg="response completed" http.request.method={event.method} '
        f'http.request.uri="{event.path}" http.request.useragent="{event.user_agent}" '
        f"http.response.status={event.status} http.response.written={event.bytes_out or 0}\n"
    )


def nginx_lines(scene: Scene) -> str:
    """What nginx prints of the same requests, and of those that it answered itself."""
    return "".join(
        f"172.17.0.1 - {line.user or '-'} [{clock(line.at)}] "
        f'"{line.method} {line.path} HTTP/1.1" {line.status} {line.size} "-" "{line.user_agent}" "-"\n'
        for line in scene.lines
    )


def clock(at: datetime) -> str:
    """A time as nginx writes it."""
    return f"{at:%d}/Nov/{at:%Y:%H:%M:%S} +0000"


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The student's folder."""
    work = tmp_path_factory.mktemp("work")
    (work / "auth").mkdir()
    hashed = bcrypt.hashpw(b"pw", bcrypt.gensalt(4)).decode()
    (work / "auth" / "htpasswd").write_text(f"{USER}:{hashed}\n", encoding="utf-8")
    link = work / TAGGED
    link.parent.mkdir(parents=True)
    link.write_text(digest("a"), encoding="utf-8")
    return work


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[bytes, int]]:
    """Certificate and key, which lie in nginx's container only."""
    leaf = TestAuthority(tmp_path_factory.mktemp("ca")).issue(NAME)
    files = {"fullchain.pem": Path(leaf.certificate), "privkey.pem": Path(leaf.key)}
    return {f"{CERTS}/{name}": (path.read_bytes(), 0o600) for name, path in files.items()}


@pytest.fixture
def daemon(work: Path, served: dict[str, tuple[bytes, int]]) -> FakeDaemon:
    """The chapter's stack, with all that happened there; the grader came last."""
    daemon = FakeDaemon(work)
    daemon.add("registry", "registry:2", mounts={"/var/lib/registry": str(work / "registry")})
    ports = {"443/tcp": ("127.0.0.1", 443), "80/tcp": ("127.0.0.1", 80)}
    daemon.add("nginx", "nginx:1.25", ports=ports, mounts={"/etc/nginx/auth": str(work / "auth")})
    daemon.files = served
    scene = solved().ask("GET", f"/v2/{HERE}/tags/list", 200, user_agent=GRADER, bytes_out=9)
    answered = [event for event in scene.diary.events if event.kind == "request"]
    printed = "".join(map(registry_line, answered))
    daemon.printed = {"registry": (b"", printed.encode()), "nginx": (nginx_lines(scene).encode(), b"")}
    (pushed,) = (event.at.timestamp() for event in answered if event.endpoint == "end-7" and event.reference == "1.0")
    os.utime(work / TAGGED, (pushed, pushed))
    return daemon


@pytest.fixture(autouse=True)
def container(monkeypatch: pytest.MonkeyPatch) -> "Container":
    """What testinfra finds in a container."""
    container = Container()
    monkeypatch.setattr("testinfra.get_host", container.reach)
    return container


@dataclass
class Container:
    """A container as testinfra shows it: every file is its owner's only.

    Attributes:
        answer: To the question for a file's mode.
    """

    answer: Callable[[], object] = lambda: 0o600

    def reach(self, uri: str) -> "Container":
        """``testinfra.get_host``."""
        assert uri == "docker://nginx"
        return self

    def file(self, path: str) -> "Container":
        """A file of it."""
        assert path == f"{CERTS}/privkey.pem"
        return self

    @property
    def mode(self) -> object:
        """Its permissions."""
        return self.answer()


# --- the matrix


@dataclass(frozen=True)
class Point:
    """A question to Docker.

    Attributes:
        method: Of its API.
        about: An argument that tells it from others by that method; empty: all.
        empty: The emptiest answer. An empty list of containers is none: so Docker tells of a stack that is down.
        needed_by: The checks that cannot do without it, by the last part of their codes.
    """

    method: str
    about: str
    empty: Callable[[], object]
    needed_by: str

    @property
    def checks(self) -> set[str]:
        """Their codes."""
        return {f"TP2-{code}" for code in self.needed_by.split()}


ALL = " ".join(code.removeprefix("TP2-") for code in CODES)
READ_BY_NGINX = "KEY LOG PULL"
"""The file of passwords lies in the student's folder, too: it is read there."""
POINTS = {
    "docker ps": Point("containers", "", lambda: None, ALL),
    "docker inspect": Point("inspect_container", "", dict, ALL),
    "docker logs of nginx": Point("logs", "nginx", lambda: iter(()), "LOG PULL"),
    "docker logs of the registry": Point("logs", "registry", lambda: iter(()), "PUSH LOG PULL"),
    "docker exec": Point("exec_create", "", dict, READ_BY_NGINX),
    "its output": Point("exec_start", "", bytes, READ_BY_NGINX),
    "its end": Point("exec_inspect", "", dict, READ_BY_NGINX),
    "the log's link": Point("get_archive", "/var/log/nginx/access.log", lambda: (iter(()), {}), READ_BY_NGINX),
    "the certificate": Point("get_archive", f"{CERTS}/fullchain.pem", lambda: (iter(()), {}), "KEY"),
}


def raising(fault: BaseException) -> Callable[[], object]:
    """An answer that is an exception."""

    def answer() -> object:
        raise fault

    return answer


FAULTS: dict[str, Callable[[], object]] = {
    "exception": raising(RuntimeError("planted")),
    "exit": raising(SystemExit(0)),
    "silence": raising(requests.ConnectionError("planted")),
    "refusal": raising(APIError("planted", explanation="permission denied")),
    "garbage": lambda: {"status": "pass"},
    "garbled bytes": lambda: b"\x00\xff\n\x1f\x8b",
    "nothing": lambda: None,
}


class Faulty:
    """A daemon that answers one question in another way."""

    def __init__(self, daemon: FakeDaemon, point: Point, answer: Callable[[], object]) -> None:
        self._daemon, self._point, self._answer = daemon, point, answer

    def __getattr__(self, method: str) -> Callable[..., Any]:
        real = getattr(self._daemon, method)

        def ask(*words: object, **more: object) -> object:
            is_meant = method == self._point.method and (not self._point.about or self._point.about in words)
            return self._answer() if is_meant else real(*words, **more)

        return ask


@dataclass(frozen=True)
class Reading:
    """A probe of a stack in Docker."""

    source: Source
    work: Callable[[], object]
    deadline_seconds: float = 5.0

    def read(self) -> object:
        """Find the stack, and read."""
        return self.work()


def readings(daemon: Any, work: Path, seconds: float) -> list[Reading]:
    """Probes for all sources: Docker is asked for what only Docker knows, and whatever needs the stack needs it."""
    found, known = Once(lambda: read_surroundings(work, NAME, daemon)), world(solved())
    asked: Mapping[Source, Callable[[], object]] = {
        Source.STACK: lambda: StackProbe(found()).read(),
        Source.PASSWORDS: lambda: PasswordsProbe(found(), work).read(),
        Source.KEYS: lambda: KeysProbe(found(), work).read(),
        Source.ACCESS_LOG: lambda: AccessLogProbe(found(), START, lambda: GRADER, patience_seconds=0.05).read(),
        Source.JOURNAL: lambda: journal(found()),
    }

    def given(source: Source) -> Callable[[], object]:
        value = getattr(known, source)
        return lambda: (source in IN_FOLDERS or found(), value)[1]

    return [Reading(source, asked.get(source) or given(source), seconds) for source in Source]


def journal(found: Surroundings) -> object:
    """What the registry remembers, held against the grader's own request."""
    file = found.journal
    if isinstance(file, Unavailable):
        return file
    return JournalProbe(file, 0, witness=lambda: GRADER, since=START, is_own=by_agent, is_ours=False).read()


def statuses(daemon: Any, work: Path, seconds: float = 5.0) -> dict[str, Status]:
    """Verdicts by code, of checks that do not block each other: each is to speak for itself."""
    alone = tuple(replace(check, needs=()) for check in CHECKS)
    task = world(solved()).task
    return {v.check.code: v.status for v in run(alone, task, readings(daemon, work, seconds)).verdicts}


def test_all_is_seen_to_be_done(daemon: FakeDaemon, work: Path) -> None:
    """Nothing goes wrong: thirteen times PASS, by what Docker tells."""
    assert statuses(daemon, work) == dict.fromkeys(CODES, Status.PASS)


@pytest.mark.parametrize("fault", [*FAULTS, "emptiness"])
@pytest.mark.parametrize("name", POINTS)
def test_a_fault_while_docker_is_asked_leaves_verdicts_open(
    name: str, fault: str, daemon: FakeDaemon, work: Path
) -> None:
    """What hangs on the answer is INCONCLUSIVE, and nothing fails."""
    point = POINTS[name]
    after = statuses(Faulty(daemon, point, FAULTS.get(fault, point.empty)), work)
    assert {after[code] for code in point.checks} == {Status.INCONCLUSIVE}
    assert Status.FAIL not in after.values()


@pytest.mark.parametrize("name", POINTS)
def test_a_daemon_that_hangs_leaves_verdicts_open(name: str, daemon: FakeDaemon, work: Path) -> None:
    """The question is given up at its probe's deadline."""
    point = POINTS[name]
    with hanging() as hang:
        after = statuses(Faulty(daemon, point, hang), work, seconds=0.4)
    assert {after[code] for code in point.checks} == {Status.INCONCLUSIVE}
    assert Status.FAIL not in after.values()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_a_container_leaves_its_verdict_open(
    fault: str, container: Container, daemon: FakeDaemon, work: Path
) -> None:
    """It is asked for the mode of a key that lies nowhere else."""
    container.answer = FAULTS[fault]
    after = statuses(daemon, work)
    unsure = {code: status for code, status in after.items() if status is not Status.PASS}
    assert unsure == {"TP2-KEY": Status.INCONCLUSIVE}
