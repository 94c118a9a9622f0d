"""A compose file read: from its text to a ``Project``, or to every mistake at once, each with its line.

What Compose itself refuses is said in its words. What Compose has and we have not is refused by name.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from labs.compose import keys
from labs.compose.discovery import Source, normalize_name
from labs.compose.document import Cursor, Findings, parse
from labs.compose.interpolation import Interpolation
from labs.compose.layout import ProjectFolder
from labs.compose.model import ComposeError, Project, Service
from labs.compose.services import ServiceReader

_DRIVERS = {"networks": "bridge", "volumes": "local"}
"""The one driver of each kind whose effect ours have too."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A good file, and what Compose would warn of."""

    project: Project
    remarks: tuple[str, ...]


def read(source: Source, engine: Path) -> Reading:
    """Read a compose file.

    Args:
        source: Which, and the variables that it may name.
        engine: The engine home, below which named volumes lie.

    Raises:
        ComposeError: With every mistake, in the order of the file.
    """
    interpolation = Interpolation(source.variables)
    findings = Findings(source.file, interpolation)
    try:
        project = _Reader(source, engine, findings).project(parse(source.file, findings))
    except RecursionError as exc:
        raise ComposeError(f"{source.file}: an anchor contains itself") from exc
    if findings.issues:
        raise ComposeError(*sorted(dict.fromkeys(findings.issues), key=lambda issue: issue.line or 0))
    unset = [f'The "{name}" variable is not set. Defaulting to a blank string.' for name in interpolation.unset]
    return Reading(project, (*source.remarks, *unset, *findings.remarks))


@dataclass(frozen=True, slots=True)
class _Reader:
    source: Source
    engine: Path
    findings: Findings

    def project(self, root: Cursor) -> Project:
        entries = root.entries()
        root.check_keys({"version", "name", "services", "networks", "volumes"}, keys.FILE)
        if version := entries.get("version"):
            version.demand_text()
            self.findings.remarks.append(
                f"{self.source.file}: the attribute `version` is obsolete, it will be ignored, please remove it to "
                "avoid potential confusion"
            )
        name = self._name(entries.get("name"))
        networks = self._resources(entries, "networks", keys.NETWORK)
        volumes = self._resources(entries, "volumes", keys.VOLUME)
        services = self._services(entries.get("services"), name, networks, volumes)
        return Project(
            name=name,
            folder=self.source.folder,
            file=self.source.file,
            services=services,
            networks=tuple(dict.fromkeys(net for service in services.values() for net in service.networks)),
            volumes=tuple(volumes),
        )

    def _name(self, entry: Cursor | None) -> str:
        """``-p`` or the environment, else ``name:``, else the folder's."""
        told = entry.demand_text() if entry else None
        name = self.source.name or normalize_name(told or self.source.folder.resolve().name)
        if not name:
            raise ComposeError("project name must not be empty")
        return name

    def _services(
        self, entry: Cursor | None, project: str, networks: Collection[str], volumes: Collection[str]
    ) -> dict[str, Service]:
        if entry is None:
            return {}
        if not entry.is_mapping:
            entry.wrong("services must be a mapping")
            return {}
        folder = ProjectFolder(self.engine, project)
        heads = entry.keys()
        services = {}
        for name, body in entry.entries().items():
            reader = ServiceReader(name, heads[name].line, body, self.source, folder, networks, volumes)
            if service := reader.read():
                services[name] = service
        self._check_dependencies(entry, services)
        self._check_container_names(entry, services)
        return services

    def _check_dependencies(self, entry: Cursor, services: Mapping[str, Service]) -> None:
        bodies = entry.entries()
        for name, service in services.items():
            for wanted in service.depends_on:
                if wanted not in bodies:
                    at = bodies[name].entries()["depends_on"]
                    at.wrong(f'service "{name}" depends on undefined service "{wanted}": invalid compose project')
        if cycle := next(_cycles(services), None):
            bodies[cycle[0]].entries()["depends_on"].wrong(f"dependency cycle detected: {' -> '.join(cycle)}")

    def _check_container_names(self, entry: Cursor, services: Mapping[str, Service]) -> None:
        owners: dict[str, str] = {}
        for name, service in services.items():
            called = service.container_name
            if called and called in owners:
                entry.entries()[name].wrong(
                    f'services.{name}: container name "{called}" is already in use by service {owners[called]}"'
                )
            elif called:
                owners[called] = name

    def _resources(self, entries: Mapping[str, Cursor], kind: str, known: frozenset[str]) -> tuple[str, ...]:
        """Names of the networks or volumes that the file declares."""
        entry = entries.get(kind)
        if entry is None or entry.is_null:
            return ()
        declared = entry.entries()
        for body in declared.values():
            if body.is_null:
                continue
            values = body.entries()
            body.check_keys({"name", "driver"}, known)
            if (driver := values.get("driver")) and (asked := driver.demand_text()) not in {None, _DRIVERS[kind]}:
                driver.decline(asked)
        return tuple(declared)


def _cycles(services: Mapping[str, Service]) -> Iterator[list[str]]:
    """Dependencies that come back to where they began, each as Compose writes it: ``a``, ``b``, ``a``."""
    for start in services:
        paths = [[start]]
        while paths:
            path = paths.pop()
            for wanted in services[path[-1]].depends_on:
                if wanted == start:
                    yield [*path, start]
                elif wanted in services and wanted not in path:
                    paths.append([*path, wanted])
