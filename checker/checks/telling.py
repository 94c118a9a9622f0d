"""How events tell what went wrong: the newest try explains best. Shared by the exercises' checks; pure."""

import re
from collections.abc import Iterable, Sequence

from checker.history import describe
from checker.model import Cause, Evidence, Value, Words
from pyregistry.spec.journal import Event

SAID_MAX = 200
"""Characters of a program's words that are shown."""

# How programs mark what they print: nginx "[notice] 1#1: …", Go's logrus "level=info msg=…", Caddy and Traefik in JSON
# "level":"info", Traefik's own "INF". A request is one in the formats of access logs: "GET /v2/ HTTP/1.1" 401, or JSON.
_ROUTINE = re.compile(
    r"\[(?:debug|info|notice|warn)\]|level=\"?(?:debug|info|warn)|\"level\": ?\"(?:debug|info|warn)|\b(?:DBG|INF|WRN)\b"
    r"|\"[A-Z]+ \S+ HTTP/\d(?:\.\d)?\" \d{3}\b|\"(?:http\.)?request(?:\.method)?\":|\"RequestMethod\":"
)
_ERROR = re.compile(
    r"\[(?:error|crit|alert|emerg)\]|level=\"?(?:error|fatal|panic)|\"level\": ?\"(?:error|fatal|panic)|\b(?:ERR|FTL)\b"
    r"|error|panic|fatal|refused|denied|cannot|failed",
    re.IGNORECASE,
)

Ranked = list[tuple[int, Cause]]
"""Causes, each with the sequence number of the event that tells it."""


def newest_first(ranked: Ranked) -> tuple[Cause, ...]:
    """What was tried last explains best; of each kind the newest."""
    found: dict[str, Cause] = {}
    for _, cause in sorted(ranked, key=lambda row: -row[0]):
        found.setdefault(cause.id, cause)
    return tuple(found.values())


def distinct(causes: Iterable[Cause]) -> tuple[Cause, ...]:
    """Each cause once, in order."""
    return tuple({(cause.id, repr(cause.params)): cause for cause in causes}.values())


def newest(events: Iterable[Event]) -> Event | None:
    """The newest, if any."""
    return next(iter(reversed(list(events))), None)


def shown(event: Event | None) -> tuple[Evidence, ...]:
    """The event as evidence, if there is one."""
    return (describe(event),) if event else ()


def pair(name: Value, value: Value) -> Words:
    """Something, and what it is or answered."""
    return Words("said.pair", {"name": name, "value": value})


def cut(text: str) -> str:
    """Another program's words on one line, cut behind a word where it is long, what nobody sees made visible."""
    whole = " ".join(text.replace("\ufeff", "<U+FEFF>").split())
    if len(whole) <= SAID_MAX:
        return whole or "-"
    return f"{whole[: SAID_MAX + 1].rpartition(' ')[0] or whole[:SAID_MAX]} …"


def complaint(said: Sequence[str]) -> str:
    """The last line that is an error or a refusal; else the last that is neither a request nor a remark; else none."""
    spoken = [line for line in said if line.strip() and not _ROUTINE.search(line)]
    return next((line for line in reversed(spoken) if _ERROR.search(line)), spoken[-1] if spoken else "-")


def ref(event: Event | None) -> Value:
    """The event as an observation."""
    return describe(event).ref if event else "-"
