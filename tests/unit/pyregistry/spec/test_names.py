"""Names of repositories and tags."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import DigestInvalid, NameInvalid, TagInvalid
from pyregistry.spec.names import (
    REPOSITORY_MAX_LENGTH,
    format_fallback_tag,
    parse_reference,
    parse_repository,
    parse_tag,
)

GOOD = ["a", "acme/app", "a.b", "a_b", "a__b", "a-b", "a---b", "0/1/2", "x" * 255, "/".join("x" * 128)]
BAD = ["", "/", "a/", "/a", "a//b", "A", "a/B", "a..b", "a___b", "a._b", "_a", "a-", ".a", "a b", "é", "a\n", "x" * 256]
TRAVERSAL = ["..", "a/..", "../a", "a/../b", "_layers", "a/_manifests", "a/_uploads/x", "a\0"]


@pytest.mark.parametrize("name", GOOD)
def test_repositories(name: str) -> None:
    """The grammar's forms, and its longest."""
    assert parse_repository(name) == name


@pytest.mark.parametrize("name", BAD + TRAVERSAL)
def test_what_is_no_repository_is_refused(name: str) -> None:
    """Nothing with a leading underscore passes, so a name never meets the folders that we keep beside it."""
    with pytest.raises(NameInvalid, match="expected"):
        parse_repository(name)


@pytest.mark.parametrize("tag", ["1.0", "latest", "_x", "A", "a..b", "1-rc.2_3", "t" * 128])
def test_tags(tag: str) -> None:
    """The grammar's forms, and its longest."""
    assert parse_tag(tag) == parse_reference(tag) == tag


@pytest.mark.parametrize("tag", ["", ".", "..", ".hidden", "-x", "a/b", "a b", "é", "a\n", "a\0", "t" * 129])
def test_what_is_no_tag_is_refused(tag: str) -> None:
    """As a tag, and as a reference."""
    for parse in (parse_tag, parse_reference):
        with pytest.raises(TagInvalid, match="expected"):
            parse(tag)


def test_a_reference_with_a_colon_is_a_digest() -> None:
    """Or a broken one; never a tag."""
    digest = Digest.of(b"")
    assert parse_reference(str(digest)) == digest
    with pytest.raises(DigestInvalid):
        parse_reference("sha256:latest")


def test_a_fallback_tag_is_a_tag_also_for_a_long_digest() -> None:
    """64 characters of the encoded part are kept, which is less than a sha512 digest has."""
    assert format_fallback_tag(Digest.of(b"")) == f"sha256-{Digest.of(b'').encoded}"
    tag = format_fallback_tag(Digest.of(b"", "sha512"))
    assert parse_tag(tag) == f"sha512-{Digest.of(b'', 'sha512').encoded[:64]}"


words = st.text("abc019", min_size=1, max_size=5)
separators = st.sampled_from([".", "_", "__", "-", "--", "/"])
repositories = st.builds(
    lambda first, rest: first + "".join(map("".join, rest)), words, st.lists(st.tuples(separators, words), max_size=8)
)


@given(repositories)
def test_a_name_that_the_grammar_makes_is_read(name: str) -> None:
    """Words with one separator between two of them."""
    assert len(name) <= REPOSITORY_MAX_LENGTH
    assert parse_repository(name) == name


@given(repositories, st.integers(0, 100), st.sampled_from([*"A/ \n\0:@%\\", "___", "..", "._", "\u00e9", "\u0661"]))
def test_a_name_with_something_else_in_it_is_refused(name: str, at: int, other: str) -> None:
    """Wherever it stands; a slash, as long as it stands beside another separator or at an end."""
    at %= len(name) + 1
    changed = name[:at] + other + name[at:]
    if other == "/" and name[at - 1 : at].isalnum() and name[at : at + 1].isalnum():
        assert parse_repository(changed) == changed
    else:
        with pytest.raises(NameInvalid):
            parse_repository(changed)


@given(st.text() | st.text("ab01._-/A", max_size=300))
def test_no_text_breaks_the_parsers(text: str) -> None:
    """Whatever passes is the text itself, and safe as part of a path."""
    with suppress(NameInvalid):
        assert parse_repository(text) == text
        assert not {"", ".", ".."} & set(text.split("/"))
    with suppress(TagInvalid):
        assert parse_tag(text) == text
        assert text not in {"", ".", ".."}
        assert "/" not in text
