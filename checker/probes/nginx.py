r"""Lines of nginx's access log, in its formats ``combined`` and ``main``. Pure.

    line ::= address " - " user " [" time "] " DQUOTE request DQUOTE SP status SP bytes
             SP DQUOTE referer DQUOTE SP DQUOTE user-agent DQUOTE [ SP DQUOTE forwarded-for DQUOTE ]

nginx writes ``"``, ``\`` and every byte that is no printable ASCII as ``\xHH``, so that no client can end a field; here
they are what the client sent again.
"""

import re
from datetime import UTC, datetime

from checker.facts import LogLine

_LINE = re.compile(
    r'(?P<peer>\S+) - (?P<user>.*?) \[(?P<at>[^\]]+)\] "(?P<request>[^"]*)" (?P<status>\d{3}) (?P<size>\d+|-)'
    r' "[^"]*" "(?P<agent>[^"]*)"(?: "[^"]*")*'
)
_TIME = re.compile(
    r"(?P<day>\d\d)/(?P<month>[A-Z][a-z]{2})/(?P<year>\d{4}):(?P<clock>\d\d:\d\d:\d\d)"
    r" (?P<zone>[+-]\d\d)(?P<minutes>\d\d)"
)
_ESCAPED = re.compile(r"\\x([0-9A-F]{2})")
# script ::= "/docker-entrypoint.sh: " or "10-listen-on-ipv6-by-default.sh: ", also ".envsh", and what it did
_SCRIPT = re.compile(r"(/docker-entrypoint|\d\d-[\w-]+)\.(env)?sh: ")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""In English whatever the locale is."""


def is_aside(text: str) -> bool:
    """What the official image's scripts print before nginx starts."""
    return _SCRIPT.match(text) is not None


def parse(text: str, number: int) -> LogLine | None:
    """One line; None where it is none. A request that is no HTTP has no method, and no path."""
    found = _LINE.fullmatch(text)
    at = parse_time(found["at"]) if found else None
    if found is None or at is None:
        return None
    method, _, rest = found["request"].partition(" ")
    path, _, version = rest.rpartition(" ")
    spoken = version.startswith("HTTP/")
    return LogLine(
        number=number,
        at=at,
        user=None if found["user"] == "-" else _sent_name(found["user"]),
        method=method if spoken else "",
        path=_sent(path) if spoken else "",
        status=int(found["status"]),
        size=int(found["size"]) if found["size"].isdigit() else 0,
        user_agent=_sent(found["agent"]),
    )


def _sent(text: str) -> str:
    """As the client wrote it, in Latin-1 like every header (RFC 9110 §5.5), and like the registry's journal."""
    return _ESCAPED.sub(lambda byte: chr(int(byte[1], 16)), text)


def _sent_name(text: str) -> str:
    """A user's name, which is UTF-8 where it makes sense as such (RFC 7617 §2.1)."""
    name = _sent(text)
    try:
        return name.encode("latin-1").decode()
    except ValueError:
        return name


def parse_time(text: str) -> datetime | None:
    """``23/Nov/2026:14:03:22 +0000``; None where it is no time."""
    found = _TIME.fullmatch(text)
    if found is None or found["month"] not in _MONTHS:
        return None
    month = f"{_MONTHS.index(found['month']) + 1:02}"
    stamp = f"{found['year']}-{month}-{found['day']}T{found['clock']}{found['zone']}:{found['minutes']}"
    try:
        return datetime.fromisoformat(stamp).astimezone(UTC)
    except ValueError:
        return None
