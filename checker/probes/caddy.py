"""Lines of Caddy's access log, which are JSON. Pure.

Caddy prints all that it has to say as such lines, in one place; what it handled is told by loggers of one name.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from checker.facts import LogLine

_LOGGER = "http.log.access"
_SENT_BY_DEFAULT = 200
"""Where no site handled the request, Caddy notes 0 and Go's HTTP server sends this."""


def is_aside(text: str) -> bool:
    """Whatever else Caddy has to say."""
    told = _told(text)
    return told is not None and not str(told.get("logger", "")).startswith(_LOGGER)


def parse(text: str, number: int) -> LogLine | None:
    """One line; None where it is none."""
    told = _told(text)
    if told is None:
        return None
    try:
        request, status = told["request"], int(told["status"])
        agent = request["headers"].get("User-Agent") or ["-"]
        return LogLine(
            number=number,
            at=_time(told["ts"]),
            user=str(told["user_id"]) or None,
            method=str(request["method"]),
            path=str(request["uri"]),
            status=status or _SENT_BY_DEFAULT,
            size=int(told["size"]),
            user_agent=str(agent[0]),
            asked=status != 0,
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, IndexError):
        return None


def _told(text: str) -> Mapping[str, Any] | None:
    """What a line holds; None where it is no object."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _time(stamp: float | str) -> datetime:
    """Seconds since 1970, or what the encoder's ``time_format`` makes of them where that is RFC 3339.

    Raises:
        ValueError: Another format.
    """
    if isinstance(stamp, str):
        return datetime.fromisoformat(stamp).astimezone(UTC)
    return datetime.fromtimestamp(stamp, UTC)
