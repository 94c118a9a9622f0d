"""What the journal tells once the other witnesses have been heard: the log on who came, the tag on what it is. Pure.

Where no proxy has a log, the registry's own file of passwords says who may have come.

A registry that asks nobody for a password knows no names where the proxy keeps them to itself; registry:2, read by what
it prints, knows none at all, nor the digest of what was pushed or pulled by a tag.
"""

from collections.abc import Iterable
from dataclasses import replace

from checker import history
from checker.checks.agreement import pair
from checker.checks.pushes import TAG, pushes
from checker.facts import LET_IN, AccessLog, Facts, Journal, Kind, Passwords
from pyregistry.spec.journal import Event


def hear(facts: Facts, journal: Journal, repository: str, now: str | None) -> Journal:
    """The journal with names and digests that it lacks; what it knows stays as it is.

    Args:
        facts: Where the proxy's log is, if there is one.
        journal: As it was read.
        repository: Of the exercise.
        now: The digest of its tag.
    """
    return _with_digests(hear_names(facts, journal), repository, now)


def hear_names(facts: Facts, journal: Journal) -> Journal:
    """Who asked, as the proxy's line on the same request says; without a proxy, the one whom the registry lets in."""
    log, requests = facts.access_log, [event for event in journal.since_start if event.kind == "request"]
    if not isinstance(log, AccessLog) or all(history.account(event) for event in requests):
        return journal
    if log.proxied:
        users = {event.seq: line.user for line, event in pair(log.lines, requests)}
    else:
        users = dict.fromkeys((event.seq for event in requests if event.detail.get(LET_IN)), _only_account(facts))
    return replace(journal, events=tuple(_named(journal.events, users)))


def _only_account(facts: Facts) -> str | None:
    """Whose password alone the registry knows; None where there are several, or none is known of."""
    files = facts.passwords.files if isinstance(facts.passwords, Passwords) else ()
    users = {entry.user for file in files if file.reader == Kind.REGISTRY for entry in file.entries}
    return users.pop() if len(users) == 1 else None


def _named(events: Iterable[Event], users: dict[int, str | None]) -> Iterable[Event]:
    """The events, each with the user of its line where it has no name of its own."""
    for event in events:
        user = None if history.account(event) else users.get(event.seq)
        yield replace(event, detail={**event.detail, "claimed_user": user}) if user else event


def _with_digests(journal: Journal, repository: str, now: str | None) -> Journal:
    """From its last push on the tag is what it is now."""
    moved_at = max((event.seq for event in pushes(journal, repository)), default=None)
    if now is None or moved_at is None:
        return journal
    return replace(
        journal,
        events=tuple(
            replace(event, digest=now) if _is_of_tag(event, repository) and event.seq >= moved_at else event
            for event in journal.events
        ),
    )


def _is_of_tag(event: Event, repository: str) -> bool:
    """The request named the tag and was granted, and the registry did not say which digest that was."""
    is_untold = event.digest is None and not history.is_refusal(event)
    return is_untold and (event.repository, event.reference) == (repository, TAG)
