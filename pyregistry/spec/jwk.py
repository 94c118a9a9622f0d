"""Public keys as token servers write them, and the names that they have. Pure: text and bytes in, keys out.

- JSON Web Keys and sets of them (RFC 7517, 7518 §6, 8037);
- their thumbprints (RFC 7638), by which registry:3 knows the keys of its ``rootcertbundle``;
- libtrust's ids, by which registry:2 does: twelve groups of four letters, ``ABCD:EFGH:…``.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import jwt
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, HMACAlgorithm, OKPAlgorithm, RSAAlgorithm

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey | Ed448PublicKey
VerificationKey = PublicKey | bytes
"""Bytes are a secret that token server and registry share (HMAC)."""

MIN_RSA_BITS = 2048
"""What NIST has asked for since 2014; a shorter key proves nothing any more."""

_THUMBPRINT_MEMBERS: Mapping[str, tuple[str, ...]] = {
    "RSA": ("e", "kty", "n"),
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
}
"""RFC 7638 §3.2 and RFC 8037 §2: what names a key, and all that a public key is read from."""

_LIBTRUST_BYTES, _LIBTRUST_GROUP = 30, 4


class KeyInvalid(ValueError):
    """Not a key that a signature could be verified with."""


@dataclass(frozen=True, slots=True)
class NamedKey:
    """A key of a set. ``algorithm``: the only one it is to be used with, where the set says so."""

    names: tuple[str, ...]
    key: VerificationKey = field(repr=False)
    algorithm: str | None = None


def parse_jwk(values: Mapping[str, object]) -> VerificationKey:
    """Read one key; of a private one the public half.

    Raises:
        KeyInvalid: It is none, or an RSA key that is too short.
    """
    kind = values.get("kty")
    try:
        if kind == "oct":
            return HMACAlgorithm.from_jwk(dict(values))
        members = {name: values[name] for name in _THUMBPRINT_MEMBERS[str(kind)]}
        return checked_key(_READERS[str(kind)](members))
    except KeyInvalid:
        raise
    except (jwt.PyJWTError, UnsupportedAlgorithm, ValueError, TypeError, LookupError, AttributeError) as exc:
        raise KeyInvalid(f"expected a JSON Web Key (RSA, EC, OKP or oct), got kty {kind!r}: {exc}") from exc


def parse_key_set(content: bytes) -> tuple[NamedKey, ...]:
    """Read a JWKS file: ``{"keys": […]}``. Keys that are there for encryption are left out.

    Raises:
        KeyInvalid: It is none, or one of its keys is none.
    """
    try:
        rows = json.loads(content)["keys"]
        return tuple(_parse_named(row) for row in rows if row.get("use", "sig") == "sig")
    except KeyInvalid:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as exc:
        raise KeyInvalid(f'expected {{"keys": [a JSON Web Key, …]}}, got {type(exc).__name__}: {exc}') from exc


def parse_certificates(content: bytes) -> tuple[x509.Certificate, ...]:
    """Read PEM certificates, one or many.

    Raises:
        KeyInvalid: There is none, or one cannot be read or holds no key for signatures.
    """
    try:
        certificates = tuple(x509.load_pem_x509_certificates(content))
    except ValueError as exc:
        raise KeyInvalid(f"expected PEM certificates: {exc}") from exc
    for certificate in certificates:
        key_of(certificate)
    return certificates


def key_of(certificate: x509.Certificate) -> PublicKey:
    """The key that a certificate vouches for.

    Raises:
        KeyInvalid: It is not for signatures that tokens have, or too short.
    """
    try:
        return checked_key(certificate.public_key())
    except KeyInvalid:
        raise
    except (UnsupportedAlgorithm, ValueError) as exc:
        raise KeyInvalid(f"the certificate's key cannot be read: {exc}") from exc


def checked_key(key: object) -> PublicKey:
    """``key``, if tokens can be signed with its other half.

    Raises:
        KeyInvalid: They cannot, or it is too short.
    """
    if not isinstance(key, PublicKey):
        raise KeyInvalid(f"expected an RSA, EC or Ed25519 public key, got {type(key).__name__}")
    if isinstance(key, RSAPublicKey) and key.key_size < MIN_RSA_BITS:
        raise KeyInvalid(f"expected an RSA key of at least {MIN_RSA_BITS} bits, got {key.key_size}")
    return key


def thumbprint(key: PublicKey) -> str:
    """The key's RFC 7638 name.

    Raises:
        KeyInvalid: Its curve has no JSON Web Key.
    """
    try:
        values = _written(key)
    except (jwt.PyJWTError, ValueError) as exc:
        raise KeyInvalid(str(exc)) from exc
    members = {name: values[name] for name in _THUMBPRINT_MEMBERS[str(values["kty"])]}
    text = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def libtrust_id(key: PublicKey) -> str:
    """The key's name in registry:2: base32 of the first 240 bits of the SHA-256 of its DER form."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    text = base64.b32encode(hashlib.sha256(der).digest()[:_LIBTRUST_BYTES]).decode()
    return ":".join(text[start : start + _LIBTRUST_GROUP] for start in range(0, len(text), _LIBTRUST_GROUP))


def names_of(key: PublicKey) -> tuple[str, ...]:
    """What ``kid`` may say for a key that nobody has given a name."""
    return thumbprint(key), libtrust_id(key)


def _parse_named(row: Mapping[str, object]) -> NamedKey:
    key = parse_jwk(row)
    given = (str(row["kid"]),) if "kid" in row else ()
    names = given if isinstance(key, bytes) else given + names_of(key)
    if not names:
        raise KeyInvalid("expected a kid with a key of kty oct, got none")
    return NamedKey(names, key, str(row["alg"]) if "alg" in row else None)


_READERS = {"RSA": RSAAlgorithm.from_jwk, "EC": ECAlgorithm.from_jwk, "OKP": OKPAlgorithm.from_jwk}


def _written(key: PublicKey) -> Mapping[str, object]:
    if isinstance(key, RSAPublicKey):
        return RSAAlgorithm.to_jwk(key, as_dict=True)
    if isinstance(key, EllipticCurvePublicKey):
        return ECAlgorithm.to_jwk(key, as_dict=True)
    return OKPAlgorithm.to_jwk(key, as_dict=True)
