"""From services to containers: which loopback ports they listen on, whom they know, and what each image makes of it."""

import socket
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from labs.compose import images, nginx, registry
from labs.compose.containers import Container, container_name, definition
from labs.compose.layout import ProjectFolder
from labs.compose.model import ComposeError, Issue, Service
from labs.compose.place import Place, Plan
from labs.ports import HOST

PLANS: Mapping[str, Callable[[Place], Plan]] = {images.REGISTRY: registry.plan, images.NGINX: nginx.plan}
"""By what stands in for the image."""


@dataclass(slots=True)
class Planner:
    """Plans the services of one project.

    Attributes:
        forward: Which port of this machine stands for a published one; others stand for themselves.
        known: What earlier containers of the project have, by service: asked again, a port stays.
    """

    folder: ProjectFolder
    services: Mapping[str, Service]
    forward: Mapping[int, int]
    known: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    _ports: dict[str, dict[int, int]] = field(default_factory=dict)

    def plan(self, names: Collection[str]) -> dict[str, Container]:
        """Plan some services; what the others have is known.

        Raises:
            ComposeError: With what is wrong with any of them.
        """
        self._ports = {name: self._running_ports(name) for name in self.services if name not in names}
        issues: list[Issue | str] = []
        plans: dict[str, Plan] = {}
        for name in self._order(names):
            try:
                self._make_mounts(self.services[name])
                plans[name] = PLANS[images.kind(self.services[name].image) or ""](self.place(name))
            except ComposeError as exc:
                issues += exc.issues
        if issues:
            raise ComposeError(*issues)
        return {name: self._container(name, plan) for name, plan in plans.items()}

    def place(self, name: str) -> Place:
        """A service's surroundings."""
        folder, service = self.folder, self.services[name]
        return Place(
            service=service,
            root=folder.root(name),
            state=folder.state(name),
            logs=folder.logs(name),
            listen=lambda port: self._listen(service, port),
            neighbours=self._neighbours(service),
        )

    def definition(self, name: str, plan: Plan) -> tuple[object, ...]:
        """What a service's container would be made from now, if its image's plan stays."""
        return definition(self.services[name], self._all_ports(name, plan), self._neighbours(self.services[name]))

    def _container(self, name: str, plan: Plan) -> Container:
        service, ports = self.services[name], self._all_ports(name, plan)
        container = Container(self.folder, service, plan, ports, self._neighbours(service))
        log = container.process.log
        return replace(container, log_start=log.stat().st_size if log.exists() else 0)

    def _all_ports(self, name: str, plan: Plan) -> dict[int, int]:
        service = self.services[name]
        inside = (*plan.listens, *(published.container for published in service.ports))
        return {port: self._listen(service, port) for port in inside}

    def _running_ports(self, name: str) -> dict[int, int]:
        """Ports of a service that is not planned; what its file publishes by now goes before what it has."""
        service, known = self.services[name], self.known.get(name, {})
        return {port: self._published(service, port) or here for port, here in known.items()}

    def _order(self, names: Collection[str]) -> list[str]:
        """A proxy must know the ports of what is behind it: registries first, then in the order of dependence."""
        ordered = [name for name in in_order(self.services) if name in names]
        return sorted(ordered, key=lambda name: images.kind(self.services[name].image) != images.REGISTRY)

    def _listen(self, service: Service, port: int) -> int:
        ports = self._ports.setdefault(service.name, {})
        if port not in ports:
            ports[port] = self._published(service, port) or self._unpublished(service, port)
        return ports[port]

    def _unpublished(self, service: Service, port: int) -> int:
        """The port that an earlier container had, else a free one; none that the file gives to a service."""
        services = self.services.values()
        given = {self._published(other, row.container) for other in services for row in other.ports}
        given |= {here for ports in self._ports.values() for here in ports.values()}
        here = self.known.get(service.name, {}).get(port)
        while here is None or here in given:
            here = free_port()
        return here

    def _published(self, service: Service, port: int) -> int | None:
        """The port of this machine that the file asks for; None where it leaves the choice to us."""
        hosts = [published.host for published in service.ports if published.container == port and published.host]
        return self.forward.get(hosts[0], hosts[0]) if hosts else None

    def _neighbours(self, service: Service) -> dict[str, dict[int, int]]:
        """Whom a service can reach; a registry only knows that they are there."""
        asks = images.kind(service.image) != images.REGISTRY
        found: dict[str, dict[int, int]] = {}
        for name, other in self.services.items():
            if name != service.name and set(other.networks) & set(service.networks):
                for called in dict.fromkeys((name, container_name(self.folder.name, other))):
                    found[called] = dict(self._ports.get(name, {})) if asks else {}
        return found

    def _make_mounts(self, service: Service) -> None:
        """Folders that are mounted and missing, as Docker makes them; for the long syntax it does not."""
        issues = []
        for mount in service.mounts:
            if mount.source.exists():
                continue
            if mount.is_made:
                _make_folder(mount.source)
            else:
                text = f'invalid mount config for type "bind": bind source path does not exist: {mount.source}'
                issues.append(Issue(service.file, service.line, text))
        if issues:
            raise ComposeError(*issues)


def in_order(services: Mapping[str, Service]) -> list[str]:
    """Names of services, what one depends on before it, else in the order of the file."""
    ordered: dict[str, None] = {}

    def visit(names: Iterable[str]) -> None:
        for name in names:
            if name not in ordered and name in services:
                visit(services[name].depends_on)
                ordered[name] = None

    visit(services)
    return list(ordered)


def with_dependencies(services: Mapping[str, Service], names: Sequence[str]) -> list[str]:
    """The named services and what they depend on; all where none is named."""
    wanted: dict[str, None] = {}

    def visit(name: str) -> None:
        if name not in wanted:
            wanted[name] = None
            for needed in services[name].depends_on:
                visit(needed)

    for name in names or services:
        visit(name)
    return [name for name in in_order(services) if name in wanted]


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        reason = (exc.strerror or str(exc)).lower()
        raise ComposeError(f"error while creating mount source path '{path}': mkdir {path}: {reason}") from exc
