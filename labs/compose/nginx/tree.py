"""The configuration as nginx would read it in the container: the main file and all that it includes.

Reads files through the place's mounts and writes nothing. A file that is included twice is two sources, for what its
statements mean depends on where they stand.
"""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from labs.compose.model import ComposeError, Issue
from labs.compose.nginx.syntax import Directive, Edits, Token, Unreadable, parse
from labs.compose.place import Place

PREFIX = PurePosixPath("/etc/nginx")
"""What relative paths begin at: the official image is built with this prefix."""

INCLUDE = re.compile(r"^[ \t]*include\s[^;{}]*;", re.MULTILINE)
MAGIC = frozenset("*?[")
DEPTH_LIMIT = 20
"""Files that include each other in a ring would be read until the descriptors run out; nobody nests so deep."""

OPAQUE = frozenset({"charset_map", "geo", "keyval_zone", "map", "split_clients", "types"})
"""Blocks whose lines are a table: what looks like a directive there is a value."""


@dataclass(slots=True, eq=False)
class Source:
    """One reading of one file.

    Attributes:
        inside: Its container path.
        here: Its path on this machine, the student's own file where it is mounted.
        copy: Which reading of the file it is, from 0.
    """

    inside: PurePosixPath
    here: Path
    text: str
    copy: int
    edits: Edits = field(default_factory=Edits)
    statements: tuple["Statement", ...] = ()


@dataclass(slots=True, eq=False)
class Statement:
    """A directive in its place. ``files`` are what an ``include`` brings in."""

    directive: Directive
    source: Source
    children: tuple["Statement", ...] = ()
    files: tuple[Source, ...] = ()

    @property
    def name(self) -> str:
        """What it is called."""
        return self.directive.name.text

    @property
    def line(self) -> int:
        """Where it begins in its file."""
        return self.directive.name.line

    @property
    def arguments(self) -> tuple[Token, ...]:
        """Its words but the first."""
        return self.directive.arguments

    @property
    def values(self) -> tuple[str, ...]:
        """Its words but the first, as text."""
        return tuple(token.text for token in self.directive.arguments)

    @property
    def raw(self) -> str:
        """As it is written, up to its ``;`` or ``{``."""
        return self.source.text[self.directive.name.start : self.directive.end]

    def one_line(self) -> str:
        """Its words as they are written, without comments, line ends and terminator."""
        words = [self.source.text[token.start : token.end] for token in (self.directive.name, *self.arguments)]
        return " ".join(" ".join(words).splitlines())

    def issue(self, text: str) -> Issue:
        """A mistake in it, where nginx names the place too."""
        return Issue(self.source.here, self.line, f"nginx: [emerg] {text} in {self.source.inside}:{self.line}")

    def decline(self, text: str) -> Issue:
        """What cannot be honoured. It is taken out, so that nginx can say what else is wrong."""
        self.source.edits.remove(self.directive)
        return Issue(self.source.here, self.line, text)


Blocks = tuple[Statement, ...]
"""The blocks around a statement, outermost first."""


def flat(statements: Sequence[Statement]) -> Iterator[Statement]:
    """Statements of one block, what is included among them in its place."""
    for statement in statements:
        if statement.name == "include":
            for source in statement.files:
                yield from flat(source.statements)
        else:
            yield statement


def walk(statements: Sequence[Statement], blocks: Blocks = ()) -> Iterator[tuple[Statement, Blocks]]:
    """Every statement with the blocks around it, outer ones first; tables are not entered."""
    for statement in flat(statements):
        yield statement, blocks
        if statement.name not in OPAQUE:
            yield from walk(statement.children, (*blocks, statement))


def in_force(name: str, main: Source, blocks: Blocks) -> tuple[Statement, ...]:
    """The statements that hold in a block: its own, else the nearest block's around it."""
    for level in (*(block.children for block in reversed(blocks)), main.statements):
        if found := tuple(statement for statement in flat(level) if statement.name == name):
            return found
    return ()


def absolute(path: str) -> PurePosixPath:
    """A container path as nginx completes it."""
    return PurePosixPath(os.path.normpath(PREFIX / path))


class Reader:
    """Reads one configuration. ``sources`` grows in the order of reading; ``issues`` holds what could not be read."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.sources: list[Source] = []
        self.issues: list[Issue] = []

    def main(self, path: PurePosixPath) -> Source:
        """The main file and all below it.

        Raises:
            ComposeError: The main file cannot be read.
        """
        try:
            return self._read(path, depth=0)
        except OSError as exc:
            text = f'nginx: [emerg] open() "{path}" failed ({exc.errno}: {exc.strerror})'
            raise ComposeError(Issue(self._place.path(path), None, text)) from exc

    def _read(self, path: PurePosixPath, depth: int) -> Source:
        here = self._place.path(path)
        with here.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            text = file.read()
        source = Source(path, here, text, sum(known.inside == path for known in self.sources))
        self.sources.append(source)
        try:
            directives = parse(text)
        except Unreadable:
            # As it is: nginx names the line and says why. It is to open no file of this machine before.
            source.edits.changes += [(*match.span(), "") for match in INCLUDE.finditer(text)]
            return source
        source.statements = self._statements(directives, source, depth)
        return source

    def _statements(self, directives: Sequence[Directive], source: Source, depth: int) -> tuple[Statement, ...]:
        statements = []
        for directive in directives:
            statement = Statement(directive, source)
            statement.children = self._statements(directive.block or (), source, depth)
            if statement.name == "include" and statement.arguments:
                statement.files = self._included(statement, depth + 1)
            statements.append(statement)
        return tuple(statements)

    def _included(self, statement: Statement, depth: int) -> tuple[Source, ...]:
        pattern = absolute(statement.values[0])
        if depth > DEPTH_LIMIT:
            self.issues.append(statement.issue(f'open() "{pattern}" failed (24: Too many open files)'))
            return ()
        paths = glob(self._place, pattern) if MAGIC & set(str(pattern)) else [pattern]
        return tuple(source for path in paths if (source := self._try(statement, path, depth)))

    def _try(self, statement: Statement, path: PurePosixPath, depth: int) -> Source | None:
        try:
            return self._read(path, depth)
        except OSError as exc:
            call = "read" if isinstance(exc, IsADirectoryError) else "open"
            self.issues.append(statement.issue(f'{call}() "{path}" failed ({exc.errno}: {exc.strerror})'))
            return None


def glob(place: Place, pattern: PurePosixPath) -> list[PurePosixPath]:
    """Container paths that a pattern fits, sorted as nginx sorts them."""
    found = [PurePosixPath("/")]
    for part in pattern.parts[1:]:
        fits = _fits(part)
        found = [folder / name for folder in found for name in sorted(_names(place, folder)) if fits(name)]
    return found


def _fits(part: str) -> Callable[[str], bool]:
    """One component of a pattern; a hidden file is named by a pattern that begins with a dot, as for glob(3)."""
    return lambda name: fnmatchcase(name, part) and name.startswith(".") <= part.startswith(".")


def _names(place: Place, folder: PurePosixPath) -> set[str]:
    """What a container folder holds: its files, and what is mounted below it."""
    mounted = {
        mount.target.relative_to(folder).parts[0]
        for mount in place.service.mounts
        if mount.target != folder and mount.target.is_relative_to(folder)
    }
    try:
        return mounted | set(os.listdir(place.path(folder)))  # noqa: PTH208  # names, not paths
    except OSError:
        return mounted
