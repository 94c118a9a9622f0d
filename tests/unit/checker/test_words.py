"""Words of our own: what checks add to what was read travels as message ids."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum

import pytest

from checker.checks.tp1 import CHECKS as TP1
from checker.checks.tp2 import CHECKS as TP2
from checker.facts import Facts
from checker.model import Check, Finding, Value, Words
from checker.runner import judged
from tests.unit.checker import test_tp1, test_tp2

NOTATION = {"journal", "GET", "POST", "PATCH", "Location", "https", "config", "json", "sha", "RSA", "TLSv"}
"""What a check may write by itself: the names of methods, headers, files and formats, the same in every language."""
READ = {"source", "what"}
"""Parameters that say what could not be read: the report tells them in the reader's language (``Messages.reading``)."""
_WORD = re.compile("[A-Za-z]{2,}")

STATES: dict[str, tuple[tuple[Check, ...], Facts]] = {
    **{f"tp1 {name}": (TP1, facts) for name, facts in test_tp1.RIGHT.items()},
    **{f"tp1 {name}": (TP1, facts) for name, (facts, _) in test_tp1.WRONG.items()},
    **{f"tp2 {name}": (TP2, facts) for name, facts in (test_tp2.RIGHT | test_tp2.ALL_WRONG).items()},
}


def strings(value: object) -> Iterator[str]:
    """All that was read, down to its last string; words of a type of our own are none."""
    if isinstance(value, Enum):
        return
    if isinstance(value, str):
        yield value
    elif is_dataclass(value):
        for each in fields(value):
            yield from strings(getattr(value, each.name))
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from (*strings(key), *strings(each))
    elif isinstance(value, tuple | list):
        for each in value:
            yield from strings(each)


def plain(value: Value) -> Iterator[str]:
    """The strings of an observation that no language changes."""
    if isinstance(value, Words):
        for each in value.params.values():
            yield from plain(each)
    elif isinstance(value, tuple):
        for each in value:
            yield from plain(each)
    elif isinstance(value, str):
        yield value


def observations(finding: Finding) -> Iterator[Value]:
    """All that a finding shows but its causes' own texts, and what the report itself has names for."""
    yield from finding.observed.values()
    yield from (evidence.ref for evidence in finding.evidence)
    for cause in (*finding.causes, *finding.advice):
        yield from (value for name, value in cause.params.items() if name not in READ)


@pytest.mark.parametrize("state", STATES)
def test_a_check_adds_no_words_to_what_was_read(state: str) -> None:
    """Each word that a report shows as it is, in every language, was read somewhere, or is notation."""
    checks, facts = STATES[state]
    read = {word for text in strings(facts) for word in _WORD.findall(text)} | NOTATION
    for check in checks:
        shown = [text for value in observations(judged(check, facts)) for text in plain(value)]
        assert {word for text in shown for word in _WORD.findall(text)} <= read, check.code
