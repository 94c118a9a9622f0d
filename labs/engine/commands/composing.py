"""``docker compose``: the student's stack as processes of this machine.

What Compose has beyond it is refused by name.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from importlib import import_module
from pathlib import Path

from labs.compose import images
from labs.compose.containers import Container
from labs.compose.discovery import Source, locate, normalize_name
from labs.compose.layout import ProjectFolder
from labs.compose.model import ComposeError, Issue, Project
from labs.compose.output import Reader, follow, prefixes
from labs.compose.planning import in_order
from labs.compose.projects import Projects
from labs.compose.reading import read
from labs.compose.recording import published
from labs.compose.rendering import render
from labs.compose.words import say
from labs.engine.commands.compose_table import COMPOSE_COMMANDS, COMPOSE_FLAGS, COMPOSE_FOREIGN
from labs.engine.commands.console import CommandFailed
from labs.engine.commands.flags import Command, Options, format_flags
from labs.engine.commands.machine import Machine, labdocker_version
from labs.engine.commands.options import read_leading, read_options
from labs.engine.commands.words import say as say_own
from labs.entry import EXIT_INTERRUPTED
from labs.gowords import quote

COMPOSE_VERSION = "2.40"
"""The Compose whose texts and flags ours follow."""

_WHOLE = Command("compose", "[OPTIONS] COMMAND", "", "", "", 0, None, COMPOSE_FLAGS)


@dataclass(frozen=True)
class Scene:
    """One call of ``docker compose``: whose project, from which file.

    Attributes:
        leading: What was typed before the command's name.
    """

    machine: Machine
    leading: Options

    @cached_property
    def source(self) -> Source:
        """Which file is meant. Raises ComposeError."""
        return locate(
            self.machine.environ,
            Path.cwd(),
            files=self.leading.list("file"),
            name=self.leading.text("project-name"),
            folder=_folder(self.leading.text("project-directory")),
            env_files=self.leading.list("env-file"),
        )

    @cached_property
    def project(self) -> Project:
        """The file, read; what Compose warns of is told once. Raises ComposeError."""
        reading = read(self.source, self.machine.home)
        for remark in reading.remarks:
            now = datetime.now().astimezone().isoformat(timespec="seconds").replace("+00:00", "Z")
            self.machine.console.warn(f'time="{now}" level=warning msg={quote(remark)}')
        return reading.project

    @property
    def wanted(self) -> Project:
        """The file, read to be brought up: the grader is told why it cannot be. Raises ComposeError."""
        source = self.source
        try:
            _demand_services(self.project)
        except ComposeError as exc:
            if name := source.name or normalize_name(source.folder.resolve().name):
                self.ending.refuse(Project(name, source.folder, source.file, services={}), exc)
            raise
        return self.project

    @property
    def told_name(self) -> str | None:
        """The project's name where the file is not asked for it: it need not be there then."""
        return self.leading.text("project-name") or self.machine.environ.get("COMPOSE_PROJECT_NAME") or None

    @property
    def name(self) -> str:
        """The project's name. Raises ComposeError."""
        return self.told_name or self.project.name

    @property
    def folder(self) -> ProjectFolder:
        """Where the project's things lie."""
        return ProjectFolder(self.machine.home, self.name)

    @property
    def projects(self) -> Projects:
        """What brings projects up."""
        return replace(self.ending, forward=self.machine.internet.forward)

    @property
    def ending(self) -> Projects:
        """What takes them down, whatever is the matter with the lab's map of ports."""
        return Projects(self.machine.home, environ=self.machine.environ, tell=self._tell)

    def check_services(self, names: Sequence[str], known: Mapping[str, object]) -> None:
        """Raise ComposeError, in Compose's words, for a service that the project has not."""
        for name in names:
            if name not in known:
                raise ComposeError(f"no such service: {name}")

    def _tell(self, what: str, status: str) -> None:
        if self.leading.text("progress") != "quiet":
            self.machine.console.warn(f" {what}  {status}")


def compose(machine: Machine, words: Sequence[str]) -> int | None:
    """Find the command that was typed behind ``docker compose``, and run it."""
    leading, rest = read_leading(_WHOLE, words)
    if leading.refused:
        raise CommandFailed(say_own(machine.environ, "no-flag", command="docker compose", flag=leading.refused[0]))
    if not rest or rest[0] in {"--help", "-h", "help"}:
        machine.console.say(_overview())
        return 0
    command = _find(machine, rest[0])
    options = read_options(command, rest[1:], machine)
    if options is None:
        return 0
    run: Callable[[Scene, Options], int | None] = getattr(
        import_module(f"labs.engine.commands.{command.module}"), command.function
    )
    try:
        return run(Scene(machine, leading), options)
    except ComposeError as exc:
        raise CommandFailed("\n".join(_shown(issue) for issue in exc.issues)) from exc


def up(scene: Scene, options: Options) -> int | None:
    """``docker compose up``."""
    project = scene.wanted
    scene.check_services(options.arguments, project.services)
    if options.on("force-recreate") and options.on("no-recreate"):
        raise ComposeError("--force-recreate and --no-recreate are incompatible")
    present = scene.projects.up(
        project,
        options.arguments,
        force_recreate=options.on("force-recreate"),
        no_recreate=options.on("no-recreate"),
        dependencies=not options.on("no-deps"),
        remove_orphans=options.on("remove-orphans"),
    )
    shown = [container for container in present if container.service.name in project.services]
    _remark(scene, project, present)
    if options.on("detach") or options.on("wait"):
        return None
    return _attach(scene, shown, options)


