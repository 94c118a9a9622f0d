"""``docker run`` of the images that a program of this machine stands for, and what is done with such containers.

A container is a compose project of one service. Those of ``docker compose`` are seen, stopped and removed here, too.
"""

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

from labs.compose import containers, images
from labs.compose.containers import Container
from labs.compose.discovery import read_dotenv
from labs.compose.layout import ProjectFolder
from labs.compose.model import ComposeError, Mount, Project, Published, Service
from labs.compose.output import Reader, follow, last
from labs.compose.projects import Projects
from labs.compose.shorthand import ShorthandInvalid, parse_port, parse_volume
from labs.engine.commands.composed import parse_tail
from labs.engine.commands.composing import remark
from labs.engine.commands.console import USAGE_CODE, CommandFailed
from labs.engine.commands.flags import Options
from labs.engine.commands.inside import run_inside
from labs.engine.commands.machine import Machine
from labs.engine.commands.rows import shown_age, shown_command, shown_ports, shown_status
from labs.engine.commands.units import format_table
from labs.engine.commands.words import say
from labs.entry import EXIT_INTERRUPTED

_PROJECT_PREFIX = "run_"
"""Before a container's name: no folder of a compose file is likely to be called so."""
_SHORT_ID = 12
_NAME_BYTES = 4


def run(machine: Machine, options: Options) -> int:
    """``docker run``."""
    image, *command = options.arguments
    kind = images.kind(image)
    if kind is None:
        raise CommandFailed(say(machine.environ, "no-engine", name="run"), USAGE_CODE)
    name = options.text("name") or f"{kind}_{secrets.token_hex(_NAME_BYTES)}"
    try:
        container = _start(machine, _service(machine, options, name, image, tuple(command)))
    except ComposeError as exc:
        text = f"docker: {exc}\n\nRun 'docker run --help' for more information"
        raise CommandFailed(text, USAGE_CODE) from exc
    remark(machine, container)
    if options.on("detach"):
        machine.console.say(container.id)
        return 0
    return _attach(machine, container, is_removed=options.on("rm"))


def list_containers(machine: Machine, options: Options) -> None:
    """``docker ps``."""
    shown = containers.of_engine(machine.home)
    if not options.on("all"):
        shown = [container for container in shown if container.pid() is not None]
    shown.sort(key=lambda container: -container.created)
    whole = options.on("no-trunc")
    if options.on("quiet"):
        for container in shown:
            machine.console.say(container.id if whole else container.id[:_SHORT_ID])
        return
    head = ("CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES")
    rows = [
        (
            container.id if whole else container.id[:_SHORT_ID],
            container.service.image,
            shown_command(container, whole=whole),
            shown_age(container),
            shown_status(container),
            shown_ports(container),
            container.name,
        )
        for container in shown
    ]
    for line in format_table([head, *rows]):
        machine.console.say(line.rstrip())


def logs(machine: Machine, options: Options) -> None:
    """``docker logs``."""
    reader = Reader(_find(machine, options.arguments[0]))
    said = reader.lines() + ([] if options.on("follow") else reader.remainder())
    for line in last(said, _asked_tail(options)):
        machine.console.say(line)
    machine.console.output.flush()
    if options.on("follow"):
        follow([reader], lambda _, line: _tell(machine, line))


def stop(machine: Machine, options: Options) -> None:
    """``docker stop``."""
    _for_each(machine, options, lambda projects, one: projects.stop(one.folder.name, [one.service.name]))


def start(machine: Machine, options: Options) -> None:
    """``docker start``."""
    _for_each(machine, options, lambda projects, one: projects.start(one.folder.name, [one.service.name]))


def restart(machine: Machine, options: Options) -> None:
    """``docker restart``."""
    _for_each(machine, options, lambda projects, one: projects.restart(one.folder.name, [one.service.name]))


def remove(machine: Machine, options: Options) -> None:
    """``docker rm``."""

    def change(projects: Projects, container: Container) -> None:
        if container.pid() is not None and not options.on("force"):
            raise ComposeError(
                f'cannot remove container "{container.name}": container is running: stop the container before removing '
                "or force remove"
            )
        projects.remove(container)

    _for_each(machine, options, change)


