"""Words of a configuration, found in its text, and changes that keep its lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.compose.nginx.syntax import Directive, Edits, Token, Unreadable, expand, parse, quote

WORDS = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\u2028\u2029"), min_size=1, max_size=12
)
SPACES = st.sampled_from([" ", "  ", "\t", "\n", "\r\n", ' # a "comment; {\n'])


def words_of(text: str, directives: tuple[Directive, ...]) -> list[str]:
    """All words in order, as they stand in the text."""
    found = []
    for directive in directives:
        found += [text[token.start : token.end] for token in (directive.name, *directive.arguments)]
        found += words_of(text, directive.block or ())
    return found


def test_each_word_is_found_where_it_stands() -> None:
    """Quotes, escapes, comments and both line ends are no obstacle."""
    text = 'a \'b c\' "d\\"e"; # no; words\r\nf\\;g ${h}i {\n\tj k#l;\r\n}\n'
    directives = parse(text)
    assert words_of(text, directives) == ["a", "'b c'", '"d\\"e"', "f\\;g", "${h}i", "j", "k#l"]
    assert [directive.name.line for directive in directives] == [1, 2]
    assert text[: directives[0].end].endswith(";")
    assert text[: directives[1].end].endswith("{")


@given(st.lists(st.tuples(WORDS, SPACES), min_size=1, max_size=8))
def test_any_words_are_found_in_any_layout(rows: list[tuple[str, str]]) -> None:
    """What was quoted is read back, wherever lines end and comments stand."""
    text = "".join(f"{quote(word)}{space}" for word, space in rows) + ";"
    (directive,) = parse(text)
    assert [token.text for token in (directive.name, *directive.arguments)] == [word for word, _ in rows]
    for token in (directive.name, *directive.arguments):
        assert text[: token.start].count("\n") + 1 == token.line


def test_a_space_of_another_kind_is_a_letter() -> None:
    """U+00A0 before a directive, as a French keyboard types it: nginx takes it for a part of the name."""
    (directive,) = parse("\u00a0root\u00a0/x y;")
    assert directive.name.text == "\u00a0root\u00a0/x"


@given(st.text(st.sampled_from("ab {};#'\"\\\n$"), max_size=30))
def test_any_text_is_parsed_or_called_unreadable(text: str) -> None:
    """Garbage is nginx's to judge: it ends no command of ours."""
    try:
        directives = parse(text)
    except Unreadable:
        return
    assert all(word for word in words_of(text, directives))


@pytest.mark.parametrize("text", ["a {", "a; }", 'a "b;', "content_by_lua_block { x = '}' }"])
def test_what_does_not_close_is_unreadable(text: str) -> None:
    """Such a file is left as it is: nginx itself says what is wrong with it."""
    with pytest.raises(Unreadable):
        parse(text)


def test_a_statement_without_end_is_left_out() -> None:
    """The brace that ends its block ends it, and nginx refuses the file."""
    (server,) = parse("server { listen 80; root /x }")
    assert [directive.name.text for directive in server.block or ()] == ["listen"]


def test_edits_keep_lines() -> None:
    """A statement over three lines is taken out, a word is put in for another, text is added: line numbers stay."""
    text = "a\n  b\n  c;\nd e;\n"
    first, second = parse(text)
    edits = Edits()
    edits.remove(first)
    edits.replace(second.arguments[0], "x y")
    edits.insert(second.end, " z;")
    assert edits.apply(text) == '\n\n\nd "x y"; z;\n'


def test_what_stands_in_something_removed_goes_with_it() -> None:
    """A word of a statement that is taken out is not put back."""
    text = "listen 80; x;"
    statement = parse(text)[0]
    edits = Edits()
    edits.replace(statement.arguments[0], "81")
    edits.remove(statement)
    assert edits.apply(text) == " x;"


def test_insertions_at_one_place_keep_their_order() -> None:
    """What is added first stands first."""
    edits = Edits()
    edits.insert(0, "a")
    edits.insert(0, "b")
    assert edits.apply("") == "ab"


def test_what_is_inserted_before_a_word_stands_before_what_replaces_it() -> None:
    """Whichever was asked for first."""
    text = "a;"
    edits = Edits()
    edits.replace(parse(text)[0].name, "b")
    edits.insert(0, "c ")
    assert edits.apply(text) == "c b;"


def test_a_word_is_quoted_where_it_must_be() -> None:
    """A path with a space is one word; a plain one stays plain."""
    assert quote("/etc/nginx/a.conf") == "/etc/nginx/a.conf"
    assert quote('/a b/"c"\\') == '"/a b/\\"c\\"\\\\"'
    assert quote("") == '""'


def test_known_variables_are_spelled_out() -> None:
    """The longer name wins, braces or none."""
    assert expand("http://$up:${port}$uri $upper", {"up": "r", "port": "5000", "upper": "U"}) == "http://r:5000$uri U"


def test_a_token_knows_its_text() -> None:
    """Its quotes belong to its place, not to its text."""
    (directive,) = parse('a "b";')
    assert directive.arguments == (Token("b", 1, 2, 5, quoted=True),)
