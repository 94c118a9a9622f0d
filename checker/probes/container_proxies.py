"""How a proxy in a container is set up: nginx, Caddy and Traefik tell it themselves, or their files do."""

import io
import re
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

from checker.facts import Kind, NotObserved, Unavailable
from checker.probes import caddy_config, nginx_config, registry_log, traefik_config
from checker.probes.containers import Container, reasons, whole
from checker.probes.proxy_files import Options, ProxyFiles, Unreadable, parse_arguments
from checker.probes.surroundings import LocalFile, StackFile

PROCESSES = "cat /proc/uptime /proc/[0-9]*/stat 2>/dev/null || true"  # one may end meanwhile
_TICKS_PER_SECOND = 100
# process ::= pid " (nginx) " state and 18 numbers, then the ticks from the system's start to its own   (proc(5))
_NGINX_PROCESS = re.compile(r"\d+ \(nginx\) \S(?: -?\d+){18} (\d+) ")


def read_proxy_files(container: Container, containers: Sequence[Container], name: str) -> ProxyFiles:
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
    with reasons(container.label("service")):
        dump = container.execute("nginx", "-T") if container.running else _told_by_files(container)
        found = nginx_config.look_up(dump)
        since = _configured_at(container, nginx_config.read_paths(dump)) if container.running else None
        return replace(found, logging=replace(found.logging, since=since))


def _configured_at(container: Container, paths: Sequence[str]) -> datetime | None:
    """When the youngest of nginx's processes began: it makes its workers anew when it reads its files anew.

    None where that cannot be seen, and where a file was changed since: what nginx runs with is then not what it says.
    """
    with suppress(ValueError):
        uptime, *rows = container.execute("sh", "-c", PROCESSES).splitlines()
        ticks = [int(found[1]) for row in rows if (found := _NGINX_PROCESS.match(row))]
        age = float(uptime.split()[0]) - max(ticks) / _TICKS_PER_SECOND
        begun = datetime.now(UTC) - timedelta(seconds=age)
        changed = max(int(second) for second in container.execute("stat", "-L", "-c", "%Z", *paths).split())
        return begun if changed <= begun.timestamp() else None
    return None


def _caddy_files(container: Container, name: str) -> ProxyFiles:
    """As Caddy makes of the file that it was started with, which may be JSON already."""
    given = parse_arguments(container.command)
    named = given.get("config") or given.get("c") or caddy_config.DEFAULT_FILE
    path = PurePosixPath(container.details["Config"].get("WorkingDir") or "/", named)
    if path.suffix == ".json":
        return caddy_config.look_up(container.file(path).read().decode(errors="replace"), name)
    with reasons(container.label("service")):
        found = caddy_config.look_up(container.execute("caddy", "adapt", "--config", str(path)), name)
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
    return datetime.fromtimestamp(int(container.execute("stat", "-L", "-c", "%Z", str(path))), UTC)


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


def _told_by_files(container: Container) -> str:
    """What ``nginx -T`` would print of the official image's layout."""
    stream, _ = container.client.get_archive(container.id, str(nginx_config.MAIN.parent))
    with tarfile.open(fileobj=io.BytesIO(whole(stream, str(nginx_config.MAIN.parent)))) as archive:
        texts = {
            nginx_config.MAIN.parent.parent / member.name: file.read().decode(errors="replace")
            for member in archive
            if member.name.endswith(".conf") and (file := archive.extractfile(member))
        }
    return nginx_config.join(texts)