def _demand_services(project: Project) -> None:
    if not project.services:
        raise ComposeError("no service selected")


def down(scene: Scene, options: Options) -> None:
    """``docker compose down``."""
    networks = scene.project.networks if _has_file(scene) else ()
    scene.ending.down(scene.name, networks, volumes=options.on("volumes"))


def stop(scene: Scene, options: Options) -> None:
    """``docker compose stop``."""
    scene.ending.stop(scene.name, options.arguments)


def start(scene: Scene, options: Options) -> None:
    """``docker compose start``."""
    scene.projects.start(scene.name, options.arguments)


def restart(scene: Scene, options: Options) -> None:
    """``docker compose restart``."""
    scene.projects.restart(scene.name, options.arguments)


def config(scene: Scene, options: Options) -> None:
    """``docker compose config``."""
    project, console = scene.project, scene.machine.console
    rows = {
        "services": in_order(project.services),
        "images": sorted({service.image for service in project.services.values()}),
        "volumes": list(project.volumes),
    }
    for name, lines in rows.items():
        if options.on(name):
            for line in lines:
                console.say(line)
            return
    if not options.on("quiet"):
        console.say(render(project, options.text("format") or "yaml").rstrip("\n"))


def version(scene: Scene, options: Options) -> None:
    """``docker compose version``."""
    told = f"{COMPOSE_VERSION} (labdocker {labdocker_version()})"
    scene.machine.console.say(told if options.on("short") else f"Docker Compose version v{told}")


def _attach(scene: Scene, shown: Sequence[Container], options: Options) -> int:
    """Show what containers say until they end, or until Ctrl-C, which ends them."""
    console = scene.machine.console
    heads = prefixes(shown)
    console.say(f"Attaching to {', '.join(head.rstrip('| ') for head in heads.values())}")

    def tell(reader: Reader, line: str) -> None:
        head = "" if options.on("no-log-prefix") else heads[reader.container.service.name]
        console.say(f"{head}{line}")
        console.output.flush()

    try:
        follow([Reader(container) for container in shown], tell)
    except KeyboardInterrupt:
        console.warn("Gracefully Stopping... press Ctrl+C again to force")
        scene.ending.stop(scene.name, [container.service.name for container in shown])
        return EXIT_INTERRUPTED
    return 0


def _remark(scene: Scene, project: Project, present: Sequence[Container]) -> None:
    """What differs from Docker, and containers that the file has no more."""
    machine = scene.machine
    orphans = [container.name for container in present if container.service.name not in project.services]
    if orphans:
        machine.console.warn(
            f"Found orphan containers ([{' '.join(orphans)}]) for this project. If you removed or renamed this service "
            "in your compose file, you can run this command with the --remove-orphans flag to clean it up."
        )
    for container in present:
        remark(machine, container)


def remark(machine: Machine, container: Container) -> None:
    """What is not as Docker would have it."""
    service = container.service
    for port in published(container):
        if port.here != port.host:
            machine.console.warn(say(machine.environ, "moved-port", host=port.host, here=port.here))
    if images.is_odd(service.image):
        machine.console.warn(say(machine.environ, "odd-tag", image=service.image))
    if service.restart not in {None, "no"}:
        machine.console.warn(say(machine.environ, "no-restart", value=service.restart, service=service.name))


def _has_file(scene: Scene) -> bool:
    """Whether the file can be read; where the project's name is known without it, it need not be."""
    try:
        return bool(scene.project)
    except ComposeError:
        if scene.told_name:
            return False
        raise


def _find(machine: Machine, name: str) -> Command:
    for command in COMPOSE_COMMANDS:
        if command.name == f"compose {name}":
            return command
    if name in COMPOSE_FOREIGN:
        raise CommandFailed(say_own(machine.environ, "no-compose", name=name))
    raise CommandFailed(f'unknown docker command: "compose {name}"')


def _shown(issue: Issue | str) -> str:
    """An issue, its file as it is reached from here."""
    if isinstance(issue, str):
        return issue
    here = Path.cwd()
    near = issue.file.relative_to(here) if issue.file.is_relative_to(here) else issue.file
    return str(Issue(near, issue.line, issue.text))


def _folder(typed: str | None) -> Path | None:
    return Path(os.path.abspath(typed)) if typed else None  # noqa: PTH100  resolve() would follow links


def _overview() -> str:
    """What ``docker compose --help`` prints."""
    flags = [flag for flag in COMPOSE_FLAGS if flag.supported]
    names = {command.name.removeprefix("compose "): command.summary for command in COMPOSE_COMMANDS}
    return "\n".join(
        [
            "Usage:  docker compose [OPTIONS] COMMAND",
            "",
            "Define and run multi-container applications with Docker",
            "",
            "Options:",
            *format_flags(flags),
            "",
            "Commands:",
            *(f"  {name:11} {summary}" for name, summary in names.items()),
            "",
            "Run 'docker compose COMMAND --help' for more information on a command.",
        ]
    )
