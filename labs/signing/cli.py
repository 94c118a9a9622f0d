"""``labcosign``, in PATH as ``cosign`` inside the lab where no other is installed: finds the command and runs it."""

from collections.abc import Mapping, Sequence
from importlib import import_module

from labs.engine.commands.console import CommandFailed, Console
from labs.engine.commands.entry import enter
from labs.engine.commands.flags import Command, FlagInvalid, HelpAsked, Options, format_flags, read
from labs.signing.commands.table import COMMANDS, FAMILIES, FOREIGN, KEYLESS, LOGGED, ONLY_FALSE, ONLY_TRUE, REQUIRED
from labs.signing.commands.words import Refused

_HINT = "\nRun 'cosign --help' for usage."
_REPOSITORY = "COSIGN_REPOSITORY"
_FEW = 2
"""Letters wrong in a command's name for which cobra still suggests it."""
_MAX_WORDS = 2
"""Of a command's name: ``download signature``."""


class CommandUnknown(CommandFailed):
    """Neither cosign nor we have such a command."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    return enter(run, arguments)


def run(arguments: Sequence[str], console: Console, environ: Mapping[str, str]) -> int:
    """Run one command on given streams and environment; returns its exit code."""
    try:
        _dispatch(list(arguments), console, environ)
    except Refused as exc:
        console.warn(str(exc))
        return exc.code
    except CommandFailed as exc:
        console.warn(f"Error: {exc}{_HINT if isinstance(exc, CommandUnknown) else ''}")
        console.warn(f"error during command execution: {exc}".rstrip("\n"))
        return exc.code
    except BrokenPipeError:
        raise
    except OSError as exc:
        console.warn(f"Error: {exc.filename or 'labcosign'}: {(exc.strerror or str(exc)).lower()}")
        return 1
    return 0


def _dispatch(words: list[str], console: Console, environ: Mapping[str, str]) -> None:
    if words[:1] == ["help"]:
        words = [*words[1:], "--help"]
    if not words or words[0] in {"--help", "-h"}:
        console.say(_overview())
        return
    command, rest = _find(["version", *words[1:]] if words[0] == "--version" else words, environ)
    try:
        options = read(command.flags, rest)
    except HelpAsked:
        console.say(_help(command))
        return
    except FlagInvalid as exc:
        raise CommandFailed(str(exc)) from exc
    _check(command, options, environ)
    _run(command, options, console, environ)


def _find(words: list[str], environ: Mapping[str, str]) -> tuple[Command, list[str]]:
    """The command with the longest name that fits.

    Raises:
        CommandFailed: There is no such command, or it is cosign's and not ours.
    """
    for count in range(min(_MAX_WORDS, len(words)), 0, -1):
        name = " ".join(words[:count])
        for command in COMMANDS:
            if command.name == name:
                return command, words[count:]
        if name in FOREIGN:
            raise Refused(environ, "no-command", name=name)
    if words[0] in FAMILIES:
        members = ", ".join(command.name for command in COMMANDS if command.name.startswith(f"{words[0]} "))
        raise CommandFailed(f'unknown command "{" ".join(words[:_MAX_WORDS])}" for "cosign" (there is: {members})')
    raise CommandUnknown(f'unknown command "{words[0]}" for "cosign"{_suggestions(words[0])}')


def _suggestions(typed: str) -> str:
    """Commands that are close to what was typed, as cobra finds them: few letters wrong, or none yet typed."""
    names = sorted({name.split()[0] for name in (*(command.name for command in COMMANDS), *FOREIGN)})
    close = [name for name in names if name.startswith(typed.lower()) or _distance(typed.lower(), name) <= _FEW]
    return "\n\nDid you mean this?\n" + "".join(f"\t{name}\n" for name in close) if close else ""


def _distance(one: str, other: str) -> int:
    """Levenshtein's: letters to change, add or take away."""
    row = list(range(len(other) + 1))
    for number, letter in enumerate(one, 1):
        before, row = row, [number]
        for column, wanted in enumerate(other):
            row.append(min(before[column] + (letter != wanted), before[column + 1] + 1, row[column] + 1))
    return row[-1]


def _check(command: Command, options: Options, environ: Mapping[str, str]) -> None:
    """Refuse by name what we do not do, then a wrong number of arguments, then what is missing."""
    declined = [f"--{name}=false" for name in sorted(ONLY_TRUE & options.declined)]
    asked = [f"--{name}" for name in sorted(ONLY_FALSE & options.switches)]
    for flag in (*options.refused, *declined, *asked):
        raise _refusal(command, flag, environ)
    if environ.get(_REPOSITORY):
        raise Refused(environ, "no-setting", name=_REPOSITORY)
    count = len(options.arguments)
    if command.maximum is None and count < command.minimum:
        raise CommandFailed(f"requires at least {command.minimum} arg(s), only received {count}")
    if command.maximum == 0 and count:
        raise CommandFailed(f'unknown command "{options.arguments[0]}" for "cosign {command.name}"')
    if command.maximum and count != command.maximum:
        raise CommandFailed(f"accepts {command.maximum} arg(s), received {count}")
    if missing := [f'"{name}"' for name in REQUIRED.get(command.name, ()) if options.text(name) is None]:
        raise CommandFailed(f"required flag(s) {', '.join(missing)} not set")


def _refusal(command: Command, flag: str, environ: Mapping[str, str]) -> Refused:
    if flag.startswith(KEYLESS):
        return Refused(environ, "keyless-verify" if command.name.startswith("verify") else "keyless-sign")
    if flag.startswith(LOGGED):
        return Refused(environ, "no-log", flag=flag)
    return Refused(environ, "no-flag", command=command.name, flag=flag)


def _run(command: Command, options: Options, console: Console, environ: Mapping[str, str]) -> None:
    from labs.signing.commands.desk import Desk

    desk = Desk(console, environ, options)
    try:
        getattr(import_module(f"labs.signing.commands.{command.module}"), command.function)(desk)
    finally:
        desk.close()


def _overview() -> str:
    width = max(len(command.name) for command in COMMANDS) + 3
    return "\n".join(
        [
            "labcosign: cosign's commands for signatures with key pairs, without Fulcio and Rekor",
            "",
            "Usage:",
            "  cosign [command]",
            "",
            "Available Commands:",
            *(f"  {command.name:{width}}{command.summary}" for command in COMMANDS),
            "",
            'Use "cosign [command] --help" for more information about a command.',
        ]
    )


def _help(command: Command) -> str:
    """What ``--help`` prints."""
    shown = [flag for flag in command.flags if flag.supported]
    flags = ["", "Flags:", *format_flags(shown)] if shown else []
    return "\n".join([command.summary, "", "Usage:", f"  cosign {command.name} {command.usage}".rstrip(), *flags])
