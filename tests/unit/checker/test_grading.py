"""A whole grading: whose result it is, to whom, and what comes of a stack that hangs."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from checker.endpoints import own_registry
from checker.grading import grade
from checker.model import Status
from checker.record import follows, secret_of
from checker.report.json import document
from labs import students
from labs.attempts import Attempt, Endpoint
from labs.home import LabHome
from labs.processes import wait_until
from tests.fakes.registry import FakeRegistry
from tests.unit.checker.built import built_stack

STOP_TIMEOUT_SECONDS = 10.0
SECRET = b"of the class"
NAME = "Zoé Martin"


@pytest.fixture
def home(tmp_path: Path) -> LabHome:
    """A lab whose secret is the class's."""
    home = LabHome(tmp_path / ".lab", tmp_path / "work")
    home.state.mkdir()
    (home.state / "class-secret").write_bytes(SECRET)
    return home


def attempt(home: LabHome, number: int = 1, secret: bytes = SECRET, name: str = NAME) -> Attempt:
    """At TP-1, on a registry that is gone: whose result it is does not hang on what is found."""
    with FakeRegistry() as gone:
        url = f"http://127.0.0.1:{gone.port}"
    return Attempt(
        slug="tp1",
        number=number,
        started_at=datetime.now(UTC),
        horizon_seq=0,
        student=name,
        parameters=students.parameters(secret, students.Student(name), "tp1", number),
        engine="embedded",
        registries={"hosted": Endpoint("ghcr.io", url)},
        machines={"a": str(home.engine("tp1", "a"))},
        work=str(home.files("tp1")),
    )


def bearer(begun: Attempt, home: LabHome) -> object:
    """Whose result it is, as the result document has it."""
    report = grade(begun, begun.registry, home.state, secret=secret_of(begun, home, {}))
    student = document(report, "en")["student"]
    assert isinstance(student, dict)
    return student["pseudonym"]


def test_a_pseudonym_is_known_to_whoever_has_the_secret(home: LabHome) -> None:
    """The same at each attempt, another for each student, and an instructor finds it in a list of the class."""
    found = bearer(attempt(home), home)
    assert found == bearer(attempt(home, number=2), home) != bearer(attempt(home, name="Ada"), home)
    listed = {students.pseudonym(SECRET, students.Student(name)): name for name in ("Ada", "Bob", NAME)}
    assert listed[str(found)] == NAME


def test_nobody_else_can_make_a_pseudonym(home: LabHome) -> None:
    """With a list of the class and no secret, no hash of a name leads to it."""
    found = str(bearer(attempt(home), home))
    texts = [text for name in (NAME, students.Student(NAME).login) for text in (name, f"labcheck/{name}")]
    assert not [text for text in texts if hashlib.sha256(text.encode()).hexdigest().startswith(found)]
    assert found != students.pseudonym(b"another secret", students.Student(NAME))


def test_without_the_secret_a_result_is_nobodys(home: LabHome) -> None:
    """An attempt that was begun with another secret has no pseudonym here, rather than a wrong one."""
    foreign = attempt(home, secret=b"of another class")
    assert bearer(foreign, home) is None
    assert not follows(foreign, home, {})
    (home.state / "class-secret").unlink()
    assert bearer(attempt(home), home) is None
    assert follows(foreign, home, {})


def test_the_secret_with_which_an_attempt_began_is_found(home: LabHome) -> None:
    """The instructor's and the lab's own are both tried: a terminal may lack, or have, LAB_CLASS_SECRET."""
    given = {"LAB_CLASS_SECRET": "of another class"}
    assert secret_of(attempt(home), home, given) == SECRET
    assert secret_of(attempt(home, secret=b"of another class"), home, given) == b"of another class"


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """A program and its workers, stopped in the middle of whatever they did."""
    first = psutil.Process(pid)
    first.suspend()  # from then on it makes no further workers
    assert wait_until(lambda: first.status() == psutil.STATUS_STOPPED, STOP_TIMEOUT_SECONDS)
    programs = (first, *first.children(recursive=True))
    for program in programs[1:]:
        program.suspend()
    try:
        yield
    finally:
        for program in programs:
            program.resume()


@pytest.mark.parametrize("part", ["nginx", "registry"])
def test_a_stack_that_hangs_fails_nobody(part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever of it answers nothing: each check that needs it is INCONCLUSIVE, and names what was waited for."""
    for module in ("calls", "connection", "tls"):
        monkeypatch.setattr(f"checker.probes.{module}.ANSWER_SECONDS", 1.0)
    with built_stack(tmp_path / "stack") as stack:
        stack.log_in()
        stack.trust()
        begun = stack.attempt()
        with frozen((stack.nginx if part == "nginx" else stack.registry.process).pid):
            found = {v.check.code: v.finding for v in grade(begun, own_registry(begun), tmp_path).verdicts}
    lacking = {code: finding for code, finding in found.items() if finding.status is Status.INCONCLUSIVE}
    assert lacking.keys() >= {"TP2-UP", "TP2-AUTH", "TP2-UPLOAD", "TP2-PUSH", "TP2-SECRETS", "TP2-SIGN", "TP2-PULL"}
    assert {cause.id for finding in lacking.values() for cause in finding.causes} == {"timeout"}
    assert {finding.status for finding in found.values()} == {Status.PASS, Status.INCONCLUSIVE}
