"""The embedded engine's stacks: each service a process on this machine."""

import fcntl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from labs import ports, students
from labs.attempts import (
    DOCKER,
    EMBEDDED,
    PRIVATE,
    Attempt,
    AttemptUnreadable,
    Endpoint,
    last_number,
    remember_number,
)
from labs.catalog.model import Lab, load, slugs
from labs.home import MACHINES, LabHome
from labs.messages import language
from labs.processes import wait_until
from labs.stack import authority, environment, inventory, workspace
from labs.stack.acme import AcmeServer
from labs.stack.docker import DockerProjects, demand, lend_plugins
from labs.stack.interface import NEVER_USED, Inventory, Progress, StackError, StackState, StackStatus
from labs.stack.internet import HTTP_PORT, HTTPS_PORT, Names, private_names
from labs.stack.journal import head_seq
from labs.stack.projects import Projects
from labs.stack.twin import Twin

DOWN = "down"
"""File of an exercise that was taken down, though nothing of ours runs for it either way."""

LOCK_TIMEOUT_SECONDS = 30.0
"""Longer than any command of ours holds the lock."""


@dataclass(frozen=True, slots=True)
class ProcessRunner:
    """Runs stacks as processes below a lab's home. A ``StackRunner``.

    Attributes:
        engine: What runs the student's own stack. None: what the attempt under way says, and processes in a new one.
    """

    home: LabHome
    environ: Mapping[str, str]
    engine: str | None = None

    def up(self, lab: Lab, progress: Progress) -> Attempt:
        """See ``StackRunner.up``."""
        with self._changing():
            return self._up(lab, progress, self.engine)

    def down(self, lab: Lab) -> None:
        """See ``StackRunner.down``."""
        with self._changing():
            self._stop(lab)
            for projects in self.built(lab):
                projects.stop()
            if lab.private and self._attempt(lab):
                (self.home.stack(lab.id) / DOWN).touch()

    def reset(self, lab: Lab, progress: Progress) -> Path | None:
        """See ``StackRunner.reset``. A stack that was meant to be up is brought up again, with a new attempt."""
        inventory.regain(self.home, lab.id)
        with self._changing():
            is_wanted = self.status(lab).state in {StackState.UP, StackState.BROKEN}
            has_acme = any(server.is_expected() for server in self.acme(lab))
            attempt = self._attempt(lab)
            self._end(lab)
            kept = self._clear(lab)
            if is_wanted:
                self._up(lab, progress, attempt.engine if attempt else None)
                if has_acme:
                    self._serve_acme(lab, progress)
            else:
                self._publish(lab)
        return kept

    def status(self, lab: Lab) -> StackStatus:
        """See ``StackRunner.status``."""
        twins, built = self.twins(lab), self.built(lab)
        attempt, is_damaged = None, any(projects.is_damaged() for projects in built)
        try:
            attempt = Attempt.load(self.home.stack(lab.id))
        except AttemptUnreadable:
            is_damaged = True
        ours = tuple(service for twin in twins for service in twin.status())
        theirs, acme = [row for projects in built for row in projects.services()], self.acme(lab)
        is_damaged = is_damaged or any(server.is_broken() for server in acme) or self._is_out_of_reach(lab)
        is_taken_down = (self.home.stack(lab.id) / DOWN).exists() and not any(service.pid for service in theirs)
        is_whole = all(service.pid for service in ours) and all(twin.is_whole() for twin in twins)
        if attempt and is_whole and not is_damaged and not is_taken_down:
            state = StackState.UP
        elif is_damaged or any(twin.is_expected() for twin in twins):
            state = StackState.BROKEN
        else:
            state = StackState.DOWN if attempt else StackState.NEVER
        return StackStatus(
            lab.id, state, attempt, (*ours, *(row for server in acme for row in server.status()), *theirs)
        )

    def inventory(self, lab: Lab) -> Inventory:
        """See ``StackRunner.inventory``."""
        ours = [door.process for twin in self.twins(lab) for door in twin.doors]
        ours += [process for server in self.acme(lab) for process in server.processes]
        running = [process.name for process in ours if process.members()]
        running += [name for projects in self.built(lab) for name in projects.running()]
        return inventory.take(self.home, lab.id, running)

    def forwarded(self, lab: Lab) -> Names:
        """Where the ports of the registry that the student builds are on this machine; nothing for other exercises."""
        port_base = self._recorded_base(lab) or ports.base(self.environ)
        return private_names(lab.private, port_base) if lab.private else Names()

    def built(self, lab: Lab) -> Sequence[Projects | DockerProjects]:
        """What the student runs: in Docker too, where the attempt is Docker's, or nobody knows whose it is."""
        command = environment.real_docker(self.home, self.environ) if self.is_dockers(lab) else None
        if command is None or environment.engine_version(command) is None:
            return [self.projects(lab)]
        return [self.projects(lab), DockerProjects(command, self.home.files(lab.id), self.environ)]

    def projects(self, lab: Lab) -> Projects:
        """What the student runs on the exercise's machines."""
        return Projects(tuple(self.home.engine(lab.id, machine) for machine in MACHINES))

    def is_dockers(self, lab: Lab) -> bool:
        """Whether the student's stack is Docker's to run, or may be, or will be."""
        try:
            attempt = Attempt.load(self.home.stack(lab.id))
        except AttemptUnreadable:
            return lab.private is not None
        return lab.private is not None and (attempt.engine if attempt else self.engine) == DOCKER

    def _is_out_of_reach(self, lab: Lab) -> bool:
        """Whether the student's stack is Docker's, and no engine answers that could be asked for it."""
        attempt = self._attempt(lab)
        return attempt is not None and attempt.engine == DOCKER and len(self.built(lab)) == 1

    def serve_acme(self, lab: Lab, progress: Progress) -> AcmeServer:
        """Bring up the ACME server of an exercise that is up.

        Raises:
            StackError: pebble is not installed, or the exercise has no registry that needs a certificate.
        """
        with self._changing():
            return self._serve_acme(lab, progress)

    def acme(self, lab: Lab) -> Sequence[AcmeServer]:
        """The ACME server, where it is or would be; none where the exercise builds no registry. Raises StackError."""
        if lab.private is None:
            return ()
        name, base = lab.private.name, self._recorded_base(lab) or ports.base(self.environ)
        # Docker publishes what the compose file says, and nothing stands for anything else.
        moved = {} if self.is_dockers(lab) else self.forwarded(lab).private[name]
        http, https = (moved.get(port, port) for port in (HTTP_PORT, HTTPS_PORT))
        return (AcmeServer(self.home, lab.id, name, base, http, https),)

    def twins(self, lab: Lab) -> Sequence[Twin]:
        """The stack's services, where they are; before the first start where they will be. Raises StackError."""
        return self._twins(lab, self._recorded_base(lab) or ports.base(self.environ))

    def planned(self, lab: Lab) -> Sequence[Twin]:
        """The services where ``up`` puts them: ``LAB_PORT_BASE`` moves them. Raises StackError."""
        return self._twins(lab, self._planned_base(lab))

    def _twins(self, lab: Lab, port_base: int) -> Sequence[Twin]:
        """The services on the ports from a base on."""
        folder, ca = self.home.stack(lab.id), self.home.authority / "ca.crt"
        return [Twin(service, folder / service.role, port_base, ca) for service in lab.services]

    def _recorded_base(self, lab: Lab) -> int | None:
        """Where the attempt under way is; None where there is none, or its record is damaged."""
        attempt = self._attempt(lab)
        offsets = {service.role: service.port for service in lab.services}
        offsets |= {PRIVATE: lab.private.https_port} if lab.private and attempt and attempt.engine == EMBEDDED else {}
        known = attempt.registries if attempt else {}
        recorded = (int(known[role].url.rpartition(":")[2]) - offsets[role] for role in offsets if role in known)
        return next(recorded, None)

    def _planned_base(self, lab: Lab) -> int:
        """Where ``up`` puts it: ``LAB_PORT_BASE`` moves it."""
        recorded = None if self.environ.get("LAB_PORT_BASE") else self._recorded_base(lab)
        return recorded or ports.base(self.environ)

    def _attempt(self, lab: Lab) -> Attempt | None:
        """The attempt under way; None also where its record is damaged."""
        try:
            return Attempt.load(self.home.stack(lab.id))
        except AttemptUnreadable:
            return None

    def _up(self, lab: Lab, progress: Progress, engine: str | None) -> Attempt:
        """First what all stacks share, then the services, then the student's files; the record and the names last."""
        authority.ensure_authority(self.home.authority)
        found = Attempt.load(self.home.stack(lab.id))
        wanted = self._demand_engine(lab, engine, found)
        attempt = found or self._begin(lab, wanted)
        twins = self.planned(lab)
        for twin in twins:
            self._start(twin, attempt, progress)
        attempt = replace(attempt, registries=self._registries(lab, attempt, twins))
        if found is None:
            attempt = replace(attempt, started_at=datetime.now(UTC), horizon_seq=_head(twins))
        self.home.stack(lab.id).mkdir(parents=True, exist_ok=True)
        self._prepare_machines(attempt)
        workspace.install(self.home, lab, attempt.parameters, language(self.environ))
        attempt.save(self.home.stack(lab.id))
        (self.home.stack(lab.id) / DOWN).unlink(missing_ok=True)
        self._publish(lab)
        for server in self.acme(lab):
            if server.is_expected():
                server.start(self.environ, progress)
        return attempt

    def _serve_acme(self, lab: Lab, progress: Progress) -> AcmeServer:
        """Bring up the ACME server where the record says that the exercise is."""
        for server in self.acme(lab):
            server.start(self.environ, progress)
            return server
        raise StackError("error.no-acme", lab=lab.id)

    def _demand_engine(self, lab: Lab, asked: str | None, found: Attempt | None) -> str:
        """What is to run the student's stack: as asked, as the attempt has it.

        Raises:
            StackError: These differ, or Docker is wanted and cannot.
        """
        engine = found.engine if found else asked or EMBEDDED
        if DOCKER in {asked, engine} and lab.private is None:
            raise StackError("error.no-compose", names=lab.id)
        if asked not in {None, engine}:
            raise StackError("error.other-engine", lab=lab.id, engine=engine)
        if engine == DOCKER:
            demand(environment.real_docker(self.home, self.environ), self.environ)
        return engine

    def _registries(self, lab: Lab, attempt: Attempt, twins: Sequence[Twin]) -> dict[str, Endpoint]:
        """Where the exercise's registries are, and where the student's will be: Docker publishes 443 itself."""
        found = {twin.service.role: twin.endpoint() for twin in twins}
        if lab.private:
            moved = self._planned_base(lab) + lab.private.https_port
            port = HTTPS_PORT if attempt.engine == DOCKER else moved
            found[PRIVATE] = Endpoint(lab.private.name, f"https://{ports.HOST}:{port}")
        return found

    def _begin(self, lab: Lab, engine: str) -> Attempt:
        """A new attempt, as far as it is known before the services run. Its number is spent even if they do not."""
        number = last_number(self.home.state, lab.id) + 1
        remember_number(self.home.state, lab.id, number)
        student = students.current(self.home, self.environ)
        secret = students.class_secret(self.home, self.environ)
        return Attempt(
            slug=lab.id,
            number=number,
            started_at=datetime.now(UTC),
            horizon_seq=0,
            student=student.name,
            parameters=students.parameters(secret, student, lab.id, number),
            engine=engine,
            registries={},
            machines={machine: str(self.home.engine(lab.id, machine)) for machine in MACHINES},
            work=str(self.home.files(lab.id)),
        )

    def _start(self, twin: Twin, attempt: Attempt, progress: Progress) -> None:
        """Start a service unless it runs, with all its files, and answers where it should."""
        if twin.is_whole() and twin.answers():
            return
        twin.stop()
        for door in twin.doors:
            ports.demand_free(door.port)
        progress("progress.registry", name=twin.service.name)
        twin.configure()
        if not twin.is_enrolled():
            twin.enrol(attempt.parameters["user"], attempt.parameters["org"])
        twin.start()

    def _prepare_machines(self, attempt: Attempt) -> None:
        """Engine homes, and the lab's commands."""
        for folder in attempt.machines.values():
            Path(folder).mkdir(parents=True, exist_ok=True)
        lend_plugins(Path(attempt.machines[MACHINES[0]]), self.environ)
        environment.write_commands(self.home)

    def _publish(self, lab: Lab) -> None:
        """Tell the lab's clients the names of every exercise that was begun: this one may have come, moved or gone."""
        names = Names()
        known = {slug: load(slug) for slug in slugs()} | {lab.id: lab}
        for each in filter(self._attempt, known.values()):
            names |= Names({twin.service.name: twin.secure.port for twin in self.twins(each)})
            names |= Names() if self.is_dockers(each) else self.forwarded(each)
        names.save(self.home)

    def _stop(self, lab: Lab) -> None:
        """End our own processes, while we know whose the student's are. Raises StackError where we cannot."""
        if self._is_out_of_reach(lab):
            raise StackError("error.no-docker-engine", path="docker")
        for twin in self.twins(lab):
            twin.stop()
        for server in self.acme(lab):
            server.stop()

    def _end(self, lab: Lab) -> None:
        """End all processes, whatever state their records are in."""
        self._stop(lab)
        for projects in self.built(lab):
            projects.end()

    def _clear(self, lab: Lab) -> Path | None:
        """Remove all that the stack has, and prove it; the student's files are moved, where to is returned.

        What was pushed goes first: on a full disk that makes the room that the rest needs.
        """
        *ours, files = inventory.owned(self.home, lab.id)
        for folder in ours:
            inventory.remove(folder)
        kept = workspace.keep(files, self.home.backups(lab.id))
        left = self.inventory(lab)
        if left != NEVER_USED:
            raise StackError("error.left-over", what=", ".join([*left.processes, *left.files]))
        return kept

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Hold the lab's lock. Raises StackError when another command holds it too long."""
        self.home.state.mkdir(parents=True, exist_ok=True)
        with self.home.lock.open("a") as lock:
            if not wait_until(lambda: _try_lock(lock.fileno()), LOCK_TIMEOUT_SECONDS):
                raise StackError("error.locked", path=self.home.lock)
            yield


def _head(twins: Sequence[Twin]) -> int:
    """Where a new attempt begins in the journal of what is pushed to."""
    return max((head_seq(twin.journal) for twin in twins), default=0)


def _try_lock(descriptor: int) -> bool:
    """Take the lock if it is free; the system gives it back when we end, however we end."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
