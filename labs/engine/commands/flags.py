"""Flags as Go's command lines read them (github.com/spf13/pflag), and the texts that Docker's has around them."""

import shutil
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from labs.engine.commands.console import USAGE_CODE, CommandFailed

TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})
_WIDTH_LIMIT = 80


class Kind(Enum):
    """What a flag takes; the value is what help shows behind its name."""

    SWITCH = ""
    TEXT = "string"
    LIST = "stringArray"
    FILTER = "filter"


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag.

    Attributes:
        supported: False: Docker has it and we do not; using it is refused by name.
    """

    name: str
    help: str
    kind: Kind = Kind.SWITCH
    letter: str = ""
    supported: bool = True

    @property
    def spelling(self) -> str:
        """As messages write it: ``-t, --tag``."""
        return f"-{self.letter}, --{self.name}" if self.letter else f"--{self.name}"


@dataclass(frozen=True, slots=True)
class Command:
    """One command of the table.

    Attributes:
        name: What is typed behind ``docker``: ``image ls``.
        spoken: What Docker calls it in its texts, where that differs: ``buildx build``.
        module: Module of this package that holds its function.
        function: Takes (machine, options); returns the exit code or None.
        takes_words: From its first argument on, all is another program's: ``docker compose exec nginx nginx -t``.
        has_commands: What was typed behind it is a command line of its own: its function takes (machine, words).
    """

    name: str
    usage: str
    summary: str
    module: str
    function: str
    minimum: int = 0
    maximum: int | None = 0
    flags: tuple[Flag, ...] = ()
    aliases: tuple[str, ...] = ()
    spoken: str = ""
    takes_words: bool = False
    has_commands: bool = False

    @property
    def called(self) -> str:
        """``docker image ls``."""
        return f"docker {self.spoken or self.name}".rstrip()


@dataclass(frozen=True, slots=True)
class Options:
    """What was typed behind a command.

    Attributes:
        switches: Those that are on.
        declined: Those that were set to false by name.
        refused: Flags that are Docker's and not ours.
    """

    arguments: tuple[str, ...] = ()
    switches: frozenset[str] = frozenset()
    declined: frozenset[str] = frozenset()
    texts: dict[str, str] = field(default_factory=dict)
    lists: dict[str, tuple[str, ...]] = field(default_factory=dict)
    refused: tuple[str, ...] = ()

    def on(self, name: str) -> bool:
        """Whether a switch is on."""
        return name in self.switches

    def text(self, name: str) -> str | None:
        """A flag's text; None when it was not given."""
        return self.texts.get(name)

    def list(self, name: str) -> tuple[str, ...]:
        """Every text of a flag that may be repeated."""
        return self.lists.get(name, ())


class HelpAsked(Exception):
    """``--help`` among the arguments."""


class FlagInvalid(ValueError):
    """What was typed fits no flag. The message is pflag's."""


def parse(command: Command, words: Sequence[str]) -> Options | None:
    """Read what was typed; None: help was asked for.

    Raises:
        CommandFailed: In Docker's words, with its exit code.
    """
    try:
        options = read(command.flags, words, ends_at_argument=command.takes_words)
    except HelpAsked:
        return None
    except FlagInvalid as exc:
        raise CommandFailed(f"{exc}\n\n{_usage_lines(command)}", USAGE_CODE) from exc
    _check_count(command, len(options.arguments))
    return options


def read(flags: Sequence[Flag], words: Sequence[str], *, ends_at_argument: bool = False) -> Options:
    """Read what was typed behind any command.

    Args:
        flags: Those of the command.
        words: What was typed.
        ends_at_argument: No word behind the first argument is a flag.

    Raises:
        FlagInvalid: In pflag's words.
        HelpAsked: For help.
    """
    return _Reader(flags, ends_at_argument=ends_at_argument).read(list(words))


def format_help(command: Command) -> str:
    """What ``--help`` prints."""
    parts = [f"Usage:  {command.called} {command.usage}".rstrip(), command.summary]
    if command.aliases:
        names = ", ".join(f"docker {alias}" for alias in command.aliases)
        parts.append(f"Aliases:\n  {names}")
    shown = [flag for flag in command.flags if flag.supported]
    if shown:
        parts.append("Options:\n" + "\n".join(format_flags(shown)))
    return "\n\n".join(parts)


def format_flags(flags: Sequence[Flag]) -> list[str]:
    """Flags with their help in columns, wrapped to the terminal."""
    rows = [(_left_column(flag), flag.help) for flag in flags]
    width = max(len(left) for left, _ in rows) + 3
    room = max(min(shutil.get_terminal_size().columns, _WIDTH_LIMIT) - width, 24)
    return [
        f"{(left if number == 0 else '').ljust(width)}{line}".rstrip()
        for left, text in rows
        for number, line in enumerate(textwrap.wrap(text, room) or [""])
    ]


def _left_column(flag: Flag) -> str:
    letter = f"-{flag.letter}, " if flag.letter else "    "
    return f"  {letter}--{flag.name} {flag.kind.value}".rstrip()


