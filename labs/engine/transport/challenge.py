"""``WWW-Authenticate``: what a registry asks for (RFC 9110, 11.6.1). Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

# challenge  ::= scheme [ 1*SP parameter *( "," parameter ) ]   challenges ::= challenge *( "," challenge )
# parameter  ::= token "=" ( token | quoted-string )
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_ITEM = re.compile(
    rf"[\s,]*(?:(?P<name>{_WORD})\s*=\s*(?P<value>{_QUOTED}|[^\s,\"]+)|(?P<scheme>{_WORD})(?=\s|,|$))", re.ASCII
)
_ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge. ``scheme`` is in lower case, names of parameters too."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def parse_challenges(headers: Iterable[str]) -> tuple[Challenge, ...]:
    """Read every challenge of every header, in order; what is no challenge is passed over."""
    return tuple(challenge for header in headers for challenge in _parse_header(header))


def _parse_header(header: str) -> list[Challenge]:
    found: list[tuple[str, dict[str, str]]] = []
    position = 0
    while match := _ITEM.match(header, position):
        position = match.end()
        if match["scheme"]:
            found.append((match["scheme"].lower(), {}))
        elif found:
            found[-1][1].setdefault(match["name"].lower(), _unquote(match["value"]))
    return [Challenge(scheme, parameters) for scheme, parameters in found]


def _unquote(value: str) -> str:
    return _ESCAPED.sub(r"\1", value[1:-1]) if value.startswith('"') else value
