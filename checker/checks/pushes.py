"""How a push went, or did not: what every exercise that pushes ``app:1.0`` asks of the journal. Pure.

What one refusal means is each exercise's own to say: a hosted registry refuses for other reasons than a private one.
"""

from collections.abc import Callable
from itertools import chain

from checker import history
from checker.checks.telling import Ranked
from checker.facts import Journal
from checker.model import Cause
from pyregistry.spec.journal import Event

TAG = "1.0"


def target_repository(org: str, repo: str) -> str:
    """The repository of the exercises' image."""
    return f"{org}/{repo}/app"


def pushes(journal: Journal, repository: str, tag: str = TAG) -> list[Event]:
    """Successful pushes of the tag since the start."""
    found = (event for event in journal.since_start if history.is_manifest_push(event))
    return [event for event in found if event.repository == repository and tag in history.pushed_tags(event)]


def tag_lost(journal: Journal, user: str, repository: str, now: str | None) -> Ranked:
    """The student did push the tag: it was deleted, or moved by somebody. Or only somebody else pushed it."""
    found = pushes(journal, repository)
    mine = [event for event in found if history.account(event) == user]
    others = [event for event in found if history.account(event) != user]
    if mine and now is None:
        return [(mine[-1].seq, Cause("push.tag-deleted"))]
    cause = "push.moved-by-another" if mine else "push.another-account"
    return [(event.seq, Cause(cause, {"account": history.account(event) or history.NOBODY})) for event in others]


def pushed_elsewhere(journal: Journal, user: str, repository: str) -> Ranked:
    """Pushes of the student that the registry took, under another name or another tag."""
    mine = [
        event for event in journal.since_start if history.account(event) == user and history.is_manifest_push(event)
    ]
    tagged = [(event, history.pushed_tags(event)) for event in mine if history.pushed_tags(event)]
    ranked: Ranked = [
        (event.seq, Cause("push.other-repository", {"name": f"{event.repository}:{names[0]}"}))
        for event, names in tagged
        if event.repository != repository
    ]
    here = [(event, names) for event, names in tagged if event.repository == repository]
    tags = sorted(set(chain.from_iterable(names for _, names in here)))
    if not here or TAG in tags:
        return ranked
    cause = Cause("push.only-latest") if tags == ["latest"] else Cause("push.other-tag", {"tags": ", ".join(tags)})
    return [*ranked, (here[-1][0].seq, cause)]


def refused(journal: Journal, cause_of: Callable[[Event, str], Cause]) -> Ranked:
    """Writes that the registry refused. The 401 that begins every token dance is not one: an account came after it."""
    refusals = [event for event in journal.since_start if history.is_write_refusal(event)]
    known_since: dict[str | None, int] = {}
    for event in journal.since_start:
        if history.account(event) is not None and not history.is_refusal(event):
            known_since[history.write_target(event) or event.repository] = event.seq
    return [
        (event.seq, cause_of(event, str(history.write_target(event))))
        for event in refusals
        if history.account(event) is not None or event.seq > known_since.get(history.write_target(event), 0)
    ]


def unfinished(journal: Journal, repository: str) -> Ranked:
    """Layers went up, and no manifest followed."""
    here = [event for event in journal.since_start if event.repository == repository]
    uploads = [event for event in here if history.is_upload(event)]
    if not uploads or any(history.is_manifest_attempt(event) for event in here):
        return []
    return [(uploads[-1].seq, Cause("push.unfinished"))]


def pushed_too_early(journal: Journal, user: str, repository: str) -> Ranked:
    """The student's push of an earlier attempt."""
    early = [event for event in journal.events if event.seq <= journal.horizon_seq and history.is_manifest_push(event)]
    return [
        (event.seq, Cause("push.too-early"))
        for event in early
        if history.account(event) == user and event.repository == repository and TAG in history.pushed_tags(event)
    ]
