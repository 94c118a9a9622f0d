"""What ``.dockerignore`` keeps out of a build (github.com/moby/patternmatcher v0.6). Pure: a text, then paths."""

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass

_ESCAPED = frozenset(".+()|{}$")


class IgnorePatternInvalid(ValueError):
    """A line is no pattern. The message is Docker's own."""


@dataclass(frozen=True, slots=True)
class _Pattern:
    expression: re.Pattern[str]
    inverted: bool


class Ignore:
    """The patterns of one file, in their order: the last that matches decides. No patterns ignore nothing."""

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        self._patterns = [_compile(pattern) for pattern in patterns]
        self.has_exceptions = any(pattern.inverted for pattern in self._patterns)

    @classmethod
    def parse(cls, text: str) -> "Ignore":
        """Read a file: one pattern a line, ``#`` comments, ``!`` exceptions.

        Raises:
            IgnorePatternInvalid: A ``!`` alone, or brackets that do not close.
        """
        lines = [line.strip() for line in text.removeprefix("\ufeff").split("\n") if not line.startswith("#")]
        return cls([line for line in lines if line])

    def excludes(self, path: str) -> bool:
        """Whether the path, relative to the context, is kept out; so is everything below a directory that is."""
        matched = False
        parents = _with_parents(path)
        for pattern in self._patterns:
            if any(pattern.expression.fullmatch(parent) for parent in parents):
                matched = not pattern.inverted
        return matched


def _with_parents(path: str) -> list[str]:
    """``a/b/c`` is ``a``, ``a/b`` and ``a/b/c``."""
    parts = path.split("/")
    return ["/".join(parts[: index + 1]) for index in range(len(parts))]


def _compile(line: str) -> _Pattern:
    inverted = line.startswith("!")
    text = line[1:].strip() if inverted else line
    if not text:
        raise IgnorePatternInvalid(f'illegal exclusion pattern: "{line}"')
    cleaned = posixpath.normpath(text)
    cleaned = cleaned.lstrip("/") if len(cleaned) > 1 else cleaned
    try:
        return _Pattern(re.compile(glob_expression(cleaned), re.DOTALL), inverted)
    except re.error as exc:
        raise IgnorePatternInvalid(f'error in "{line}": syntax error in pattern') from exc


# pattern ::= ( "**/" | "**" | "*" | "?" | "[" class "]" | "\" any | any )*
_PIECE = re.compile(r"\*\*/?|\*|\?|\\.|.", re.DOTALL)


def glob_expression(pattern: str) -> str:
    """A pattern as a regular expression: ``*`` and ``?`` stop at a slash, ``**`` does not."""
    return "".join(_translate(match[0], last=match.end() == len(pattern)) for match in _PIECE.finditer(pattern))


def _translate(piece: str, *, last: bool) -> str:
    if piece.startswith("**"):
        return ".*" if last else "(?:.*/)?"
    if piece == "*":
        return "[^/]*"
    if piece == "?":
        return "[^/]"
    if len(piece) > 1:
        return re.escape(piece[1])
    return re.escape(piece) if piece in _ESCAPED or piece == "\\" else piece
