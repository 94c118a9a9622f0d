"""A registry that the student built, under a name of its own with a CA of its own: every command goes the same way."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest

from labs.compose.record import ProjectRecord, PublishedPort, ServiceRecord
from labs.engine.commands.console import Console
from labs.signing.cli import run
from tests.fakes.certificates import TestAuthority
from tests.fakes.images import make_image
from tests.fakes.registry import FakeRegistry
from tests.fakes.shell import Result, Shell

NAME = "registry.example.com"
X509 = "tls: failed to verify certificate: x509: certificate signed by unknown authority"
USER, PASSWORD = "zoe", "s3same"


@dataclass(frozen=True)
class Student:
    """A machine in a lab, and the registry that runs there behind a name."""

    folder: Path
    fake: FakeRegistry
    authority: TestAuthority

    @property
    def shell(self) -> Shell:
        """The machine; its internet is the lab's."""
        return Shell(self.folder / "machine", {"LAB_HOME": str(self.folder / "lab")})

    def publish(self, *ports: int) -> None:
        """Have a compose project publish the registry on these ports."""
        published = tuple(PublishedPort(port, 443, self.fake.port) for port in ports)
        service = ServiceRecord("nginx", "nginx:1.25", "nginx", published)
        ProjectRecord("tp2", "/work/tp2", "compose.yaml", up=True, services=(service,)).save(self.shell.home)

    def trust(self, name: str) -> None:
        """Put the CA where Docker looks for a name's."""
        folder = self.shell.home / "certs.d" / name
        folder.mkdir(parents=True)
        (folder / "ca.crt").write_bytes(self.authority.path.read_bytes())

    def log_in(self, name: str) -> Result:
        """``docker login``."""
        return self.shell.docker("login", name, "-u", USER, "--password-stdin", typed=PASSWORD)

    def cosign(self, *words: str) -> Result:
        """``cosign`` on the same machine."""
        output, errors = StringIO(), StringIO()
        console = Console(output, errors, StringIO())
        environ = {"LAB_ENGINE_HOME": str(self.shell.home), "LAB_HOME": str(self.folder / "lab"), "LAB_LANG": "en"}
        code = run(words, console, {"PATH": "/usr/bin:/bin", **environ})
        return Result(code, output.getvalue(), errors.getvalue())


@pytest.fixture
def student(tmp_path: Path) -> Iterator[Student]:
    """TP-2 was begun; the registry asks for a password, and nobody trusts its CA."""
    document = {"names": {}, "ca": "/ca.crt", "private": {NAME: {"443": 1, "80": 1}}, "forward": {}}
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "internet.json").write_text(json.dumps(document))
    authority = TestAuthority(tmp_path / "ca")
    leaf = authority.issue(NAME)
    with FakeRegistry("basic", {USER: PASSWORD}, tls=(leaf.certificate, leaf.key)) as fake:
        yield Student(tmp_path, fake, authority)


@pytest.mark.parametrize(("port", "name"), [(443, NAME), (8443, f"{NAME}:8443")])
def test_with_the_ca_in_certs_d_everything_works(student: Student, port: int, name: str) -> None:
    """Log in, push, look, pull and look again with cosign, on port 443 or another."""
    student.publish(port)
    student.trust(name)
    image = f"{name}/myproj/myapp:1.0"
    make_image(student.shell.store, image)
    assert student.log_in(name).output == "Login Succeeded\n"
    done = [
        student.shell.docker("push", image),
        student.shell.docker("manifest", "inspect", image),
        student.shell.docker("rmi", image),
        student.shell.docker("pull", image),
        student.cosign("triangulate", image),
        student.cosign("tree", image),
    ]
    assert [(each.code, each.errors) for each in done if each.code] == []
    hosts = {seen.headers["Host"] for seen in student.fake.requests}
    assert hosts == {name}


@pytest.mark.parametrize(
    "words",
    [
        ["docker", "login", "-u", USER, "-p", PASSWORD, NAME],
        ["docker", "push", f"{NAME}/myproj/myapp:1.0"],
        ["docker", "pull", f"{NAME}/myproj/myapp:1.0"],
        ["docker", "manifest", "inspect", f"{NAME}/myproj/myapp:1.0"],
        ["cosign", "tree", f"{NAME}/myproj/myapp:1.0"],
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_without_the_ca_nothing_does(student: Student, words: Sequence[str]) -> None:
    """Each command refuses the unknown authority in the same words, and none tells the registry a password."""
    student.publish(443)
    student.trust(f"{NAME}:8443")
    make_image(student.shell.store, f"{NAME}/myproj/myapp:1.0")
    program = student.shell.docker if words[0] == "docker" else student.cosign
    refused = program(*words[1:])
    assert refused.code == 1
    assert f'Get "https://{NAME}/v2/": {X509}' in refused.errors
    assert student.fake.requests == []


def test_login_in_dockers_words(student: Student) -> None:
    """The lines that students search for: an unknown CA, a port that nobody publishes, a wrong password."""
    student.publish(443)
    assert student.log_in(NAME).errors == f'Error response from daemon: Get "https://{NAME}/v2/": {X509}\n'
    refusal = f'Get "https://{NAME}:8443/v2/": dial tcp 127.0.0.1:8443: connect: connection refused'
    assert student.log_in(f"{NAME}:8443").errors == f"Error response from daemon: {refusal}\n"
    student.trust(NAME)
    wrong = student.shell.docker("login", NAME, "-u", USER, "--password-stdin", typed="wrong")
    assert wrong.errors.endswith(f"login attempt to https://{NAME}/v2/ failed with status: 401 Unauthorized\n")
