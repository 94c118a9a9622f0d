"""The same requests to registry:2 and to us: every difference is in the table, every line of the table still occurs."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from pyregistry.spec.endpoints import ENDPOINTS
from tests.differential.cases import CASES, GROUPS
from tests.differential.page import page
from tests.differential.pair import running_pair
from tests.differential.steps import Case
from tests.differential.table import CLASSES, PAGE, Difference, load

_ROWS = load()


@pytest.mark.parametrize("group", GROUPS)
def test_every_difference_is_known(group: str, tmp_path: Path) -> None:
    """Of each case exactly the lines of the table are observed, no more and no less."""
    cases = GROUPS[group]
    with running_pair(tmp_path, cases[0].setting) as pair:
        observed = {case.id: pair.differences(case) for case in cases}
    known, anywhere = _known(cases, _ROWS), {line for row in _ROWS for line, _ in row.everywhere}
    found = {f"{case} {line}" for case, lines in observed.items() for line in lines if _fact(line) not in anywhere}
    witnessed = {(_fact(line), case) for case, lines in observed.items() for line in lines}
    wanted = {(line, case) for row in _ROWS for line, case in row.everywhere if case in observed}
    assert sorted(found - known) == [], "not in tests/differential/differences.toml"
    assert sorted(known - found) == [], "in tests/differential/differences.toml, and does not occur any more"
    assert sorted(wanted - witnessed) == [], "said to occur everywhere, and does not"


@pytest.mark.parametrize("setting", ["default", "catalog"])
def test_lessons_are_as_registry_2_teaches_them(setting: str, tmp_path: Path) -> None:
    """``pyregistry.mode: registry2`` leaves nothing of the differences that it is said to take away."""
    lessons = {line for row in _ROWS if row.lesson for line in row.seen}
    named = {line.split(" ", 1)[0] for line in lessons}
    cases = [case for case in CASES if case.id in named and case.setting == setting]
    assert cases
    with running_pair(tmp_path, setting, "registry2") as pair:
        observed = {f"{case.id} {line}" for case in cases for line in pair.differences(case)}
    assert sorted(lessons & observed) == []


def test_lines_name_cases_and_rows_explain_themselves() -> None:
    """No line is orphaned, none stands twice, and each row has its class and its reason."""
    lines = Counter(line for row in _ROWS for line in row.seen)
    named = {line.split(" ", 1)[0] for line in lines} | {case for row in _ROWS for _, case in row.everywhere}
    assert named <= {case.id for case in CASES}
    assert [line for line, times in lines.items() if times > 1] == []
    assert all(row.kind in CLASSES and row.what and row.reason and (row.seen or row.everywhere) for row in _ROWS)


def test_cases_have_names_of_their_own() -> None:
    """Repositories are named after cases: two of one name would see each other's content."""
    names = sorted(case.id for case in CASES)
    assert [one for one, other in pairwise(names) if one == other] == []


def test_every_endpoint_is_asked() -> None:
    """With each of its methods; a session is asked for by its Location."""
    asked = {(ask.method, _shape(ask.target)) for case in CASES for ask in case.asks}
    wanted = {(method, _shape(endpoint.template)) for endpoint in ENDPOINTS for method in endpoint.methods}
    assert wanted - asked == set()


def test_the_page_says_what_the_table_says() -> None:
    """docs/differences.md is made from the table: ``python -m tests.differential.page``."""
    assert PAGE.read_text(encoding="utf-8") == page()


def _known(cases: Iterable[Case], rows: Sequence[Difference]) -> set[str]:
    ids = {case.id for case in cases}
    return {line for row in rows for line in row.seen if line.split(" ", 1)[0] in ids}


def _shape(target: str) -> str:
    """The words of a path, without what it names and without its query."""
    if target.startswith("{upload"):
        return "blobs/uploads/*"
    parts = target.partition("?")[0].removeprefix("/v2/").split("/")
    words = [
        word for word in parts if word in ("blobs", "manifests", "uploads", "tags", "list", "referrers", "_catalog")
    ]
    return "/".join(words) + ("/*" if parts[-1] not in (*words[-1:], "") else "")


def _fact(line: str) -> str:
    """The line without the number of the request."""
    return line.partition(" ")[2]
