"""Access tokens look like GitHub's, and only their hashes are kept."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyregistry.accounts.lifetime import LifetimeInvalid, parse_lifetime
from pyregistry.accounts.names import AccountNameInvalid, parse_name
from pyregistry.accounts.pat import TokenKind, hash_secret, kind_of, new_id, new_secret
from pyregistry.accounts.scopes import CLASSIC_SCOPES, ScopeUnknown, parse_scopes


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        (TokenKind.CLASSIC, r"ghp_[0-9A-Za-z]{36}"),
        (TokenKind.FINE_GRAINED, r"github_pat_[0-9A-Za-z]{22}_[0-9A-Za-z]{59}"),
    ],
)
def test_secrets_have_githubs_shapes(kind: TokenKind, shape: str) -> None:
    """A hundred are all different, of the shape, and recognised."""
    made = {new_secret(kind) for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(shape, secret) and kind_of(secret) is kind for secret in made)


@given(st.text(max_size=60) | st.from_regex(r"(ghp_|github_pat_)[0-9A-Za-z_]{30,90}", fullmatch=True))
def test_a_text_is_a_token_exactly_when_it_has_the_shape(text: str) -> None:
    """No text is taken for a token by its beginning alone."""
    shaped = re.fullmatch(r"ghp_[0-9A-Za-z]{36}|github_pat_[0-9A-Za-z]{22}_[0-9A-Za-z]{59}", text)
    assert (kind_of(text) is not None) == (shaped is not None)


@given(st.text())
def test_any_text_can_be_hashed(text: str) -> None:
    """What clients send as password is hashed, whatever it is."""
    assert re.fullmatch(r"[0-9a-f]{64}", hash_secret(text))


def test_ids_say_nothing_of_the_secret() -> None:
    """Ids are short, public and of their own."""
    assert re.fullmatch(r"[0-9a-f]{8}", new_id())
    assert len({new_id() for _ in range(50)}) == 50


def test_scopes_come_in_githubs_order_each_once() -> None:
    """Blanks, order and repetitions are the typist's; none at all is allowed."""
    assert parse_scopes([" write:packages", "repo", "write:packages", ""]) == ("repo", "write:packages")
    assert parse_scopes([]) == ()
    assert len(set(CLASSIC_SCOPES)) == len(CLASSIC_SCOPES)


@pytest.mark.parametrize(
    ("name", "offered"),
    [
        ("write:package", "write:packages"),
        ("admin:packages", ":packages"),
        ("push", "read:packages"),
        ("REPO", ":packages"),
    ],
)
def test_unknown_scopes_are_refused_with_the_nearest(name: str, offered: str) -> None:
    """A slip gets the scopes that were probably meant."""
    with pytest.raises(ScopeUnknown, match=f"{name}: GitHub has no such scope; there are .*{offered}"):
        parse_scopes(["repo", name])


@pytest.mark.parametrize("name", ["alice", "Alice-Martin", "a", "a1_b.c", "a" * 39])
def test_names_of_people(name: str) -> None:
    """GitHub's names, and the two further separators that repositories allow."""
    assert parse_name(name) == name


@pytest.mark.parametrize("name", ["", "-a", "a-", "a--b", "a/b", "a b", "é", "..", "a" * 40, "a\n"])
def test_what_is_no_name_is_refused(name: str) -> None:
    """Nothing that could not be a repository's first component."""
    with pytest.raises(AccountNameInvalid, match="expected letters and digits"):
        parse_name(name)


def test_lifetimes_are_typed_with_a_unit() -> None:
    """Days, hours, minutes, seconds."""
    assert [parse_lifetime(text) for text in ("30d", "12h", "15m", "0s")] == [
        timedelta(days=30),
        timedelta(hours=12),
        timedelta(minutes=15),
        timedelta(),
    ]


@given(st.text(max_size=10))
def test_any_lifetime_is_read_or_refused(text: str) -> None:
    """Nothing else than ``LifetimeInvalid`` comes out of it."""
    if re.fullmatch(r"[0-9]{1,6}[smhd]", text, re.ASCII):
        assert parse_lifetime(text) >= timedelta()
    else:
        with pytest.raises(LifetimeInvalid):
            parse_lifetime(text)
