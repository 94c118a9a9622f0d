"""What is found of a student's stack: through compose's record, behind a URL, and what its ports are for."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from checker.facts import NO_JOURNAL, Kind, Logging, NotObserved, Stack, Unavailable
from checker.probes import urls
from checker.probes.stack import StackProbe, read_surroundings
from checker.probes.surroundings import Address, LocalFile, Once, Port, Surroundings, sort_ports
from labs.compose.record import ProjectRecord, PublishedPort, ServiceRecord
from tests.fakes.certificates import TestAuthority
from tests.fakes.registry import FakeRegistry
from tests.fakes.talk import Talk
from tests.unit.checker.docker_samples import DUMP

NAME = "registry.example.com"
LISTEN = "import socket, time; s = socket.create_server(('127.0.0.1', 0)); print('up', flush=True); time.sleep(60)"
"""A program that takes connections."""


@contextmanager
def listener() -> Iterator[int]:
    """A process that takes connections; its id."""
    with subprocess.Popen([sys.executable, "-c", LISTEN], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        try:
            yield process.pid
        finally:
            process.kill()


def note(engine: Path, work: Path, *services: ServiceRecord, up: bool = True, name: str = "tp2") -> None:
    """Write a record."""
    ProjectRecord(name, str(work), str(work / "compose.yaml"), up, services).save(engine)


def find(folder: Path) -> Surroundings:
    """What is found of the stack in this folder."""
    return read_surroundings(folder / "engine", folder / "work", NAME)


def never(_: Address) -> bool:
    """No port is asked."""
    raise AssertionError


# --- through the record


def test_what_never_ran_is_nothing(tmp_path: Path) -> None:
    """No record: nothing is up, and there is no door."""
    found = find(tmp_path)
    assert StackProbe(found).read() == Stack("compose", None, up=False)
    assert (found.tls, found.plain, found.others) == (None, None, {})


def test_a_record_alone_proves_nothing(tmp_path: Path) -> None:
    """A process that is gone, one that only calls others, none at all: they do not run, and open no door."""
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    output = tmp_path / "output"
    output.write_text("\n".join(f"line {number}" for number in range(99)) + "\n", encoding="utf-8")
    calling = "import socket, sys, time; s = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); time.sleep(60)"
    with Talk(None) as talk, subprocess.Popen([sys.executable, "-c", calling, str(talk.port)]) as deaf:
        talk.wait()
        rows = [
            ServiceRecord(str(pid), "nginx:1.25", "nginx", (PublishedPort(443, 443, 1),), output=str(output), pid=pid)
            for pid in (gone.pid, deaf.pid, None)
        ]
        note(tmp_path / "engine", tmp_path / "work", *rows)
        found = find(tmp_path)
        deaf.kill()
    assert [service.running for service in found.stack.services] == [False, False, False]
    assert found.stack.services[0].said == tuple(f"line {number}" for number in range(87, 99))
    assert found.tls is None


def test_a_service_that_listens_runs(tmp_path: Path) -> None:
    """Its ports are those that clients type; nothing is told of its last words, or of its secrets."""
    environment = {"REGISTRY_HTTP_ADDR": ":5000", "REGISTRY_HTTP_SECRET": "c4n4ry"}
    with listener() as pid:
        ports = (PublishedPort(443, 443, 8443), PublishedPort(80, 80, 8080), PublishedPort(5000, 5000, 5005))
        note(
            tmp_path / "engine",
            tmp_path / "work",
            ServiceRecord("web", "nginx:1.25", "nginx", ports, environment, pid=pid, output="/nowhere"),
        )
        found = find(tmp_path)
    (service,) = found.stack.services
    assert (service.running, service.kind, service.said) == (True, Kind.NGINX, ())
    assert service.published == {443: 8443, 80: 8080, 5000: 5005}
    assert service.environment == {"REGISTRY_HTTP_ADDR": ":5000", "REGISTRY_HTTP_SECRET": "***"}
    assert found.tls == Address(NAME, 443, "127.0.0.1", 8443)
    assert found.plain == Address(NAME, 80, "127.0.0.1", 8080)
    assert found.others == {"web 5000": Address(NAME, 5000, "127.0.0.1", 5005)}


def test_a_child_may_listen(tmp_path: Path) -> None:
    """A server's first process starts others."""
    code = (
        "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', sys.argv[1]]); "
        "sys.stdin.read(); child.kill(); child.wait()"
    )
    command = [sys.executable, "-c", code, LISTEN]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"up\n"
        note(tmp_path / "engine", tmp_path / "work", ServiceRecord("r", "registry:2", "registry", pid=parent.pid))
        assert [service.running for service in find(tmp_path).stack.services] == [True]
        parent.communicate()


