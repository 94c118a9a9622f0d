"""The record of an attempt, and how many there were."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from labs.attempts import FILE_NAME, Attempt, AttemptUnreadable, Endpoint, last_number, remember_number

ATTEMPT = Attempt(
    slug="tp1",
    number=3,
    started_at=datetime(2026, 11, 23, 9, 0, tzinfo=UTC),
    horizon_seq=12,
    student="Zoé Martin",
    parameters={"user": "zoe-martin"},
    engine="embedded",
    registries={"hosted": Endpoint("ghcr.io", "https://127.0.0.1:5001", "/ca.crt", "/journal", "/credential")},
    machines={"a": "/engines/a"},
    work="/srv/lab/work/tp1",
)


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    """A record survives the disk unchanged."""
    ATTEMPT.save(tmp_path)
    assert Attempt.load(tmp_path) == ATTEMPT


def test_no_record_is_no_attempt(tmp_path: Path) -> None:
    """An exercise that was never started has no attempt."""
    assert Attempt.load(tmp_path) is None


@pytest.mark.parametrize("content", ["", '{"slug": "tp1"', "[]", '{"started_at": "noon"}', "null"])
def test_half_written_record_is_named(tmp_path: Path, content: str) -> None:
    """A damaged record is an error that names the file, not an attempt and not "never started"."""
    (tmp_path / FILE_NAME).write_text(content, encoding="utf-8")
    with pytest.raises(AttemptUnreadable, match=FILE_NAME):
        Attempt.load(tmp_path)


def test_record_of_another_schema_is_refused(tmp_path: Path) -> None:
    """A record of a later lab is not misread."""
    replace(ATTEMPT, schema="oci-registry-lab/attempt/9").save(tmp_path)
    with pytest.raises(AttemptUnreadable, match="attempt/9"):
        Attempt.load(tmp_path)


def test_numbers_are_remembered_by_exercise(tmp_path: Path) -> None:
    """Each exercise counts its own attempts."""
    assert last_number(tmp_path, "tp1") == 0
    remember_number(tmp_path, "tp1", 1)
    remember_number(tmp_path, "tp2", 7)
    assert (last_number(tmp_path, "tp1"), last_number(tmp_path, "tp2")) == (1, 7)


@pytest.mark.parametrize("content", ["", "[]", '{"tp1": "many"}'])
def test_damaged_count_begins_again(tmp_path: Path, content: str) -> None:
    """A damaged count does not keep the lab from starting."""
    remember_number(tmp_path, "tp1", 4)
    (tmp_path / "attempts.json").write_text(content, encoding="utf-8")
    assert last_number(tmp_path, "tp1") == 0
