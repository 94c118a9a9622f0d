"""The stack of the chapter's §8.2, file by file as it is printed, and the one-line cures that it needs."""

import random
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.clients.command_lines import CommandLine
from tests.clients.registry import Registry
from tests.fakes.chapter import COMPOSE, NGINX
from tests.servers import POLL_SECONDS, ROOT, START_SECONDS, ServerTls, throw_away_tls
from tests.tools import require

NAME = "registry.example.com"
USER, PASSWORD = "admin", "motdepasse_fort"
IMAGE = "myproj/myapp:1.0"
LAYER_BYTES = 5_000_000
_REGISTRY_UP, _NGINX_UP = "listening on", "start worker processes"
"""What registry:2 and nginx say when they start."""


def cure_body_limit(nginx: str) -> str:
    """What a body may have is 1 MiB for nginx, unless it is told otherwise."""
    return nginx.replace("  location /v2/ {", "  client_max_body_size 0;\n\n  location /v2/ {")


def cure_port(nginx: str) -> str:
    """``$host`` has no port, ``$http_host`` has what the client typed."""
    return nginx.replace("Host $host;", "Host $http_host;")


def write_files(folder: Path, compose: str, nginx: str) -> None:
    """``compose.yaml`` and nginx's file, where the chapter has them."""
    (folder / "nginx" / "conf.d").mkdir(parents=True, exist_ok=True)
    (folder / "compose.yaml").write_text(compose, encoding="utf-8")
    (folder / "nginx" / "conf.d" / "registry.conf").write_text(nginx, encoding="utf-8")


@dataclass(slots=True)
class Chapter:
    """The folder of somebody who typed §8.2, and the client with which they work there.

    Attributes:
        compose: Text of ``compose.yaml``.
        nginx: Text of ``nginx/conf.d/registry.conf``.
    """

    client: CommandLine
    docker: str | Path
    folder: Path
    tls: ServerTls
    compose: str = COMPOSE
    nginx: str = NGINX

    def write(self) -> None:
        """Put all files where the chapter has them."""
        write_files(self.folder, self.compose, self.nginx)
        self.write_secrets()

    def write_secrets(self) -> None:
        """Certificate, key, and the password file by the chapter's command."""
        for name in ("auth", "certs"):
            (self.folder / name).mkdir(exist_ok=True)
        (self.folder / "certs" / "fullchain.pem").write_bytes(self.tls.certificate.read_bytes())
        (self.folder / "certs" / "privkey.pem").write_bytes(self.tls.key.read_bytes())
        if not (self.folder / "auth" / "htpasswd").exists():
            self.run(require("htpasswd")["htpasswd"], "-Bbc", "auth/htpasswd", USER, PASSWORD)

    def publish(self, https: int, http: int) -> None:
        """Other ports than 443 and 80."""
        self.compose = self.compose.replace('"80:80", "443:443"', f'"{http}:80", "{https}:443"')

    def cure_body_limit(self) -> None:
        """See the function of that name."""
        self.nginx = cure_body_limit(self.nginx)

    def cure_port(self) -> None:
        """See the function of that name."""
        self.nginx = cure_port(self.nginx)

    def run(self, *argv: str | Path, text: str | None = None) -> str:
        """Standard output of a command in the folder. Raises CommandFailedError."""
        return self.client.namespace.output(argv, env=self.client.environment, folder=self.folder, text=text)

    def up(self) -> None:
        """``docker compose up -d`` of the files as they are now."""
        self.write()
        self.run(self.docker, "compose", "up", "-d", "--force-recreate")
        self.await_words()

    def await_words(self, starts: int = 1) -> None:
        """Wait until both programs say that they are there: nothing in §8.2 does, and a login may come too early.

        Args:
            starts: How often nginx was started.
        """
        deadline = time.monotonic() + START_SECONDS
        while _REGISTRY_UP not in (said := self.run(self.docker, "compose", "logs")) or said.count(_NGINX_UP) < starts:
            assert time.monotonic() < deadline, said
            time.sleep(POLL_SECONDS)

    def down(self) -> None:
        """``docker compose down``, in a hurry."""
        self.run(self.docker, "compose", "down", "--timeout", "1")

    def reload(self) -> None:
        """Once, after nginx's file was mended."""
        self.write()
        self.run(self.docker, "compose", "restart", "--timeout", "1", "nginx")
        self.await_words(starts=2)

    def login(self, name: str = NAME) -> None:
        """``docker login``."""
        self.run(self.docker, "login", name, "--username", USER, "--password-stdin", text=PASSWORD)

    def trust(self, name: str = NAME) -> None:
        """Put the CA into ``certs.d``."""
        self.client.trust(Registry(name, self.tls.ca, self.folder / "registry"))

    def build(self, name: str = NAME, size: int = LAYER_BYTES) -> str:
        """An image with one layer of ``size`` random bytes, tagged for the registry; its reference."""
        context = self.client.fresh("context")
        context.mkdir()
        (context / "Dockerfile").write_text("FROM scratch\nCOPY payload /payload\n", encoding="utf-8")
        (context / "payload").write_bytes(random.randbytes(size))  # noqa: S311  ballast, no secret
        reference = f"{name}/{IMAGE}"
        self.run(self.docker, "build", "--quiet", "--tag", reference, context)
        return reference

    def push(self, reference: str) -> str:
        """``docker push``. Raises CommandFailedError."""
        return self.run(self.docker, "push", reference)

    @property
    def store(self) -> Registry:
        """What the registry holds, read from its disk."""
        return Registry(NAME, self.tls.ca, self.folder / "registry")


def push_to_reference(client: CommandLine, folder: Path, files: Sequence[str]) -> Registry:
    """Bring the stack of ``compose/tp2`` up, push the chapter's image, take it down; what the registry then holds.

    Args:
        client: Docker, with the images that the files name.
        folder: Where a copy goes.
        files: Compose files; none for the one that Docker finds.
    """
    shutil.copytree(ROOT / "compose", folder / "compose")
    tls = throw_away_tls(folder / "tls", (NAME, "localhost"))
    typed, name = Chapter(client, "docker", folder / "compose" / "tp2", tls), "localhost:8443"
    typed.write_secrets()
    compose = ["docker", "compose", *(word for file in files for word in ("--file", file))]
    try:
        typed.run(*compose, "up", "--detach", "--pull", "never", "--no-build")
        typed.await_words()
        typed.login(name)
        typed.push(typed.build(name))
    finally:
        typed.run(*compose, "down", "--timeout", "1")
    return typed.store
