"""Keeping secrets out of what is written down: logs, the journal, error bodies."""

import re
from collections.abc import Iterator

REDACTED = "REDACTED"

_MARKS = " \t\r\n?&;\"'"
_MARKS_BASE = 0xE000
_ENCODED_MARKS = f"{chr(_MARKS_BASE)}-{chr(_MARKS_BASE + 0x7F)}"
"""Marks end a secret only where they stand as they are; a percent-encoded one is part of it, and read as these."""

# secret ::= the value of an Authorization header | the value of a secret query parameter | GitHub token | JWT
#          | userinfo of a URL | userinfo of a Host that is all of the text
# Linear in the text, which a stranger may make as long as headers may be: a JWT is looked for once in each run of its
# letters, from the run's beginning, and what is scanned is not scanned again (``++``, ``*+``).
_SECRETS = re.compile(
    rf"(?P<kept>\b(?:basic|bearer)[\s+{_ENCODED_MARKS}]+"
    rf"|[?&;{_ENCODED_MARKS}](?:password|token|access_token|refresh_token|id_token|client_secret|authorization)=)"
    r"[^\s&;\"']+"
    r"|(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{8,}|github_pat_[A-Za-z0-9_]{8,})"
    r"|(?<![A-Za-z0-9_-])(?:(?!eyJ)[A-Za-z0-9_-])*+eyJ[A-Za-z0-9_-]++\.[A-Za-z0-9_-]++\.[A-Za-z0-9_-]*+"
    r"|(?<=//)[^\s/?#\"'<>]+(?=@)"
    r"|\A[^\s/@\"'{}<>\[\]][^\s\"'{}<>\[\]]*(?=@[^\s/@]+\Z)",
    re.IGNORECASE,
)

# encoded ::= "%" "25"* HEX HEX        a byte, percent-encoded once or again and again
_ENCODED = re.compile(r"%(?:25)*([0-9A-Fa-f]{2})")


def redact(text: str) -> str:
    """``text`` with every credential in it replaced, percent-encoded ones as well."""
    if "%" in text:
        return _redact_encoded(text)
    return _SECRETS.sub(_replacement, text)


def _replacement(found: re.Match[str]) -> str:
    return f"{found['kept'] or ''}{REDACTED}"


def _redact_encoded(text: str) -> str:
    """Secrets are looked for in what the text says, and replaced in how it says it."""
    units = [text[start:end] for start, end in _units(text)]
    meant = "".join(_meaning(unit) for unit in units)
    parts, done = list[str](), 0
    for found in _SECRETS.finditer(meant):
        start = found.end("kept") if found["kept"] else found.start()
        parts += [*units[done:start], REDACTED]
        done = found.end()
    return "".join([*parts, *units[done:]])


def _units(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each character that is meant."""
    done = 0
    for found in _ENCODED.finditer(text):
        yield from ((each, each + 1) for each in range(done, found.start()))
        yield found.span()
        done = found.end()
    yield from ((each, each + 1) for each in range(done, len(text)))


def _meaning(unit: str) -> str:
    if len(unit) == 1:
        return unit
    code = int(unit[-2:], 16)
    return chr(_MARKS_BASE + code) if chr(code) in _MARKS else chr(code)
