"""nginx's configuration text as statements that know where each of their words stands.

Pure. crossplane tells the words apart; it keeps lines and no columns, so each word is found again in the text here.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from crossplane import lex_string  # type: ignore[import-untyped]
from crossplane.errors import NgxParserSyntaxError  # type: ignore[import-untyped]

ENDS = frozenset("{};")
QUOTES = frozenset("\"'")
ESCAPE = re.compile(r"\\([\"'\\trn])")
ESCAPED = {"t": "\t", "r": "\r", "n": "\n"}

FOREIGN = re.compile(r"[^\t\r\n\x20-\x7e]")
"""What is a letter to nginx. To crossplane some of it is space: U+00A0, which French keyboards type by accident."""


class Unreadable(ValueError):
    """Braces or quotes that do not close, or a block in another language. nginx itself has the words for it."""


@dataclass(frozen=True, slots=True)
class Token:
    """One word. ``text`` is without its quotes; ``start`` and ``end`` are offsets around it, quotes included."""

    text: str
    line: int
    start: int
    end: int
    quoted: bool


@dataclass(frozen=True, slots=True)
class Directive:
    """One statement.

    Attributes:
        end: The offset after its ``;``, or after its ``{``.
        block: What stands between its braces, None where it has none.
    """

    name: Token
    arguments: tuple[Token, ...]
    end: int
    block: tuple["Directive", ...] | None = None


def parse(text: str) -> tuple[Directive, ...]:
    """The statements of a file. One that is not terminated is left out: nginx refuses the file anyway.

    Raises:
        Unreadable: No statements can be told apart.
    """
    try:
        return tuple(_directives(_tokens(text)))
    except NgxParserSyntaxError as exc:
        raise Unreadable(exc.strerror) from exc


def quote(text: str) -> str:
    """A word as nginx reads it back, in quotes where it needs them."""
    if text and not set(text) & set(" \t\r\n;{}\"'\\#"):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _tokens(text: str) -> Iterator[Token]:
    """Words and punctuation in order; comments are left out."""
    plain = FOREIGN.sub("x", text)
    end = 0
    for word, line, quoted in lex_string(plain):
        start = end
        while plain[start].isspace():
            start += 1
        if quoted and plain[start] not in QUOTES:
            raise Unreadable("a block in another language")  # crossplane reads Lua blocks as one word
        end = _closing_quote(plain, start) if quoted else start + len(word)
        if quoted or not word.startswith("#"):
            yield Token(_read(text[start:end], quoted=quoted), line, start, end, quoted)


def _read(raw: str, *, quoted: bool) -> str:
    """A word as nginx understands it: without its quotes, escapes resolved."""
    return ESCAPE.sub(lambda match: ESCAPED.get(match[1], match[1]), raw[1:-1] if quoted else raw)


def _closing_quote(text: str, start: int) -> int:
    """The offset after the quote that closes the one at ``start``."""
    place = start + 1
    while text[place] != text[start]:
        place += 2 if text[place] == "\\" else 1
    return place + 1


def _directives(tokens: Iterator[Token]) -> Iterator[Directive]:
    """The statements up to the end of the block, or of the file."""
    words: list[Token] = []
    for token in tokens:
        if token.quoted or token.text not in ENDS:
            words.append(token)
            continue
        if token.text == "}":
            return
        block = tuple(_directives(tokens)) if token.text == "{" else None
        if words:
            yield Directive(words[0], tuple(words[1:]), token.end, block)
        words = []


@dataclass(slots=True)
class Edits:
    """Changes of a text that keep its lines: words replaced, words inserted."""

    changes: list[tuple[int, int, str]] = field(default_factory=list)

    def replace(self, token: Token, text: str) -> None:
        """Put another word in a word's place."""
        self.changes.append((token.start, token.end, quote(text)))

    def insert(self, offset: int, text: str) -> None:
        """Put text between words."""
        self.changes.append((offset, offset, text))

    def remove(self, part: Token | Directive) -> None:
        """Take a word or a statement out; the line ends within it stay."""
        start = part.start if isinstance(part, Token) else part.name.start
        self.changes.append((start, part.end, ""))

    def apply(self, text: str) -> str:
        """The changed text, with as many lines as before.

        What stands within something removed goes with it. Of several inserted at one place, the first stays first.
        """
        parts: list[str] = []
        done = 0
        for start, end, new in sorted(self.changes, key=lambda change: change[:2]):
            if start < done:
                continue
            parts += [text[done:start], new, "\n" * (text.count("\n", start, end) - new.count("\n"))]
            done = end
        return "".join([*parts, text[done:]])


def expand(text: str, constants: Mapping[str, str]) -> str:
    """``$name`` and ``${name}`` replaced where the name's value is known."""
    for name in sorted(constants, key=len, reverse=True):
        text = text.replace(f"${{{name}}}", constants[name]).replace(f"${name}", constants[name])
    return text
