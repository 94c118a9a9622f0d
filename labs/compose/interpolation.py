"""``${X}`` in a compose file, as the Compose Specification has it. Pure.

    text   ::= (plain | "$$" | "$" name | "${" name [operator text] "}")*
    operator ::= [":"] ("-" | "?" | "+")
    name   ::= (letter | "_") (letter | digit | "_")*

With the colon an empty variable counts as one that is not set.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_OPERATOR = re.compile(r":?[-?+]")


class InterpolationInvalid(ValueError):
    """A ``$`` that begins nothing of the grammar."""


class VariableMissing(ValueError):
    """``${X?…}`` and no X. The message is Compose's."""


@dataclass(slots=True)
class Interpolation:
    """Variables, and what was asked of them.

    Attributes:
        unset: Variables without value or default that a text named, in order, once for each time.
    """

    variables: Mapping[str, str]
    unset: list[str] = field(default_factory=list)

    def expand(self, text: str) -> str:
        """The text with its variables replaced.

        Raises:
            InterpolationInvalid: The text is outside the grammar.
            VariableMissing: A variable must be set and is not.
        """
        return self._until(text, 0, closing="")[0]

    def _until(self, text: str, start: int, closing: str) -> tuple[str, int]:
        """Expand up to a closing brace, or to the end; where that was."""
        parts, at = [], start
        while at < len(text) and text[at] != closing:
            if text[at] == "$":
                part, at = self._dollar(text, at + 1)
            else:
                part, at = text[at], at + 1
            parts.append(part)
        return "".join(parts), at

    def _dollar(self, text: str, at: int) -> tuple[str, int]:
        """What stands behind a ``$``."""
        if text[at : at + 1] == "$":
            return "$", at + 1
        if text[at : at + 1] == "{":
            return self._braced(text, at + 1)
        name = _NAME.match(text, at) or _refuse(text)
        return self._value(name[0]), name.end()

    def _braced(self, text: str, at: int) -> tuple[str, int]:
        name = _NAME.match(text, at) or _refuse(text)
        operator = _OPERATOR.match(text, name.end())
        if operator is None:
            end, value = name.end(), self._value(name[0])
        else:
            # What the default names is only missed where the default is taken.
            inner = Interpolation(self.variables)
            word, end = inner._until(text, operator.end(), closing="}")
            value = self._choose(name[0], operator[0], word, inner.unset)
        return (value, end + 1) if text[end : end + 1] == "}" else _refuse(text)

    def _choose(self, name: str, operator: str, word: str, unset: list[str]) -> str:
        value = self.variables.get(name)
        is_set = bool(value) if operator.startswith(":") else value is not None
        if operator.endswith("+") == is_set:
            self.unset += unset
        if operator.endswith("+"):
            return word if is_set else ""
        if is_set:
            return value or ""
        if operator.endswith("?"):
            raise VariableMissing(f"required variable {name} is missing a value" + (f": {word}" if word else ""))
        return word

    def _value(self, name: str) -> str:
        if name not in self.variables:
            self.unset.append(name)
        return self.variables.get(name, "")


def _refuse(text: str) -> NoReturn:
    raise InterpolationInvalid(text)
