"""What Docker's daemon tells of the containers that ``docker compose`` made: what they are, open, print and hold.

All comes through its API. Only a daemon of this machine is asked: what another one runs is not the student's, and what
it mounts does not lie here. Importing the SDK takes a tenth of a second: whoever may do without Docker imports this
module late.
"""

import io
import os
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import docker  # type: ignore[import-untyped]
import requests
from docker.context import ContextAPI  # type: ignore[import-untyped]
from docker.errors import APIError, DockerException, NotFound  # type: ignore[import-untyped]

from checker.facts import Kind, NotObserved, StackService, Unavailable
from checker.probes import host, registry_log
from checker.probes.calls import ANSWER_SECONDS
from checker.probes.stack import SAID_LINES, shown
from checker.probes.surroundings import FILE_MAX_BYTES, LocalFile, Port, StackFile

_LABEL = "com.docker.compose"
_KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("registry", "distribution", "pyregistry"), Kind.REGISTRY),
    **dict.fromkeys(("nginx", "nginx-unprivileged"), Kind.NGINX),
    "caddy": Kind.CADDY,
    "traefik": Kind.TRAEFIK,
}
"""By the last word of an image's name."""
_PROXIES = frozenset({Kind.NGINX, Kind.CADDY, Kind.TRAEFIK})
_EVERYWHERE = frozenset({"", "0.0.0.0", "::"})  # noqa: S104  read, not bound


@dataclass(frozen=True, slots=True)
class Container:
    """A container, as ``docker inspect`` tells of it."""

    client: docker.APIClient = field(repr=False)
    details: Mapping[str, Any] = field(repr=False)  # the compose file's secrets among them

    @property
    def id(self) -> str:
        """By which the daemon knows it."""
        return str(self.details["Id"])

    def label(self, name: str) -> str:
        """One of compose's labels."""
        return self.labels.get(f"{_LABEL}.{name}", "")

    @property
    def created_at(self) -> datetime:
        """When it was made: what it prints begins then."""
        return registry_log.parse_time(self.details["Created"])

    @property
    def running(self) -> bool:
        """It runs now, and is not on its way to be started again."""
        state = self.details["State"]
        return bool(state["Running"]) and not state.get("Restarting")

    @property
    def kind(self) -> Kind:
        """What it is, by its image's name."""
        called = str(self.details["Config"]["Image"]).partition("@")[0].rpartition("/")[2].partition(":")[0]
        return _KINDS.get(called, Kind.OTHER)

    @property
    def is_proxy(self) -> bool:
        """It stands before the registry; of what we do not know, whatever opens a port is taken for that."""
        return self.kind in _PROXIES or (
            self.kind is Kind.OTHER and bool(self.details["HostConfig"].get("PortBindings"))
        )

    @property
    def command(self) -> tuple[str, ...]:
        """What it runs, word by word."""
        return tuple(word for name in ("Entrypoint", "Cmd") for word in self.details["Config"].get(name) or ())

    @property
    def labels(self) -> Mapping[str, str]:
        """All of its labels."""
        return dict(self.details["Config"]["Labels"] or {})

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables of the compose file, and of the image."""
        pairs = (entry.partition("=") for entry in self.details["Config"]["Env"] or ())
        return {name: value for name, _, value in pairs}

    @property
    def ports(self) -> tuple[Port, ...]:
        """What it opens to the outside, each port once.

        On the host's network that is what its image exposes, as far as somebody listens there. Raises NotObserved.
        """
        service = self.label("service")
        if self.details["HostConfig"]["NetworkMode"] == "host":
            exposed = {_number(port) for port in self.details["Config"].get("ExposedPorts") or {}}
            return tuple(Port(service, port, port, port) for port in sorted(host.read_listening_ports() & exposed))
        found: dict[int, Port] = {}
        for port, bindings in (self.details["NetworkSettings"]["Ports"] or {}).items():
            for binding in bindings or ():
                typed, address = int(binding["HostPort"]), binding["HostIp"]
                here = "127.0.0.1" if address in _EVERYWHERE else address
                if number := _number(port):
                    found.setdefault(typed, Port(service, number, typed, typed, here))
        return tuple(found.values())

    @property
    def service(self) -> StackService:
        """As facts tell of it."""
        return StackService(
            name=self.label("service"),
            image=str(self.details["Config"]["Image"]),
            kind=self.kind,
            running=self.running,
            published={port.typed: port.here for port in self.ports},
            environment={name: shown(name, value) for name, value in self.environment.items()},
            said=() if self.running else self._last_lines(),
        )

    def file(self, inside: PurePosixPath | str) -> StackFile:
        """A file of it: where a folder of this machine is mounted there, that one's."""
        path = PurePosixPath(inside)
        mounts = sorted(self.details["Mounts"], key=lambda mount: len(mount["Destination"]), reverse=True)
        for mount in mounts:
            if mount["Type"] == "bind" and path.is_relative_to(mount["Destination"]):
                here = Path(mount["Source"]) / path.relative_to(mount["Destination"])
                return LocalFile(here) if here.exists() else ContainerFile(self, path)
        return ContainerFile(self, path)

    def output(self, *, errors: bool, tail: int | str = "all") -> bytes:
        """What it printed since it was made. Raises NotObserved."""
        told = f"docker compose logs {self.label('service')}"
        with reasons(told):
            return whole(self.client.logs(self.id, stderr=errors, tail=tail, stream=True, follow=False), told)

    def execute(self, *command: str) -> str:
        """What a command in it prints; nothing where it fails."""
        asked = self.client.exec_create(self.id, list(command), stderr=False)["Id"]
        printed: bytes = self.client.exec_start(asked)
        return printed.decode(errors="replace") if self.client.exec_inspect(asked)["ExitCode"] == 0 else ""

    def _last_lines(self) -> tuple[str, ...]:
        return tuple(self.output(errors=True, tail=SAID_LINES).decode(errors="replace").splitlines())


