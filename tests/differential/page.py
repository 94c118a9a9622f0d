"""Writes docs/differences.md anew: ``python -m tests.differential.page``."""

from tests.differential.cases import CASES
from tests.differential.table import PAGE, load, render

REGISTRY2_VERSION = "2.8"


def page() -> str:
    """The page as it should be."""
    return render(load(), REGISTRY2_VERSION, len(CASES), sum(len(case.asks) for case in CASES))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
