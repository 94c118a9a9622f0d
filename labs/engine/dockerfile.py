"""A Dockerfile as values: stages and instructions with their line numbers. Pure; variables are not expanded here.

The grammar and the error texts are those of BuildKit's parser (its frontend/dockerfile/parser and instructions).
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

KEYWORDS = (
    "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER", "ONBUILD",
    "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
)  # fmt: skip
SUGGESTION_DISTANCE = 3
"""An unknown word at fewer edits than this from a known one is answered with it."""

_FLAGS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "ADD": frozenset({"chown", "chmod", "link", "keep-git-dir", "checksum", "unpack", "exclude"}),
        "COPY": frozenset({"from", "chown", "chmod", "link", "parents", "exclude"}),
        "FROM": frozenset({"platform"}),
        "HEALTHCHECK": frozenset({"interval", "timeout", "start-period", "start-interval", "retries"}),
        "RUN": frozenset({"mount", "network", "security", "device"}),
    }
)
_SWITCHES = frozenset({"link", "parents", "keep-git-dir", "unpack"})
_EXACTLY_ONE = frozenset({"WORKDIR", "USER", "STOPSIGNAL", "MAINTAINER"})
_AT_LEAST_ONE = frozenset({"ENV", "LABEL", "EXPOSE", "VOLUME", "ARG", "HEALTHCHECK", "ONBUILD", "SHELL"})

# directive ::= "#" name "=" value, before anything else in the file
_DIRECTIVE = re.compile(r"#\s*(?P<name>[a-zA-Z][a-zA-Z0-9]*)\s*=\s*(?P<value>.+?)\s*")
_DIRECTIVES = frozenset({"escape", "syntax", "check"})
_STAGE_NAME = re.compile(r"[a-z][a-z0-9_.-]*", re.ASCII)
_HEREDOC = re.compile(r"\d*<<-?\s*[^<\s]+")
_SPACE = re.compile(r"[\t\v\f\r ]+")


class DockerfileInvalid(ValueError):
    """The text is no Dockerfile. The message is BuildKit's own.

    Args:
        message: What ``docker build`` prints behind ``failed to solve:``.
        line: Number of the line, from 1.
    """

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction.

    Attributes:
        keyword: Upper case.
        line: Number of its first line, from 1.
        text: The whole instruction on one line, as it was written.
        flags: ``--name=value`` by name, without the dashes.
        words: Arguments; of the shell form of CMD and its like, one word: the rest of the line.
        pairs: Of ENV, LABEL and ARG: name and value; an ARG without a default has None.
        is_json: The arguments were a JSON array.
    """

    keyword: str
    line: int
    text: str
    flags: Mapping[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str | None], ...] = ()
    is_json: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """One FROM and what follows it.

    Attributes:
        base: What stands behind FROM, variables not expanded.
        name: Behind AS, lower case; empty where there is none.
        platform: ``--platform``, variables not expanded.
    """

    base: str
    name: str
    platform: str
    line: int
    text: str
    instructions: tuple[Instruction, ...] = ()


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """A whole file.

    Attributes:
        arguments: The ARGs before the first FROM.
        escape: The escape character, a backslash or a backtick.
    """

    arguments: tuple[Instruction, ...]
    stages: tuple[Stage, ...]
    escape: str = "\\"

    @classmethod
    def parse(cls, text: str) -> "Dockerfile":
        """Read a Dockerfile.

        Raises:
            DockerfileInvalid: In BuildKit's words.
        """
        lines = [line.removesuffix("\r") for line in text.removeprefix("\ufeff").split("\n")]
        escape = _parse_directives(lines)
        instructions = [_parse_instruction(line, number, escape) for number, line in _logical_lines(lines, escape)]
        if not instructions:
            raise DockerfileInvalid("file with no instructions", 1)
        return cls(*_parse_stages(instructions), escape)


def suggest(word: str, known: Sequence[str]) -> str:
    """`` (did you mean X?)`` where one of the known words is near, else nothing."""
    distances = {candidate: _distance(word.lower(), candidate.lower()) for candidate in known}
    nearest = min(distances, key=lambda candidate: distances[candidate], default=None)
    if nearest is None or not 0 < distances[nearest] < SUGGESTION_DISTANCE:
        return ""
    return f" (did you mean {nearest.lower() if word.islower() else nearest}?)"


def _distance(left: str, right: str) -> int:
    """Levenshtein's: single-character edits from one word to the other."""
    row = list(range(len(right) + 1))
    for index, char in enumerate(left, start=1):
        before, row[0] = row[0], index
        for column, other in enumerate(right, start=1):
            before, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, before + (char != other))
    return row[-1]


# --- lines ---


