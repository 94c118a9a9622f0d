"""Finds the student's stack in Docker: the containers that ``docker compose`` made of the files in their folder.

Whoever may do without Docker imports this module late (see ``containers``).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath

import docker  # type: ignore[import-untyped]

from checker.facts import Kind, Logging, NotObserved, Stack, Unavailable
from checker.probes import registry_log
from checker.probes.container_proxies import read_proxy_files
from checker.probes.containers import Container, ContainerFile, ContainerOutput, containers_in
from checker.probes.proxy_files import ProxyFiles
from checker.probes.surroundings import LocalFile, StackFile, Surroundings, sort_ports
from checker.probes.tls import speaks_tls

_JOURNAL = "REGISTRY_PYREGISTRY_JOURNAL_PATH"
_ROOT, _DEFAULT_ROOT = "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY", "/var/lib/registry"
_PASSWORDS = "REGISTRY_AUTH_HTPASSWD_PATH"
_CERTIFICATE, _KEY = "REGISTRY_HTTP_TLS_CERTIFICATE", "REGISTRY_HTTP_TLS_KEY"
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
    containers = containers_in(work, client)
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
        proxies = [(each, read_proxy_files(each, containers, name)) for each in containers if each.is_proxy]
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
