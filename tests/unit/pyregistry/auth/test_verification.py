"""A token of an outside token server is proven, or it is nothing."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography import x509
from hypothesis import assume, given
from hypothesis import strategies as st

from pyregistry.auth.chains import ChainInvalid, verify_chain
from pyregistry.auth.scopes import Scope
from pyregistry.auth.tokens import LEEWAY, MEMORY_SECONDS, TokenExpired, TokenInvalid, VerifiedTokens
from pyregistry.auth.verification import TokenVerifier, Trust
from pyregistry.config.settings import ASYMMETRIC_ALGORITHMS, SigningAlgorithm
from pyregistry.spec.identity import Identity
from pyregistry.spec.jwk import NamedKey, parse_key_set
from tests.fakes.token_server import ISSUER, SERVICE, as_text, certify, claims, make_key, sign

OWN = {kind: certify(kind, make_key(kind)) for kind in ("rsa", "p256")}
SHARED = b"a secret of thirty-two bytes and more"
JWKS = {
    "keys": [
        {"kty": "oct", "kid": "shared", "k": base64.urlsafe_b64encode(SHARED).decode().rstrip("=")},
        jwt.get_algorithm_by_name("EdDSA").to_jwk(make_key("ed25519").public_key(), as_dict=True) | {"kid": "ed"},
        jwt.get_algorithm_by_name("RS256").to_jwk(make_key("rsa", 1), as_dict=True) | {"kid": "bound", "alg": "PS256"},
        jwt.get_algorithm_by_name("ES384").to_jwk(make_key("p384").public_key(), as_dict=True)
        | {"kid": "sealing", "use": "enc"},
    ]
}
KEYS = parse_key_set(json.dumps(JWKS).encode())
NOW = datetime.now(UTC)

SHA1_ROOT, SHA1_LEAF, SHA256_LEAF = (
    x509.load_der_x509_certificate(base64.b64decode(text))
    for text in (
        (
            "MIIBdTCCARugAwIBAgIUWQV9ZL46W71jhszjU1ZirpnSAbEwCgYIKoZIzj0EAwIwDzENMAsGA1UEAwwEcm9vdDAgFw0yNjExMjMy"
            "MDE0MzJaGA8yMTAwMTAyNjIwMTQzMlowDzENMAsGA1UEAwwEcm9vdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABOYYcfgx0yHk"
            "tRyn2u8WoboGXy0aAfFDWAD4U45DssZ3J2wRQbAKfyl3XARJUfFYaw2gVVxTCHnJQLeLWNXK/G+jUzBRMB0GA1UdDgQWBBRDXJtw"
            "V62S6WjsULKGnAZBe/i/djAfBgNVHSMEGDAWgBRDXJtwV62S6WjsULKGnAZBe/i/djAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49"
            "BAMCA0gAMEUCIQD877IErEbuGpgSHC2pAioxhr/64/+bYCmOeCvCs8MVBwIgBVwFZJNhqW1BOTSzzcfuhOM8ZaJ501TpvMDS1AsV"
            "rHA="
        ),
        (
            "MIIBGDCBwAIUIrEiuHtNxE4t4DbTXckqJXQJvLMwCQYHKoZIzj0EATAPMQ0wCwYDVQQDDARyb290MCAXDTI2MTEyMzIwMTQzMloY"
            "DzIxMDAxMDI2MjAxNDMyWjAPMQ0wCwYDVQQDDARsZWFmMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEfO/Lmr2ykstjmVOv7vOg"
            "SW+rEDXqUA22Rlh1nR/dKLA42ikzQTbD9erW4aEN0oIsoXZGfDkUU87oyXh4LJu9RDAJBgcqhkjOPQQBA0gAMEUCIQC2zukSw5Gg"
            "JCAr8GTvKGwi9rVv/v/g3FAXhjO+zBRu8QIgOXFGdXebfu3A4sdS1nJb7+hkXP5QEe0CrEl8+Lwv9xw="
        ),
        (
            "MIIBGzCBwQIUIrEiuHtNxE4t4DbTXckqJXQJvLQwCgYIKoZIzj0EAwIwDzENMAsGA1UEAwwEcm9vdDAgFw0yNjExMjMyMDE0MzJa"
            "GA8yMTAwMTAyNjIwMTQzMlowDzENMAsGA1UEAwwEbGVhZjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABHzvy5q9spLLY5lTr+7z"
            "oElvqxA16lANtkZYdZ0f3SiwONopM0E2w/Xq1uGhDdKCLKF2Rnw5FFPO6Ml4eCybvUQwCgYIKoZIzj0EAwIDSQAwRgIhAOxy9q5K"
            "x2Q0FtQE3rhJRkuki1osICFV9YMSitDWTT+pAiEAjkx3qcCmV/BvOKEf9C5dkrZRsFLcbkPwDD0YaTsHZpg="
        ),
    )
)


def verifier(
    *algorithms: SigningAlgorithm, keys: tuple[NamedKey, ...] = KEYS, after: timedelta = timedelta(0)
) -> TokenVerifier:
    """Trusts the certificates and keys above; its clock stands still."""
    roots = [authority.certificate for authority in OWN.values()]
    return TokenVerifier(Trust(roots, keys), ISSUER, SERVICE, algorithms or ASYMMETRIC_ALGORITHMS, lambda: NOW + after)


GOOD = [
    sign(OWN["rsa"].key, "RS256", {"x5c": [OWN["rsa"].encoded]}),
    sign(OWN["p256"].key, "ES256", {"x5c": [OWN["p256"].encoded]}),
    sign(make_key("ed25519"), "EdDSA", {"kid": "ed"}),
]


@pytest.mark.parametrize("token", GOOD)
def test_a_proven_token_says_who_and_what(token: str) -> None:
    """The subject is the account, the access a scope."""
    said = verifier().verify(token)
    assert said.identity == Identity("alice", "bearer")
    assert said.scopes == (Scope("repository", "acme/app", ("pull", "push")),)


CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ "


@given(st.sampled_from(GOOD), st.data())
def test_no_altered_token_passes(token: str, data: st.DataObject) -> None:
    """One character replaced, added or left out, anywhere: spare bits of base64 are no hiding place either."""
    position = data.draw(st.integers(0, len(token) - 1))
    removed = data.draw(st.sampled_from([0, 1]))
    added = data.draw(st.text(CHARACTERS, max_size=2))
    altered = token[:position] + added + token[position + removed :]
    assume(altered != token)
    with pytest.raises(TokenInvalid):
        verifier().verify(altered)


@pytest.mark.parametrize("token", GOOD)
def test_the_last_character_has_one_spelling(token: str) -> None:
    """The bits that base64 does not use at the end of a signature are looked at."""
    for character in set(CHARACTERS) - {token[-1]}:
        with pytest.raises(TokenInvalid):
            verifier().verify(token[:-1] + character)


@given(st.sampled_from(GOOD), st.dictionaries(st.sampled_from(["alg", "kid", "jwk", "x5c", "typ", "crit"]), st.text()))
def test_no_other_header_goes_with_a_signature(token: str, header: dict[str, str]) -> None:
    """The header is signed too."""
    _, content, signature = token.split(".")
    with pytest.raises(TokenInvalid):
        verifier(*SigningAlgorithm).verify(f"{as_text(header)}.{content}.{signature}")


@given(st.text(max_size=80) | st.from_regex(r"[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,9}"))
def test_any_text_is_refused(text: str) -> None:
    """Nothing else than ``TokenInvalid`` comes out of it."""
    with pytest.raises(TokenInvalid):
        verifier().verify(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(), below, max_size=3),
    max_leaves=5,
)
HEADERS = st.fixed_dictionaries(
    {"alg": st.sampled_from([*SigningAlgorithm, "none"]) | JSON},
    optional=dict.fromkeys(("kid", "x5c", "crit"), JSON)
    | {"jwk": JSON | st.dictionaries(st.sampled_from(["kty", "n", "e", "x", "y", "crv", "k", "x5c"]), JSON)},
)


@given(HEADERS, JSON)
def test_any_header_of_a_stranger_is_refused(header: object, content: object) -> None:
    """Whatever JSON it is."""
    with pytest.raises(TokenInvalid):
        verifier(*SigningAlgorithm).verify(as_text(header, content, b"signature"))


@given(st.dictionaries(st.sampled_from(list(claims())), JSON, min_size=1))
def test_any_claims_are_read_or_refused(changes: dict[str, Any]) -> None:
    """A token server may go mad; nothing else than ``TokenInvalid`` comes of it."""
    content = json.dumps(claims() | changes).encode()
    token = jwt.api_jws.encode(content, OWN["p256"].key, "ES256", headers={"x5c": [OWN["p256"].encoded]})
    try:
        verifier().verify(token)
    except TokenInvalid:
        return
    assert not {"iss", "aud"} & changes.keys()


def test_leeway_is_a_minute_at_both_ends() -> None:
    """And not a second more."""
    begins, ends = int(NOW.timestamp()) + 10, int(NOW.timestamp()) + 20
    token = sign(OWN["p256"].key, "ES256", {"x5c": [OWN["p256"].encoded]}, claims(nbf=begins, exp=ends))
    start, end = datetime.fromtimestamp(begins, UTC) - LEEWAY - NOW, datetime.fromtimestamp(ends, UTC) + LEEWAY - NOW
    for after in (start, end - timedelta(microseconds=1)):
        assert verifier(after=after).verify(token)
    with pytest.raises(TokenExpired):
        verifier(after=end).verify(token)
    with pytest.raises(TokenInvalid, match="not valid yet"):
        verifier(after=start - timedelta(microseconds=1)).verify(token)


def test_a_shared_secret_counts_only_where_it_is_wanted() -> None:
    """HMAC is refused until the configuration lists it, and takes only a key that is for it."""
    token = sign(SHARED, "HS256", {"kid": "shared"})
    assert verifier(SigningAlgorithm.HS256).verify(token)
    with pytest.raises(TokenInvalid, match="not among the signing algorithms"):
        verifier().verify(token)
    with pytest.raises(TokenInvalid, match="untrusted key"):
        verifier(SigningAlgorithm.HS256, keys=()).verify(token)


@pytest.mark.parametrize(
    ("token", "said"),
    [
        (lambda: sign(make_key("rsa", 1), "RS256", {"kid": "bound"}), "the key is for PS256"),
        (lambda: sign(make_key("p384"), "ES384", {"kid": "sealing"}), "untrusted key"),
        (lambda: sign(make_key("rsa", 2), "RS256", {"kid": "ed"}), "does not go with a key of kind"),
        (lambda: sign(OWN["rsa"].key, "RS256", {"x5c": [OWN["rsa"].encoded], "crit": ["b64"]}), "crit"),
        (lambda: sign(OWN["rsa"].key, "RS256", {"jwk": {"kty": "oct", "k": "AAAA"}}), "a shared secret"),
    ],
)
def test_keys_are_good_for_what_they_are_for(token: Any, said: str) -> None:
    """The set's own ``alg`` and ``use`` hold; a header that demands more than we know is refused."""
    with pytest.raises(TokenInvalid, match=said):
        verifier(*SigningAlgorithm).verify(token())


