"""``docker buildx create``, ``ls``, ``use``, ``inspect``, ``rm``: builders by name, all of them the lab's one."""

import secrets
from collections.abc import Sequence

from labs.engine.builders import DEFAULT, BuilderError, Builders
from labs.engine.commands.console import USAGE_CODE, CommandFailed
from labs.engine.commands.flags import Options
from labs.engine.commands.machine import Machine
from labs.engine.commands.units import format_table
from labs.engine.commands.words import say
from labs.engine.platforms import host_platform
from labs.engine.program import ARCHITECTURES

DRIVER = "labdocker"
SETTING = "BUILDX_BUILDER"
_CONTAINER_DRIVER, _CONTEXT_DRIVER = "docker-container", "docker"
_FOREIGN_DRIVERS = frozenset({"kubernetes", "remote"})
_COLUMNS = ("NAME/NODE", "DRIVER/ENDPOINT", "STATUS", "BUILDKIT", "PLATFORMS")


def create(machine: Machine, options: Options) -> None:
    """Give out a name, and print it."""
    if options.arguments:
        raise CommandFailed(say(machine.environ, "no-daemon", flag=options.arguments[0]), USAGE_CODE)
    _check_driver(machine, options.text("driver") or _CONTAINER_DRIVER)
    name = options.text("name") or f"builder_{secrets.token_hex(3)}"
    builders = Builders(machine.home)
    try:
        builders.create(name)
        if options.on("use"):
            builders.use(name)
    except BuilderError as exc:
        raise _failure(exc) from exc
    machine.console.say(name)


def list_builders(machine: Machine, _options: Options) -> None:
    """All of them, each with its one node."""
    builders = Builders(machine.home)
    current, rows = builders.current(), [_COLUMNS]
    for name in (*builders.names(), DEFAULT):
        rows.append((f"{name}*" if name == current else name, DRIVER, "", "", ""))
        rows.append((rf" \_ {_node(name)}", rf" \_ {DRIVER}", "running", "", _platforms()))
    for line in format_table(rows):
        machine.console.say(line)


def inspect(machine: Machine, options: Options) -> None:
    """One of them, that in use unless named; there is nothing to boot."""
    name = chosen(machine, options.arguments[0] if options.arguments else options.text("builder"))
    node = (("Name:", _node(name)), ("Endpoint:", DRIVER), ("Status:", "running"), ("Platforms:", _platforms()))
    for line in (*_aligned((("Name:", name), ("Driver:", DRIVER))), "", "Nodes:", *_aligned(node)):
        machine.console.say(line)


def use(machine: Machine, options: Options) -> None:
    """Have builds use one."""
    name = options.arguments[0] if options.arguments else options.text("builder") or ""
    try:
        Builders(machine.home).use(name)
    except BuilderError as exc:
        raise _failure(exc) from exc


def remove(machine: Machine, options: Options) -> None:
    """Take names back, that in use unless named."""
    builders, refused = Builders(machine.home), False
    for name in options.arguments or (options.text("builder") or "",):
        try:
            removed = builders.delete(name or builders.current())
        except BuilderError as exc:
            machine.console.warn(f"failed to remove {name}: {exc}")
            refused = True
        else:
            machine.console.warn(f"{removed} removed")
    if refused:
        raise _failure("failed to remove one or more builders")


def chosen(machine: Machine, name: str | None) -> str:
    """The builder that was asked for, by flag or by setting, else that in use.

    Raises:
        CommandFailed: There is none of that name.
    """
    builders = Builders(machine.home)
    wanted = name or machine.environ.get(SETTING) or builders.current()
    try:
        found = builders.find(wanted)
    except BuilderError as exc:
        raise _failure(exc) from exc
    if found is None:
        raise _failure(f'no builder "{wanted}" found')
    return found


def _check_driver(machine: Machine, driver: str) -> None:
    """A builder needs no container here; one in a cluster or far away is another thing."""
    if driver == _CONTEXT_DRIVER:
        raise _failure('additional instances of driver "docker" cannot be created')
    if driver in _FOREIGN_DRIVERS:
        flag = f"--driver {driver}"
        raise CommandFailed(say(machine.environ, "no-flag", command="docker buildx create", flag=flag), USAGE_CODE)
    if driver != _CONTAINER_DRIVER:
        raise _failure(f'failed to find driver "{driver}"')


def _node(name: str) -> str:
    return name if name == DEFAULT else f"{name}0"


def _platforms() -> str:
    """Nothing is run in a build, so any would do: those of the course, this machine's first."""
    host = str(host_platform())
    return ", ".join(dict.fromkeys((host, *(f"linux/{architecture}" for architecture in ARCHITECTURES))))


def _aligned(rows: Sequence[tuple[str, str]]) -> list[str]:
    width = max(len(label) for label, _ in rows) + 1
    return [f"{label:{width}}{value}" for label, value in rows]


def _failure(message: object) -> CommandFailed:
    """As buildx says it."""
    return CommandFailed(f"ERROR: {message}")
