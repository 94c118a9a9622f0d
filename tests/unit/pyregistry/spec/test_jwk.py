"""Public keys and their names."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from pyregistry.spec.jwk import KeyInvalid, checked_key, parse_certificates, parse_jwk, parse_key_set, thumbprint
from tests.fakes.token_server import certify, make_key

RFC_7638 = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3o"
    "knjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5"
    "hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}


def test_a_thumbprint_is_that_of_the_rfc() -> None:
    """The example of RFC 7638 §3.1."""
    assert thumbprint(parse_jwk(RFC_7638)) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"  # type: ignore[arg-type]


def test_a_set_names_its_keys() -> None:
    """By their own ``kid`` and by what everybody else calls them."""
    (key,) = parse_key_set(json.dumps({"keys": [RFC_7638]}).encode())
    assert key.names[:2] == ("2011-04-29", "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")
    assert key.algorithm == "RS256"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "JSONDecodeError"),
        (b"[]", "TypeError"),
        (b"{}", "KeyError"),
        (b'{"keys": [1]}', "AttributeError"),
        (b'{"keys": [{"kty": "XYZ"}]}', "kty 'XYZ'"),
        (b'{"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}', "RSA"),
        (b'{"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]}', "EC"),
        (b'{"keys": [{"kty": "oct", "k": "AAAA"}]}', "expected a kid"),
        (b"[" * 9000, "RecursionError"),
    ],
)
def test_what_is_no_set_is_refused(content: bytes, said: str) -> None:
    """With the reason."""
    with pytest.raises(KeyInvalid, match=said):
        parse_key_set(content)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(content: bytes) -> None:
    """Nothing else than ``KeyInvalid`` comes out of it."""
    for parse in (parse_key_set, parse_certificates):
        with pytest.raises(KeyInvalid):
            parse(content)


def test_a_short_key_proves_nothing() -> None:
    """1024 bits are refused, wherever they stand."""
    short = rsa.generate_private_key(65537, 1024)  # noqa: S505  that is the point
    with pytest.raises(KeyInvalid, match="at least 2048 bits, got 1024"):
        checked_key(short.public_key())


def test_a_bundle_may_hold_many() -> None:
    """All of them, in order."""
    authorities = [certify(name, make_key("p256", number)) for number, name in enumerate("ab")]
    content = b"".join(authority.pem for authority in authorities)
    assert parse_certificates(content) == tuple(authority.certificate for authority in authorities)
