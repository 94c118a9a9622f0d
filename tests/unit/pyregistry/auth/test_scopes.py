"""Scopes are read and written in the grammar of the token specification."""

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyregistry.auth.challenge import format_basic, format_bearer
from pyregistry.auth.credentials import Basic, Bearer, Unreadable, parse_authorization
from pyregistry.auth.interface import AccessRequest
from pyregistry.auth.scopes import Scope, ScopeInvalid, format_scope, parse_scope, scope_of
from pyregistry.spec.endpoints import Access
from tests.unit.pyregistry.auth.door import basic

WORDS = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=8)
ACTIONS = st.lists(st.text(string.ascii_lowercase, min_size=1, max_size=6) | st.just("*"), min_size=1, unique=True)
NAMES = st.text(string.ascii_letters + string.digits + "/:._-", min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("repository:acme/app:pull,push", Scope("repository", "acme/app", ("pull", "push"))),
        ("repository:host:5000/app:pull", Scope("repository", "host:5000/app", ("pull",))),
        ("repository(plugin):acme/app:pull", Scope("repository", "acme/app", ("pull",), "plugin")),
        ("registry:catalog:*", Scope("registry", "catalog", ("*",))),
        ("repository:a:pull,pull", Scope("repository", "a", ("pull",))),
    ],
)
def test_scopes_are_read(text: str, scope: Scope) -> None:
    """The name may hold colons, each action counts once."""
    assert parse_scope(text) == scope


@pytest.mark.parametrize(
    "text", ["", "repository", "repository:a", "repository::pull", "repository:a:", ":a:pull", "a:b c:d", "a:b:c,"]
)
def test_what_is_no_scope_is_refused(text: str) -> None:
    """All three parts have to be there."""
    with pytest.raises(ScopeInvalid, match="expected a scope such as"):
        parse_scope(text)


@given(WORDS, NAMES, ACTIONS, st.just("") | WORDS)
def test_a_scope_survives_the_wire(kind: str, name: str, actions: list[str], of_class: str) -> None:
    """What is written is read."""
    scope = Scope(kind, name, tuple(actions), of_class)
    assert parse_scope(format_scope(scope)) == scope


@given(st.text(max_size=40))
def test_any_text_is_a_scope_or_refused(text: str) -> None:
    """What is accepted says the same when it is written again, repeated actions aside."""
    try:
        scope = parse_scope(text)
    except ScopeInvalid:
        return
    assert parse_scope(format_scope(scope)) == scope


def test_a_scope_allows_no_more_than_it_says() -> None:
    """Same resource, and each action or the star."""
    granted = Scope("repository", "acme/app", ("pull", "push"))
    assert granted.allows(Scope("repository", "acme/app", ("pull",)))
    assert not granted.allows(Scope("repository", "acme/app", ("pull", "delete")))
    assert not granted.allows(Scope("repository", "acme/app2", ("pull",)))
    assert not granted.allows(Scope("registry", "acme/app", ("pull",)))
    assert Scope("registry", "catalog", ("*",)).allows(Scope("registry", "catalog", ("*",)))


@pytest.mark.parametrize(
    ("access", "text"),
    [
        (Access.PULL, "repository:acme/app:pull"),
        (Access.PUSH, "repository:acme/app:pull,push"),
        (Access.DELETE, "repository:acme/app:delete"),
        (Access.CATALOG, "registry:catalog:*"),
    ],
)
def test_each_access_needs_its_scope(access: Access, text: str) -> None:
    """As registry:2 asks for them."""
    scope = scope_of(AccessRequest("acme/app", access))
    assert scope is not None
    assert format_scope(scope) == text
    assert scope_of(AccessRequest("", Access.NONE)) is None


def test_challenges_are_written_as_clients_parse_them() -> None:
    """Several scopes in one parameter, the error last, quotes escaped."""
    scopes = [parse_scope("repository:a:pull,push"), parse_scope("repository:b:pull")]
    assert format_bearer("https://r/token", "r", scopes, "invalid_token") == (
        'Bearer realm="https://r/token",service="r",'
        'scope="repository:a:pull,push repository:b:pull",error="invalid_token"'
    )
    assert format_bearer("https://r/token", "r") == 'Bearer realm="https://r/token",service="r"'
    assert format_basic('The "lab" \\') == r'Basic realm="The \"lab\" \\"'


@pytest.mark.parametrize(
    ("header", "read"),
    [
        (None, None),
        (basic("pa:ss", "alice"), Basic("alice", "pa:ss")),
        (basic("", "é"), Basic("é", "")),
        ("bearer  abc ", Bearer("abc")),
        ("Basic !!!", Unreadable()),
        ("Basic YWxpY2U=", Unreadable()),
        ("Basic /w==", Unreadable()),
        ("Digest x", Unreadable()),
        ("", Unreadable()),
    ],
)
def test_authorization_headers(header: str | None, read: object) -> None:
    """Name and password in base64, a bearer token, or nothing that proves anything."""
    assert parse_authorization(header) == read


@given(st.text(max_size=30) | st.text(max_size=30).map(lambda text: f"Basic {text}"))
def test_any_header_is_read(header: str) -> None:
    """No header is an exception, and none shows its secret in a log."""
    read = parse_authorization(header)
    assert isinstance(read, Basic | Bearer | Unreadable)
    assert re.fullmatch(r"Basic\(user=.*\)|Bearer\(\)|Unreadable\(\)", repr(read), re.DOTALL)
    assert "password" not in repr(read)
