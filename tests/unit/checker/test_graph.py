"""What blocks what."""

from dataclasses import replace

import pytest

from checker import checks
from checker.checks.graph import blocked_by, closure
from checker.checks.tp1 import CHECKS
from checker.facts import Source
from checker.model import Cause, Check, Finding, Status, Tense


def check(code: str, *needs: str) -> Check:
    """A check that needs others."""
    return Check(code, 1, Tense.NOW, 1, "§1", lambda _: Finding(Status.FAIL), (Source.TAGS,), (), needs)


CHAIN = (check("A"), check("B", "A"), check("C", "B"))


def outcome(*statuses: Status) -> tuple[str, ...]:
    """What blocks C when A, B and C find these."""
    findings = {each.code: Finding(status) for each, status in zip(CHAIN, statuses, strict=True)}
    return blocked_by(CHAIN[2], {each.code: each for each in CHAIN}, findings)


def test_a_failure_behind_a_failure_is_blocked_by_its_root() -> None:
    """A fails, B fails because of A, C because of B: A is named."""
    assert outcome(Status.FAIL, Status.FAIL, Status.FAIL) == ("A",)


def test_a_failure_behind_a_pass_is_its_own() -> None:
    """B passed on its own evidence: C's failure is not A's doing."""
    assert outcome(Status.FAIL, Status.PASS, Status.FAIL) == ()


def test_what_passes_is_never_blocked() -> None:
    """Evidence is evidence."""
    assert outcome(Status.FAIL, Status.FAIL, Status.PASS) == ()


def test_what_could_not_be_judged_blocks_nothing() -> None:
    """INCONCLUSIVE is no failure, and hides none."""
    assert outcome(Status.PASS, Status.INCONCLUSIVE, Status.FAIL) == ()


def test_what_could_not_be_judged_behind_a_failure_is_blocked() -> None:
    """A stack that is down leaves nothing to read: that is the stack's red line, and no riddle."""
    assert outcome(Status.FAIL, Status.PASS, Status.INCONCLUSIVE) == ()
    assert outcome(Status.PASS, Status.FAIL, Status.INCONCLUSIVE) == ("B",)


def test_what_could_not_be_judged_passes_a_failure_on() -> None:
    """A fails, B cannot be judged for it, nor C, or C fails for it: A is named each time."""
    assert outcome(Status.FAIL, Status.INCONCLUSIVE, Status.INCONCLUSIVE) == ("A",)
    assert outcome(Status.FAIL, Status.INCONCLUSIVE, Status.FAIL) == ("A",)


def test_what_blocks_is_named_in_the_order_of_the_checks() -> None:
    """As the steps go, whatever the order of the needs."""
    last = check("C", "B", "A")
    findings = {code: Finding(Status.FAIL) for code in "ABC"}
    assert blocked_by(last, {"A": check("A"), "B": check("B"), "C": last}, findings) == ("A", "B")


def blockers(cause: str, status: Status = Status.FAIL) -> tuple[str, ...]:
    """What blocks B for this cause, when A fails, and A explains ``b.refused`` only."""
    second = replace(CHAIN[1], explained={"A": ("b.refused",)})
    findings = {"A": Finding(Status.FAIL), "B": Finding(status, causes=(Cause(cause),))}
    return blocked_by(second, {"A": CHAIN[0], "B": second}, findings)


def test_a_failure_for_another_cause_is_a_fault_of_its_own() -> None:
    """A explains some of B's causes: for one of these B is blocked, for another it fails."""
    assert blockers("b.refused") == ("A",)
    assert blockers("b.other") == ()


def test_what_could_not_be_judged_is_explained_whatever_the_reason() -> None:
    """Reasons are of reading, not of the student's work."""
    assert blockers("timeout", Status.INCONCLUSIVE) == ("A",)


@pytest.mark.parametrize(
    "each", [each for slug in checks.slugs() for each in checks.pack(slug).checks], ids=lambda each: each.code
)
def test_what_is_explained_is_a_need_and_a_declared_cause(each: Check) -> None:
    """A typing mistake would hide a fault, or show one twice."""
    assert set(each.explained) <= set(each.needs)
    assert {cause for causes in each.explained.values() for cause in causes} <= set(each.causes)


def test_the_closure_brings_what_is_needed_in_order() -> None:
    """Asked for C, all three are judged."""
    assert [each.code for each in closure(CHAIN, ["C"])] == ["A", "B", "C"]
    assert [each.code for each in closure(CHAIN, ["A"])] == ["A"]


def test_a_circle_is_refused() -> None:
    """Checks that need each other could never pass."""
    with pytest.raises(ValueError, match="need each other"):
        closure((check("A", "B"), check("B", "A")), ["A"])


def test_an_unknown_need_is_refused() -> None:
    """A typing mistake in a check's table."""
    with pytest.raises(ValueError, match="expected one of"):
        closure((check("A", "Z"),), ["A"])


def test_tp1s_table_is_sound() -> None:
    """No circle, no unknown need, codes once, points of twenty."""
    assert closure(CHECKS, [each.code for each in CHECKS]) == list(CHECKS)
    assert len({each.code for each in CHECKS}) == len(CHECKS)
    assert sum(each.points for each in CHECKS) == 20
    assert replace(CHECKS[0], needs=()) == CHECKS[0]