def test_files_are_those_of_the_record(tmp_path: Path) -> None:
    """Who reads which passwords; logs of the proxy, the journal of the registry; read by nobody yet."""
    registry = ServiceRecord(
        "registry", "registry:2", "registry", journal="/j", access_logs=("/r",), password_files=("/p1",), keys=("/k",)
    )
    nginx = ServiceRecord(
        "nginx", "nginx:1.25", "nginx", access_logs=("/a", "/a"), password_files=("/p2",), certificates=("/c",)
    )
    note(tmp_path / "engine", tmp_path / "work", registry, nginx)
    found = find(tmp_path)
    assert found.journal == LocalFile(Path("/j"))
    assert (found.proxied, found.access_logs) == (True, (LocalFile(Path("/a")),))
    assert isinstance(found.password_files, dict)
    assert {kind: [file.path for file in files] for kind, files in found.password_files.items() if files} == {
        Kind.REGISTRY: ["/p1"],
        Kind.NGINX: ["/p2"],
    }
    assert (found.keys, found.certificates) == ((LocalFile(Path("/k")),), (LocalFile(Path("/c")),))


def test_how_the_proxy_logs_is_told_by_its_configuration(tmp_path: Path) -> None:
    """By what it runs with, since its processes began; nothing follows where there are two, or it is not known."""
    registry = ServiceRecord("registry", "registry:2", "registry", journal="/j")
    nginx = ServiceRecord("nginx", "nginx:1.25", "nginx", configuration=DUMP, pid=os.getpid())
    began = datetime.fromtimestamp(psutil.Process().create_time(), UTC)
    note(tmp_path / "engine", tmp_path / "work", registry, nginx)
    found = find(tmp_path).logging
    assert found.plain
    assert found.since is not None
    assert found.since >= began
    for services, expected in (
        ((registry, replace(registry, name="mirror", journal="/k"), replace(nginx, pid=None)), Logging()),
        ((registry, replace(nginx, pid=None)), Logging(plain=True)),
        ((registry, nginx, replace(nginx, name="other")), Logging()),
        ((registry, replace(nginx, configuration="")), Logging()),
    ):
        note(tmp_path / "engine", tmp_path / "work", *services)
        assert find(tmp_path).logging == expected


def test_a_stack_that_was_taken_down_is_down(tmp_path: Path) -> None:
    """Its journal is still there."""
    note(tmp_path / "engine", tmp_path / "work", ServiceRecord("r", "registry:2", "registry", journal="/j"), up=False)
    found = find(tmp_path)
    assert (found.stack.up, found.stack.project, found.tls) == (False, "tp2", None)
    assert found.journal == LocalFile(Path("/j"))


def test_the_project_of_the_folder_is_the_one(tmp_path: Path) -> None:
    """Another folder's is not; of two of this folder the one that is up is."""
    note(tmp_path / "engine", tmp_path / "elsewhere", name="a")
    assert find(tmp_path).stack.project is None
    note(tmp_path / "engine", tmp_path / "work", name="b", up=False)
    assert find(tmp_path).stack.project == "b"
    note(tmp_path / "engine", tmp_path / "work", name="c")
    note(tmp_path / "engine", tmp_path / "work", name="d", up=False)
    assert find(tmp_path).stack.project == "c"


def test_a_folder_of_its_own_is_below_the_students(tmp_path: Path) -> None:
    """Whoever keeps the stack apart from the image is found all the same."""
    note(tmp_path / "engine", tmp_path / "work" / "stack")
    assert find(tmp_path).stack.project == "tp2"


def test_of_two_that_are_down_the_refused_one_is_told(tmp_path: Path) -> None:
    """A file that cannot be read does not say its project's name: what was refused is recorded under its folder's."""
    work, engine = tmp_path / "work", tmp_path / "engine"
    for name, refusal in (("a", ()), ("b", ("yaml: no",)), ("c", ())):
        ProjectRecord(name, str(work), str(work / "compose.yaml"), False, (), refusal).save(engine)  # noqa: FBT003
    assert (find(tmp_path).stack.project, find(tmp_path).stack.refusal) == ("b", ("yaml: no",))
    ProjectRecord("c", str(work), str(work / "compose.yaml"), True, ()).save(engine)  # noqa: FBT003
    assert find(tmp_path).stack.project == "c"


def test_a_damaged_record_is_not_observed(tmp_path: Path) -> None:
    """Never "nothing runs"."""
    note(tmp_path / "engine", tmp_path / "work")
    next((tmp_path / "engine").rglob("project.json")).write_text("{", encoding="utf-8")
    with pytest.raises(NotObserved) as caught:
        find(tmp_path)
    assert caught.value.unavailable.reason == "record-unreadable"


