"""What of a compose project runs: ``docker compose ps``, ``logs`` and ``exec``."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from labs.compose import containers
from labs.compose.containers import Container
from labs.compose.model import ComposeError
from labs.compose.output import Reader, follow, last, prefixes
from labs.compose.planning import in_order
from labs.compose.recording import published
from labs.compose.words import say
from labs.engine.commands.composing import Scene
from labs.engine.commands.flags import Options
from labs.engine.commands.inside import run_inside
from labs.engine.commands.rows import moment, shown_age, shown_command, shown_ports, shown_status
from labs.engine.commands.units import format_table
from labs.ports import HOST


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
        for line in format_table([head, *(_row(container, whole=options.on("no-trunc")) for container in shown)]):
            console.say(line.rstrip())
    else:
        raise ComposeError(say(scene.machine.environ, "value", where="--format", value=form))


def logs(scene: Scene, options: Options) -> None:
    """``docker compose logs``."""
    shown = _containers(scene, options.arguments)
    heads = {} if options.on("no-log-prefix") else prefixes(shown)
    count = parse_tail(options.text("tail"))
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
    return run_inside(scene.machine, scene.projects, container, tuple(words))


def _containers(scene: Scene, names: Sequence[str]) -> list[Container]:
    """The project's containers, or those of some services. Raises ComposeError for a service that it has not."""
    found = containers.load_all(scene.folder)
    if names:
        known = {*found, *(() if scene.told_name else scene.project.services)}
        scene.check_services(names, dict.fromkeys(known))
    order = in_order({name: container.service for name, container in found.items()})
    return [found[name] for name in order if not names or name in names]


def _row(container: Container, *, whole: bool) -> tuple[str, ...]:
    return (
        container.name,
        container.service.image,
        shown_command(container, whole=whole),
        container.service.name,
        shown_age(container),
        shown_status(container),
        shown_ports(container),
    )


def _values(container: Container) -> Mapping[str, Any]:
    """A row as ``--format json`` has it."""
    return {
        "Command": shown_command(container, whole=True),
        "CreatedAt": moment(container.created).strftime("%Y-%m-%d %H:%M:%S +0000 UTC"),
        "ExitCode": 0,
        "Health": "",
        "ID": container.id[:12],
        "Image": container.service.image,
        "Name": container.name,
        "Names": container.name,
        "Networks": ",".join(f"{container.folder.name}_{name}" for name in container.service.networks),
        "Ports": shown_ports(container),
        "Project": container.folder.name,
        "Publishers": [
            {"URL": HOST, "TargetPort": port.container, "PublishedPort": port.here, "Protocol": "tcp"}
            for port in published(container)
        ],
        "RunningFor": shown_age(container),
        "Service": container.service.name,
        "State": "running" if container.pid() is not None else "exited",
        "Status": shown_status(container),
    }


def parse_tail(text: str | None) -> int | None:
    """``--tail``: a number, or all."""
    if text is None or text == "all":
        return None
    if not text.isdecimal():
        raise ComposeError(f'invalid argument "{text}" for "-n, --tail" flag: expected a number or "all"')
    return int(text)
