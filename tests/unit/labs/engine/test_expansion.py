"""Variables, quotes and escapes as BuildKit's lexer treats them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.engine.expansion import ExpansionInvalid, expand

VARIABLES = {"X": "value", "EMPTY": "", "X1": "one"}


@pytest.mark.parametrize(
    ("word", "result"),
    [
        ("$X", "value"),
        ("${X}y", "valuey"),
        ("$X1", "one"),
        ("$X-$NONE.", "value-."),
        ("cost $ 5$", "cost $ 5$"),
        ("${X:-d}", "value"),
        ("${EMPTY:-d}", "d"),
        ("${EMPTY-d}", ""),
        ("${NONE-d}", "d"),
        ("${NONE:-a${X}b}", "avalueb"),
        ("${X:+w}", "w"),
        ("${EMPTY:+w}", ""),
        ("${EMPTY+w}", "w"),
        ("${NONE+w}", ""),
        ("${X:?must be set}", "value"),
        ("'$X'", "$X"),
        ('"$X y"', "value y"),
        (r"\$X", "$X"),
        (r'"\$X \a \\"', r"$X \a " + "\\"),
        ("a\"b\"'c'", "abc"),
        ("", ""),
    ],
)
def test_words(word: str, result: str) -> None:
    """Each form of variable, quote and escape."""
    assert expand(word, VARIABLES) == result


def test_the_escape_character_can_be_a_backtick() -> None:
    """``# escape=` `` leaves backslashes alone."""
    assert expand(r"C:\dir`$X", VARIABLES, "`") == r"C:\dir$X"


@pytest.mark.parametrize(
    ("word", "fault"),
    [
        ("${X", "unsupported modifier"),
        ("${", "syntax error: missing '}'"),
        ("${X:-d", "syntax error: missing '}'"),
        ("${}", "syntax error: bad substitution"),
        ("${X#v}", "unsupported modifier (#) in substitution"),
        ("${X:=d}", "unsupported modifier (:=) in substitution"),
        ("'open", "unexpected end of statement while looking for matching single-quote"),
        ('"open', "unexpected end of statement while looking for matching double-quote"),
        ("${NONE:?say why}", "NONE: say why"),
        ("${NONE?}", "NONE: is not allowed to be unset"),
        ("${EMPTY:?}", "EMPTY: is not allowed to be empty"),
    ],
)
def test_broken_words_are_refused_in_buildkits_words(word: str, fault: str) -> None:
    """With the word in front."""
    with pytest.raises(ExpansionInvalid) as refusal:
        expand(word, VARIABLES)
    assert str(refusal.value).startswith(f'failed to process "{word}": ')
    assert fault in str(refusal.value)


@given(st.text(alphabet="aX$\\{}:-+?'\" 1", max_size=20))
def test_any_word_expands_or_is_refused(word: str) -> None:
    """No text makes the reader fail otherwise or run on."""
    try:
        assert isinstance(expand(word, VARIABLES), str)
    except ExpansionInvalid:
        return


@given(st.text(alphabet=st.characters(exclude_characters="$\\'\"", exclude_categories=["Cs"])))
def test_plain_text_stays(text: str) -> None:
    """Where nothing is special nothing changes."""
    assert expand(text, VARIABLES) == text
