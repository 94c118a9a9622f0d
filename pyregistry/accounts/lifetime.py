"""How long an access token is to live, as people type it."""

import re
from datetime import timedelta

# lifetime ::= [0-9]{1,6} ("s" | "m" | "h" | "d")
_LIFETIME = re.compile(r"([0-9]{1,6})([smhd])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class LifetimeInvalid(ValueError):
    """The text is no lifetime."""


def parse_lifetime(text: str) -> timedelta:
    """Read a lifetime, e.g. ``30d``; nothing keeps it from being over at once (``0s``).

    Raises:
        LifetimeInvalid: The grammar is broken.
    """
    match = _LIFETIME.fullmatch(text)
    if match is None:
        raise LifetimeInvalid(f"{text[:40]!r}: expected a lifetime such as 30d, 12h, 15m or 90s")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
