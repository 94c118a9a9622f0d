"""Finds the student's stack in Docker: the containers that ``docker compose`` made of the files in their folder.

All comes from the daemon, through its API. Only one of this machine is asked: what another one runs is not the
student's, and what it mounts does not lie here. Importing the SDK takes a tenth of a second: whoever may do without
Docker imports this module late.
"""

import io
import os
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import docker  # type: ignore[import-untyped]
import requests
from docker.context import ContextAPI  # type: ignore[import-untyped]
from docker.errors import APIError, DockerException, NotFound  # type: ignore[import-untyped]

from checker.facts import Kind, Logging, NotObserved, Stack, StackService, Unavailable
from checker.probes import caddy_config, host, nginx_config, registry_log, traefik_config
from checker.probes.calls import ANSWER_SECONDS
from checker.probes.proxy_files import Options, ProxyFiles, Unreadable, parse_arguments
from checker.probes.stack import SAID_LINES, shown
from checker.probes.surroundings import FILE_MAX_BYTES, LocalFile, Port, StackFile, Surroundings, sort_ports
from checker.probes.tls import speaks_tls

_LABEL = "com.docker.compose"
_KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("registry", "distribution", "pyregistry"), Kind.REGISTRY),
    **dict.fromkeys(("nginx", "nginx-unprivileged"), Kind.NGINX),
    "caddy": Kind.CADDY,
    "traefik": Kind.TRAEFIK,
}
"""By the last word of an image's name."""
_PROXIES = frozenset({Kind.NGINX, Kind.CADDY, Kind.TRAEFIK})
_JOURNAL = "REGISTRY_PYREGISTRY_JOURNAL_PATH"
_ROOT, _DEFAULT_ROOT = "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY", "/var/lib/registry"
_PASSWORDS = "REGISTRY_AUTH_HTPASSWD_PATH"
_CERTIFICATE, _KEY = "REGISTRY_HTTP_TLS_CERTIFICATE", "REGISTRY_HTTP_TLS_KEY"
PROCESSES = "cat /proc/uptime /proc/[0-9]*/stat 2>/dev/null || true"  # one may end meanwhile
_TICKS_PER_SECOND = 100
# process ::= pid " (nginx) " state and 18 numbers, then the ticks from the system's start to its own   (proc(5))
_NGINX_PROCESS = re.compile(r"\d+ \(nginx\) \S(?: -?\d+){18} (\d+) ")
_EVERYWHERE = frozenset({"", "0.0.0.0", "::"})  # noqa: S104  read, not bound
_STANDARD_OUTPUT = frozenset({"/dev/stdout", "/proc/self/fd/1", "/dev/fd/1"})
_STANDARD_ERROR = frozenset({"/dev/stderr", "/proc/self/fd/2", "/dev/fd/2"})


def read_surroundings(work: Path, name: str, client: docker.APIClient | None = None) -> Surroundings:
    """The stack whose compose file lies in ``work``, as Docker runs it.

    Args:
        work: The student's folder.
        name: The registry's name.
        client: Asks the daemon; None asks the one that the student's ``docker`` asks.

    Raises:
        NotObserved: No daemon of this machine answers.
    """
    with _reasons("containers"):
        containers = _containers(client or _connect(os.environ), work)
    if not containers:
        return Surroundings(Stack("docker", None, up=False))
    ports = tuple(port for each in containers if each.running for port in each.ports)
    doorways = sort_ports(name, ports, speaks_tls)
    found = Surroundings(
        stack=Stack(
            "docker",
            containers[0].label("project"),
            up=True,
            services=tuple(each.service for each in containers),
        ),
        tls=doorways.tls,
        plain=doorways.plain,
        others=doorways.others,
        journal=_journal(containers),
        proxied=any(each.is_proxy for each in containers),
    )
    return _with_files(found, containers, name)


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
        with _reasons(told):
            return _whole(self.client.logs(self.id, stderr=errors, tail=tail, stream=True, follow=False), told)

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
        with _reasons(self.path):
            stream, told = self.container.client.get_archive(self.container.id, str(self.inside))
            if told["size"] > FILE_MAX_BYTES:
                raise NotObserved(Unavailable("too-large", {"what": self.path}))
            with tarfile.open(fileobj=io.BytesIO(_whole(stream, self.path))) as archive:
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
        with _reasons(self.path):
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


