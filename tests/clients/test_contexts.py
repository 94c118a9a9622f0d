"""Docker's contexts, made by Docker's own command: in the lab they lead to the same engine. No daemon is needed."""

import shutil
import subprocess
from pathlib import Path

import pytest

from labs.stack.contexts import engine_variables
from tests.servers import throw_away_tls
from tests.tools import require


class Student:
    """Somebody with a Docker configuration of their own."""

    def __init__(self, command: Path, home: Path) -> None:
        self.command = command
        self.home = home
        self.environ = {"HOME": str(home), "PATH": "/usr/bin"}

    def docker(self, *words: str, **environ: str) -> str:
        """What Docker's command says, good or bad."""
        done = subprocess.run(
            [self.command, *words], env=self.environ | environ, capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr

    def carried(self, **environ: str) -> dict[str, str]:
        """What the lab carries over."""
        return engine_variables(self.command, self.environ | environ)


@pytest.fixture(params=["sid/docker", "trixie/docker"], ids=["28", "26"])
def student(request: pytest.FixtureRequest, tmp_path: Path) -> Student:
    """With a context ``mine``, which is not in use."""
    made = Student(require(request.param)[request.param], tmp_path)
    made.docker("context", "create", "mine", "--docker", f"host=unix://{tmp_path}/mine.sock")
    return made


def test_the_context_in_use_leads_to_its_engine(student: Student) -> None:
    """With the lab's configuration, which knows no context, Docker's command asks the same socket."""
    student.docker("context", "use", "mine")
    there = student.carried()
    assert there == {"DOCKER_HOST": f"unix://{student.home}/mine.sock", "DOCKER_CONTEXT": ""}
    asked = student.docker("version", DOCKER_CONFIG=str(student.home / "lab"), **there)
    assert f"unix://{student.home}/mine.sock" in asked


def test_a_context_named_in_the_environment_goes_before(student: Student) -> None:
    """As with Docker; in the lab's configuration that name would be unknown."""
    there = student.carried(DOCKER_CONTEXT="mine")
    lab = str(student.home / "lab")
    assert "context not found" in student.docker("version", DOCKER_CONFIG=lab, DOCKER_CONTEXT="mine")
    assert f"{student.home}/mine.sock" in student.docker("version", **{"DOCKER_CONFIG": lab, **there})


def test_certificates_go_with_it(student: Student) -> None:
    """A remote engine is met with its context's own certificates."""
    tls = throw_away_tls(student.home / "tls")
    far = f"host=tcp://127.0.0.1:2376,ca={tls.ca},cert={tls.certificate},key={tls.key}"
    student.docker("context", "create", "far", "--docker", far)
    there = student.carried(DOCKER_CONTEXT="far")
    assert (there["DOCKER_HOST"], there["DOCKER_TLS_VERIFY"]) == ("tcp://127.0.0.1:2376", "1")
    assert {path.name for path in Path(there["DOCKER_CERT_PATH"]).iterdir()} == {"ca.pem", "cert.pem", "key.pem"}
    student.docker("context", "create", "lax", "--docker", f"{far},skip-tls-verify=true")
    assert student.carried(DOCKER_CONTEXT="lax").keys() >= {"DOCKER_CERT_PATH", "DOCKER_TLS"}


def test_nothing_is_carried_where_nothing_was_chosen(student: Student) -> None:
    """The default context, an engine named by its address, a context that is gone, a configuration that is no JSON."""
    assert student.carried() == {}
    student.docker("context", "use", "mine")
    assert student.carried(DOCKER_HOST="unix:///elsewhere.sock") == {}
    assert student.carried(DOCKER_CONTEXT="gone") == {}
    (student.home / ".docker" / "config.json").write_text("[")
    assert student.carried() == {}
    shutil.rmtree(student.home / ".docker")
    assert student.carried() == {}
