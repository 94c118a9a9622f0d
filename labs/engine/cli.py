"""``labdocker``, first in PATH as ``docker`` inside the lab: finds the command that was typed and runs it."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

from labs.engine.commands.console import USAGE_CODE, CommandFailed, Console
from labs.engine.commands.entry import enter
from labs.engine.commands.flags import Command, Flag, Kind, Options, format_flags
from labs.engine.commands.machine import Machine
from labs.engine.commands.options import read_leading, read_options
from labs.engine.commands.table import COMMANDS, FAMILIES, FOREIGN
from labs.engine.commands.words import say
from labs.engine.documents import DocumentInvalid
from labs.engine.layout import BlobMissing, StoreError

_MAX_WORDS = 3
"""Of a command's name: ``buildx imagetools inspect``."""
_GLOBAL_FLAGS = (
    Flag("config", "Location of client config files", Kind.TEXT),
    Flag("context", "", Kind.TEXT, "c", supported=False),
    Flag("debug", "Enable debug mode", letter="D"),
    Flag("host", "", Kind.LIST, "H", supported=False),
    Flag("log-level", "Set the logging level", Kind.TEXT, "l"),
    Flag("version", "Print version information and quit", letter="v"),
)
_WHOLE = Command("", "[OPTIONS] COMMAND [ARG...]", "", "", "", 0, None, _GLOBAL_FLAGS)
"""``docker`` itself is told as a command in faults."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    return enter(run, arguments)


def run(arguments: Sequence[str], console: Console, environ: Mapping[str, str]) -> int:
    """Run one command on given streams and environment; returns its exit code."""
    try:
        return _dispatch(list(arguments), console, environ)
    except CommandFailed as exc:
        if str(exc):
            console.warn(str(exc))
        return exc.code
    except (StoreError, DocumentInvalid, BlobMissing) as exc:
        console.warn(f"Error response from daemon: {exc}")
        return 1
    except BrokenPipeError:
        raise
    except OSError as exc:
        console.warn(f"labdocker: {exc.filename or ''}: {exc.strerror or exc}".replace(": : ", ": "))
        return 1


def _dispatch(arguments: list[str], console: Console, environ: Mapping[str, str]) -> int:
    options, words = read_leading(_WHOLE, arguments)
    if options.refused:
        raise CommandFailed(say(environ, "no-daemon", flag=options.refused[0]), USAGE_CODE)
    if options.on("version"):
        from labs.engine.commands.system import short_version

        console.say(short_version())
        return 0
    if words[:1] == ["help"]:
        words = [*words[1:], "--help"]
    if not words or words[0] in {"--help", "-h"}:
        console.say(_overview())
        return 0
    command, rest = _find(words, environ)
    if command is None:
        console.say(_family_overview(words[0]))
        return 0
    return _run(command, rest, Machine(console, environ, _home(options)))


def _home(options: Options) -> Path | None:
    chosen = options.text("config")
    return Path(chosen) if chosen else None


def _find(words: list[str], environ: Mapping[str, str]) -> tuple[Command | None, list[str]]:
    """The command with the longest name that fits; None for a family's name alone.

    Raises:
        CommandFailed: There is no such command, or it is Docker's and not ours.
    """
    for count in range(min(_MAX_WORDS, len(words)), 0, -1):
        name = " ".join(words[:count])
        for command in COMMANDS:
            if command.name == name:
                return command, words[count:]
        if name in FOREIGN:
            raise CommandFailed(say(environ, "no-engine", name=name), USAGE_CODE)
    if words[0] in FAMILIES:
        if len(words) == 1 or words[1] in {"--help", "-h"}:
            return None, []
        family = f"docker {words[0]}"
        usage = f"Usage:  {family}\n\nRun '{family} --help' for more information"
        raise CommandFailed(f"docker: unknown command: {family} {words[1]}\n\n{usage}")
    raise CommandFailed(f"docker: unknown command: docker {words[0]}\n\nRun 'docker --help' for more information")


def _run(command: Command, words: list[str], machine: Machine) -> int:
    typed = words if command.has_commands else read_options(command, words, machine)
    if typed is None:
        return 0
    try:
        code = getattr(import_module(f"labs.engine.commands.{command.module}"), command.function)(machine, typed)
    finally:
        machine.close()
    return code or 0


def _overview() -> str:
    """What ``docker --help`` prints."""
    rows = [command for command in COMMANDS if " " not in command.name]
    families = [*FAMILIES.items()]
    width = max(len(name) for name in (*(command.name for command in rows), *FAMILIES)) + 3
    flags = [flag for flag in _GLOBAL_FLAGS if flag.supported]
    return "\n".join(
        [
            "Usage:  docker [OPTIONS] COMMAND",
            "",
            "labdocker: Docker's commands for images and registries, without a daemon",
            "",
            "Commands:",
            *(f"  {command.name:{width}}{command.summary}" for command in rows),
            "",
            "Management Commands:",
            *(f"  {name:{width}}{summary}" for name, summary in families),
            "",
            "Global Options:",
            *format_flags(flags),
            "",
            "Run 'docker COMMAND --help' for more information on a command.",
        ]
    )


def _family_overview(name: str) -> str:
    """What ``docker image`` prints."""
    members = [command for command in COMMANDS if command.name.startswith(f"{name} ")]
    names = [command.name.removeprefix(name).strip() for command in members]
    width = max(len(member) for member in names) + 3
    rows = [f"  {member:{width}}{command.summary}" for member, command in zip(names, members, strict=True)]
    usage = [f"Usage:  docker {name} COMMAND", "", FAMILIES[name], "", "Commands:", *rows, ""]
    return "\n".join([*usage, f"Run 'docker {name} COMMAND --help' for more information on a command."])
