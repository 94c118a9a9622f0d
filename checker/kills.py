"""Which named wrong end state fails which check, as a page: ``python -m checker.kills > docs/kill-matrix.md``."""

import sys
from collections.abc import Sequence

from checker import checks
from checker.checks import Pack
from checker.checks.graph import closure
from labs.catalog import model as catalog
from labs.catalog.model import Lab, Mutant

_HEAD = """# Kill matrix

Each exercise comes with named wrong end states, its mutants: `labstack solve TP --mutant NAME` puts one in place. A
mutant makes the checks marked FAIL fail, for the cause that stands beside it, and no other check. What needs such a
check (·) is then BLOCKED where it has nothing of its own to show, and passes where it has. An empty cell passes.

This page follows from the catalog and the checks: `python -m checker.kills > docs/kill-matrix.md`.
"""
_FAIL, _WAITS = "FAIL", "·"


def render(exercises: Sequence[tuple[Lab, Pack]]) -> str:
    """The page."""
    return "\n".join((_HEAD, *(_table(lab, pack) for lab, pack in exercises)))


def _table(lab: Lab, pack: Pack) -> str:
    """One exercise: a row for each mutant, a column for each check."""
    codes = [check.code for check in pack.checks]
    short = [code.partition("-")[2] for code in codes]
    head = ["mutant", "cause", *short]
    rows = [head, ["---"] * 2 + [":---:"] * len(codes)]
    rows += [[f"`{each.name}`", f"`{each.cause}`", *_cells(each, pack)] for each in lab.mutants]
    lines = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"## {lab.id.upper()}: {lab.title['en']}\n\n{lines}\n\n{_untouched(lab, codes)}\n"


def _cells(mutant: Mutant, pack: Pack) -> list[str]:
    """What becomes of each check."""
    cells = []
    for check in pack.checks:
        needed = {each.code for each in closure(pack.checks, [check.code])}
        cells.append(_FAIL if check.code in mutant.kills else _WAITS if needed & set(mutant.kills) else "")
    return cells


def _untouched(lab: Lab, codes: Sequence[str]) -> str:
    """Checks that no mutant of the catalog kills: whether they can fail at all, nobody has seen in a real lab."""
    killed = {code for mutant in lab.mutants for code in mutant.kills}
    left = [code for code in codes if code not in killed]
    told = f"Killed by none of them: {', '.join(left)}." if left else "Each check is killed by one at least."
    return f"{len(lab.mutants)} mutants. {told}"


def main() -> None:
    """Write the page of all exercises."""
    sys.stdout.write(render([(catalog.load(slug), checks.pack(slug)) for slug in checks.slugs()]))


if __name__ == "__main__":
    main()