def execute(machine: Machine, options: Options) -> int:
    """``docker exec``, for the commands that the course uses."""
    name, *words = options.arguments
    container = _find(machine, name)
    if container.pid() is None:
        raise CommandFailed(f"Error response from daemon: container {container.id} is not running")
    try:
        return run_inside(machine, _projects(machine), container, tuple(words))
    except ComposeError as exc:
        raise CommandFailed(str(exc)) from exc


def _service(machine: Machine, options: Options, name: str, image: str, command: tuple[str, ...]) -> Service:
    return Service(
        name=name,
        image=image,
        line=0,
        file=Path("docker run"),
        environment=_environment(machine, options),
        mounts=tuple(_mount(text) for text in options.list("volume")),
        ports=tuple(port for text in options.list("publish") for port in _ports(text)),
        command=command,
        container_name=name,
        restart=options.text("restart"),
    )


def _start(machine: Machine, service: Service) -> Container:
    """Make a project of it and bring it up. Raises ComposeError."""
    folder = ProjectFolder(machine.home, f"{_PROJECT_PREFIX}{service.name}")
    taken = next((one for one in containers.of_engine(machine.home) if one.name == service.name), None)
    if taken:
        raise ComposeError(
            f'Error response from daemon: Conflict. The container name "/{service.name}" is already in use by '
            f'container "{taken.id}". You have to remove (or rename) that container to be able to reuse that name.'
        )
    project = Project(folder.name, folder.path, folder.path / "docker run", {service.name: service})
    return _projects(machine).up(project)[0]


def _attach(machine: Machine, container: Container, *, is_removed: bool) -> int:
    """Show what it says until it ends, or until Ctrl-C, which ends it."""
    projects, code = _projects(machine), 0
    try:
        follow([Reader(container)], lambda _, line: _tell(machine, line))
    except KeyboardInterrupt:
        projects.stop(container.folder.name)
        code = EXIT_INTERRUPTED
    if is_removed:
        projects.remove(container)
    return code


def _environment(machine: Machine, options: Options) -> Mapping[str, str]:
    """``--env-file``, then ``-e``; a variable without a value is the surroundings'."""
    values: dict[str, str] = {}
    for file in options.list("env-file"):
        values |= read_dotenv(Path.cwd() / file, machine.environ)
    for text in options.list("env"):
        name, equals, value = text.partition("=")
        if equals or name in machine.environ:
            values[name] = value if equals else machine.environ[name]
    return values


def _mount(text: str) -> Mount:
    """``-v``: a path of this machine; Docker's named volumes are compose's here."""
    try:
        volume = parse_volume(text)
    except ShorthandInvalid as exc:
        raise ComposeError(f"Error response from daemon: {exc}") from exc
    source = volume.source or ""
    if not source.startswith(("/", "./", "../", "~/")) and source not in {".", ".."}:
        raise ComposeError(f"labdocker: -v {text}: expected a path of this machine, such as ./registry")
    whole = Path.cwd() / Path(source).expanduser()
    return Mount(whole.resolve(), PurePosixPath(volume.target), "ro" in volume.options)


def _ports(text: str) -> list[Published]:
    try:
        return [Published(port.host, port.container, port.address) for port in parse_port(text)]
    except ShorthandInvalid as exc:
        raise ComposeError(str(exc)) from exc


def _find(machine: Machine, name: str) -> Container:
    """A container by its name or the beginning of its id. Raises CommandFailed in Docker's words."""
    for container in containers.of_engine(machine.home):
        if container.name == name or (len(name) > 1 and container.id.startswith(name)):
            return container
    raise CommandFailed(f"Error response from daemon: No such container: {name}")


def _for_each(machine: Machine, options: Options, change: Callable[[Projects, Container], None]) -> None:
    """Do something with every container that was named, and print its name."""
    projects = _projects(machine)
    for name in options.arguments:
        try:
            change(projects, _find(machine, name))
        except ComposeError as exc:
            raise CommandFailed(f"Error response from daemon: {exc}") from exc
        machine.console.say(name)


def _projects(machine: Machine) -> Projects:
    return Projects(machine.home, machine.internet.forward, machine.environ)


def _asked_tail(options: Options) -> int | None:
    try:
        return parse_tail(options.text("tail"))
    except ComposeError as exc:
        raise CommandFailed(str(exc), USAGE_CODE) from exc


def _tell(machine: Machine, line: str) -> None:
    machine.console.say(line)
    machine.console.output.flush()
