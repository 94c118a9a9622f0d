"""TP-2 graded on a stack that runs: nginx is nginx, the registry is ours, put up as a student would."""

import base64
import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from checker import checks, sources, watching
from checker.cli import main
from checker.endpoints import other_registry, own_registry
from checker.exit_codes import ExitCode
from checker.facts import (
    AccessLog,
    Backend,
    Doors,
    Facts,
    Fault,
    Handshake,
    Journal,
    Passwords,
    Source,
    Task,
    Unavailable,
    Upload,
)
from checker.grading import grade
from checker.model import Report, Status
from checker.probes.trust import unverified
from checker.runner import run
from checker.sources import choose
from labs.attempts import Attempt
from labs.compose.record import ProjectRecord, PublishedPort, ServiceRecord
from tests.fakes.certificates import TestAuthority
from tests.servers import ServerTls, running_registry
from tests.unit.checker.built import NAME, PARAMETERS, PASSWORD, REPOSITORY, SITE, USER, BuiltStack, built_stack

OF_THE_STACK = ("HTPASSWD", "CERT", "KEY", "UP", "AUTH", "HTTP", "BACKEND", "UPLOAD")
"""What can be done without an image."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BuiltStack]:
    """One stack for all that leave it as it is."""
    with built_stack(tmp_path_factory.mktemp("shared")) as built:
        yield built


@pytest.fixture
def stack(shared: BuiltStack) -> Iterator[BuiltStack]:
    """A stack that is as it should be; what a test writes down of it is forgotten."""
    record = shared.record
    shared.log_in()
    shared.trust()
    yield shared
    shared.record = record
    shared.note()


def read(stack: BuiltStack, url: str | None = None, **changes: object) -> Facts:
    """All that the probes find."""
    attempt = stack.attempt(**changes)
    pack = checks.pack("tp2")
    endpoint = other_registry(attempt, url) if url else own_registry(attempt)
    found = run(pack.checks, Task(PARAMETERS, (NAME,)), choose(attempt, endpoint, pack, None))
    return found.facts


def graded(attempt: Attempt, folder: Path, **more: Any) -> Report:
    """The report on the attempt's own registry."""
    return grade(attempt, own_registry(attempt), folder, **more)


def statuses(report: Report) -> dict[str, Status]:
    """Verdicts by code."""
    return {verdict.check.code: verdict.status for verdict in report.verdicts}


