"""Who the student is, and the parameters of an attempt."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.home import LabHome
from labs.students import Student, class_secret, current, parameters, pseudonym, remember
from pyregistry.spec.names import parse_repository

SECRET = b"secret of a class"


@pytest.fixture
def home(tmp_path: Path) -> LabHome:
    """A lab that nobody has used."""
    return LabHome(tmp_path / ".lab", tmp_path / "work")


@pytest.mark.parametrize(
    ("name", "login"),
    [
        ("Zoé Martin", "zoe-martin"),
        ("  J.-P.  D'Arc ", "j-p-d-arc"),
        ("李", "student"),
        ("x" * 60, "x" * 39),
        ("a" * 38 + " b", "a" * 38),
    ],
)
def test_login(name: str, login: str) -> None:
    """A login has GitHub's grammar, whatever the name."""
    assert Student(name).login == login


@given(st.text(max_size=80), st.integers(min_value=1, max_value=10**6))
def test_parameters_make_a_valid_image_name(name: str, attempt: int) -> None:
    """Organisation and repository always form a repository name that a registry takes."""
    values = parameters(SECRET, Student(name), "tp1", attempt)
    assert parse_repository(f"{values['org']}/{values['repo']}/app")
    assert parse_repository(f"{values['user']}/app")


def test_parameters_follow_from_secret_student_exercise_and_attempt() -> None:
    """The same four give the same parameters; another of any of them gives another nonce."""
    values = parameters(SECRET, Student("Ada"), "tp1", 1)
    assert values == parameters(SECRET, Student("ada"), "tp1", 1)
    others = [
        parameters(b"another", Student("Ada"), "tp1", 1),
        parameters(SECRET, Student("Bob"), "tp1", 1),
        parameters(SECRET, Student("Ada"), "tp2", 1),
        parameters(SECRET, Student("Ada"), "tp1", 2),
    ]
    assert len({row["nonce"] for row in [values, *others]}) == 5


def test_organisation_stays_when_the_attempt_changes() -> None:
    """A new attempt is another repository of the same organisation."""
    first, second = (parameters(SECRET, Student("Ada"), "tp1", number) for number in (1, 2))
    assert first["org"] == second["org"]
    assert first["repo"] != second["repo"]


def test_a_pseudonym_is_told_apart_by_whoever_has_the_secret() -> None:
    """It follows from secret and student alone, and shows nothing that the parameters show as well."""
    ada = pseudonym(SECRET, Student("Ada"))
    assert ada == pseudonym(SECRET, Student("ada"))
    assert len({ada, pseudonym(b"another", Student("Ada")), pseudonym(SECRET, Student("Bob"))}) == 3
    assert not [value for value in parameters(SECRET, Student("Ada"), "tp1", 1).values() if ada[:6] in value]


def test_current_student(home: LabHome) -> None:
    """LAB_STUDENT goes before who was remembered, who goes before the system's account."""
    assert current(home, {}).name
    remember(home, "Zoé Martin")
    assert current(home, {}).name == "Zoé Martin"
    assert current(home, {"LAB_STUDENT": "Ada"}).name == "Ada"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"name": 3}', '{"name": " "}'])
def test_damaged_student_file_counts_as_none(home: LabHome, content: str) -> None:
    """A half-written record does not keep the lab from starting."""
    unset = current(home, {})
    remember(home, "Ada")
    (home.state / "student.json").write_text(content, encoding="utf-8")
    assert current(home, {}) == unset


def test_class_secret_is_made_once_and_kept_from_others(home: LabHome) -> None:
    """The lab's own secret stays the same, readable by nobody else; the class's goes before it."""
    secret = class_secret(home, {})
    assert class_secret(home, {}) == secret
    assert stat.S_IMODE((home.state / "class-secret").stat().st_mode) == 0o600
    assert class_secret(home, {"LAB_CLASS_SECRET": "given"}) == b"given"


def test_empty_class_secret_is_made_anew(home: LabHome) -> None:
    """A disk that was full when the secret was made leaves no empty secret behind."""
    class_secret(home, {})
    (home.state / "class-secret").write_bytes(b"")
    assert class_secret(home, {})