@dataclass(frozen=True, slots=True)
class RegistryOutput(ContainerOutput):
    """What registry:2 prints, as a journal (see ``registry_log``).

    Its path holds the time: what is read later is no continuation of this, since a container made anew begins anew, and
    Docker may throw old lines away.
    """

    read_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def path(self) -> str:
        """The command that shows it, and when that was done."""
        return f"{super(RegistryOutput, self).path} ({self.read_at.isoformat()})"

    def read(self) -> bytes:
        """Its requests as a journal's lines, with what its store adds to them."""
        events = tuple(registry_log.read_events(self.container.output(errors=True).decode(errors="replace")))
        known = registry_log.completed(events, _taggings(self.container), self.container.created_at)
        return registry_log.write_journal(known)


@dataclass(frozen=True, slots=True)
class ConfiguredPasswords:
    """Accounts that stand in a proxy's configuration, read as the htpasswd file that is not there."""

    container: Container
    accounts: tuple[str, ...] = field(repr=False)

    @property
    def path(self) -> str:
        """Whose configuration."""
        return f"{self.container.label('service')}: {self.container.kind} configuration"

    def read(self) -> bytes:
        """The lines."""
        return "".join(f"{line}\n" for line in self.accounts).encode()

    def mode(self) -> int:
        """No file. Raises NotObserved."""
        raise NotObserved(Unavailable("file-unreadable", {"path": self.path, "error": "not a regular file"}))


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


def _containers(client: docker.APIClient, work: Path) -> tuple[Container, ...]:
    """Those of the project whose folder that is, by name; none that ``docker compose run`` made."""
    rows = client.containers(all=True, filters={"label": f"{_LABEL}.project.working_dir"})
    found = (Container(client, client.inspect_container(row["Id"])) for row in rows if _lies_in(row, work))
    ours = (each for each in found if each.label("oneoff") != "True")
    return tuple(sorted(ours, key=lambda each: str(each.details["Name"])))


def _lies_in(row: Mapping[str, Any], work: Path) -> bool:
    return Path(row["Labels"][f"{_LABEL}.project.working_dir"]).resolve() == work.resolve()


def _journal(containers: Iterable[Container]) -> StackFile | Unavailable:
    """The registry's memory: pyregistry's own, else what registry:2 prints."""
    registry = next((each for each in containers if each.kind is Kind.REGISTRY), None)
    if registry is None:
        return Unavailable("no-journal")
    path = registry.environment.get(_JOURNAL)
    return registry.file(path) if path else RegistryOutput(registry)


def _taggings(container: Container) -> Sequence[registry_log.Tagging]:
    """What a store in a folder of this machine knows of its tags; of one elsewhere, nothing."""
    root = container.file(container.environment.get(_ROOT, _DEFAULT_ROOT))
    try:
        return registry_log.read_store(root.location) if isinstance(root, LocalFile) else ()
    except OSError:
        return ()  # it explains, no more: the tags themselves are read through the registry


def _with_files(found: Surroundings, containers: Sequence[Container], name: str) -> Surroundings:
    """What the stack reads and serves with: the registry as its variables say, a proxy as its configuration does."""
    try:
        proxies = [(each, _proxy_files(each, containers, name)) for each in containers if each.is_proxy]
    except NotObserved as exc:
        told = exc.unavailable
        return replace(found, access_logs=told, password_files=told, certificates=told, keys=told)
    registries = [each for each in containers if each.kind is Kind.REGISTRY]
    spoken = [each for each, _ in proxies] + (registries if isinstance(found.journal, RegistryOutput) else [])
    return replace(
        found,
        keeper=next((each.kind for each, _ in proxies), found.keeper),
        # A log has whole seconds: what happened in the first one is left out on both sides.
        logged_since=max(
            (each.created_at.replace(microsecond=0) + timedelta(seconds=1) for each in spoken), default=None
        ),
        access_logs=tuple(_log(each, path) for each, files in proxies for path in files.access_logs),
        logging=_logging(proxies, registries),
        password_files={
            **{each.kind: tuple(_passwords(each, files)) for each, files in proxies},
            Kind.REGISTRY: _named(registries, _PASSWORDS),
        },
        certificates=(
            *(each.file(path) for each, files in proxies for path in files.certificates),
            *_named(registries, _CERTIFICATE),
        ),
        keys=(*(each.file(path) for each, files in proxies for path in files.keys), *_named(registries, _KEY)),
    )


