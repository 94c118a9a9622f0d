"""Variables and quotes in a Dockerfile's words, as BuildKit's lexer reads them (its frontend/dockerfile/shell). Pure.

``$X``, ``${X}``, ``${X:-word}``, ``${X:+word}``, ``${X:?message}`` and their forms without the colon. BuildKit's
pattern forms (``${X#…}``, ``${X%…}``, ``${X/…/…}``) are refused by name.
"""

from collections.abc import Mapping

_DOUBLE_QUOTE_ESCAPES = '"$'
_PATTERN_MODIFIERS = "#%/"


class ExpansionInvalid(ValueError):
    """A word's quotes or variables are broken. The message is BuildKit's own."""


def expand(word: str, variables: Mapping[str, str], escape: str = "\\") -> str:
    """A word with its variables replaced and its quotes and escapes taken away; an unknown variable is empty.

    Raises:
        ExpansionInvalid: A quote or brace is not closed, or ``${X:?message}`` found X unset.
    """
    try:
        return _Reader(word, variables, escape).read(stop="")
    except ExpansionInvalid as exc:
        raise ExpansionInvalid(f'failed to process "{word}": {exc}') from None


class _Reader:
    """A position in a word. Each method consumes what it is named after."""

    def __init__(self, text: str, variables: Mapping[str, str], escape: str) -> None:
        self._text = text
        self._at = 0
        self._variables = variables
        self._escape = escape

    def read(self, stop: str) -> str:
        """Everything up to ``stop``, which is consumed; to the end where it is empty."""
        found: list[str] = []
        while char := self._next():
            if stop and char == stop:
                return "".join(found)
            found.append(self._piece(char))
        if stop:
            raise ExpansionInvalid(f"syntax error: missing '{stop}'")
        return "".join(found)

    def _piece(self, char: str) -> str:
        if char == "'":
            return self._single_quoted()
        if char == '"':
            return self._double_quoted()
        if char == "$":
            return self._variable()
        return self._next() if char == self._escape else char

    def _single_quoted(self) -> str:
        end = self._text.find("'", self._at)
        if end < 0:
            raise ExpansionInvalid("unexpected end of statement while looking for matching single-quote")
        start, self._at = self._at, end + 1
        return self._text[start:end]

    def _double_quoted(self) -> str:
        """The escape character keeps its meaning before ``"``, ``$`` and itself only."""
        found: list[str] = []
        while char := self._next():
            if char == '"':
                return "".join(found)
            if char == "$":
                char = self._variable()
            elif char == self._escape and (self._peek() == self._escape or self._peek() in _DOUBLE_QUOTE_ESCAPES):
                char = self._next()
            found.append(char)
        raise ExpansionInvalid("unexpected end of statement while looking for matching double-quote")

    def _variable(self) -> str:
        if self._peek() != "{":
            name = self._name()
            return self._variables.get(name, "") if name else "$"
        self._next()
        if not self._peek():
            raise ExpansionInvalid("syntax error: missing '}'")
        if self._peek() in "{}:":
            raise ExpansionInvalid("syntax error: bad substitution")
        return self._substitution(self._name())

    def _name(self) -> str:
        start = self._at
        while (char := self._peek()) and (char.isalnum() or char == "_"):
            self._at += 1
        return self._text[start : self._at]

    def _substitution(self, name: str) -> str:
        """What follows a name inside braces, the closing one included."""
        value = self._variables.get(name)
        modifier = self._next()
        if modifier == "}":
            return value or ""
        if modifier == ":":
            modifier += self._next()
            value = value or None
        if modifier[-1:] in _PATTERN_MODIFIERS or modifier.strip(":") not in {"-", "+", "?"}:
            raise ExpansionInvalid(f"unsupported modifier ({modifier}) in substitution")
        word = self.read(stop="}")
        if modifier.endswith("+"):
            return "" if value is None else word
        if modifier.endswith("?") and value is None:
            raise ExpansionInvalid(f"{name}: {word or _required(modifier)}")
        return word if value is None else value

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _next(self) -> str:
        char = self._peek()
        self._at += 1
        return char


def _required(modifier: str) -> str:
    return "is not allowed to be empty" if modifier.startswith(":") else "is not allowed to be unset"