def _parse_directives(lines: Sequence[str]) -> str:
    """The escape character. Directives end at the first line that is none."""
    escape = "\\"
    for number, line in enumerate(lines, start=1):
        match = _DIRECTIVE.fullmatch(line.strip())
        if match is None or match["name"].lower() not in _DIRECTIVES:
            break
        if match["name"].lower() == "escape":
            escape = match["value"]
        if escape not in {"\\", "`"}:
            raise DockerfileInvalid(f"invalid escape token '{escape}' does not match ` or \\", number)
    return escape


def _logical_lines(lines: Sequence[str], escape: str) -> list[tuple[int, str]]:
    """Instructions, each on one line with the number of its first; comments and empty lines are gone."""
    continued = re.compile(rf"(?:(?<=[^{re.escape(escape)}])|^){re.escape(escape)}[ \t]*$")
    found: list[tuple[int, str]] = []
    start, parts = 0, list[str]()
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        start = start if parts else number
        content, more = continued.subn("", line if parts else line.lstrip())
        parts.append(content)
        if not more:
            found.append((start, "".join(parts).strip()))
            parts = []
    return [*found, (start, "".join(parts).strip())] if parts else found


def _parse_words(text: str, escape: str) -> list[str]:
    """Split at blanks outside of quotes; quotes and escapes stay."""
    word = rf"""(?:{re.escape(escape)}.|"(?:{re.escape(escape)}.|[^"])*"?|'[^']*'?|[^\s"'])+"""
    return re.findall(word, text, re.DOTALL)


def _parse_flags(text: str) -> tuple[list[str], str]:
    """The leading ``--flag`` words, and the rest."""
    flags = []
    while match := re.match(r"--(?P<flag>\S+)\s*", text):
        flags.append(match["flag"])
        text = text[match.end() :]
    return flags, text


# --- instructions ---


def _parse_instruction(text: str, line: int, escape: str) -> Instruction:
    word, *rest = _SPACE.split(text, maxsplit=1)
    keyword, flags, arguments = word.upper(), *_parse_flags(rest[0] if rest else "")
    prefix = f"dockerfile parse error on line {line}: "
    if keyword not in KEYWORDS:
        raise DockerfileInvalid(f"{prefix}unknown instruction: {word}{suggest(word, KEYWORDS)}", line)
    try:
        shape = _SHAPES[keyword](keyword, arguments.strip(), escape)
        _refuse_count(keyword, shape)
        return Instruction(keyword, line, text, _flag_values(keyword, flags), *shape)
    except _ShapeInvalid as exc:
        raise DockerfileInvalid(str(exc), line) from None
    except ValueError as exc:
        raise DockerfileInvalid(f"{prefix}{exc}", line) from None


class _ShapeInvalid(ValueError):
    """BuildKit's parser proper says this one, without the line."""


_Shape = tuple[tuple[str, ...], tuple[tuple[str, str | None], ...], bool]


