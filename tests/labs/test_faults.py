"""The fault matrix: whatever goes wrong while observing, the verdict is INCONCLUSIVE, never PASS and never FAIL."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from checker.checks.tp1 import CHECKS
from checker.facts import Facts, Source, Unavailable
from checker.model import Check, Finding, Status
from checker.runner import run
from tests.unit.checker.exercise import CODES, Diary, make_image, probes, solved, world

# What each check cannot do without. Each also needs the registry to answer and the check files to be untouched.
NEEDED: dict[str, set[Source]] = {
    "TP1-PAT": {Source.JOURNAL},
    "TP1-LOGIN": {Source.JOURNAL, Source.CLIENT},
    "TP1-BUILD": {Source.CONTENT},
    "TP1-PUSH": {Source.JOURNAL, Source.TAGS},
    "TP1-BLOBS": {Source.CONTENT},
    "TP1-TAGS": {Source.TAGS},
    "TP1-PULL": {Source.JOURNAL, Source.CONTENT},
}
STATES = {
    "solved": world(solved(), make_image()),
    "nothing done": world(Diary().note(kind="server").start_attempt()),
    "wrong everywhere": world(solved().push(letter="b"), make_image("c", labels={})),
}


@dataclass(frozen=True)
class Broken:
    """A probe that goes wrong in one way."""

    source: Source
    action: Callable[[], object]
    deadline_seconds: float = 5.0

    def read(self) -> object:
        """Whatever goes wrong."""
        return self.action()


def fail() -> object:
    """Any exception."""
    raise RuntimeError("planted")


def exit_thread() -> object:
    """An exception that is no ``Exception``."""
    raise SystemExit(0)


@contextmanager
def hanging() -> Iterator[Callable[[], object]]:
    """Something that does not come back while the context lasts."""
    gate = threading.Event()
    try:
        yield lambda: gate.wait(60)
    finally:
        gate.set()


FAULTS: dict[str, Callable[[], object]] = {
    "exception": fail,
    "exit": exit_thread,
    "garbage": lambda: {"status": "pass"},
    "garbage of another source": lambda: Diary().note().journal().events,
    "emptiness": lambda: None,
    "an empty text": lambda: "",
    "unavailable": lambda: Unavailable("garbage", {"source": "planted"}),
}


def statuses(facts: Facts, checks: tuple[Check, ...] = CHECKS, **replaced: Any) -> dict[str, Status]:
    """Verdicts by code, of checks that do not block each other: each is to speak for itself."""
    alone = tuple(replace(check, needs=()) for check in checks)
    return {v.check.code: v.status for v in run(alone, facts.task, probes(facts, **replaced)).verdicts}


def affected(source: Source) -> set[str]:
    """Checks that cannot do without a source."""
    if source in {Source.ANSWER, Source.PACK}:
        return set(CODES) if source is Source.ANSWER else set()
    return {code for code, needed in NEEDED.items() if source in needed}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("source", list(Source))
def test_a_fault_while_reading_makes_verdicts_inconclusive(source: Source, fault: str, state: str) -> None:
    """What needs the source is INCONCLUSIVE; every other verdict is what it was without the fault."""
    before = statuses(STATES[state])
    after = statuses(STATES[state], **{source: Broken(source, FAULTS[fault])})
    expected = {code: Status.INCONCLUSIVE if code in affected(source) else before[code] for code in CODES}
    assert after == expected


@pytest.mark.parametrize("source", list(Source))
def test_a_hang_while_reading_makes_verdicts_inconclusive(source: Source) -> None:
    """A source that does not come is given up at its deadline, and nobody waits for its thread."""
    with hanging() as hang:
        after = statuses(STATES["solved"], **{source: Broken(source, hang, deadline_seconds=0.2)})
    assert {code for code, status in after.items() if status is not Status.PASS} == affected(source)
    assert {after[code] for code in affected(source)} <= {Status.INCONCLUSIVE}


@pytest.mark.parametrize("reason", ["journal-broken", "journal-truncated", "pack-changed"])
def test_tampering_makes_every_verdict_inconclusive(reason: str) -> None:
    """Nothing that rests on a changed journal or changed checks is judged."""
    source = Source.PACK if reason == "pack-changed" else Source.JOURNAL
    found = statuses(STATES["solved"], **{source: Broken(source, lambda: Unavailable(reason, {"line": 3}))})
    assert set(found.values()) == {Status.INCONCLUSIVE}


def judged_by(judge: Callable[[Facts], Any]) -> Status:
    """The verdict of a check with this judge on a solved exercise."""
    return statuses(STATES["solved"], (replace(CHECKS[0], judge=judge),))["TP1-PAT"]


@pytest.mark.parametrize("fault", [name for name in FAULTS if name != "unavailable"])
def test_a_fault_while_judging_is_inconclusive(fault: str) -> None:
    """A check that raises, or answers with anything but a finding, has no verdict."""
    assert judged_by(lambda _: FAULTS[fault]()) is Status.INCONCLUSIVE


def test_a_hang_while_judging_is_inconclusive(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that does not come back is given up."""
    monkeypatch.setattr("checker.runner.JUDGE_SECONDS", 0.2)
    with hanging() as hang:
        assert judged_by(lambda _: hang()) is Status.INCONCLUSIVE


def test_a_pass_without_evidence_is_inconclusive() -> None:
    """PASS needs at least one observation."""
    assert judged_by(lambda _: Finding(Status.PASS)) is Status.INCONCLUSIVE


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("state", STATES)
def test_the_order_of_the_checks_changes_nothing(seed: int, state: str) -> None:
    """Any order of judging gives the same verdicts, in the same order."""
    facts, order = STATES[state], random.Random(seed).sample(CODES, len(CODES))  # noqa: S311  a shuffle, no secret
    ordered = run(CHECKS, facts.task, probes(facts), order=order).verdicts
    straight = run(CHECKS, facts.task, probes(facts), order=CODES).verdicts
    assert [replace(v, duration_ms=0) for v in ordered] == [replace(v, duration_ms=0) for v in straight]
