"""TP-2's fault matrix: whatever goes wrong while observing, a check that looked there never passes and never fails."""

from dataclasses import replace
from typing import Any

import pytest

from checker.checks.tp2 import CHECKS
from checker.facts import NO_JOURNAL, Facts, Source, Unavailable
from checker.messages import LANGUAGES, Messages
from checker.model import Check, Status
from checker.runner import run
from tests.labs.test_faults import FAULTS, Broken, hanging
from tests.unit.checker.exercise import probes
from tests.unit.checker.private import CODES, Scene, begun, make_payload, signatures, solved, world

# What each check cannot do without where all is done. What else it uses explains a failure, and decides nothing.
NEEDED: dict[str, set[Source]] = {
    "TP2-HTPASSWD": {Source.PASSWORDS},
    "TP2-CERT": {Source.HANDSHAKE},
    "TP2-KEY": {Source.KEYS},
    "TP2-UP": {Source.STACK, Source.HANDSHAKE, Source.DOORS},
    "TP2-AUTH": {Source.DOORS},
    "TP2-HTTP": {Source.PLAIN},
    "TP2-BACKEND": {Source.BACKEND, Source.STACK},
    "TP2-UPLOAD": {Source.UPLOAD},
    "TP2-PUSH": {Source.JOURNAL, Source.TAGS, Source.CONTENT},
    "TP2-SECRETS": {Source.LAYERS},
    "TP2-SIGN": {Source.SIGNATURES},
    "TP2-LOG": {Source.ACCESS_LOG, Source.JOURNAL},
    "TP2-PULL": {Source.JOURNAL, Source.TAGS},
}
SOLVED = world(solved())
STATES = {
    "solved": SOLVED,
    "nothing pushed": world(begun(), None),
    "wrong everywhere": world(
        Scene().start_attempt().log_in().push("c").push("a").write("GET", "/v2/x/y/manifests/1", 200, user="eve"),
        make_payload(labels={}, size=9),
        signatures=signatures(),
    ),
}
REASONS = ("timeout", "unreachable", "not-answering", "stack-down", "stack-unseen", "login-needed", "grader-refused",
           "server-error", "file-unreadable", "too-large", "interrupted", "tls", "not-tls", "no-journal")  # fmt: skip


def statuses(facts: Facts, checks: tuple[Check, ...] = CHECKS, **replaced: Any) -> dict[str, Status]:
    """Verdicts by code, of checks that do not block each other: each is to speak for itself."""
    alone = tuple(replace(check, needs=()) for check in checks)
    return {v.check.code: v.status for v in run(alone, facts.task, probes(facts, **replaced)).verdicts}


def affected(source: Source) -> set[str]:
    """Checks that cannot do without a source. The registry's silence is for TP2-UP to judge: it is the student's."""
    return {code for code, needed in NEEDED.items() if source in needed}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("source", list(Source))
def test_a_fault_while_reading_makes_verdicts_inconclusive(source: Source, fault: str) -> None:
    """All is done: what needs the source is INCONCLUSIVE, everything else passes as before."""
    after = statuses(SOLVED, **{source: Broken(source, FAULTS[fault])})
    unaffected = set(CODES) - affected(source)
    assert {after[code] for code in affected(source)} <= {Status.INCONCLUSIVE}
    assert {code: after[code] for code in unaffected} == dict.fromkeys(unaffected, Status.PASS)


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("source", [source for source in Source if source is not Source.PACK])
def test_whatever_the_reason_what_could_not_be_read_is_not_judged(source: Source, reason: str) -> None:
    """Each reason that a probe can give, at each source."""
    after = statuses(replace(SOLVED, **{source: Unavailable(reason, {"url": "u", "name": "n"})}))
    assert {code for code, status in after.items() if status is not Status.PASS} == affected(source)
    assert {after[code] for code in affected(source)} <= {Status.INCONCLUSIVE}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("source", list(Source))
def test_a_fault_changes_no_verdict_into_another(source: Source, state: str) -> None:
    """In any state a fault only takes verdicts away: a PASS becomes no FAIL, a FAIL no PASS."""
    before = statuses(STATES[state])
    after = statuses(STATES[state], **{source: Broken(source, FAULTS["exception"])})
    assert {code for code in CODES if after[code] not in {before[code], Status.INCONCLUSIVE}} == set()


@pytest.mark.parametrize("source", list(Source))
def test_a_hang_while_reading_makes_verdicts_inconclusive(source: Source) -> None:
    """A source that does not come is given up at its deadline, and nobody waits for its thread."""
    with hanging() as hang:
        after = statuses(SOLVED, **{source: Broken(source, hang, deadline_seconds=0.2)})
    assert {code for code, status in after.items() if status is not Status.PASS} == affected(source)
    assert {after[code] for code in affected(source)} <= {Status.INCONCLUSIVE}


def test_where_the_registry_knows_no_names_the_log_is_needed() -> None:
    """Whoever pulled stands in the proxy's log alone: unread, it makes nobody anonymous."""
    nameless = replace(SOLVED, journal=begun().push(user=None).sign().pull(user=None).diary.journal())
    broken = {Source.ACCESS_LOG: Broken(Source.ACCESS_LOG, FAULTS["exception"])}
    assert statuses(nameless, **broken)["TP2-PULL"] is Status.INCONCLUSIVE


def test_every_source_that_a_check_needs_is_one_that_it_uses() -> None:
    """The runner reads what a check says that it uses; nothing else is there when it judges."""
    assert {check.code: NEEDED[check.code] <= set(check.uses) for check in CHECKS} == dict.fromkeys(CODES, True)


def test_where_nothing_can_be_read_nothing_is_judged() -> None:
    """All sources fail at once: thirteen times INCONCLUSIVE, no point won or lost."""
    broken: dict[str, Any] = {
        source: Broken(source, FAULTS["exception"]) for source in Source if source is not Source.PACK
    }
    assert set(statuses(SOLVED, **broken).values()) == {Status.INCONCLUSIVE}


def test_what_was_not_read_is_blocked_by_nothing_but_a_failure() -> None:
    """INCONCLUSIVE blocks nothing: what needs it is judged on its own, or is INCONCLUSIVE itself."""
    facts = replace(SOLVED, handshake=Unavailable("timeout", {"source": "handshake", "seconds": 5}), journal=NO_JOURNAL)
    found = run(CHECKS, facts.task, probes(facts)).verdicts
    assert Status.BLOCKED not in {verdict.status for verdict in found}


@pytest.mark.parametrize("spoken", LANGUAGES)
def test_tampering_makes_every_verdict_inconclusive(spoken: str) -> None:
    """Nothing that rests on a changed journal or changed checks is judged, and the reason can be told."""
    for source, reason in ((Source.PACK, "pack-changed"), (Source.JOURNAL, "journal-broken")):
        told = Unavailable(reason, {"line": 3})
        assert set(statuses(replace(SOLVED, **{source: told})).values()) == {Status.INCONCLUSIVE}
        assert Messages(spoken, {"tp": "tp2"}).text("unavailable", reason, told.params)
