"""Two worlds in which the course's commands are typed: the lab's own, and Docker's with the real cosign.

Each is a private network of its own. The names that the course prints lead to registries inside it: ``ghcr.io`` to the
GHCR twin, the other hosted ones, of which there are no twins yet, to one registry with passwords. The student's own,
``localhost:5000`` and ``registry.example.com``, come from what is typed there.
"""

import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

import bcrypt

from tests.clients.chapter import cure_body_limit, cure_port, write_files
from tests.clients.daemon import running_daemon
from tests.clients.engines import Docker, LabDocker
from tests.clients.lab import link_plugins, running_lab
from tests.clients.namespace import ADDRESS, Namespace
from tests.clients.registry import running_registry
from tests.clients.stand_ins import import_stand_ins
from tests.clients.terminal import type_at
from tests.fakes.chapter import COMPOSE, NGINX
from tests.servers import POLL_SECONDS, RunningRegistry, ServerTls, throw_away_tls
from tests.tools import require

GHCR, MINIMAL, PRIVATE = "ghcr.io", "localhost:5000", "registry.example.com"
HOSTED = "hosted"
"""Whatever answers to the names of Docker Hub and the clouds: one registry, one log."""
SECRET = "a-secret-of-the-hosted"
_HUB = ("registry-1.docker.io", "docker.io", "index.docker.io")
_CLOUDS = (
    "registry.gitlab.com",
    "123456789012.dkr.ecr.eu-west-3.amazonaws.com",
    "europe-docker.pkg.dev",
    "labregistry.azurecr.io",
)
_USERS = ("zoe", "gitlab-ci-token", "AWS", "oauth2accesstoken", "00000000-0000-0000-0000-000000000000")
_HUB_IMAGES = ("alpine:3.20", "alpine:latest", "node:20", "ubuntu:22.04", "ubuntu:24.04")
_GHCR_ADDRESS, _HOSTED_ADDRESS = "198.51.100.8", "198.51.100.9"
"""Beside ADDRESS, where the student's nginx listens."""
_PORT_BASE = 5000
"""The default: the world is a network of its own, and the course prints ``localhost:5000``."""
_LOG_SECONDS = 5
_REQUEST = re.compile(r'"(?P<method>[A-Z]+) (?P<path>[^ ?"]+)\S* HTTP/[0-9.]+" (?P<status>[0-9]{3})')
_DOCKERFILE = "FROM scratch\nCOPY greeting.txt /greeting.txt\nLABEL org.opencontainers.image.title=myapp\n"

_PROVENANCE = {
    "buildType": "https://lab.test/build@v1",
    "builder": {"id": "https://lab.test/builder"},
    "invocation": {"configSource": {}},
    "metadata": {},
}


@dataclass(frozen=True, slots=True)
class Typed:
    """What a command left.

    Attributes:
        output: What it printed, on both streams or at its terminal.
        requests: What the registry logged meanwhile: ``PUT /v2/app/manifests/1.0 201``.
    """

    line: str
    code: int
    output: str
    requests: tuple[str, ...]

    def asked(self, request: str) -> bool:
        """Whether a request is among them; ``*`` stands for what is not known before."""
        return any(fnmatchcase(logged, request) for logged in self.requests)


@dataclass(slots=True)
class World:
    """Where commands are typed, one after the other.

    Attributes:
        values: What stands for the course's placeholders.
        logs: By registry, its access log so far.
    """

    namespace: Namespace
    folder: Path
    environment: dict[str, str]
    values: dict[str, str]
    logs: dict[str, Callable[[], str]] = field(default_factory=dict)

    def type(
        self, line: str, answers: Mapping[str, str] | None = None, registry: str = "", awaited: Sequence[str] = ()
    ) -> Typed:
        """Type a line in a shell.

        Args:
            line: As it is.
            answers: What it asks for at its terminal, and what is typed then; None: it has no terminal.
            registry: Whose log is read.
            awaited: Requests that may be logged a moment after the command has ended.
        """
        read = self.logs.get(registry, str)
        before = len(read())
        code, output = self._run(line, answers)
        deadline = time.monotonic() + _LOG_SECONDS
        typed = Typed(line, code, output, _requests(read()[before:]))
        while not all(map(typed.asked, awaited)) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            typed = Typed(line, code, output, _requests(read()[before:]))
        return typed

    def fill(self, text: str) -> str:
        """A text with this world's values in it."""
        for placeholder, value in self.values.items():
            text = text.replace(placeholder, value)
        return text

    def prepare(self, script: str) -> str:
        """What a script prints that must not fail. Raises CommandFailedError."""
        return self.namespace.output(["sh", "-euc", script], env=self.environment, folder=self.folder)

    def _run(self, line: str, answers: Mapping[str, str] | None) -> tuple[int, str]:
        if answers is not None:
            return type_at(self.namespace.command(["sh", "-c", line], self.folder), self.environment, answers)
        done = self.namespace.run(["sh", "-c", line], env=self.environment, folder=self.folder)
        return done.returncode, done.stdout + done.stderr


