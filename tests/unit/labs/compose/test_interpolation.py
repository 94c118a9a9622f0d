"""Variables in texts, and files of variables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.compose.dotenv import DotenvInvalid, parse_dotenv
from labs.compose.interpolation import Interpolation, InterpolationInvalid, VariableMissing

VARIABLES = {"SET": "value", "EMPTY": ""}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("plain", "plain"),
        ("$$SET", "$SET"),
        ("$SET/x", "value/x"),
        ("${SET}x", "valuex"),
        ("${NONE:-d}", "d"),
        ("${NONE-d}", "d"),
        ("${EMPTY:-d}", "d"),
        ("${EMPTY-d}", ""),
        ("${SET:+yes}", "yes"),
        ("${EMPTY:+yes}", ""),
        ("${EMPTY+yes}", "yes"),
        ("${NONE:-${SET}}", "value"),
        ("${NONE:-${NONE:-deep}}", "deep"),
        ("${SET:?must}", "value"),
        ("a}b", "a}b"),
        ("$NONE", ""),
    ],
)
def test_variables_are_replaced(text: str, expanded: str) -> None:
    """The Compose Specification's forms."""
    assert Interpolation(VARIABLES).expand(text) == expanded


@pytest.mark.parametrize("text", ["$", "a$", "${", "${}", "${1x}", "${SET", "${SET!}", "$1"])
def test_a_dollar_that_begins_nothing_is_refused(text: str) -> None:
    """``$$`` is how a dollar is written."""
    with pytest.raises(InterpolationInvalid):
        Interpolation(VARIABLES).expand(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("${NONE:?why}", "required variable NONE is missing a value: why"),
        ("${EMPTY:?}", "required variable EMPTY is missing a value"),
    ],
)
def test_a_variable_that_must_be_set_is_missed(text: str, words: str) -> None:
    """In Compose's words."""
    with pytest.raises(VariableMissing, match=f"^{words}$"):
        Interpolation(VARIABLES).expand(text)


def test_only_variables_that_were_needed_are_missed() -> None:
    """Not those of a default that was not taken."""
    interpolation = Interpolation(VARIABLES)
    interpolation.expand("$A ${SET:-$B} ${C:-$D} ${E-x}")
    assert interpolation.unset == ["A", "D"]


@given(st.text())
def test_any_text_is_expanded_or_refused(text: str) -> None:
    """And one without dollars stays as it is."""
    try:
        expanded = Interpolation(VARIABLES).expand(text)
    except (InterpolationInvalid, VariableMissing):
        assert "$" in text
    else:
        assert "$" in text or expanded == text


@given(st.text())
def test_a_doubled_dollar_is_a_dollar(text: str) -> None:
    """What ``config`` prints reads back as it was."""
    assert Interpolation({}).expand(text.replace("$", "$$")) == text


def test_files_of_variables_are_read() -> None:
    """As seen with Docker Compose 2.40."""
    text = '# c\nexport A=1\nB="two words" # x\nC=\'sq $B\'\nD=${B}x\nE\nHOME\nF=a # b\nG="a\\nb"\n\nH=$HOME\n'
    assert parse_dotenv(text, {"HOME": "/root"}) == {
        "A": "1",
        "B": "two words",
        "C": "sq $B",
        "D": "two wordsx",
        "HOME": "/root",
        "F": "a",
        "G": "a\nb",
        "H": "/root",
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [("X=1\nA B=1", "line 2: key cannot contain a space"), ('A="secret', "line 1: unterminated quoted value")],
)
def test_a_bad_line_is_told_without_what_it_sets(text: str, words: str) -> None:
    """A value may be a password."""
    with pytest.raises(DotenvInvalid) as caught:
        parse_dotenv(text, {})
    assert str(caught.value) == words