def test_a_registry_without_a_journal_keeps_none(tmp_path: Path) -> None:
    """What happened there cannot be known."""
    note(tmp_path / "engine", tmp_path / "work", ServiceRecord("r", "registry:2", "registry"))
    assert find(tmp_path).journal == NO_JOURNAL


# --- ports


def test_ports_are_told_by_their_numbers() -> None:
    """443 and 80 as typed; else as the container knows them. Nobody is asked."""
    ports = (Port("n", 8443, 443, 1), Port("n", 8080, 80, 2), Port("r", 443, 5000, 3))
    found = sort_ports(NAME, ports, never)
    assert (found.tls, found.plain) == (ports[0].address(NAME), ports[1].address(NAME))
    assert found.others == {"r 5000": ports[2].address(NAME)}
    moved = (Port("n", 80, 8080, 2), Port("n", 443, 8443, 1))
    found = sort_ports(NAME, moved, never)
    assert (found.tls, found.plain) == (moved[1].address(NAME), moved[0].address(NAME))
    assert found.others == {}
    assert found.tls is not None
    assert (found.tls.authority(), moved[0].address(NAME).authority(80)) == (f"{NAME}:8443", f"{NAME}:8080")


def test_a_port_of_another_number_is_asked() -> None:
    """The first that speaks TLS; where none does, the first is where clients knock."""
    ports = (Port("r", 5000, 5000, 1), Port("n", 8443, 9443, 2))
    assert sort_ports(NAME, ports, lambda address: address.typed == 9443).tls == ports[1].address(NAME)
    found = sort_ports(NAME, ports, lambda _: False)
    assert found.tls == ports[0].address(NAME)
    assert found.others == {"n 9443": ports[1].address(NAME)}
    assert sort_ports(NAME, (), never).tls is None


def test_a_registrys_own_tls_is_found(tmp_path: Path) -> None:
    """No proxy: one service, one port, of whatever number."""
    leaf = TestAuthority(tmp_path / "ca").issue(NAME)
    with FakeRegistry(tls=(leaf.certificate, leaf.key)) as fake, Talk(b"") as talk, listener() as pid:
        ports = (PublishedPort(22, 22, talk.port), PublishedPort(5443, 5000, fake.port))
        note(tmp_path / "engine", tmp_path / "work", ServiceRecord("r", "registry:2", "registry", ports, pid=pid))
        found = find(tmp_path)
    assert found.tls == Address(NAME, 5443, "127.0.0.1", fake.port)
    assert isinstance(found.others, dict)
    assert list(found.others) == ["r 22"]
    assert not found.proxied


# --- behind a URL


def test_behind_a_url_there_is_a_door_and_nothing_else() -> None:
    """How the stack is made is not to be seen."""
    found = urls.read_surroundings("localhost", 8443)
    assert found.stack == Stack("url", None, up=True)
    assert found.tls == Address("localhost", 8443, "localhost", 8443)
    assert found.plain is None
    for unseen in (found.others, found.access_logs, found.password_files, found.certificates, found.keys):
        assert isinstance(unseen, Unavailable)
        assert unseen.reason == "stack-unseen"
    assert found.journal == NO_JOURNAL


def test_a_name_that_nobody_knows_leads_where_the_lab_leads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """registry.example.com, on a machine without an entry for it; with one, there."""
    monkeypatch.setattr(urls, "_resolves", lambda _: False)
    assert urls.read_surroundings(NAME, None, ("127.0.0.1", 8443)).tls == Address(NAME, 443, "127.0.0.1", 8443)
    assert urls.read_surroundings(NAME, 9443, ("127.0.0.1", 8443)).tls == Address(NAME, 9443, "127.0.0.1", 9443)
    monkeypatch.setattr(urls, "_resolves", lambda _: True)
    found = urls.read_surroundings(NAME, None, ("127.0.0.1", 8443))
    assert (found.tls, found.plain) == (Address(NAME, 443, NAME, 443), Address(NAME, 80, NAME, 80))


# --- once


def test_what_several_probes_ask_for_is_read_once() -> None:
    """The others wait; a fault is everybody's."""
    calls: list[int] = []

    def slow() -> int:
        calls.append(1)
        time.sleep(0.05)
        return 7

    once, answers = Once(slow), list[int]()
    threads = [threading.Thread(target=lambda: answers.append(once())) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (answers, calls) == ([7] * 5, [1])

    def broken() -> int:
        calls.append(1)
        raise NotObserved(Unavailable("stack-down"))

    failing = Once(broken)
    for _ in range(2):
        with pytest.raises(NotObserved):
            failing()
    assert calls == [1, 1]
