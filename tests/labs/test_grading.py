"""Starter, solution and mutants of every exercise, graded: what must fail fails, and nothing else does."""

from collections.abc import Callable

import pytest

from labs.catalog.model import Mutant, load, slugs
from tests.labs.conftest import LabUnderTest
from tests.labs.verdicts import codes, first_cause, told

FIRST_FAILURES = {"tp1": {"TP1-PAT"}, "tp2": {"TP2-HTPASSWD", "TP2-KEY", "TP2-UP"}}
"""What waits for nothing else, and is not done at the start."""
MUTANTS = [pytest.param(slug, mutant, id=f"{slug}-{mutant.name}") for slug in slugs() for mutant in load(slug).mutants]


@pytest.mark.parametrize("slug", slugs())
def test_the_starter_fails_where_the_work_begins(begin: Callable[[str], LabUnderTest], slug: str) -> None:
    """A fresh start: what comes first is missing, all else waits for it, nothing passes."""
    code, document = begin(slug).labcheck(slug)
    assert code == 1
    assert codes(document, "fail") == FIRST_FAILURES[slug], told(document)
    assert codes(document, "pass") == codes(document, "inconclusive") == set()


@pytest.mark.parametrize("again", ["once", "twice"])
@pytest.mark.parametrize("slug", slugs())
def test_the_solution_passes(begin: Callable[[str], LabUnderTest], slug: str, again: str) -> None:
    """The reference solution has every point, from each fresh start."""
    assert again
    lab = begin(slug)
    lab.labstack("solve", slug)
    code, document = lab.labcheck(slug)
    assert codes(document, "pass") == {check["code"] for check in document["checks"]}, told(document)
    assert code == 0
    assert document["summary"]["points"] == document["summary"]["max_points"]


@pytest.mark.parametrize(("slug", "mutant"), MUTANTS)
def test_a_mutant_kills_its_checks_and_no_other(
    begin: Callable[[str], LabUnderTest], slug: str, mutant: Mutant
) -> None:
    """A named wrong end state fails the declared checks, blocks what waits for them, and is told its true cause."""
    lab = begin(slug)
    lab.labstack("solve", slug, "--mutant", mutant.name)
    code, document = lab.labcheck(slug)
    assert code == 1
    assert codes(document, "fail") == set(mutant.kills), told(document)
    assert codes(document, "inconclusive") == set(), told(document)
    assert first_cause(document, mutant.kills[0]) == mutant.cause, told(document)


@pytest.mark.parametrize("slug", slugs())
def test_never_started(new_lab: LabUnderTest, slug: str) -> None:
    """Nobody began: there is nothing to grade, which is neither a pass nor a failure."""
    assert new_lab.labcheck(slug) == (5, {})


def test_a_killed_registry_of_ours_is_nobodys_failure(lab: LabUnderTest) -> None:
    """The registry died under the grader: what cannot be seen is inconclusive, never passed and never failed."""
    lab.labstack("solve", "tp1")
    lab.kill_registry()
    code, document = lab.labcheck()
    assert code == 3
    assert codes(document, "fail") == set(), told(document)
    assert "inconclusive" in {check["status"] for check in document["checks"]}


@pytest.mark.parametrize("slug", slugs())
def test_solving_what_does_not_exist(begin: Callable[[str], LabUnderTest], slug: str) -> None:
    """A misspelt mutant is an error that lists the ones there are."""
    refused = begin(slug).labstack("solve", slug, "--mutant", "pushed-twice", code=1)
    assert all(mutant.name in refused.stderr for mutant in load(slug).mutants)


@pytest.mark.parametrize(("slug", "mutant"), [("tp1", "not-pushed"), ("tp2", "unsigned")])
def test_solving_over_a_students_work_is_said(begin: Callable[[str], LabUnderTest], slug: str, mutant: str) -> None:
    """A mutant put over other work is a mixture: whoever wants a pure one learns how."""
    lab = begin(slug)
    assert "mixture" not in lab.labstack("solve", slug, "--mutant", mutant).stderr
    assert "mixture" in lab.labstack("solve", slug, "--mutant", mutant).stderr