def _requests(log: str) -> tuple[str, ...]:
    return tuple(" ".join(found.groups()) for found in _REQUEST.finditer(log))


@contextmanager
def ours(folder: Path) -> Iterator[World]:
    """The lab's shell with TP-1 and TP-2 up: its docker and cosign, the GHCR twin of TP-1."""
    with Namespace() as namespace, running_lab(namespace, folder, _PORT_BASE) as lab:
        lab.run("labstack", "up", "tp2")
        printed = lab.run("labstack", "shell", "tp2", "--", "env", "-0")
        environment = dict(row.split("=", 1) for row in printed.split("\0") if row)
        with _hosted(namespace, folder, (*_HUB, *_CLOUDS)) as (tls, registry):
            for name in (*_HUB, *_CLOUDS, PRIVATE):
                _trust(Path(environment["LAB_CERTS_D"]) / name, tls)
            parameters, token = lab.attempt.parameters, lab.token("write:packages")
            world = _world(namespace, folder, environment, tls, {**parameters, "token": token})
            twin = lab.home / "tp1" / "hosted" / "registry-tls.log"
            world.logs |= {GHCR: twin.read_text, HOSTED: registry.log}
            yield world
        lab.run("labstack", "down", "tp2")


@contextmanager
def real(suite: str, folder: Path) -> Iterator[World]:
    """Docker with Compose and buildx, cosign 2.5, Apache's htpasswd; stand-ins for the images of Docker Hub.

    Args:
        suite: Docker's: sid has 28, with containerd's image store as Docker Desktop has it, trixie 26 with its own.
        folder: Where everything lies.
    """
    programs = require(f"{suite}/dockerd", f"{suite}/docker", "sid/docker-compose", "trixie/cosign", "htpasswd", "runc")
    with ExitStack() as stack:
        namespace = stack.enter_context(Namespace())
        tls, registry = stack.enter_context(_hosted(namespace, folder, (*_HUB, *_CLOUDS, GHCR)))
        _trust_everywhere(namespace, tls)
        running = running_registry(namespace, f"{GHCR}:443", _GHCR_ADDRESS, folder / "ghcr", tls=tls, twin=True)
        twin = stack.enter_context(running).server
        assert twin
        daemon = stack.enter_context(running_daemon(namespace, suite, containerd_store=suite == "sid"))
        docker = Docker(daemon, folder / "client")
        link_plugins(daemon, docker.folder)
        import_stand_ins(docker)
        (folder / "bin").mkdir()
        (folder / "bin" / "cosign").symlink_to(programs["trixie/cosign"])
        environment = {**docker.environment, "PATH": f"{folder}/bin:{docker.environment['PATH']}"}
        token = twin.new_token("zoe", ["write:packages"])[1]
        values = {"user": "zoe", "org": "zoe", "repo": "lab", "token": token}
        world = _world(namespace, folder, environment, tls, values)
        world.logs |= {GHCR: twin.log, HOSTED: registry.log}
        yield world


