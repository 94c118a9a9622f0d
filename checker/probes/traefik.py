r"""Lines of Traefik's access log, in its formats ``common``, ``genericCLF`` and ``json``. Pure.

    common ::= address " - " user " [" time "] " DQUOTE method SP path SP protocol DQUOTE SP status SP bytes
               SP DQUOTE referer DQUOTE SP DQUOTE user-agent DQUOTE
               [ SP count SP DQUOTE router DQUOTE SP DQUOTE server DQUOTE SP milliseconds "ms" ]

Of a field's own characters only ``"`` is escaped, as ``\"``. The time is that of the request's beginning.
``genericCLF`` ends behind the client's name. What Traefik says of itself goes to the same place.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from checker.facts import LogLine
from checker.probes import nginx

_LINE = re.compile(
    r'(?P<peer>\S+) - (?P<user>.*?) \[(?P<at>[^\]]+)\] "(?P<method>\S+) (?P<path>\S*) (?P<protocol>\S+)"'
    r' (?P<status>\d{3}) (?P<size>\d+|-) "(?:-|.*?[^\\])" "(?P<agent>.*?)"'
    r'(?: \d+ "(?:-|.*?[^\\])" "(?P<server>\S*)" \d+ms)?'
)
_BEGINNING = re.compile(r"\S+ - .* \[\d\d/")
"""Of a line of words; what Traefik says of itself may take several lines, of which the later ones begin anyhow."""
_NOBODY = frozenset({"", "-"})
_NOT_FOUND = 404


def is_aside(text: str) -> bool:
    """What Traefik says of itself."""
    told = _told(text)
    return "RequestMethod" not in told if told else _BEGINNING.match(text) is None


def parse(text: str, number: int) -> LogLine | None:
    """One line; None where it is none."""
    told = _told(text)
    return _of_object(told, number) if told else _of_line(text, number)


def _of_line(text: str, number: int) -> LogLine | None:
    """A line of words."""
    found = _LINE.fullmatch(text)
    at = nginx.parse_time(found["at"]) if found else None
    if found is None or at is None:
        return None
    status = int(found["status"])
    return LogLine(
        number=number,
        at=at,
        user=_user(found["user"]),
        method=found["method"],
        path=found["path"],
        status=status,
        size=int(found["size"]) if found["size"].isdigit() else 0,
        user_agent=_agent(found["agent"].replace('\\"', '"')),
        asked=_is_asked(status, found["server"]),
    )


def _of_object(told: Mapping[str, Any], number: int) -> LogLine | None:
    """A line of JSON."""
    try:
        status = int(told["DownstreamStatus"])
        return LogLine(
            number=number,
            at=datetime.fromisoformat(told["StartUTC"]).astimezone(UTC),
            user=_user(str(told["ClientUsername"])),
            method=str(told["RequestMethod"]),
            path=str(told["RequestPath"]),
            status=status,
            size=int(told["DownstreamContentSize"]),
            user_agent=_agent(str(told.get("request_User-Agent", "-"))),
            asked=_is_asked(status, str(told.get("ServiceURL", "-"))),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _told(text: str) -> Mapping[str, Any]:
    """What a line of JSON holds; nothing where it is no object."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _user(name: str) -> str | None:
    """Who asked."""
    return None if name in _NOBODY else name


def _agent(sent: str) -> str:
    """How the client called itself; empty where the log does not tell: all headers are left out unless asked for."""
    return "" if sent in _NOBODY else sent


def _is_asked(status: int, server: str | None) -> bool:
    """A server was found for the request: where no router knows the name or the path, Traefik says 404 by itself."""
    return status != _NOT_FOUND or server != "-"
