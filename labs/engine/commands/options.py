"""What was typed around a command's name; help and refusals are told here, alike for every command."""

from collections.abc import Sequence

from labs.engine.commands.console import USAGE_CODE, CommandFailed
from labs.engine.commands.flags import Command, Kind, Options, format_help, parse
from labs.engine.commands.machine import Machine
from labs.engine.commands.words import say


def read_options(command: Command, words: Sequence[str], machine: Machine) -> Options | None:
    """What was typed behind a command; None: help was asked for, and given.

    Raises:
        CommandFailed: It fits no flag, or a flag is Docker's and not ours.
    """
    options = parse(command, words)
    if options is None:
        machine.console.say(format_help(command))
    elif options.refused:
        refused = say(machine.environ, "no-flag", command=command.called, flag=options.refused[0])
        raise CommandFailed(refused, USAGE_CODE)
    return options


def read_leading(command: Command, words: Sequence[str]) -> tuple[Options, list[str]]:
    """Flags that stand before the name of one of a command's commands, and the rest.

    Raises:
        CommandFailed: They fit no flag.
    """
    takes_value = {f"--{flag.name}" for flag in command.flags if flag.kind is not Kind.SWITCH}
    takes_value |= {f"-{flag.letter}" for flag in command.flags if flag.letter and flag.kind is not Kind.SWITCH}
    end = 0
    while end < len(words) and words[end].startswith("-") and words[end] not in {"--help", "-h", "--"}:
        end += 2 if words[end] in takes_value else 1
    return parse(command, words[:end]) or Options(), list(words[end:])
