"""``.env`` and the files of ``env_file``: lines of ``KEY=value``. Pure.

    line  ::= ["export "] key ["=" value] [" #" comment]
    value ::= "'" as it stands "'" | '"' with escapes and variables '"' | words with variables

A key without ``=`` takes its value from the surroundings.
"""

import re
from collections.abc import Mapping

from labs.compose.interpolation import Interpolation, InterpolationInvalid

_LINE = re.compile(r"\s*(?:export\s+)?(?P<key>[^=:\s#][^=:]*?)\s*(?:[=:]\s*(?P<value>.*))?$")
_COMMENT = re.compile(r"\s+#.*$")
_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


class DotenvInvalid(ValueError):
    """A line that sets nothing. The message is Compose's, with the line's number."""


def parse_dotenv(text: str, variables: Mapping[str, str]) -> dict[str, str]:
    """Read such a file.

    Args:
        text: The file.
        variables: The surroundings, which come before what the file sets when a value names a variable.

    Raises:
        DotenvInvalid: With the first bad line.
    """
    values: dict[str, str] = {}
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        try:
            _read_line(bare, values, variables)
        except (ValueError, InterpolationInvalid) as exc:
            raise DotenvInvalid(f"line {number}: {exc}") from exc
    return values


def _read_line(line: str, values: dict[str, str], variables: Mapping[str, str]) -> None:
    found = _LINE.match(line)
    if found is None:
        raise ValueError(f"unexpected character {line[:1]!r}")
    key, value = found["key"], found["value"]
    if re.search(r"\s", key):
        raise ValueError("key cannot contain a space")
    if value is not None:
        values[key] = _value(value, Interpolation({**values, **variables}))
    elif key in variables:
        values[key] = variables[key]


def _value(text: str, interpolation: Interpolation) -> str:
    quote = text[:1]
    if quote not in {"'", '"'}:
        return interpolation.expand(_COMMENT.sub("", f" {text}").strip())
    end = text.find(quote, 1)
    while quote == '"' and end > 0 and text[end - 1] == "\\":
        end = text.find(quote, end + 1)
    if end < 0:
        # Never with the text behind the quote: it may be a password.
        raise ValueError("unterminated quoted value")
    inner = text[1:end]
    if quote == "'":
        return inner
    return interpolation.expand(_ESCAPE.sub(lambda found: _ESCAPES.get(found[1], found[1]), inner))
