"""A stack as a student would have built it: nginx in front of a registry, put up by hand, with compose's record."""

import base64
import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import bcrypt

from labs.attempts import Attempt, Endpoint
from labs.compose.nginx.programs import programs
from labs.compose.record import ProjectRecord, PublishedPort, ServiceRecord
from tests.fakes.certificates import Leaf, TestAuthority
from tests.servers import RunningRegistry, running_registry

NAME, USER, PASSWORD = "registry.example.com", "ada", "motdepasse_fort"
PARAMETERS = {"user": USER, "org": "lovelace", "repo": "engine", "nonce": "n0nce"}
REPOSITORY = "lovelace/engine/app"
START_SECONDS = 10

SITE = """
server {
  listen 127.0.0.1:{https} ssl;
  server_name registry.example.com;
  ssl_certificate     {certificate};
  ssl_certificate_key {key};
  client_max_body_size 0;
  location /v2/ {
    auth_basic "Registry";
    auth_basic_user_file {passwords};
    proxy_pass http://127.0.0.1:{registry};
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-Proto $scheme;
  }
}
server {
  listen 127.0.0.1:{http};
  server_name registry.example.com;
  return 301 https://$host$request_uri;
}
"""
_MAIN = """
daemon off;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {}
http {
  log_format main '$remote_addr - $remote_user [$time_local] "$request" '
                  '$status $body_bytes_sent "$http_referer" '
                  '"$http_user_agent" "$http_x_forwarded_for"';
  access_log {folder}/access.log main;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  {site}
}
"""


@dataclass
class BuiltStack:
    """A stack that runs; ``record`` is what compose would have written of it."""

    work: Path
    engine: Path
    folder: Path
    https: int
    http: int
    registry: RunningRegistry
    nginx: subprocess.Popen[bytes]
    authority: TestAuthority
    leaf: Leaf
    record: ProjectRecord
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def note(self, **changes: object) -> None:
        """Write the record, with these changes in it."""
        self.record = replace(self.record, **changes)  # type: ignore[arg-type]
        self.record.save(self.engine)

    def note_service(self, name: str, **changes: object) -> None:
        """Likewise in one service's."""
        services = [replace(each, **changes) if each.name == name else each for each in self.record.services]  # type: ignore[arg-type]
        self.note(services=tuple(services))

    def log_in(self, host: str = NAME, password: str = PASSWORD) -> None:
        """What ``docker login`` leaves."""
        auth = base64.b64encode(f"{USER}:{password}".encode()).decode()
        self.engine.mkdir(parents=True, exist_ok=True)
        (self.engine / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}), encoding="utf-8")

    def trust(self, host: str = NAME) -> None:
        """Put the CA where the student's docker looks."""
        folder = self.engine / "certs.d" / host
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "ca.crt").write_bytes(self.authority.path.read_bytes())

    def attempt(self, **changes: object) -> Attempt:
        """The exercise as begun."""
        begun = Attempt(
            slug="tp2",
            number=1,
            started_at=self.started_at,
            horizon_seq=0,
            student="Ada Lovelace",
            parameters=PARAMETERS,
            engine="embedded",
            registries={"private": Endpoint(NAME, f"https://127.0.0.1:{self.https}")},
            machines={"a": str(self.engine), "b": str(self.engine.parent / "b")},
            work=str(self.work),
        )
        return replace(begun, **changes)  # type: ignore[arg-type]


@contextmanager
def built_stack(folder: Path, site: str = SITE) -> Iterator[BuiltStack]:
    """Run nginx with this site, and pyregistry behind it, for the length of the block."""
    work, engine, state = folder / "work", folder / "engine", folder / "state"
    for each in (work / "auth", work / "certs", engine, state):
        each.mkdir(parents=True)
    authority = TestAuthority(folder / "ca")
    leaf = authority.issue(NAME)
    certificate, key, passwords = work / "certs/fullchain.pem", work / "certs/privkey.pem", work / "auth/htpasswd"
    certificate.write_bytes(Path(leaf.certificate).read_bytes() + authority.path.read_bytes())
    key.write_bytes(Path(leaf.key).read_bytes())
    key.chmod(0o600)
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    passwords.write_text(f"{USER}:{hashed}\n", encoding="utf-8")
    with running_registry(folder / "registry") as registry:
        https, http = _free_ports(2)
        values = {
            "https": https, "http": http, "registry": registry.port,
            "certificate": certificate, "key": key, "passwords": passwords, "folder": state,
            # Started by root it would read the student's files as nobody.
            "user": "user root;" if os.getuid() == 0 else "",
        }  # fmt: skip
        nginx = _start(state, _filled(_MAIN.replace("{site}", site), values), https)
        record = ProjectRecord("tp2", str(work), str(work / "compose.yaml"), up=True, services=(
            ServiceRecord(
                "registry", "registry:2", "registry", journal=str(registry.journal_path), pid=registry.process.pid,
                output=str(registry.log_path), environment={"REGISTRY_HTTP_SECRET": "s3cret"},
            ),
            ServiceRecord(
                "nginx", "nginx:1.25", "nginx", published=(PublishedPort(443, 443, https), PublishedPort(80, 80, http)),
                output=str(state / "error.log"), access_logs=(str(state / "access.log"),), pid=nginx.pid,
                password_files=(str(passwords),), certificates=(str(certificate),), keys=(str(key),),
            ),
        ))  # fmt: skip
        stack = BuiltStack(work, engine, state, https, http, registry, nginx, authority, leaf, record)
        stack.note()
        try:
            yield stack
        finally:
            nginx.send_signal(signal.SIGTERM)
            nginx.wait(START_SECONDS)


def _filled(text: str, values: dict[str, object]) -> str:
    """Placeholders of a configuration whose braces are its own."""
    return re.sub(r"\{(\w+)\}", lambda found: str(values[found[1]]), text)


def _start(folder: Path, configuration: str, port: int) -> subprocess.Popen[bytes]:
    """nginx, taking connections."""
    path = folder / "nginx.conf"
    path.write_text(configuration, encoding="utf-8")
    with (folder / "error.log").open("wb") as log:
        command = [programs()[0].path, "-e", folder / "error.log", "-p", folder, "-c", path]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return process
        time.sleep(0.01)
    process.kill()
    process.wait()
    raise AssertionError((folder / "error.log").read_text(encoding="utf-8"))


def _free_ports(count: int) -> list[int]:
    """Ports that nobody has; held at once, so that they differ."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(each.getsockname()[1]) for each in held]
    for each in held:
        each.close()
    return ports