def _logging(proxies: Sequence[tuple[Container, ProxyFiles]], registries: Sequence[Container]) -> Logging:
    """How the one proxy logs now; where there are several, or several registries, nothing is said of that."""
    if len(proxies) != 1:
        return Logging()
    found = proxies[0][1].logging
    return replace(found, plain=found.plain and len(registries) == 1)


def _passwords(container: Container, files: ProxyFiles) -> Iterator[StackFile]:
    """The files that a proxy reads, and what stands in its configuration."""
    yield from (container.file(path) for path in files.password_files)
    if files.accounts:
        yield ConfiguredPasswords(container, files.accounts)


def _named(registries: Iterable[Container], variable: str) -> tuple[StackFile, ...]:
    """Files that a variable of registry:2's names."""
    return tuple(each.file(each.environment[variable]) for each in registries if each.environment.get(variable))


def _log(container: Container, path: PurePosixPath) -> StackFile:
    """A log where it really goes: the official image's is a link to its standard output."""
    file = container.file(path)
    is_device = str(path) in _STANDARD_OUTPUT | _STANDARD_ERROR
    leads = str(path) if is_device else file.link() if isinstance(file, ContainerFile) else ""
    if leads in _STANDARD_OUTPUT | _STANDARD_ERROR:
        return ContainerOutput(container, errors=leads in _STANDARD_ERROR)
    return file


def _proxy_files(container: Container, containers: Sequence[Container], name: str) -> ProxyFiles:
    """What a proxy reads, as itself tells, or as its files do.

    Raises:
        NotObserved: It is none that we know, does not run where it would have to tell, or refuses its configuration.
    """
    service = container.label("service")
    try:
        match container.kind:
            case Kind.NGINX:
                return _nginx_files(container)
            case Kind.CADDY if container.running:
                return _caddy_files(container, name)
            case Kind.TRAEFIK:
                return _traefik_files(container, containers)
            case _:
                raise NotObserved(Unavailable("service-unseen", {"service": service}))
    except Unreadable as exc:
        told = {Kind.NGINX: "nginx -T", Kind.CADDY: "caddy adapt"}.get(container.kind, str(exc))
        raise NotObserved(Unavailable("garbage", {"source": f"{service}: {told}"})) from exc


def _nginx_files(container: Container) -> ProxyFiles:
    """As ``nginx -T`` tells; of one that does not run, as its files do."""
    with _reasons(container.label("service")):
        dump = _executed(container, "nginx", "-T") if container.running else _told_by_files(container)
        found = nginx_config.look_up(dump)
        since = _configured_at(container, nginx_config.read_paths(dump)) if container.running else None
        return replace(found, logging=replace(found.logging, since=since))


def _configured_at(container: Container, paths: Sequence[str]) -> datetime | None:
    """When the youngest of nginx's processes began: it makes its workers anew when it reads its files anew.

    None where that cannot be seen, and where a file was changed since: what nginx runs with is then not what it says.
    """
    with suppress(ValueError):
        uptime, *rows = _executed(container, "sh", "-c", PROCESSES).splitlines()
        ticks = [int(found[1]) for row in rows if (found := _NGINX_PROCESS.match(row))]
        age = float(uptime.split()[0]) - max(ticks) / _TICKS_PER_SECOND
        begun = datetime.now(UTC) - timedelta(seconds=age)
        changed = max(int(second) for second in _executed(container, "stat", "-L", "-c", "%Z", *paths).split())
        return begun if changed <= begun.timestamp() else None
    return None


def _caddy_files(container: Container, name: str) -> ProxyFiles:
    """As Caddy makes of the file that it was started with, which may be JSON already."""
    given = parse_arguments(container.command)
    named = given.get("config") or given.get("c") or caddy_config.DEFAULT_FILE
    path = PurePosixPath(container.details["Config"].get("WorkingDir") or "/", named)
    if path.suffix == ".json":
        return caddy_config.look_up(container.file(path).read().decode(errors="replace"), name)
    with _reasons(container.label("service")):
        found = caddy_config.look_up(_executed(container, "caddy", "adapt", "--config", str(path)), name)
        return _since_start(found, container, fixed=(path,))


