"""How events tell what went wrong: the newest try explains best. Shared by the exercises' checks; pure."""

from collections.abc import Iterable

from checker.history import describe
from checker.model import Cause, Evidence, Value, Words
from pyregistry.spec.journal import Event

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


def ref(event: Event | None) -> Value:
    """The event as an observation."""
    return describe(event).ref if event else "-"
