"""What ``labstack journal`` shows of an event."""

import pytest

from labs.commands import journal
from tests.unit.checker.exercise import Diary


@pytest.mark.parametrize(
    ("actor", "detail", "shown"),
    [("zoe", {}, "zoe"), (None, {"claimed_user": "zoe"}, "(zoe)"), (None, {}, "-")],
)
def test_who_asked(actor: str | None, detail: dict[str, object], shown: str) -> None:
    """Who proved it, by name; a name that a proxy let through and the registry did not check, in parentheses."""
    event = Diary().note(actor=actor, detail=detail, method="GET", path="/v2/").journal().events[-1]
    assert journal._row(event)[journal.COLUMNS.index("actor")] == shown
