"""The chapter's stack as a student types it: real nginx before a real registry, its traps and their cures."""

import base64
import http.client
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import bcrypt
import psutil
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from labs.compose import containers
from labs.compose.discovery import locate
from labs.compose.layout import ProjectFolder
from labs.compose.planning import free_port
from labs.compose.projects import Projects
from labs.compose.reading import read
from labs.compose.record import ProjectRecord
from labs.processes import wait_until
from tests.fakes.chapter import COMPOSE, NGINX

NAME = "registry.example.com"
PASSWORD = "motdepasse_fort"
LAYER_SIZE = 5_000_000


@dataclass(frozen=True)
class Answer:
    """What a client was told."""

    status: int
    location: str | None


@dataclass
class Stack:
    """The student's folder, and the stack that was brought up from it."""

    work: Path
    projects: Projects
    https: int
    http: int

    def up(self) -> None:
        """``docker compose up -d``."""
        self.projects.up(read(locate({}, self.work), self.projects.engine).project)

    def ask(self, method: str, target: str, *, password: str | None = PASSWORD, body: bytes = b"") -> Answer:
        """One request over TLS, as to the name's port 443."""
        context = ssl.create_default_context(cafile=self.work / "certs" / "fullchain.pem")
        context.check_hostname = False
        connection = http.client.HTTPSConnection("127.0.0.1", self.https, context=context, timeout=10)
        headers = {"Host": NAME, "Content-Type": "application/octet-stream"}
        if password:
            headers["Authorization"] = f"Basic {base64.b64encode(f'admin:{password}'.encode()).decode()}"
        try:
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            response.read()
            return Answer(response.status, response.getheader("Location"))
        finally:
            connection.close()

    def push_layer(self) -> Answer:
        """An upload of 5 MB in one piece."""
        layer = bytes(LAYER_SIZE)
        begun = self.ask("POST", "/v2/myproj/myapp/blobs/uploads/").location or ""
        where = urlsplit(begun)
        query = f"{where.query}&" if where.query else ""
        return self.ask("PUT", f"{where.path}?{query}digest=sha256:{sha256(layer).hexdigest()}", body=layer)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """The chapter's files, typed, and a free port for each that they publish."""
    work = tmp_path / "tp2"
    for folder in ("nginx/conf.d", "certs", "auth"):
        (work / folder).mkdir(parents=True)
    (work / "compose.yaml").write_text(COMPOSE, encoding="utf-8")
    (work / "nginx/conf.d/registry.conf").write_text(NGINX, encoding="utf-8")
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(5)).decode()
    (work / "auth/htpasswd").write_text(f"admin:{hashed}\n", encoding="utf-8")
    write_certificate(work / "certs")
    https, plain = free_port(), free_port()
    stack = Stack(work, Projects(tmp_path / "engine", {443: https, 80: plain}, {"LAB_LANG": "en"}), https, plain)
    yield stack
    stack.projects.down("tp2")


def write_certificate(folder: Path) -> None:
    """Self-signed, for the chapter's name."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoded = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "privkey.pem").write_bytes(encoded)


def test_the_chapters_stack_works_fails_on_the_layer_and_is_cured(stack: Stack) -> None:
    """401 without and with a wrong password, 200 with the right one; 413 on 5 MB, until the limit is lifted."""
    stack.up()
    assert [stack.ask("GET", "/v2/", password=password).status for password in (None, "wrong", PASSWORD)] == [
        401,
        401,
        200,
    ]
    assert stack.push_layer().status == 413
    servers = stack.work / "nginx/conf.d/registry.conf"
    servers.write_text(NGINX.replace("location /v2/", "client_max_body_size 0;\n  location /v2/"), encoding="utf-8")
    stack.projects.restart("tp2", ["nginx"])
    assert stack.push_layer().status == 201
    assert next((stack.work / "registry").rglob("blobs/sha256/*/*/data")).stat().st_size == LAYER_SIZE


def test_uploads_are_told_the_forwarded_scheme_and_host(stack: Stack) -> None:
    """Right on port 443, whatever port of this machine stands for it."""
    stack.up()
    location = stack.ask("POST", "/v2/myproj/myapp/blobs/uploads/").location or ""
    assert location.startswith(f"https://{NAME}/v2/myproj/myapp/blobs/uploads/")


def test_logs_and_journal_outlive_the_stack(stack: Stack) -> None:
    """What the grader reads after ``down``: one request in both, and no password in either."""
    stack.up()
    stack.ask("GET", "/v2/")
    record = ProjectRecord.load(stack.projects.engine, "tp2")
    assert record is not None
    found = {service.name: service for service in record.services}
    access = Path(found["nginx"].access_logs[0])
    assert wait_until(lambda: '"GET /v2/ HTTP/1.1" 200' in access.read_text(encoding="utf-8"), 5)
    stack.projects.down("tp2")
    assert "/v2/" in Path(found["registry"].journal or "").read_text(encoding="utf-8")
    kept = "".join(path.read_text(encoding="utf-8") for path in stack.projects.engine.rglob("*") if path.is_file())
    assert PASSWORD not in kept


def test_the_backend_is_reached_through_nginx_only_by_its_neighbours(stack: Stack) -> None:
    """Unpublished: its port is nobody's but nginx's to know, and no record tells it."""
    stack.up()
    record = ProjectRecord.load(stack.projects.engine, "tp2")
    assert record is not None
    assert {service.name: len(service.published) for service in record.services} == {"nginx": 2, "registry": 0}


def test_nothing_listens_beyond_loopback(stack: Stack) -> None:
    """Whatever the files say."""
    stack.up()
    folder = ProjectFolder(stack.projects.engine, "tp2")
    listening = [
        row.laddr.ip
        for process in containers.strays(folder.path)
        for row in process.net_connections(kind="tcp")
        if row.status == psutil.CONN_LISTEN
    ]
    assert set(listening) == {"127.0.0.1"}
