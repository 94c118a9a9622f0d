"""The runner: fixed order out, any order in, a report and no print."""

import threading

import pytest

from checker.checks.tp1 import CHECKS
from checker.facts import Source
from checker.model import Status, Verdict
from checker.runner import NothingToCheck, run, started
from tests.unit.checker.exercise import CODES, Given, make_image, prepared, probes, solved, world

SOLVED = world(solved(), make_image())


def test_no_check_is_an_error() -> None:
    """A run that judged nothing must not look like success."""
    with pytest.raises(NothingToCheck):
        run(CHECKS, SOLVED.task, probes(SOLVED), only=[])
    with pytest.raises(NothingToCheck):
        run((), SOLVED.task, probes(SOLVED))


def test_a_source_without_a_probe_was_not_read() -> None:
    """Nothing is assumed of what nobody looked at."""
    some = [probe for probe in probes(SOLVED) if probe.source is not Source.TAGS]
    found = {verdict.check.code: verdict for verdict in run(CHECKS, SOLVED.task, some).verdicts}
    assert found["TP1-TAGS"].finding.causes[0].id == "not-read"
    assert found["TP1-TAGS"].status is Status.INCONCLUSIVE


def test_only_what_was_asked_for_is_shown_and_what_it_needs_is_judged() -> None:
    """Step 5 alone, nothing pushed: it is blocked by a check that is not shown."""
    facts = world(prepared())
    found = run(CHECKS, facts.task, probes(facts), only=["TP1-PULL"]).verdicts
    assert [(v.check.code, v.status, v.blocked_by) for v in found] == [("TP1-PULL", Status.BLOCKED, ("TP1-PUSH",))]


def test_a_verdict_comes_as_soon_as_it_stands() -> None:
    """The first one is there while a slow source is still being read; the order is the table's."""
    gate, seen = threading.Event(), list[str]()

    class Slow(Given):
        def read(self) -> object:
            gate.wait(5)
            return self.value

    def note(verdict: Verdict) -> None:
        seen.append(verdict.check.code)
        if verdict.check.code == "TP1-LOGIN":
            gate.set()

    found = run(CHECKS, SOLVED.task, probes(SOLVED, content=Slow(Source.CONTENT, SOLVED.content)), on_verdict=note)
    assert seen == list(CODES)
    assert {verdict.status for verdict in found.verdicts} == {Status.PASS}


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    """Showing is for others."""
    run(CHECKS, SOLVED.task, probes(SOLVED))
    assert capfd.readouterr() == ("", "")


def test_hint_levels_stand_beside_the_verdicts() -> None:
    """As many as were taken."""
    found = run(CHECKS, SOLVED.task, probes(SOLVED), hint_levels={"TP1-PUSH": 2}).verdicts
    assert {v.check.code: v.hint_level for v in found} == dict.fromkeys(CODES, 0) | {"TP1-PUSH": 2}


def test_a_thread_that_hangs_holds_nobody() -> None:
    """It is a daemon: the interpreter's exit does not wait for it."""
    gate = threading.Event()
    names: list[bool] = []
    future = started(lambda: (names.append(threading.current_thread().daemon), gate.wait(5)))
    gate.set()
    future.result(5)
    assert names == [True]