def test_a_private_key_in_the_set_is_taken_for_its_public_half() -> None:
    """Sets are written carelessly; the key is good for what it was bound to."""
    assert verifier().verify(sign(make_key("rsa", 1), "PS256", {"kid": "bound"}))


def test_sha_1_is_no_signature_of_a_certificate() -> None:
    """The same certificate counts with SHA-256 and does not with SHA-1, under which it could be anybody's."""
    at = datetime(2050, 1, 1, tzinfo=UTC)
    assert verify_chain([SHA256_LEAF], [SHA1_ROOT], at)
    with pytest.raises(ChainInvalid):
        verify_chain([SHA1_LEAF], [SHA1_ROOT], at)


def test_a_tangle_of_certificates_ends() -> None:
    """Authorities of one name and key, each of which signed all others, are not tried in all their combinations."""
    tangle = [certify("same", make_key("p256", 10), is_authority=True) for _ in range(9)]
    leaf = certify("leaf", make_key("p256", 9), tangle[0])
    with pytest.raises(ChainInvalid, match="within 50 signatures"):
        verify_chain([leaf.certificate, *(each.certificate for each in tangle)], [OWN["rsa"].certificate], NOW)
    with pytest.raises(ChainInvalid, match="expected 1 to 10 certificates, got 11"):
        verify_chain([leaf.certificate] * 11, [OWN["rsa"].certificate], NOW)