def _flag_values(keyword: str, flags: Sequence[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for flag in flags:
        name, equals, value = flag.partition("=")
        known = _FLAGS.get(keyword, frozenset())
        if name not in known:
            raise ValueError(f"unknown flag: --{name}{suggest(name, sorted(known))}")
        if name in values and name not in {"exclude", "mount"}:
            raise ValueError(f"duplicate flag specified: --{name}")
        if name in _SWITCHES:
            values[name] = _switch(name, value if equals else "true")
        elif not equals:
            raise ValueError(f"missing a value on flag: --{name}")
        else:
            values[name] = value
    return values


def _switch(name: str, value: str) -> str:
    if value.lower() not in {"true", "false"}:
        fault = (
            f"expecting boolean value for flag --{name}, not: {value}"
            if value
            else f"missing a value on flag: --{name}"
        )
        raise ValueError(fault)
    return value.lower()


def _refuse_count(keyword: str, shape: _Shape) -> None:
    """Refuse a number of arguments that the instruction does not take."""
    words, pairs, is_json = shape
    count = len(words) + len(pairs)
    if keyword in _EXACTLY_ONE and count != 1:
        raise ValueError(f"{keyword} requires exactly one argument")
    if keyword in _AT_LEAST_ONE and count == 0:
        raise ValueError(f"{keyword} requires at least one argument")
    if keyword in {"COPY", "ADD"} and count < len(("source", "destination")):
        raise ValueError(
            f"{keyword} requires at least two arguments, but only one was provided. Destination could not be determined"
        )
    if keyword == "SHELL" and not is_json:
        raise ValueError(f"SHELL requires the arguments to be in JSON form: {words[0]}")


def _rest_of_line(_keyword: str, text: str, _escape: str) -> _Shape:
    return ((text,) if text else ()), (), False


def _blank_separated(_keyword: str, text: str, _escape: str) -> _Shape:
    return tuple(_SPACE.split(text)) if text else (), (), False


def _json_or_line(keyword: str, text: str, escape: str) -> _Shape:
    words = _parse_array(text)
    return _rest_of_line(keyword, text, escape) if words is None else (words, (), True)


def _json_or_words(keyword: str, text: str, escape: str) -> _Shape:
    words = _parse_array(text)
    if words is not None:
        return words, (), True
    if keyword in {"COPY", "ADD"} and _HEREDOC.search(text):
        raise ValueError(f"{keyword} <<: here-documents are not done here, put the text into a file and {keyword} it")
    return _blank_separated(keyword, text, escape)


def _type_and_command(keyword: str, text: str, escape: str) -> _Shape:
    """HEALTHCHECK: NONE, or CMD and a command in either form."""
    kind, _, command = text.partition(" ")
    words, _, is_json = _json_or_line(keyword, command.strip(), escape)
    if kind.upper() == "NONE" and words:
        raise ValueError("HEALTHCHECK NONE takes no arguments")
    if kind.upper() == "CMD" and not words:
        raise ValueError("Missing command after HEALTHCHECK CMD")
    if kind and kind.upper() not in {"NONE", "CMD"}:
        raise ValueError(f'Unknown type "{kind.upper()}" in HEALTHCHECK (try CMD)')
    return ((kind.upper(), *words) if kind else ()), (), is_json


def _from_words(_keyword: str, text: str, _escape: str) -> _Shape:
    words = tuple(_SPACE.split(text)) if text else ()
    if len(words) == len(("base", "as", "name")) and words[1].lower() == "as":
        if not _STAGE_NAME.fullmatch(words[2].lower()):
            raise ValueError(
                f'invalid name for build stage: "{words[2]}", name can\'t start with a number or contain symbols'
            )
    elif len(words) != 1:
        raise ValueError("FROM requires either one or three arguments")
    return words, (), False


def _assignments(keyword: str, text: str, escape: str) -> _Shape:
    """``name=value …``, or the old form: one name, and the rest of the line."""
    words = _parse_words(text, escape)
    if words and "=" not in words[0]:
        name, *value = _SPACE.split(text, maxsplit=1)
        if not value:
            raise _ShapeInvalid(f"{keyword} must have two arguments")
        return (), ((name, value[0]),), False
    for word in words:
        if "=" not in word:
            raise _ShapeInvalid(f'Syntax error - can\'t find = in "{word}". Must be of the form: name=value')
    return (), tuple(_named(keyword, word) for word in words), False


def _declarations(keyword: str, text: str, escape: str) -> _Shape:
    """ARG: ``name`` or ``name=default``."""
    words = _parse_words(text, escape)
    return (), tuple(_named(keyword, word) if "=" in word else (word, None) for word in words), False


def _named(keyword: str, word: str) -> tuple[str, str]:
    name, _, value = word.partition("=")
    if not name:
        raise ValueError(f"{keyword} names can not be blank")
    return name, value


_SHAPES: Mapping[str, Callable[[str, str, str], _Shape]] = MappingProxyType(
    {
        "ADD": _json_or_words,
        "ARG": _declarations,
        "CMD": _json_or_line,
        "COPY": _json_or_words,
        "ENTRYPOINT": _json_or_line,
        "ENV": _assignments,
        "EXPOSE": _blank_separated,
        "FROM": _from_words,
        "HEALTHCHECK": _type_and_command,
        "LABEL": _assignments,
        "MAINTAINER": _rest_of_line,
        "ONBUILD": _rest_of_line,
        "RUN": _json_or_line,
        "SHELL": _json_or_line,
        "STOPSIGNAL": _rest_of_line,
        "USER": _rest_of_line,
        "VOLUME": _json_or_words,
        "WORKDIR": _rest_of_line,
    }
)


def _parse_array(text: str) -> tuple[str, ...] | None:
    """The strings of a JSON array; None where the text is none, and so is meant as something else."""
    if not text.startswith("["):
        return None
    try:
        values = json.loads(text)
    except ValueError:
        return None
    if not all(isinstance(value, str) for value in values):
        raise _ShapeInvalid("when using JSON array syntax, arrays must be comprised of strings only")
    return tuple(values)


# --- stages ---


def _parse_stages(instructions: Sequence[Instruction]) -> tuple[tuple[Instruction, ...], tuple[Stage, ...]]:
    """The ARGs before the first FROM, and each FROM with what follows it."""
    starts = [index for index, instruction in enumerate(instructions) if instruction.keyword == "FROM"]
    head = instructions[: starts[0]] if starts else instructions
    stray = next((instruction for instruction in head if instruction.keyword != "ARG"), None)
    if stray is not None:
        raise DockerfileInvalid("no build stage in current context", stray.line)
    if not starts:
        raise DockerfileInvalid("dockerfile contains no stages to build", instructions[-1].line)
    ends = [*starts[1:], len(instructions)]
    stages = [_stage(instructions[start:end]) for start, end in zip(starts, ends, strict=True)]
    return tuple(head), tuple(stages)


def _stage(instructions: Sequence[Instruction]) -> Stage:
    first, *rest = instructions
    name = first.words[2].lower() if len(first.words) > 1 else ""
    return Stage(first.words[0], name, first.flags.get("platform", ""), first.line, first.text, tuple(rest))