def _traefik_files(container: Container, containers: Sequence[Container]) -> ProxyFiles:
    """As its options tell: its own, those of the files that it watches, and those of the stack's labels."""
    static = _static_options(container)
    dynamic = [_options(container.file(path), path) for path in _watched(container, static)]
    if any(name.startswith("providers.docker") for name in static):
        dynamic += [traefik_config.of_labels(each.labels) for each in containers]
    found = traefik_config.look_up(static, dynamic)
    return _since_start(found, container, fixed=_static_files(container), watched=tuple(_watched(container, static)))


def _static_options(container: Container) -> Options:
    """Those of its file, else of its command line, else of its variables."""
    for path in _static_files(container):
        return _options(container.file(path), path)
    given = parse_arguments(container.command)
    return given or traefik_config.of_variables(container.environment)


def _static_files(container: Container) -> tuple[PurePosixPath, ...]:
    """The file that Traefik reads when it starts, if there is one."""
    given = parse_arguments(container.command)
    places = (PurePosixPath(given["configfile"]),) if "configfile" in given else traefik_config.STATIC_FILES
    for path in places:
        with suppress(NotObserved):
            container.file(path).read()
            return (path,)
    return ()


def _since_start(
    found: ProxyFiles, container: Container, fixed: Sequence[PurePosixPath], watched: Sequence[PurePosixPath] = ()
) -> ProxyFiles:
    """With the time since when that is so: the start, or the last change of a file that is watched.

    Not known where a file was changed since that is read at the start only.
    """
    with suppress(ValueError, KeyError):
        begun = registry_log.parse_time(container.details["State"]["StartedAt"])
        changed = {path: _changed_at(container, path) for path in (*fixed, *watched)}
        if all(changed[path] <= begun for path in fixed):
            since = max(begun, *(changed[path] for path in watched)) if watched else begun
            return replace(found, logging=replace(found.logging, since=since))
    return found


def _changed_at(container: Container, path: PurePosixPath) -> datetime:
    """When a file was last changed, to the second. Raises ValueError where the container does not tell."""
    return datetime.fromtimestamp(int(_executed(container, "stat", "-L", "-c", "%Z", str(path))), UTC)


def _watched(container: Container, static: Options) -> Iterator[PurePosixPath]:
    """The files that Traefik watches; a folder is seen where it is one of this machine."""
    if file := static.get("providers.file.filename"):
        yield PurePosixPath(file)
    if folder := static.get("providers.file.directory"):
        here = container.file(folder)
        names = sorted(here.location.iterdir()) if isinstance(here, LocalFile) else ()
        yield from (PurePosixPath(folder, path.name) for path in names if path.suffix in traefik_config.SUFFIXES)


def _options(file: StackFile, path: PurePosixPath) -> Options:
    """Of a file."""
    return traefik_config.parse(file.read().decode(errors="replace"), path)


def _executed(container: Container, *command: str) -> str:
    """What a command in the container prints; nothing where it fails."""
    asked = container.client.exec_create(container.id, list(command), stderr=False)["Id"]
    printed: bytes = container.client.exec_start(asked)
    return printed.decode(errors="replace") if container.client.exec_inspect(asked)["ExitCode"] == 0 else ""


def _told_by_files(container: Container) -> str:
    """What ``nginx -T`` would print of the official image's layout."""
    stream, _ = container.client.get_archive(container.id, str(nginx_config.MAIN.parent))
    with tarfile.open(fileobj=io.BytesIO(_whole(stream, str(nginx_config.MAIN.parent)))) as archive:
        texts = {
            nginx_config.MAIN.parent.parent / member.name: file.read().decode(errors="replace")
            for member in archive
            if member.name.endswith(".conf") and (file := archive.extractfile(member))
        }
    return nginx_config.join(texts)


def _number(port: str) -> int | None:
    """Of ``443/tcp``; None where it is not TCP's."""
    number, _, protocol = port.partition("/")
    return int(number) if protocol == "tcp" else None


def _whole(stream: Iterable[bytes], what: str) -> bytes:
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
def _reasons(what: str) -> Iterator[None]:
    """What Docker's API may answer, as reasons."""
    try:
        yield
    except NotFound as exc:
        raise NotObserved(Unavailable("file-unreadable", {"path": what, "error": "No such file or directory"})) from exc
    except APIError as exc:
        raise NotObserved(Unavailable("docker-refused", {"what": what, "error": str(exc.explanation)[:200]})) from exc
    except (DockerException, requests.RequestException, OSError, tarfile.TarError) as exc:
        raise NotObserved(Unavailable("docker-silent", {"what": what, "error": type(exc).__name__})) from exc
