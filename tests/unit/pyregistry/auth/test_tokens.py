"""Bearer tokens are ours or they are nothing."""

from datetime import UTC, datetime, timedelta

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyregistry.auth.scopes import parse_scope
from pyregistry.auth.tokens import LEEWAY, TokenExpired, TokenInvalid, TokenSigner
from pyregistry.spec.identity import ANONYMOUS, Identity

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LIFETIME = timedelta(minutes=5)
ALICE = Identity("alice", "pat-classic", "5f0c92ab", ("write:packages",))
SCOPES = (parse_scope("repository:acme/app:pull,push"), parse_scope("repository(plugin):b:pull"))


def signer(key: str = "key", service: str = "ghcr.io", at: datetime = NOW) -> TokenSigner:
    """A signer whose clock stands still."""
    return TokenSigner(service, key, lambda: at)


@pytest.mark.parametrize("identity", [ALICE, ANONYMOUS])
def test_a_token_says_who_and_what(identity: Identity) -> None:
    """Identity and scopes come back; another process with the same secret understands it."""
    claims = signer().verify(signer().sign(identity, SCOPES, LIFETIME))
    assert (claims.identity, claims.scopes) == (identity, SCOPES)


def test_the_claims_are_those_of_the_specification() -> None:
    """A student who decodes a token finds what the specification names, and the access token behind it."""
    token = signer().sign(ALICE, SCOPES[:1], LIFETIME)
    claims = jwt.decode(token, options={"verify_signature": False})
    assert {name: claims[name] for name in ("iss", "sub", "aud", "iat", "nbf", "exp")} == {
        "iss": "ghcr.io",
        "sub": "alice",
        "aud": "ghcr.io",
        "iat": 1767225600,
        "nbf": 1767225600,
        "exp": 1767225900,
    }
    assert claims["access"] == [{"type": "repository", "class": "", "name": "acme/app", "actions": ["pull", "push"]}]
    assert (claims["credential_id"], claims["credential_kind"]) == ("5f0c92ab", "pat-classic")
    assert claims["jti"] != jwt.decode(signer().sign(ALICE, (), LIFETIME), options={"verify_signature": False})["jti"]


def test_a_token_ends() -> None:
    """Good for its lifetime, and not a second longer."""
    token = signer().sign(ALICE, (), LIFETIME)
    assert signer(at=NOW + timedelta(seconds=299)).verify(token).identity == ALICE
    with pytest.raises(TokenExpired):
        signer(at=NOW + LIFETIME).verify(token)


def test_a_token_does_not_begin_before_it_was_made() -> None:
    """A clock that was set back a little is forgiven; a token from the future is none."""
    token = signer(at=NOW + LEEWAY).sign(ALICE, (), LIFETIME)
    assert signer().verify(token).identity == ALICE
    with pytest.raises(TokenInvalid, match="not valid yet"):
        signer(at=NOW - timedelta(seconds=1)).verify(token)


def test_tokens_of_others_are_refused() -> None:
    """Another key, another service, another algorithm, no signature, a changed claim."""
    good = signer().sign(ALICE, SCOPES, LIFETIME)
    head, body, signature = good.split(".")
    claims = jwt.decode(good, options={"verify_signature": False})
    forged = [
        signer(key="other").sign(ALICE, SCOPES, LIFETIME),
        signer(service="docker.io").sign(ALICE, SCOPES, LIFETIME),
        jwt.encode(claims, "", algorithm="none"),
        jwt.encode(claims, "s" * 64, algorithm="HS512"),
        f"{head}.{body[:-2]}.{signature}",
        f"{head}.{body}.",
        f"{head}.{body}.{signature[::-1]}",
    ]
    for token in forged:
        with pytest.raises(TokenInvalid):
            signer().verify(token)


@given(st.text(max_size=60) | st.from_regex(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*", fullmatch=True))
def test_any_text_is_refused(text: str) -> None:
    """Nothing else than ``TokenInvalid`` comes out of it."""
    with pytest.raises(TokenInvalid):
        signer().verify(text)
