"""One slug is one lab: its catalog, its checks, its notebooks, its section of the page of checks, its hints."""

from pathlib import Path

import pytest

import checker
from checker import checks
from checker.messages import LANGUAGES
from labs.catalog import model as catalog

ROOT = Path(checker.__file__).parent.parent


def test_every_lab_has_all_its_parts() -> None:
    """The four sets of slugs are equal."""
    page = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8")
    described = {
        line.split("-")[0].removeprefix("## ").lower() for line in page.splitlines() if line.startswith("## TP")
    }
    for spoken in LANGUAGES:
        written = {path.name.split(".")[0] for path in (ROOT / "notebooks").glob(f"*.{spoken}.ipynb")}
        assert written == set(checks.slugs())
    assert described == set(checks.slugs()) == set(catalog.slugs())


@pytest.mark.parametrize("slug", checks.slugs())
def test_mutants_name_checks_and_causes_that_there_are(slug: str) -> None:
    """What a mutant kills is a check, and its cause is one that this check can name."""
    pack = checks.pack(slug)
    for mutant in catalog.load(slug).mutants:
        killed = [pack.check(code) for code in mutant.kills]
        assert all(killed), mutant.name
        assert killed[0]
        assert mutant.cause in killed[0].causes, mutant.name


@pytest.mark.parametrize("spoken", LANGUAGES)
@pytest.mark.parametrize("slug", checks.slugs())
def test_every_check_has_hints_and_a_step(slug: str, spoken: str) -> None:
    """At least two rungs each, and no hints for checks that are not."""
    lab, codes = catalog.load(slug), {check.code for check in checks.pack(slug).checks}
    hints = lab.hints(spoken)
    assert set(hints) == codes
    assert all(len(rungs) > 1 for rungs in hints.values())
    assert {check.step for check in checks.pack(slug).checks} == {step.number for step in lab.steps}