@pytest.mark.parametrize("subject", ["a\nb", "\ud800", "a\x1b[31m", 7, ["a"]])
def test_a_name_can_be_written_down(subject: object) -> None:
    """Into a log line and into the journal; a token of anything else is refused."""
    content = json.dumps(claims() | {"sub": subject}).encode()
    token = jwt.api_jws.encode(content, OWN["p256"].key, "ES256", headers={"x5c": [OWN["p256"].encoded]})
    with pytest.raises(TokenInvalid, match="sub: expected a name"):
        verifier().verify(token)


def test_a_token_is_proven_once_in_some_minutes() -> None:
    """Remembered for five minutes, but never beyond its end; a refusal is never remembered."""
    clock, asked = [NOW], list[str]()
    proof = TokenVerifier(Trust((), KEYS), ISSUER, SERVICE, ASYMMETRIC_ALGORITHMS, lambda: clock[0])

    def verify(token: str) -> Any:
        asked.append(token)
        return proof.verify(token)

    tokens = VerifiedTokens(verify, lambda: clock[0])
    good, bad = GOOD[2], GOOD[0]
    assert tokens.recall(good) is None
    assert tokens.verify(good) == tokens.verify(good) == tokens.recall(good)
    for _ in range(2):
        with pytest.raises(TokenInvalid):
            tokens.verify(bad)
        assert tokens.recall(bad) is None
    assert asked == [good, bad, bad]
    clock[0] = NOW + timedelta(seconds=MEMORY_SECONDS)
    assert tokens.recall(good) is None
    assert tokens.verify(good)
    clock[0] = NOW + timedelta(hours=1) + LEEWAY - timedelta(seconds=2)
    assert tokens.verify(good)
    clock[0] += timedelta(seconds=3)
    assert tokens.recall(good) is None
    with pytest.raises(TokenExpired):
        tokens.verify(good)