def _world(
    namespace: Namespace, folder: Path, environment: Mapping[str, str], tls: ServerTls, student: Mapping[str, str]
) -> World:
    """The folder of the student, with what the course has there before the first command."""
    chapter = folder / "chapter"
    tokens = {"GHCR_PAT": student["token"], "CI_JOB_TOKEN": SECRET, "AWS_PASSWORD": SECRET, "CLOUD_TOKEN": SECRET}
    variables = {**environment, **tokens, "COSIGN_PASSWORD": "labpass"}
    world = World(namespace, chapter, variables, _values(student))
    # On one address: another one's port 443 is a hosted registry's.
    published = f'"{ADDRESS}:80:80", "{ADDRESS}:443:443"'
    write_files(chapter, COMPOSE.replace('"80:80", "443:443"', published), cure_port(cure_body_limit(NGINX)))
    for name in ("auth", "certs"):
        (chapter / name).mkdir()
    (chapter / "certs" / "fullchain.pem").write_bytes(tls.certificate.read_bytes())
    (chapter / "certs" / "privkey.pem").write_bytes(tls.key.read_bytes())
    (chapter / "certs" / "privkey.pem").chmod(0o600)
    (chapter / "Dockerfile").write_text(_DOCKERFILE, encoding="utf-8")
    (chapter / "greeting.txt").write_text("hello\n", encoding="utf-8")
    (chapter / "provenance.json").write_text(json.dumps(_PROVENANCE), encoding="utf-8")
    world.logs |= {
        MINIMAL: lambda: world.prepare("docker logs registry 2>&1"),
        PRIVATE: lambda: world.prepare("docker compose logs --no-log-prefix nginx"),
    }
    return world


def _values(student: Mapping[str, str]) -> dict[str, str]:
    """By the course's placeholder, what is typed."""
    return {
        "<github_user>": student["user"],
        "<org>": student["org"],
        "<repo>": student["repo"],
        "<group>": "lab-group",
        "<project>": "lab-project",
        "<proj>": "lab-project",
        "<acct>": _CLOUDS[1].partition(".")[0],
        "<registryName>": _CLOUDS[3].partition(".")[0],
        "<token>": student["token"],
        "<digest>": "sha256:" + 64 * "0",  # until something is pushed
    }


@contextmanager
def _hosted(namespace: Namespace, folder: Path, names: Sequence[str]) -> Iterator[tuple[ServerTls, RunningRegistry]]:
    """Bring up what answers to the hosted registries' names, with the images of Docker Hub that the course pulls."""
    addresses = {_GHCR_ADDRESS: [GHCR] if GHCR in names else [], _HOSTED_ADDRESS: [*_HUB, *_CLOUDS]}
    rows = [f"{address} {' '.join(known)}\n" for address, known in addresses.items() if known]
    with namespace.file("/etc/hosts").open("a", encoding="utf-8") as hosts:
        hosts.writelines(rows)
    environment = {"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
    for address in addresses:
        namespace.output(["ip", "address", "add", f"{address}/32", "dev", "lo"], env=environment)
    tls = throw_away_tls(folder / "tls", (*names, GHCR, PRIVATE))
    passwords = folder / "hosted.htpasswd"
    hashed = bcrypt.hashpw(SECRET.encode(), bcrypt.gensalt(rounds=4)).decode()
    passwords.write_text("".join(f"{user}:{hashed}\n" for user in _USERS), encoding="utf-8")
    config = {"auth": {"htpasswd": {"realm": "Registry Realm", "path": str(passwords)}}}
    with running_registry(
        namespace, f"{_HUB[0]}:443", _HOSTED_ADDRESS, folder / "hosted", tls=tls, config=config
    ) as registry:
        assert registry.server
        _fill_hub(namespace, folder / "hub", tls)
        yield tls, registry.server


def _fill_hub(namespace: Namespace, folder: Path, tls: ServerTls) -> None:
    """Push what the course pulls from Docker Hub: one small image under all their names."""
    client = LabDocker(namespace, folder, {"PATH": os.environ["PATH"]})
    _trust(folder / "certs.d" / _HUB[0], tls)
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n", encoding="utf-8")
    tags = [word for name in _HUB_IMAGES for word in ("--tag", name)]
    client.run(client.command, "build", "--quiet", *tags, folder)
    client.run(client.command, "login", "--username", _USERS[0], "--password-stdin", text=SECRET)
    for repository in sorted({name.partition(":")[0] for name in _HUB_IMAGES}):
        client.run(client.command, "push", "--quiet", "--all-tags", repository)


def _trust(folder: Path, tls: ServerTls) -> None:
    """Have a docker trust the CA for the registry whose folder of ``certs.d`` this is."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ca.crt").write_bytes(tls.ca.read_bytes())


def _trust_everywhere(namespace: Namespace, tls: ServerTls) -> None:
    """Have the whole world trust the CA: containerd's image store fetches tokens by the system's CAs only."""
    with namespace.file("/etc/ssl/certs/ca-certificates.crt").open("ab") as system:
        system.write(tls.ca.read_bytes())
