"""The kill matrix: the page is the catalog's and the checks' own."""

from dataclasses import replace
from pathlib import Path

import checker
from checker import checks, kills
from labs.catalog import model as catalog

ROOT = Path(checker.__file__).parent.parent


def cells(slug: str, mutant: str) -> dict[str, str]:
    """One row, by the short names of its checks."""
    page = kills.render([(catalog.load(slug), checks.pack(slug))])
    head, *rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("|")
    ]
    row = next(row for row in rows if row[0] == f"`{mutant}`")
    return dict(zip(head[2:], row[2:], strict=True))


def test_the_page_is_up_to_date() -> None:
    """``python -m checker.kills > docs/kill-matrix.md`` has been run."""
    exercises = [(catalog.load(slug), checks.pack(slug)) for slug in checks.slugs()]
    assert (ROOT / "docs" / "kill-matrix.md").read_text(encoding="utf-8") == kills.render(exercises)


def test_what_a_mutant_kills_and_what_waits_for_it() -> None:
    """The stack does not come up: all that needs it waits, what lies in files does not."""
    row = cells("tp2", "key-of-another")
    assert [name for name, cell in row.items() if cell == "FAIL"] == ["UP"]
    assert [name for name, cell in row.items() if not cell] == ["HTPASSWD", "KEY"]
    assert set(row.values()) == {"FAIL", "·", ""}


def test_a_check_that_needs_nothing_of_it_is_empty() -> None:
    """Nothing needs the signature."""
    assert {name for name, cell in cells("tp2", "unsigned").items() if cell} == {"SIGN"}


def test_checks_that_no_mutant_kills_are_named() -> None:
    """They are not forgotten: the page says which they are."""
    lab = catalog.load("tp2")
    one = replace(lab, mutants=lab.mutants[:1])
    page = kills.render([(one, checks.pack("tp2"))])
    named = page.partition("Killed by none of them: ")[2]
    assert "TP2-CERT" not in named
    assert "TP2-HTTP" in named


def test_each_check_is_killed_by_a_mutant() -> None:
    """A check that no wrong end state of a real lab was seen to fail proves nothing there."""
    for slug in checks.slugs():
        killed = {code for mutant in catalog.load(slug).mutants for code in mutant.kills}
        assert killed == {check.code for check in checks.pack(slug).checks}
