"""Finds the student's stack through what ``docker compose`` of the lab wrote down, and looks whether it runs.

A record proves nothing: a service runs when its process lives and listens. How the registry behaves is for others.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import psutil

from checker.facts import Kind, Logging, NotObserved, Source, Stack, StackService, Unavailable
from checker.probes import DEADLINE_SECONDS
from checker.probes.proxy_files import Unreadable
from checker.probes.surroundings import LocalFile, Port, StackFile, Surroundings, sort_ports
from checker.probes.tls import speaks_tls
from labs.compose.record import FOLDER, ProjectRecord, RecordUnreadable, ServiceRecord, projects

SAID_LINES = 12
_SAID_BYTES = 1 << 16
_KINDS = {str(kind): kind for kind in Kind}
_SECRET_WORDS = ("SECRET", "PASSWORD", "ACCESSKEY", "ACCOUNTKEY", "TOKEN")


@dataclass(frozen=True, slots=True)
class StackProbe:
    """Hands on what was found."""

    stack: Surroundings
    deadline_seconds: float = DEADLINE_SECONDS
    source: Source = Source.STACK

    def read(self) -> Stack:
        """The stack."""
        return self.stack.stack


def read_surroundings(engine: Path, work: Path, name: str) -> Surroundings:
    """The stack whose compose file lies in ``work`` or below, as the records of an engine home tell.

    Args:
        engine: Engine home of the student's machine.
        work: The student's folder.
        name: The registry's name.

    Raises:
        NotObserved: A record makes no sense.
    """
    record = _record(engine, work)
    if record is None:
        return Surroundings(Stack("compose", None, up=False))
    services = tuple(_service(each) for each in record.services)
    running = {each.name for each in services if each.running}
    ports = tuple(
        Port(service.name, port.container, port.host, port.here)
        for service in record.services
        if service.name in running
        for port in service.published
    )
    doorways = sort_ports(name, ports, speaks_tls)
    proxies = [each for each in record.services if each.kind == Kind.NGINX]
    journals = _files(each.journal for each in record.services if each.journal)
    return Surroundings(
        stack=Stack("compose", record.name, record.up, services, record.refusal),
        tls=doorways.tls,
        plain=doorways.plain,
        others=doorways.others,
        journal=journals[0] if journals else Unavailable("no-journal"),
        proxied=bool(proxies),
        access_logs=_files(path for each in proxies for path in each.access_logs),
        logging=_logging(proxies, journals),
        password_files={
            kind: tuple(
                _inside(engine, record.name, each.name, path)
                for each in record.services
                if each.kind == kind
                for path in each.password_files
            )
            for kind in Kind
        },
        certificates=_files(path for each in record.services for path in each.certificates),
        keys=_files(path for each in record.services for path in each.keys),
    )


def _record(engine: Path, work: Path) -> ProjectRecord | None:
    """The project of that folder, or of one below it; None where none ever was.

    The one that is up; else one that was refused, as a file may have had another name when it could be read.

    Raises:
        NotObserved: A record is damaged.
    """
    try:
        found = [each for each in projects(engine) if Path(each.folder).resolve().is_relative_to(work.resolve())]
    except RecordUnreadable as exc:
        raise NotObserved(Unavailable("record-unreadable", {"path": str(engine)})) from exc
    return max(found, key=lambda each: (each.up, bool(each.refusal)), default=None)


def _files(paths: Iterable[str]) -> tuple[StackFile, ...]:
    """Files of this machine, each once."""
    return tuple(LocalFile(Path(path)) for path in dict.fromkeys(paths))


def _logging(proxies: Sequence[ServiceRecord], journals: Sequence[StackFile]) -> Logging:
    """How the one nginx logs now; where there are several, or several registries, nothing is said of that."""
    if len(proxies) != 1:
        return Logging()
    from checker.probes.nginx_config import look_up  # brings nginx's grammar, which takes longer than all else here

    try:
        found = look_up(proxies[0].configuration).logging
    except Unreadable:
        return Logging()
    return replace(found, since=_configured_at(proxies[0].pid), plain=found.plain and len(journals) == 1)


def _configured_at(pid: int | None) -> datetime | None:
    """When the youngest of nginx's processes began: it makes its workers anew when it reads its files anew."""
    try:
        begun = [each.create_time() for each in _family(psutil.Process(pid))] if pid is not None else []
    except psutil.Error:
        return None
    return datetime.fromtimestamp(max(begun), UTC) if begun else None


def _inside(engine: Path, project: str, service: str, path: str) -> StackFile:
    """A file that a service reads; one of its container's own as ``docker compose cp`` has it."""
    own = engine / FOLDER / project / "root" / service
    inside = Path(path)
    return LocalFile(inside, f"{service}:/{inside.relative_to(own)}" if inside.is_relative_to(own) else None)


def _service(record: ServiceRecord) -> StackService:
    """One service as it is now."""
    running = _listens(record.pid)
    return StackService(
        name=record.name,
        image=record.image,
        kind=_KINDS.get(record.kind, Kind.OTHER),
        running=running,
        published={port.host: port.here for port in record.published},
        environment={name: shown(name, value) for name, value in record.environment.items()},
        said=() if running else _last_lines(record.output),
    )


def _listens(pid: int | None) -> bool:
    """Whether the process, or one that it started, takes connections."""
    try:
        return pid is not None and any(_takes_connections(each) for each in _family(psutil.Process(pid)))
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied as exc:
        raise NotObserved(Unavailable("probe-failed", {"source": f"pid {pid}", "error": "AccessDenied"})) from exc


def _takes_connections(process: psutil.Process) -> bool:
    """Whether this one does; one that has just ended does not, and says nothing of the others."""
    try:
        return any(connection.status == psutil.CONN_LISTEN for connection in process.net_connections(kind="tcp"))
    except psutil.NoSuchProcess:
        return False


def _family(first: psutil.Process) -> Iterator[psutil.Process]:
    """A process, and those below it; these only where they are asked for, since all of the machine's are looked at."""
    yield first
    yield from first.children(recursive=True)


def _last_lines(path: str) -> tuple[str, ...]:
    """What a service printed last; nothing where it never printed."""
    try:
        with Path(path).open("rb") as output:
            output.seek(max(Path(path).stat().st_size - _SAID_BYTES, 0))
            return tuple(output.read().decode(errors="replace").splitlines()[-SAID_LINES:])
    except OSError:
        return ()


def shown(name: str, value: str) -> str:
    """A variable's value; of one that is called a secret nobody needs it."""
    return "***" if any(word in name.upper() for word in _SECRET_WORDS) else value
