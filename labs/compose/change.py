"""One ``up``: what is there, what is wanted, and the way from the one to the other.

All is planned and looked at before anything is touched.
"""

import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from labs import ports
from labs.compose import containers
from labs.compose.containers import Container
from labs.compose.launching import Tell, end_strays, launch, port_taken
from labs.compose.layout import ProjectFolder
from labs.compose.model import ComposeError, Project
from labs.compose.planning import Planner, in_order
from labs.compose.recording import record


@dataclass(frozen=True, slots=True)
class Change:
    """From the containers of a project to those that its file asks for. See ``Projects``."""

    project: Project
    folder: ProjectFolder
    forward: Mapping[int, int]
    environ: Mapping[str, str]
    tell: Tell

    def make(self, names: Sequence[str], *, force_recreate: bool, no_recreate: bool) -> None:
        """Bring services up. What is left of one that does not run, or whose record was lost, is ended first.

        Raises:
            ComposeError: It cannot be done, and nothing else was touched.
        """
        before = containers.load_all(self.folder)
        running = {name: container for name, container in before.items() if container.pid() is not None}
        for name in names:
            if name not in running:
                self._clear(name, before.get(name))
        kept = {} if force_recreate else {name: running[name] for name in names if name in running}
        planned = self._plan(names, before, running, kept, is_final=no_recreate)
        if not force_recreate:
            planned = {name: _same(before.get(name), container) for name, container in planned.items()}
        self._check_names(planned)
        self._check_ports(planned, before)
        self._tell_created(before, kept, planned)
        self._start(before, planned)
        record(self.folder, self.project)

    def _plan(
        self,
        names: Sequence[str],
        before: Mapping[str, Container],
        running: Mapping[str, Container],
        kept: dict[str, Container],
        *,
        is_final: bool,
    ) -> dict[str, Container]:
        """Plan what is not kept, until what is kept is as the file and its neighbours have it; ``kept`` shrinks."""
        services = dict(self.project.services)
        while True:
            known = {name: _stable_ports(one, is_running=name in running) for name, one in before.items()}
            planner = Planner(self.folder, services, self.forward, known)
            planned = self._planned(planner, [name for name in names if name not in kept], before)
            changed = [name for name, one in kept.items() if one.definition != planner.definition(name, one.plan)]
            if is_final or not changed:
                return planned
            for name in changed:
                del kept[name]

    def _clear(self, name: str, container: Container | None) -> None:
        """End a service's workers whose first process was killed, and what runs of it without a record."""
        if container:
            container.end()
        end_strays(self.folder.state(name))

    def _planned(self, planner: Planner, names: Sequence[str], before: Mapping[str, Container]) -> dict[str, Container]:
        """Plan; what cannot be planned leaves no files of ours."""
        try:
            return planner.plan(names)
        except ComposeError:
            for name in names:
                if name not in before:
                    shutil.rmtree(self.folder.state(name), ignore_errors=True)
                    shutil.rmtree(self.folder.root(name), ignore_errors=True)
            raise

    def _check_names(self, planned: Mapping[str, Container]) -> None:
        """No other project may have a container of the same name."""
        wanted = {container.name for container in planned.values()}
        for other in containers.of_engine(self.folder.engine):
            if other.folder != self.folder and other.name in wanted:
                raise ComposeError(
                    f'Error response from daemon: Conflict. The container name "/{other.name}" is already in use by '
                    f'container "{other.id}". You have to remove (or rename) that container to be able to reuse that '
                    "name."
                )

    def _check_ports(self, planned: Mapping[str, Container], before: Mapping[str, Container]) -> None:
        """Published ports are free, or held by the containers that make way."""
        taken = {here for one in self._staying(planned, before) for here in one.ports.values()}
        ours = {here for name in planned if name in before for here in _held(before[name])}
        for container in planned.values():
            for published in container.service.ports:
                here = container.ports[published.container]
                if here in taken or (here not in ours and not ports.is_free(here)):
                    raise port_taken(container, published, self.environ)
            taken |= set(container.ports.values())

    def _staying(self, planned: Mapping[str, Container], before: Mapping[str, Container]) -> list[Container]:
        return [one for name, one in before.items() if name not in planned and one.pid() is not None]

    def _tell_created(
        self, before: Mapping[str, Container], kept: Mapping[str, Container], planned: Mapping[str, Container]
    ) -> None:
        if not before:
            for network in self.project.networks:
                self._tell_both(f"Network {self.folder.name}_{network}", "Creating", "Created")
        for name in in_order(self.project.services):
            if name in kept:
                self.tell(f"Container {kept[name].name}", "Running")
            elif name in planned and name not in before:
                self._tell_both(f"Container {planned[name].name}", "Creating", "Created")
            elif name in planned and planned[name].id != before[name].id:
                self._tell_both(f"Container {planned[name].name}", "Recreate", "Recreated")

    def _start(self, before: Mapping[str, Container], planned: Mapping[str, Container]) -> None:
        """End what makes way, then start. What cannot be started leaves no container."""
        for name in planned:
            if name in before:
                before[name].end()
        started = [planned[name] for name in in_order(self.project.services) if name in planned]
        for container in started:
            self.tell(f"Container {container.name}", "Starting")
        try:
            launch(started, self.environ)
        except ComposeError:
            self._take_back(started)
            raise
        for container in started:
            self.tell(f"Container {container.name}", "Started")

    def _take_back(self, started: Collection[Container]) -> None:
        for container in started:
            container.forget()
        record(self.folder, self.project)

    def _tell_both(self, what: str, begins: str, ends: str) -> None:
        self.tell(what, begins)
        self.tell(what, ends)


def _stable_ports(container: Container, *, is_running: bool) -> dict[int, int]:
    """Ports that a container may have again: those of a running one, else those that nobody took since."""
    return {port: here for port, here in container.ports.items() if is_running or ports.is_free(here)}


def _held(container: Container) -> set[int]:
    return set(container.ports.values()) if container.pid() is not None else set()


def _same(before: Container | None, planned: Container) -> Container:
    """A container that is only started again keeps its name and age."""
    if before is None or before.definition != planned.definition:
        return planned
    return planned.again(before)