@dataclass(frozen=True, slots=True)
class ContainerFile:
    """A file that lies in a container only."""

    container: Container
    inside: PurePosixPath

    @property
    def path(self) -> str:
        """``nginx:/etc/nginx/…``, as ``docker compose cp`` has it."""
        return f"{self.container.label('service')}:{self.inside}"

    def read(self) -> bytes:
        """All of it. Raises NotObserved."""
        with reasons(self.path):
            stream, told = self.container.client.get_archive(self.container.id, str(self.inside))
            if told["size"] > FILE_MAX_BYTES:
                raise NotObserved(Unavailable("too-large", {"what": self.path}))
            with tarfile.open(fileobj=io.BytesIO(whole(stream, self.path))) as archive:
                content = next((archive.extractfile(member) for member in archive if member.isfile()), None)
                if content is None:
                    raise NotObserved(Unavailable("not-a-file", {"path": self.path}))
                return content.read()

    def mode(self) -> int:
        """Its permission bits. Raises NotObserved."""
        if self.container.running:
            return host.read_mode(str(self.inside), self.container.id)
        return int(self._told()["mode"]) & 0o777

    def link(self) -> str:
        """Where it leads as a symbolic link; empty where it is none. Raises NotObserved."""
        return str(self._told().get("linkTarget") or "")

    def _told(self) -> Mapping[str, Any]:
        with reasons(self.path):
            stream, told = self.container.client.get_archive(self.container.id, str(self.inside))
            stream.close()
            return dict(told or {})


@dataclass(frozen=True, slots=True)
class ContainerOutput:
    """What a container prints for a log: an nginx whose log is its standard output, a Caddy whose log is the other.

    Attributes:
        errors: Its standard error is in it.
    """

    container: Container
    errors: bool = False

    @property
    def path(self) -> str:
        """The command that shows it."""
        return f"docker compose logs {self.container.label('service')}"

    def read(self) -> bytes:
        """All of it. Raises NotObserved."""
        return self.container.output(errors=self.errors)

    def mode(self) -> int:
        """No file. Raises NotObserved."""
        raise NotObserved(Unavailable("not-a-file", {"path": self.path}))


def _connect(environ: Mapping[str, str]) -> docker.APIClient:
    """The daemon that the student's ``docker`` asks.

    Raises:
        NotObserved: It is another machine's.
    """
    chosen = environ.get("DOCKER_HOST")
    context = None if chosen else ContextAPI.get_context(environ.get("DOCKER_CONTEXT"))
    host = chosen or (context.Host if context else "") or "unix:///var/run/docker.sock"
    there = urlsplit(host)
    if there.scheme not in {"unix", "npipe"} and there.hostname not in {"localhost", "127.0.0.1", "::1"}:
        raise NotObserved(Unavailable("docker-elsewhere", {"host": f"{there.scheme}://{there.hostname or ''}"}))
    return docker.APIClient(base_url=host, version="auto", timeout=int(ANSWER_SECONDS))


def containers_in(work: Path, client: docker.APIClient | None = None) -> tuple[Container, ...]:
    """Those of the project whose folder that is, by name; none that ``docker compose run`` made.

    Args:
        work: The student's folder.
        client: Asks the daemon; None asks the one that the student's ``docker`` asks.

    Raises:
        NotObserved: No daemon of this machine answers.
    """
    with reasons("containers"):
        return _containers(client or _connect(os.environ), work)


def _containers(client: docker.APIClient, work: Path) -> tuple[Container, ...]:
    rows = client.containers(all=True, filters={"label": f"{_LABEL}.project.working_dir"})
    found = (Container(client, client.inspect_container(row["Id"])) for row in rows if _lies_in(row, work))
    ours = (each for each in found if each.label("oneoff") != "True")
    return tuple(sorted(ours, key=lambda each: str(each.details["Name"])))


def _lies_in(row: Mapping[str, Any], work: Path) -> bool:
    return Path(row["Labels"][f"{_LABEL}.project.working_dir"]).resolve() == work.resolve()


def _number(port: str) -> int | None:
    """Of ``443/tcp``; None where it is not TCP's."""
    number, _, protocol = port.partition("/")
    return int(number) if protocol == "tcp" else None


def whole(stream: Iterable[bytes], what: str) -> bytes:
    """A stream to its end.

    Raises:
        NotObserved: It is larger than ``FILE_MAX_BYTES``.
    """
    content = bytearray()
    for chunk in stream:
        content += chunk
        if len(content) > FILE_MAX_BYTES:
            raise NotObserved(Unavailable("too-large", {"what": what}))
    return bytes(content)


@contextmanager
def reasons(what: str) -> Iterator[None]:
    """What Docker's API may answer, as reasons."""
    try:
        yield
    except NotFound as exc:
        raise NotObserved(Unavailable("file-unreadable", {"path": what, "error": "No such file or directory"})) from exc
    except APIError as exc:
        raise NotObserved(Unavailable("docker-refused", {"what": what, "error": str(exc.explanation)[:200]})) from exc
    except (DockerException, requests.RequestException, OSError, tarfile.TarError) as exc:
        raise NotObserved(Unavailable("docker-silent", {"what": what, "error": type(exc).__name__})) from exc
