"""Compose projects up and down: what ``docker compose up``, ``down``, ``stop``, ``start`` and ``restart`` do."""

import fcntl
import shutil
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from labs.compose import containers
from labs.compose.change import Change
from labs.compose.containers import Container
from labs.compose.launching import Tell, demand_ports, end_strays, launch, silence
from labs.compose.layout import ProjectFolder
from labs.compose.model import ComposeError, Issue, Project
from labs.compose.planning import Planner, in_order, with_dependencies
from labs.compose.recording import forget_refusals, record, recorded
from labs.compose.words import say
from labs.processes import wait_until

LOCK_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Projects:
    """The projects of one engine home.

    Attributes:
        forward: Which port of this machine stands for a published one; others stand for themselves.
        environ: Decides the language of our own words.
    """

    engine: Path
    forward: Mapping[int, int] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    tell: Tell = silence

    def up(
        self,
        project: Project,
        services: Sequence[str] = (),
        *,
        force_recreate: bool = False,
        no_recreate: bool = False,
        dependencies: bool = True,
        remove_orphans: bool = False,
    ) -> list[Container]:
        """Bring services and what they depend on up; those that run as the file says are left alone.

        Returns:
            All containers of the project.

        Raises:
            ComposeError: All was planned before anything was started; what was started is ended again.
        """
        names = with_dependencies(project.services, services) if dependencies else list(services or project.services)
        with self._changing(project.name) as folder:
            change = Change(project, folder, self.forward, self.environ, self.tell)
            try:
                change.make(names, force_recreate=force_recreate, no_recreate=no_recreate)
            except ComposeError as exc:
                record(folder, project, exc)
                raise
            if remove_orphans:
                self._remove_orphans(folder, project)
            forget_refusals(folder, project)
            return list(containers.load_all(folder).values())

    def refuse(self, project: Project, refusal: ComposeError) -> None:
        """Write down why a file could not even be read, for the grader to tell. What runs of the project runs on."""
        with self._changing(project.name) as folder:
            record(folder, project, refusal)

    def down(self, name: str, networks: Collection[str] = (), *, volumes: bool = False) -> None:
        """End all of a project and remove its containers; logs and journals stay. Idempotent.

        Args:
            name: The project's; its file need not be there any more.
            networks: Told as removed where anything was there.
            volumes: Named volumes too.
        """
        with self._changing(name) as folder:
            found = containers.load_all(folder)
            for container in _last_first(found):
                self._remove(container)
            end_strays(folder.path)
            for path in (folder.states, folder.roots, *([folder.volumes] if volumes else [])):
                if path.exists():
                    shutil.rmtree(path)
            for network in networks if found else ():
                self._tell_both(f"Network {name}_{network}", "Removing", "Removed")
            if project := recorded(folder):
                services = tuple(replace(service, pid=None) for service in project.services)
                replace(project, up=False, services=services).save(self.engine)

    def stop(self, name: str, services: Sequence[str] = ()) -> None:
        """End processes; their containers stay."""
        with self._changing(name) as folder:
            for container in _last_first(_chosen(folder, services)):
                self._stop(container)
                replace(container, stopped=time.time()).save()
            record(folder)

    def remove(self, container: Container) -> None:
        """End a container and remove it; with the last one the project is down."""
        name = container.folder.name
        with self._changing(name) as folder:
            self._remove(container)
            record(folder)
            is_last = not containers.load_all(folder)
        if is_last:
            self.down(name)

    def start(self, name: str, services: Sequence[str] = ()) -> None:
        """Start containers that do not run, as they were made. Raises ComposeError; see ``restart``."""
        with self._changing(name) as folder:
            ended = {name: one for name, one in _chosen(folder, services).items() if one.pid() is None}
            self._start_again(folder, ended, "Starting")

    def restart(self, name: str, services: Sequence[str] = ()) -> None:
        """End and start containers, as they were made; their files are read again.

        Raises:
            ComposeError: What some were refused for. These stay ended, as with Docker: who goes on with what they read
                before would see a mistake only later.
        """
        with self._changing(name) as folder:
            self._start_again(folder, _chosen(folder, services), "Restarting")

    def reread(self, container: Container) -> Container:
        """Plan a container again, for a program that is to read its files again. Raises ComposeError."""
        with self._changing(container.folder.name) as folder:
            again = self._planned_again(folder, container)
            again.save()
            record(folder)
        return again

    def _remove_orphans(self, folder: ProjectFolder, project: Project) -> None:
        for name, container in containers.load_all(folder).items():
            if name not in project.services:
                self._remove(container)
        record(folder, project)

    def _start_again(self, folder: ProjectFolder, chosen: Mapping[str, Container], begins: str) -> None:
        """End what runs of these, and start them one after the other. Raises ComposeError, once, for all of them."""
        refused: list[Issue | str] = []
        for container in reversed(_last_first(chosen)):
            self.tell(f"Container {container.name}", begins)
            try:
                self._start_anew(folder, container)
            except ComposeError as exc:
                refused += exc.issues
            else:
                self.tell(f"Container {container.name}", "Started")
        record(folder)
        if refused:
            raise ComposeError(*refused)

    def _start_anew(self, folder: ProjectFolder, container: Container) -> None:
        """End it, plan it again, start it. Raises ComposeError: it stays ended."""
        ran = container.pid() is not None
        container.end()  # also workers whose first process was killed: they hold its ports
        try:
            again = self._planned_again(folder, container)
        except ComposeError as exc:
            _leave_ended(container, exc)
            raise
        if not ran:
            demand_ports(again, self.environ)
        launch([again], self.environ)

    def _planned_again(self, folder: ProjectFolder, container: Container) -> Container:
        """The same container, from its files as they are now. Raises ComposeError."""
        known = containers.load_all(folder)
        services = {name: one.service for name, one in known.items()}
        planner = Planner(folder, services, self.forward, {name: one.ports for name, one in known.items()})
        name = container.service.name
        return planner.plan([name])[name].again(container)

    def _stop(self, container: Container) -> None:
        self.tell(f"Container {container.name}", "Stopping")
        container.end()
        self.tell(f"Container {container.name}", "Stopped")

    def _remove(self, container: Container) -> None:
        self._stop(container)
        container.forget()
        self._tell_both(f"Container {container.name}", "Removing", "Removed")

    def _tell_both(self, what: str, begins: str, ends: str) -> None:
        self.tell(what, begins)
        self.tell(what, ends)

    @contextmanager
    def _changing(self, name: str) -> Iterator[ProjectFolder]:
        """Hold the project's lock. Raises ComposeError when another command holds it too long."""
        folder = ProjectFolder(self.engine, name)
        folder.path.mkdir(parents=True, exist_ok=True)
        with folder.lock.open("a") as lock:
            if not wait_until(lambda: _try_lock(lock.fileno()), LOCK_TIMEOUT_SECONDS):
                raise ComposeError(say(self.environ, "locked", path=folder.lock))
            yield folder


def _chosen(folder: ProjectFolder, services: Sequence[str]) -> dict[str, Container]:
    """The containers of some services, of all where none is named. Raises ComposeError for an unknown one."""
    found = containers.load_all(folder)
    for name in services:
        if name not in found:
            raise ComposeError(f"no such service: {name}")
    return {name: found[name] for name in services or found}


def _last_first(found: Mapping[str, Container]) -> list[Container]:
    """In the order in which they are ended: who depends on another before it."""
    order = in_order({name: container.service for name, container in found.items()})
    return [found[name] for name in reversed(order)]


def _leave_ended(container: Container, refusal: ComposeError) -> None:
    """Its log has what the program said of its files: in a container it would have printed that, and ended."""
    replace(container, stopped=None).save()
    with container.process.log.open("a", encoding="utf-8") as log:
        for issue in refusal.issues:
            words = issue.text if isinstance(issue, Issue) else issue
            log.write(f"{words.partition(chr(10))[0]}\n")


def _try_lock(descriptor: int) -> bool:
    """Take the lock if it is free; the system gives it back when we end, however we end."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
