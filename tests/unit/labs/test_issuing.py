"""Certificates as values, right ones and wrong ones. A right one pleases a strict verifier of the web's rules."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from labs.issuing import (
    BACKDATED,
    COMMON_NAME_LIMIT,
    KeyKind,
    Pair,
    Validity,
    issue_authority,
    issue_server,
    lasting,
    names_of,
    parse_pair,
)

NAME = "registry.example.com"
YEAR = timedelta(days=365)


def verify(pair: Pair, root: Pair, name: str = NAME) -> None:
    """Verify the chain as a client of the web does. Raises VerificationError."""
    try:
        subject: x509.DNSName | x509.IPAddress = x509.IPAddress(ip_address(name))
    except ValueError:
        subject = x509.DNSName(name)
    policy = PolicyBuilder().store(Store([root.certificate])).time(datetime.now(UTC))
    policy.build_server_verifier(subject).verify(pair.certificate, list(pair.chain))


def make_root() -> Pair:
    """A CA without limits."""
    return issue_authority("root", lasting(YEAR))


@pytest.mark.parametrize("has_intermediate", [False, True])
@pytest.mark.parametrize("kind", KeyKind)
@pytest.mark.parametrize(
    ("names", "asked"),
    [
        ((NAME,), NAME),
        (("a.example.com", NAME), NAME),
        (("*.example.com",), NAME),
        (("192.0.2.7",), "192.0.2.7"),
        (("2001:db8::7", NAME), "2001:db8::7"),
        (("a." * 40 + "example.com",), "a." * 40 + "example.com"),
    ],
)
def test_a_right_certificate(names: Sequence[str], asked: str, kind: KeyKind, *, has_intermediate: bool) -> None:
    """Names, wildcards and addresses, EC and RSA, with and without an intermediate: all please a strict verifier."""
    root = make_root()
    issuer = issue_authority("between", lasting(YEAR), issuer=root, path_length=0) if has_intermediate else root
    pair = issue_server(names, lasting(YEAR), issuer, kind=kind)
    verify(pair, root, asked)
    assert len(pair.chain) == int(has_intermediate)
    assert names_of(pair.certificate) == set(names)
    assert isinstance(pair.key, rsa.RSAPrivateKey if kind is KeyKind.RSA else ec.EllipticCurvePrivateKey)


def test_wrong_certificates() -> None:
    """Expired, not yet valid, another name, CN only, no name, signed by itself: each is made, and refused."""
    root, now, day = make_root(), datetime.now(UTC), timedelta(days=1)
    wrong = {
        "expired": issue_server([NAME], Validity(now - YEAR, now - day), root),
        "not yet": issue_server([NAME], Validity(now + day, now + YEAR), root),
        "another": issue_server(["other.example.com"], lasting(YEAR), root),
        "CN only": issue_server([], lasting(YEAR), root, common_name=NAME),
        "no name": issue_server([], lasting(YEAR), root),
        "itself": issue_server([NAME], lasting(YEAR), None),
    }
    for pair in wrong.values():
        with pytest.raises(VerificationError):
            verify(pair, root)
    assert names_of(wrong["CN only"].certificate) == names_of(wrong["no name"].certificate) == set()
    assert wrong["CN only"].certificate.subject.rfc4514_string() == f"CN={NAME}"
    assert not list(wrong["no name"].certificate.subject)
    assert wrong["itself"].certificate.issuer == wrong["itself"].certificate.subject


def test_pem_goes_there_and_back() -> None:
    """The server's certificate is the first of the file, its issuers follow, the root is never among them."""
    root = make_root()
    pair = issue_server([NAME], lasting(YEAR), issue_authority("between", lasting(YEAR), issuer=root))
    read = parse_pair(pair.fullchain.encode(), pair.key_pem.encode())
    assert (read.certificate, read.chain, read.key_pem) == (pair.certificate, pair.chain, pair.key_pem)
    assert read.is_matched
    assert root.certificate not in read.chain
    assert not Pair(pair.certificate, root.key).is_matched


@pytest.mark.parametrize("half", ["fullchain", "key_pem"])
@pytest.mark.parametrize(
    "content", [b"", b"rubbish", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_damaged_pem(half: str, content: bytes) -> None:
    """Either half may be empty or garbled; both are told by the same exception."""
    pair = make_root()
    halves = {name: getattr(pair, name).encode() for name in ("fullchain", "key_pem")} | {half: content}
    with pytest.raises(ValueError, match=r"."):
        parse_pair(halves["fullchain"], halves["key_pem"])


def test_a_ca_with_an_edwards_key_signs() -> None:
    """A student's own CA may be Ed25519, which hashes by itself."""
    key = ed25519.Ed25519PrivateKey.generate()
    template = make_root().certificate
    builder = x509.CertificateBuilder(
        *(template.subject, template.subject, key.public_key(), x509.random_serial_number()),
        *(template.not_valid_before_utc, template.not_valid_after_utc),
    ).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    root = Pair(builder.sign(key, None), key)
    issue_server([NAME], lasting(YEAR), root).certificate.verify_directly_issued_by(root.certificate)


def test_a_name_too_long_for_the_subject_is_an_alternative_name_only() -> None:
    """The subject may be empty then, and says so by a critical extension (RFC 5280 4.2.1.6)."""
    longest, longer = "a" * (COMMON_NAME_LIMIT - 8) + ".example", "a" * (COMMON_NAME_LIMIT - 7) + ".example"
    for name, subject in ((longest, f"CN={longest}"), (longer, "")):
        certificate = issue_server([name], lasting(YEAR), make_root()).certificate
        alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        assert (certificate.subject.rfc4514_string(), alternative.critical) == (subject, not subject)


def test_a_validity_begins_a_little_earlier() -> None:
    """A clock that is set back half an hour still finds the certificate valid."""
    validity = lasting(YEAR)
    assert validity.start < datetime.now(UTC) - BACKDATED / 2
    assert validity.end - validity.start == YEAR + BACKDATED