class _Reader:
    """Reads words from left to right; flags may stand behind arguments, ``--`` ends them."""

    def __init__(self, flags: Sequence[Flag], *, ends_at_argument: bool) -> None:
        self._ends_at_argument = ends_at_argument
        self._by_name = {flag.name: flag for flag in flags}
        self._by_letter = {flag.letter: flag for flag in flags if flag.letter}
        self._arguments: list[str] = []
        self._switches: dict[str, bool] = {}
        self._texts: dict[str, str] = {}
        self._lists: dict[str, tuple[str, ...]] = {}
        self._refused: list[str] = []

    def read(self, words: list[str]) -> Options:
        while words:
            word = words.pop(0)
            if word == "--":
                self._arguments += words
                break
            if word.startswith("--"):
                self._read_long(word[2:], words)
            elif word.startswith("-") and word != "-":
                self._read_short(word[1:], words)
            else:
                self._arguments.append(word)
                if self._ends_at_argument:
                    self._arguments += words
                    break
        return Options(
            tuple(self._arguments),
            frozenset(name for name, is_on in self._switches.items() if is_on),
            frozenset(name for name, is_on in self._switches.items() if not is_on),
            self._texts,
            self._lists,
            tuple(self._refused),
        )

    def _read_long(self, word: str, words: list[str]) -> None:
        name, equals, value = word.partition("=")
        flag = self._by_name.get(name)
        if flag is None:
            if name == "help":
                raise HelpAsked
            raise FlagInvalid(f"unknown flag: --{name}")
        if equals or flag.kind is Kind.SWITCH:
            self._set(flag, value if equals else "true")
        elif words:
            self._set(flag, words.pop(0))
        else:
            raise FlagInvalid(f"flag needs an argument: --{name}")

    def _read_short(self, cluster: str, words: list[str]) -> None:
        """``-q``, ``-aq``, ``-tNAME``, ``-t=NAME``, ``-t NAME``."""
        rest = cluster
        while rest:
            letter, rest = rest[0], rest[1:]
            flag = self._by_letter.get(letter)
            if flag is None:
                if letter == "h":
                    raise HelpAsked
                raise FlagInvalid(f"unknown shorthand flag: {letter!r} in -{cluster}")
            if rest.startswith("="):
                return self._set(flag, rest[1:])
            if flag.kind is Kind.SWITCH:
                self._set(flag, "true")
            elif rest or words:
                return self._set(flag, rest or words.pop(0))
            else:
                raise FlagInvalid(f"flag needs an argument: {letter!r} in -{cluster}")
        return None

    def _set(self, flag: Flag, value: str) -> None:
        """A flag that is not ours counts only where it asks for something: ``--provenance=false`` does not."""
        if not flag.supported:
            self._refused += [] if value in FALSE else [f"--{flag.name}"]
        elif flag.kind is Kind.SWITCH:
            self._set_switch(flag, value)
        elif flag.kind is Kind.TEXT:
            self._texts[flag.name] = value
        elif flag.kind is Kind.FILTER and "=" not in value:
            raise self._invalid(flag, value, "bad format of filter (expected name=value)")
        else:
            self._lists[flag.name] = (*self._lists.get(flag.name, ()), value)

    def _set_switch(self, flag: Flag, value: str) -> None:
        if value in TRUE or value in FALSE:
            self._switches[flag.name] = value in TRUE
        else:
            raise self._invalid(flag, value, f'strconv.ParseBool: parsing "{value}": invalid syntax')

    def _invalid(self, flag: Flag, value: str, reason: str) -> FlagInvalid:
        return FlagInvalid(f'invalid argument "{value}" for "{flag.spelling}" flag: {reason}')


def _usage_lines(command: Command, verb: str = "Run") -> str:
    usage = f"Usage:  {command.called} {command.usage}".rstrip()
    return f"{usage}\n\n{verb} '{command.called} --help' for more information"


def _check_count(command: Command, count: int) -> None:
    """The number of arguments, in the words of docker/cli's cli/required.go."""
    minimum, maximum = command.minimum, command.maximum
    if count >= minimum and (maximum is None or count <= maximum):
        return
    wanted, verb = _wanted_count(minimum, maximum)
    prefix = "ERROR: " if command.spoken else ""
    raise CommandFailed(f"{prefix}docker: '{command.called}' {wanted}\n\n{_usage_lines(command, verb)}")


def _wanted_count(minimum: int, maximum: int | None) -> tuple[str, str]:
    if maximum == 0:
        return "accepts no arguments", "Run"
    if maximum is None:
        return f"requires at least {minimum} argument{'s' if minimum > 1 else ''}", "See"
    if minimum == maximum:
        return f"requires {minimum} argument{'s' if minimum > 1 else ''}", "Run"
    if minimum == 0:
        return f"requires at most {maximum} argument{'s' if maximum > 1 else ''}", "Run"
    return f"requires at least {minimum} and at most {maximum} arguments", "Run"
