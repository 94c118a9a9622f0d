"""What of a compose project runs: ``docker compose ps``, ``logs`` and ``exec``."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from labs.compose import containers, images
from labs.compose.containers import Container
from labs.compose.model import ComposeError
from labs.compose.output import Reader, follow, last, prefixes
from labs.compose.planning import in_order
from labs.compose.recording import published
from labs.compose.registry import CONFIG, garbage_collect_command
from labs.compose.words import say
from labs.engine.commands.composing import Scene
from labs.engine.commands.flags import Options
from labs.engine.commands.units import age, format_table
from labs.ports import HOST

_COMMAND_WIDTH = 20
"""Characters of a command that ``ps`` shows, as Docker."""


def list_containers(scene: Scene, options: Options) -> None:
    """``docker compose ps``."""
    shown = sorted(_containers(scene, options.arguments), key=lambda container: container.name)
    if not options.on("all"):
        shown = [container for container in shown if container.pid() is not None]
    console = scene.machine.console
    if options.on("services") or options.on("quiet"):
        for container in shown:
            console.say(container.id if options.on("quiet") else container.service.name)
        return
    form = options.text("format") or "table"
    if form == "json":
        for container in shown:
            console.say(json.dumps(_values(container), separators=(",", ":")))
    elif form == "table":
        head = ("NAME", "IMAGE", "COMMAND", "SERVICE", "CREATED", "STATUS", "PORTS")
        for line in format_table([head, *(_row(container, options.on("no-trunc")) for container in shown)]):
            console.say(line.rstrip())
    else:
        raise ComposeError(say(scene.machine.environ, "value", where="--format", value=form))


def logs(scene: Scene, options: Options) -> None:
    """``docker compose logs``."""
    shown = _containers(scene, options.arguments)
    heads = {} if options.on("no-log-prefix") else prefixes(shown)
    count = _tail(options.text("tail"))
    console = scene.machine.console

    def tell(reader: Reader, line: str) -> None:
        console.say(f"{heads.get(reader.container.service.name, '')}{line}")
        console.output.flush()

    readers = [Reader(container) for container in shown]
    for reader in readers:
        said = reader.lines() + ([] if options.on("follow") else reader.remainder())
        for line in last(said, count):
            tell(reader, line)
    if options.on("follow"):
        follow(readers, tell)


def execute(scene: Scene, options: Options) -> int:
    """``docker compose exec``, for the commands that the course uses."""
    service, *words = options.arguments
    container = next(iter(_containers(scene, [service])), None)
    if container is None or container.pid() is None:
        raise ComposeError(f'service "{service}" is not running')
    kind, typed = images.kind(container.service.image), tuple(words)
    if kind == images.NGINX and typed == ("nginx", "-t"):
        return _test(scene, container)
    if kind == images.NGINX and typed == ("nginx", "-s", "reload"):
        return _reload(scene, container)
    if kind == images.REGISTRY and typed[:2] == ("registry", "garbage-collect"):
        return _collect(container, typed[1:])
    known = "nginx -t, nginx -s reload" if kind == images.NGINX else "registry garbage-collect …"
    raise ComposeError(say(scene.machine.environ, "exec", command=" ".join(words), service=service, known=known))


def _containers(scene: Scene, names: Sequence[str]) -> list[Container]:
    """The project's containers, or those of some services. Raises ComposeError for a service that it has not."""
    found = containers.load_all(scene.folder)
    if names:
        known = {*found, *(scene.project.services if not scene.leading.text("project-name") else ())}
        scene.check_services(names, dict.fromkeys(known))
    order = in_order({name: container.service for name, container in found.items()})
    return [found[name] for name in order if not names or name in names]


def _test(scene: Scene, container: Container) -> int:
    """``nginx -t``: planning has nginx test the files; its own words, as it says them."""
    console = scene.machine.console
    scene.projects.reread(container)
    console.warn("nginx: the configuration file /etc/nginx/nginx.conf syntax is ok")
    console.warn("nginx: configuration file /etc/nginx/nginx.conf test is successful")
    return 0


def _reload(scene: Scene, container: Container) -> int:
    """``nginx -s reload``: the files are mapped again first."""
    plan = scene.projects.reread(container).plan
    if plan.reload is None:
        raise ComposeError(f"{container.name}: expected a command that reloads, its plan has none")
    return subprocess.run(plan.reload, env=plan.environ, check=False).returncode


def _collect(container: Container, words: tuple[str, ...]) -> int:
    """``registry garbage-collect``, on the configuration that the registry runs with."""
    config = container.folder.state(container.service.name) / CONFIG
    command = garbage_collect_command(config, words)
    return subprocess.run(command, env=container.plan.environ, check=False).returncode


def _row(container: Container, whole: bool) -> tuple[str, ...]:  # noqa: FBT001
    command = _command(container)
    shown = command if whole or len(command) <= _COMMAND_WIDTH else f"{command[: _COMMAND_WIDTH - 1]}…"
    return (
        container.name,
        container.service.image,
        f'"{shown}"',
        container.service.name,
        age(_moment(container.created), datetime.now(UTC)),
        _status(container),
        ", ".join(_ports(container)),
    )


def _values(container: Container) -> Mapping[str, Any]:
    """A row as ``--format json`` has it."""
    created = _moment(container.created)
    ports = published(container)
    return {
        "Command": f'"{_command(container)}"',
        "CreatedAt": created.strftime("%Y-%m-%d %H:%M:%S +0000 UTC"),
        "ExitCode": 0,
        "Health": "",
        "ID": container.id[:12],
        "Image": container.service.image,
        "Name": container.name,
        "Names": container.name,
        "Networks": ",".join(f"{container.folder.name}_{name}" for name in container.service.networks),
        "Ports": ", ".join(_ports(container)),
        "Project": container.folder.name,
        "Publishers": [
            {"URL": HOST, "TargetPort": port.container, "PublishedPort": port.here, "Protocol": "tcp"} for port in ports
        ],
        "RunningFor": age(created, datetime.now(UTC)),
        "Service": container.service.name,
        "State": "running" if container.pid() is not None else "exited",
        "Status": _status(container),
    }


def _command(container: Container) -> str:
    """What really runs, in one line, without the path of its program."""
    program, *words = container.plan.command
    shown = words[1:] if words[:1] == ["-m"] else [Path(program).name, *words]
    return " ".join(" ".join(shown).split())


def _status(container: Container) -> str:
    """``Up 5 minutes``. How a process ended that is no child of ours, nobody can say."""
    now, pid = datetime.now(UTC), container.pid()
    if pid is not None:
        return f"Up {age(_moment(psutil.Process(pid).create_time()), now).removesuffix(' ago')}"
    if container.stopped is None:
        return "Exited (?)"
    return f"Exited (0) {age(_moment(container.stopped), now)}"


def _ports(container: Container) -> list[str]:
    """``127.0.0.1:8443->443/tcp`` for what is published, ``5000/tcp`` for what is not."""
    outside = {port.container: f"{HOST}:{port.here}->" for port in published(container)}
    return [f"{outside.get(port, '')}{port}/tcp" for port in sorted({*outside, *container.plan.listens})]


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _tail(text: str | None) -> int | None:
    """``--tail``: a number, or all."""
    if text in {None, "all"}:
        return None
    if text is None or not text.isdecimal():
        raise ComposeError(f'invalid argument "{text}" for "-n, --tail" flag: expected a number or "all"')
    return int(text)
