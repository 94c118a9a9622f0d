"""Starter, solution and mutants of every exercise, graded: what must fail fails, and nothing else does."""

from typing import Any

import pytest

from labs.catalog.model import Mutant, load
from tests.labs.conftest import LabUnderTest

TP1 = load("tp1")


def codes(document: dict[str, Any], status: str) -> set[str]:
    """The checks that ended with a verdict."""
    return {check["code"] for check in document["checks"] if check["status"] == status}


def told(document: dict[str, Any]) -> list[str]:
    """The report in short, for a failing test."""
    return [
        f"{check['code']} {check['status']} {[cause['id'] for cause in check['causes']]}"
        for check in document["checks"]
    ]


def first_cause(document: dict[str, Any], code: str) -> str:
    """The cause that a check ranks first."""
    (causes,) = (check["causes"] for check in document["checks"] if check["code"] == code)
    return str(causes[0]["id"])


def test_the_starter_fails_at_its_first_step(lab: LabUnderTest) -> None:
    """A fresh start: the PAT is missing, all else waits for it, nothing passes."""
    code, document = lab.labcheck()
    assert code == 1
    assert codes(document, "fail") == {"TP1-PAT"}, told(document)
    assert codes(document, "pass") == codes(document, "inconclusive") == set()


@pytest.mark.parametrize("again", ["once", "twice"])
def test_the_solution_passes(lab: LabUnderTest, again: str) -> None:
    """The reference solution has every point, from each fresh start."""
    assert again
    lab.labstack("solve", "tp1")
    code, document = lab.labcheck()
    assert codes(document, "pass") == {check["code"] for check in document["checks"]}, told(document)
    assert code == 0
    assert document["summary"]["points"] == document["summary"]["max_points"]


@pytest.mark.parametrize("mutant", TP1.mutants, ids=lambda mutant: mutant.name)
def test_a_mutant_kills_its_checks_and_no_other(lab: LabUnderTest, mutant: Mutant) -> None:
    """A named wrong end state fails the declared checks, blocks what waits for them, and is told its true cause."""
    lab.labstack("solve", "tp1", "--mutant", mutant.name)
    code, document = lab.labcheck()
    assert code == 1
    assert codes(document, "fail") == set(mutant.kills), told(document)
    assert codes(document, "inconclusive") == set(), told(document)
    assert first_cause(document, mutant.kills[0]) == mutant.cause, told(document)


def test_never_started(new_lab: LabUnderTest) -> None:
    """Nobody began: there is nothing to grade, which is neither a pass nor a failure."""
    assert new_lab.labcheck() == (5, {})


def test_a_killed_registry_is_nobodys_failure(lab: LabUnderTest) -> None:
    """The registry died under the grader: what cannot be seen is inconclusive, never passed and never failed."""
    lab.labstack("solve", "tp1")
    lab.kill_registry()
    code, document = lab.labcheck()
    assert code == 3
    assert codes(document, "fail") == set(), told(document)
    assert "inconclusive" in {check["status"] for check in document["checks"]}


def test_solving_what_does_not_exist(lab: LabUnderTest) -> None:
    """A misspelt mutant is an error that lists the ones there are."""
    refused = lab.labstack("solve", "tp1", "--mutant", "pushed-twice", code=1)
    assert all(mutant.name in refused.stderr for mutant in TP1.mutants)


def test_solving_over_a_students_work_is_said(lab: LabUnderTest) -> None:
    """A mutant put over other work is a mixture: whoever wants a pure one learns how."""
    assert "mixture" not in lab.labstack("solve", "tp1", "--mutant", "not-pushed").stderr
    assert "mixture" in lab.labstack("solve", "tp1", "--mutant", "not-pushed").stderr