def through(stack: BuiltStack, method: str, target: str, agent: str = "docker/28", **more: Any) -> int:
    """A student's request through the stack's door; its status."""
    connection = HTTPSConnection("127.0.0.1", stack.https, context=unverified(), timeout=10)
    basic = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    headers = {"Host": NAME, "User-Agent": agent, "Authorization": f"Basic {basic}"} | more.get("headers", {})
    try:
        connection.request(method, target, more.get("body"), headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def publish(stack: BuiltStack, typed: int) -> None:
    """Let clients type another port than 443."""
    nginx = next(service for service in stack.record.services if service.name == "nginx")
    ports = tuple(replace(port, host=typed if port.host == 443 else port.host) for port in nginx.published)
    stack.note_service("nginx", published=ports)


def test_every_source_is_read(stack: BuiltStack) -> None:
    """Of a sound stack nothing is unknown but what was never pushed."""
    facts = read(stack)
    unknown = {source for source in Source if isinstance(getattr(facts, source), Unavailable)}
    used = {source for check in checks.pack("tp2").checks for source in check.uses}
    assert unknown & used == {Source.LAYERS}
    assert isinstance(facts.layers, Unavailable)
    assert facts.layers.reason == "tag-absent"
    assert isinstance(facts.handshake, Handshake)
    assert (facts.handshake.trusted, len(facts.handshake.chain), facts.handshake.name) == (True, 2, NAME)
    assert isinstance(facts.doors, Doors)
    assert facts.doors.right is not None
    assert facts.doors.right.status == 200
    assert isinstance(facts.backend, Backend)


def test_an_upload_goes_through_nginx_and_leaves_nothing(stack: BuiltStack) -> None:
    """The Location keeps the name; afterwards the store holds no blob and no upload."""
    found = read(stack).upload
    assert isinstance(found, Upload)
    assert (found.opened.location or "").startswith(f"https://{NAME}/v2/lovelace/engine/labcheck/blobs/uploads/")
    assert found.sent is not None
    assert found.sent.status == 202
    assert [path for path in stack.registry.store.rglob("*") if path.is_file()] == []


def test_the_chapters_two_traps_are_met(tmp_path: Path) -> None:
    """Nginx answers 413 while five megabytes are on their way, every time; ``$host`` loses every port but 443."""
    site = SITE.replace("client_max_body_size 0;", "").replace("$http_host", "$host")
    with built_stack(tmp_path, site) as stack:
        stack.log_in()
        for _ in range(5):
            found = read(stack).upload
            assert isinstance(found, Upload)
            assert found.sent is not None
            assert found.sent.status == 413
        publish(stack, 8443)
        found = read(stack).upload
        assert isinstance(found, Upload)
        assert (found.asked, found.sent) == (f"https://{NAME}:8443", None)
        assert (found.opened.location or "").startswith(f"https://{NAME}/v2/")


def test_another_port_is_kept(stack: BuiltStack) -> None:
    """With ``$http_host`` the Location leads back to the port that was typed."""
    publish(stack, 8443)
    found = read(stack).upload
    assert isinstance(found, Upload)
    assert (found.opened.location or "").startswith(f"https://{NAME}:8443/v2/")
    assert found.sent is not None


def test_the_graders_requests_are_in_no_fact(stack: BuiltStack) -> None:
    """Neither in the log nor in the journal, and a student's are in both; whatever the grader did with their login."""
    target = f"/v2/{REPOSITORY}/tags/list?n={uuid.uuid4().int % 1000 + 1}"
    before, _ = read(stack), read(stack)
    assert through(stack, "GET", target) == 404
    after = read(stack)
    log, journal = after.access_log, after.journal
    assert isinstance(before.access_log, AccessLog)
    assert isinstance(log, AccessLog)
    assert isinstance(journal, Journal)
    assert [line.path for line in log.lines[len(before.access_log.lines) :]] == [target]
    assert log.unreadable == ()
    assert not any(each.user_agent.startswith("labcheck") for each in log.lines)
    requests = [event for event in journal.since_start if event.kind == "request"]
    assert requests[-1].path == target
    assert not any((each.user_agent or "").startswith("labcheck") for each in requests)


def test_no_secret_is_in_what_is_read_or_reported(stack: BuiltStack, tmp_path: Path) -> None:
    """Passwords, hashes, keys and the registry's own secret stay where they are."""
    facts = repr(read(stack))
    report = repr(graded(stack.attempt(), tmp_path))
    kept = (stack.work / "auth" / "htpasswd").read_text(encoding="utf-8").partition(":")[2].strip()
    key = (stack.work / "certs" / "privkey.pem").read_text(encoding="utf-8").splitlines()[1]
    inline = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    for secret in (PASSWORD, kept, key, inline, "s3cret"):
        assert secret not in facts
        assert secret not in report


def test_what_is_done_is_seen_to_be_done(stack: BuiltStack, tmp_path: Path) -> None:
    """The stack passes; only what nobody has pushed yet fails."""
    found = statuses(graded(stack.attempt(), tmp_path))
    assert {found[f"TP2-{code}"] for code in OF_THE_STACK} == {Status.PASS}
    assert found["TP2-PUSH"] is Status.FAIL


def test_before_compose_up_nothing_passes(tmp_path: Path, shared: BuiltStack) -> None:
    """An exercise just begun: TP2-UP fails, what needs it is blocked, nothing is inconclusive."""
    attempt = shared.attempt(work=str(tmp_path / "work"), machines={"a": str(tmp_path / "a"), "b": ""})
    found = statuses(graded(attempt, tmp_path))
    assert found["TP2-UP"] is Status.FAIL
    assert set(found.values()) == {Status.FAIL, Status.BLOCKED}
    assert {code for code, status in found.items() if status is Status.FAIL} == {"TP2-UP", "TP2-HTPASSWD", "TP2-KEY"}


def test_a_stack_whose_nginx_ended_says_why(stack: BuiltStack, tmp_path: Path) -> None:
    """Its last words are the evidence; the rest waits for it."""
    words = tmp_path / "output"
    words.write_text(
        'nginx: [emerg] SSL_CTX_use_PrivateKey("/etc/nginx/certs/privkey.pem") failed (key values mismatch)\n',
        encoding="utf-8",
    )
    stack.note_service("nginx", pid=None, output=str(words))
    report = graded(stack.attempt(), tmp_path)
    assert statuses(report)["TP2-UP"] is Status.FAIL
    up = next(verdict for verdict in report.verdicts if verdict.check.code == "TP2-UP")
    assert up.finding.causes[0].id == "up.key-mismatch"
    assert statuses(report)["TP2-CERT"] is Status.BLOCKED


def test_a_stack_that_opens_no_port_is_told_so(stack: BuiltStack, tmp_path: Path) -> None:
    """It runs, and no client gets in: that is a failure, and nothing unknown."""
    stack.note_service("nginx", published=())
    assert statuses(graded(stack.attempt(), tmp_path))["TP2-UP"] is Status.FAIL


def test_a_certificate_that_nobody_trusts_is_one_red_line(stack: BuiltStack, tmp_path: Path) -> None:
    """What the registry holds is read all the same: its digests prove it."""
    for path in (stack.engine / "certs.d").rglob("*.crt"):
        path.unlink()
    found = statuses(graded(stack.attempt(), tmp_path))
    failed = {code for code, status in found.items() if status is Status.FAIL}
    assert "TP2-CERT" in failed
    assert {found["TP2-UP"], found["TP2-AUTH"], found["TP2-UPLOAD"]} == {Status.PASS}
    assert Status.INCONCLUSIVE not in found.values()


def test_the_folder_of_the_docker_in_use_counts(
    stack: BuiltStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lab's shell tells which docker it has by ``LAB_CERTS_D``; where it says nothing, either folder does."""
    ours, system = stack.engine / "certs.d", tmp_path / "docker"
    system.mkdir()
    (ours / NAME).rename(ours / f"{NAME}:443")
    monkeypatch.setattr(sources, "DOCKER_TRUST", system)

    def authorities() -> tuple[str, ...]:
        found = read(stack).handshake
        assert isinstance(found, Handshake)
        assert found.trusted is bool(found.authorities)
        return found.authorities

    stack.log_in(NAME)
    monkeypatch.delenv("LAB_CERTS_D", raising=False)
    assert authorities() == ()
    stack.log_in(f"{NAME}:443")
    assert authorities() == (str(ours / f"{NAME}:443" / "ca.crt"),)
    (system / "certs.d").mkdir()
    (ours / f"{NAME}:443").rename(system / "certs.d" / NAME)
    assert authorities() == (str(system / "certs.d" / NAME / "ca.crt"),)
    monkeypatch.setenv("LAB_CERTS_D", str(ours))
    assert authorities() == ()


def test_a_wrong_password_accuses_no_journal(stack: BuiltStack) -> None:
    """Nobody gets through to the registry: its journal is read, unproved."""
    stack.log_in(password="forgotten")
    facts = read(stack)
    assert isinstance(facts.journal, Journal)
    assert isinstance(facts.doors, Doors)
    assert facts.doors.right is not None
    assert facts.doors.right.status == 401
    assert facts.integrity is None


def test_another_registrys_journal_is_found_out(stack: BuiltStack, tmp_path: Path) -> None:
    """The record leads to a copy: what was done is not written into it."""
    copy = tmp_path / "journal.jsonl"
    copy.write_bytes(stack.registry.journal_path.read_bytes())
    stack.note_service("registry", journal=str(copy))
    found = read(stack).journal
    assert found == Unavailable("journal-silent", {"path": str(copy)})


def test_a_stack_behind_a_url_is_graded_by_what_it_answers(stack: BuiltStack) -> None:
    """TLS, doors, uploads and content; how it is made is unknown, and is said to be."""
    stack.log_in(f"localhost:{stack.https}")
    facts = read(stack, f"https://localhost:{stack.https}")
    unseen = {
        source
        for source in Source
        if isinstance(value := getattr(facts, source), Unavailable) and value.reason in {"stack-unseen", "no-journal"}
    }
    assert unseen == {Source.JOURNAL, Source.BACKEND, Source.ACCESS_LOG}
    assert isinstance(facts.doors, Doors)
    assert facts.doors.right is not None
    assert facts.doors.right.status == 200
    assert isinstance(facts.handshake, Handshake)
    assert facts.handshake.name == "localhost"
    assert facts.plain.http.fault is Fault.REFUSED  # type: ignore[union-attr]


def test_a_registry_alone_with_its_own_tls_and_passwords_is_as_good(tmp_path: Path) -> None:
    """No proxy: what the grader asks with the student's login is nobody's doing; a student's own request is seen."""
    work, engine = tmp_path / "work", tmp_path / "engine"
    work.mkdir()
    authority = TestAuthority(tmp_path / "ca")
    leaf = authority.issue(NAME)
    Path(leaf.key).chmod(0o600)
    passwords = work / "htpasswd"
    passwords.write_text(f"{USER}:{bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()}\n", encoding="utf-8")
    config = {"auth": {"htpasswd": {"realm": "lab", "path": str(passwords)}}}
    tls = ServerTls(Path(leaf.certificate), Path(leaf.key), authority.path)
    with running_registry(tmp_path / "registry", config=config, tls=tls) as registry:
        service = ServiceRecord(
            "registry", "registry:2", "registry", (PublishedPort(443, 5000, registry.port),), pid=registry.process.pid,
            journal=str(registry.journal_path), password_files=(str(passwords),), keys=(leaf.key,),
            certificates=(leaf.certificate,),
        )  # fmt: skip
        record = ProjectRecord("tp2", str(work), str(work / "compose.yaml"), up=True, services=(service,))
        built = BuiltStack(
            work, engine, tmp_path, registry.port, 0, registry, registry.process, authority, leaf, record
        )
        built.note()
        built.log_in()
        built.trust()
        read(built)
        assert through(built, "GET", f"/v2/{REPOSITORY}/tags/list") == 404
        facts = read(built)
        found = statuses(graded(built.attempt(), tmp_path))
    assert isinstance(facts.journal, Journal)
    assert [event.actor for event in facts.journal.since_start if event.kind == "request"] == [USER]
    assert facts.access_log == AccessLog(kept=False, proxied=False)
    assert isinstance(facts.passwords, Passwords)
    assert [file.reader for file in facts.passwords.files] == ["registry"]
    assert {found[f"TP2-{code}"] for code in OF_THE_STACK} == {Status.PASS}


def test_a_stack_built_anew_is_no_tampering(stack: BuiltStack, tmp_path: Path) -> None:
    """Another project has another journal, and a shorter one; the same one cut short is tampering."""
    assert through(stack, "GET", "/v2/") == 200
    stack.log_in(password="forgotten")  # nobody is heard by the registry: each journal is read, and none is proved
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    lines = stack.registry.journal_path.read_bytes().splitlines(keepends=True)
    first.write_bytes(b"".join(lines))
    second.write_bytes(lines[0])
    for journal in (first, second, first):
        stack.note_service("registry", journal=str(journal))
        assert graded(stack.attempt(), tmp_path).integrity is None
    first.write_bytes(lines[0])
    found = graded(stack.attempt(), tmp_path).integrity
    assert found is not None
    assert found.id == "journal-truncated"


@pytest.fixture
def lab(stack: BuiltStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The exercise as begun, for ``labcheck tp2``; its state folder."""
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "lab"))
    monkeypatch.delenv("LAB_CLASS_SECRET", raising=False)
    folder = tmp_path / "lab" / "tp2"
    folder.mkdir(parents=True)
    stack.attempt().save(folder)
    return folder


def test_labcheck_tp2_says_what_is_not_done(lab: Path, stack: BuiltStack, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 1, under the registry's name, in both languages; --registry likewise."""
    assert lab.is_dir()
    assert main(["tp2", "--lang", "en"]) == ExitCode.NOT_DONE
    assert capsys.readouterr().out.startswith("labcheck · TP2 · attempt 1 · registry.example.com\n")
    assert main(["tp2", "--lang", "fr", "--plain"]) == ExitCode.NOT_DONE
    assert "TP2-PUSH" in capsys.readouterr().out
    elsewhere = f"https://localhost:{stack.https}"
    assert main(["tp2", "--json", "--registry", elsewhere]) in {ExitCode.NOT_DONE, ExitCode.INCONCLUSIVE}
    assert {each["code"] for each in json.loads(capsys.readouterr().out)["checks"]} >= {"TP2-UP", "TP2-LOG"}


def test_labcheck_tp2_was_never_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 5."""
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    assert main(["tp2"]) == ExitCode.NOT_STARTED


def test_watching_sees_what_a_student_does(lab: Path, stack: BuiltStack) -> None:
    """A request, a file, another record; not what the grader does itself."""
    seen = watching.look(lab, 0.0)
    assert list(seen.journals) == [stack.registry.journal_path]
    read(stack)
    assert not watching.has_news(lab, seen, 100.0)
    assert through(stack, "GET", "/v2/") == 200
    assert watching.has_news(lab, seen, 100.0)
    seen = watching.look(lab, 0.0)
    (stack.work / "cosign.pub").write_text("key", encoding="utf-8")
    assert watching.has_news(lab, seen, 0.0)
    (stack.work / "cosign.pub").unlink()
    assert not watching.has_news(lab, seen, 0.0)
    stack.note(up=False)
    assert watching.has_news(lab, seen, 0.0)


def test_what_cannot_be_watched_is_looked_at_again(lab: Path, stack: BuiltStack) -> None:
    """Docker's containers tell nothing: after a while it is graded again."""
    stack.attempt(engine="docker").save(lab)
    seen = watching.look(lab, 0.0)
    assert not watching.has_news(lab, seen, watching.DOCKER_SECONDS - 1)
    assert watching.has_news(lab, seen, watching.DOCKER_SECONDS)
    (lab / "attempt.json").write_text("{", encoding="utf-8")
    assert watching.look(lab, 0.0).journals == {}
