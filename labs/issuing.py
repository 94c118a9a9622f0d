"""Keys and certificates as values: made, written as PEM and read back. No file is touched here.

Whatever is asked for is made, wrong certificates too (without a name, expired, signed by itself): who wants a right one
asks for it. What a right one is for the lab is said by ``labs.stack.authority`` and ``labs.stack.certificates``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SERVER_LIFETIME = timedelta(days=397)
"""The most that browsers and Go's verifier on macOS accept of a server certificate."""

AUTHORITY_LIFETIME = timedelta(days=3650)

BACKDATED = timedelta(hours=1)
"""A lab machine's clock may be set back a little after its first start."""

RSA_BITS = 2048
"""What most public CAs' customers have; 4096 takes seconds to make on a small machine."""

COMMON_NAME_LIMIT = 64
"""Characters, RFC 5280 appendix A (ub-common-name). A longer name stands among the alternative names only."""

_ISSUERS = (
    *(rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey),
    *(ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey),
)
"""Kinds of keys that may sign certificates and that we read: what ``openssl genpkey`` makes of a CA's."""


class KeyKind(StrEnum):
    """Kinds of keys that we make."""

    EC = "EC P-256"
    RSA = f"RSA {RSA_BITS}"


@dataclass(frozen=True, slots=True)
class Validity:
    """From when until when, both included. Aware UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its private key.

    Attributes:
        chain: The CAs between it and the root, its own issuer first: what a server sends along. Never the root.
    """

    certificate: x509.Certificate
    key: CertificateIssuerPrivateKeyTypes
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def fullchain(self) -> str:
        """PEM as servers want it: the certificate itself first."""
        certificates = (self.certificate, *self.chain)
        return "".join(each.public_bytes(serialization.Encoding.PEM).decode() for each in certificates)

    @property
    def key_pem(self) -> str:
        """The key in PKCS#8, not encrypted: servers start without anybody to ask."""
        form = serialization.PrivateFormat.PKCS8
        return self.key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()

    @property
    def is_matched(self) -> bool:
        """Whether the key is the certificate's."""
        return self.key.public_key() == self.certificate.public_key()


def lasting(lifetime: timedelta) -> Validity:
    """From now, a little backdated, for a while."""
    now = datetime.now(UTC)
    return Validity(now - BACKDATED, now + lifetime)


def issue_authority(
    common_name: str,
    validity: Validity,
    *,
    issuer: Pair | None = None,
    path_length: int | None = None,
    organization: str | None = None,
) -> Pair:
    """A CA with an EC key: a root, or one that ``issuer`` signs.

    Args:
        common_name: What it is called.
        validity: From when until when.
        issuer: None for a root, which signs itself.
        path_length: How many CAs may stand between it and a server's certificate; None for any number.
        organization: Whose it is.
    """
    key = _make_key(KeyKind.EC)
    builder = (
        _builder(_name(common_name, organization), key, validity, issuer)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_key_usage(key_cert_sign=True, crl_sign=True, digital_signature=True), critical=True)
    )
    return _signed(builder, key, issuer)


def issue_server(
    names: Sequence[str],
    validity: Validity,
    issuer: Pair | None,
    *,
    common_name: str | None = None,
    organization: str | None = None,
    kind: KeyKind = KeyKind.EC,
) -> Pair:
    """A server's certificate.

    Args:
        names: DNS names and IP addresses it is for (subjectAltName). None at all: it is for nobody.
        validity: From when until when.
        issuer: None for one that signs itself.
        common_name: The first name where it is not said and not too long. Clients have long stopped looking at it.
        organization: Whose it is.
        kind: Of its key.
    """
    key = _make_key(kind)
    called = next((name for name in names[:1] if len(name) <= COMMON_NAME_LIMIT), None)
    subject = _name(common_name or called, organization)
    builder = (
        _builder(subject, key, validity, issuer)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            _key_usage(digital_signature=True, key_encipherment=isinstance(key, rsa.RSAPrivateKey)), critical=True
        )
    )
    if names:
        alternative = x509.SubjectAlternativeName([_general_name(name) for name in names])
        # RFC 5280 4.2.1.6: critical where nothing else says whose it is.
        builder = builder.add_extension(alternative, critical=not list(subject))
    return _signed(builder, key, issuer)


def parse_pair(fullchain: bytes, key: bytes) -> Pair:
    """A pair from its PEM, certificate first in ``fullchain``. Whether the two match is not looked at.

    Raises:
        ValueError: One of them is damaged, or the key is of a kind that signs no certificates.
        TypeError: The key is locked with a passphrase.
    """
    certificate, *chain = x509.load_pem_x509_certificates(fullchain)
    private = serialization.load_pem_private_key(key, password=None)
    if not isinstance(private, _ISSUERS):
        raise ValueError(f"expected a key that can sign certificates, got {type(private).__name__}")  # noqa: TRY004  the file's fault, not the caller's
    return Pair(certificate, private, tuple(chain))


def names_of(certificate: x509.Certificate) -> set[str]:
    """What the certificate is for, as text."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {str(name.value) for name in names}


def _make_key(kind: KeyKind) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    """A new key."""
    if kind is KeyKind.RSA:
        return rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    return ec.generate_private_key(ec.SECP256R1())


def _builder(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
    validity: Validity,
    issuer: Pair | None,
) -> x509.CertificateBuilder:
    """What every certificate of ours has."""
    above = issuer.certificate.subject if issuer else subject
    public = key.public_key()
    builder = x509.CertificateBuilder(
        above, subject, public, x509.random_serial_number(), validity.start, validity.end
    ).add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    if issuer is None:
        return builder
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
    return builder.add_extension(identifier, critical=False)


def _signed(
    builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, issuer: Pair | None
) -> Pair:
    """The finished pair, signed by its issuer or itself."""
    signer: CertificateIssuerPrivateKeyTypes = issuer.key if issuer else key
    # Edwards keys hash as part of signing and take no algorithm.
    algorithm = None if isinstance(signer, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey) else hashes.SHA256()
    return Pair(builder.sign(signer, algorithm), key, _chain_below(issuer))


def _chain_below(issuer: Pair | None) -> tuple[x509.Certificate, ...]:
    """What goes along with what ``issuer`` signs: nothing where it is a root, which the client must have anyway."""
    if issuer is None or issuer.certificate.issuer == issuer.certificate.subject:
        return ()
    return (issuer.certificate, *issuer.chain)


def _name(common_name: str | None, organization: str | None) -> x509.Name:
    """A subject of the parts that are there."""
    parts = ((NameOID.ORGANIZATION_NAME, organization), (NameOID.COMMON_NAME, common_name))
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in parts if text])


def _key_usage(
    *,
    digital_signature: bool = False,
    key_encipherment: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    """A key usage with only the named bits."""
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_encipherment=key_encipherment,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    """An IP address as such (Go matches an IP literal against nothing else), anything else as a DNS name."""
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
