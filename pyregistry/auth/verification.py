"""Tokens of an outside token server (``auth.token``): proven, or refused with the reason, which only the log is told.

The token is a JWS in compact form (RFC 7515) over the claims of distribution's token specification. Trusted is what
the configuration names, and nothing that the token itself brings along: a key in the token's header only says which
of the trusted keys is meant, a certificate there must lead to a trusted one.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NoReturn

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from pyregistry.auth.chains import ChainInvalid, verify_chain
from pyregistry.auth.claims import read_claims, shown
from pyregistry.auth.tokens import Claims, TokenInvalid
from pyregistry.config.settings import SigningAlgorithm
from pyregistry.spec.jwk import KeyInvalid, NamedKey, VerificationKey, key_of, names_of, parse_jwk, thumbprint

# token ::= base64url "." base64url "." base64url        (RFC 7515 §7.1; no padding)
_TOKEN = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")

_CURVES = {
    SigningAlgorithm.ES256: "secp256r1",
    SigningAlgorithm.ES384: "secp384r1",
    SigningAlgorithm.ES512: "secp521r1",
}


class Trust:
    """Whose signatures count.

    Args:
        roots: Certificates; their own keys count, and those of whoever they vouch for.
        keys: Further keys.
    """

    def __init__(self, roots: Sequence[x509.Certificate], keys: Sequence[NamedKey]) -> None:
        self.roots = tuple(roots)
        own = [NamedKey(names_of(key), key) for key in map(key_of, roots)]
        self._keys = {name: named for named in (*own, *keys) for name in named.names}

    def named(self, name: object) -> NamedKey | None:
        """The trusted key of a name."""
        return self._keys.get(name) if isinstance(name, str) else None


class TokenVerifier:
    """Proves tokens for one service.

    Args:
        trust: Whose signatures count.
        issuer: Who must have issued a token.
        service: Whom it must be for.
        algorithms: What it may be signed with.
        now: Aware UTC time.
    """

    def __init__(
        self,
        trust: Trust,
        issuer: str,
        service: str,
        algorithms: Sequence[SigningAlgorithm],
        now: Callable[[], datetime],
    ) -> None:
        self._trust = trust
        self._issuer = issuer
        self._service = service
        self._algorithms = tuple(algorithms)
        self._now = now

    def verify(self, token: str) -> Claims:
        """What the token says, proven.

        Raises:
            TokenExpired: Its time is over.
            TokenInvalid: Anything else is wrong with it.
        """
        # 1. The form: three parts, each in the only spelling that it has, so that no other text is the same token.
        parts = _TOKEN.fullmatch(token)
        if parts is None:
            raise TokenInvalid("malformed token")
        header, claims = _parse_object(parts[1]), _parse_object(parts[2])
        if "crit" in header:  # RFC 7515 §4.1.11: what must be understood, and is not
            raise TokenInvalid("the header demands what is not understood (crit)")
        # 2. The algorithm is ours to allow, 3. the key ours to trust, 4. and the one must belong to the other.
        algorithm = self._allowed(header.get("alg"))
        named = self._find_key(header)
        _check_fit(algorithm, named)
        # 5. The signature.
        if not _is_signed(algorithm, named.key, f"{parts[1]}.{parts[2]}".encode(), _decode(parts[3])):
            raise TokenInvalid("the signature does not match")
        # 6. Only now is what the token says anybody's word.
        return read_claims(claims, self._issuer, self._service, self._now().timestamp())

    def _allowed(self, algorithm: object) -> SigningAlgorithm:
        if algorithm not in self._algorithms:
            raise TokenInvalid(f"alg {shown(algorithm)} is not among the signing algorithms")
        return SigningAlgorithm(str(algorithm))

    def _find_key(self, header: Mapping[str, object]) -> NamedKey:
        """The key by the header's certificates, else its key, else its key's name: distribution's order."""
        if header.get("x5c"):
            return NamedKey((), self._key_of_chain(header["x5c"]))
        if header.get("jwk") is not None:
            return self._key_of_jwk(header["jwk"])
        named = self._trust.named(header.get("kid"))
        if named is None:
            raise TokenInvalid(f"signed by an untrusted key, kid {shown(header.get('kid'))}")
        return named

    def _key_of_chain(self, encoded: object) -> VerificationKey:
        try:
            return verify_chain(_parse_chain(encoded), self._trust.roots, self._now())
        except ChainInvalid as exc:
            raise TokenInvalid(str(exc)) from exc

    def _key_of_jwk(self, values: object) -> NamedKey:
        """A key in the header counts for what it is: the ``kid`` beside it is the sender's word (CVE-2025-24976)."""
        if not isinstance(values, dict):
            raise TokenInvalid("jwk: expected a JSON Web Key")
        try:
            key = parse_jwk(values)
            if isinstance(key, bytes):
                raise TokenInvalid("jwk: a shared secret in a token is none")
            if values.get("x5c"):
                return NamedKey((), self._key_of_both(thumbprint(key), values["x5c"]))
            named = self._trust.named(thumbprint(key))
        except KeyInvalid as exc:
            raise TokenInvalid(f"jwk: {exc}") from exc
        if named is None:
            raise TokenInvalid("jwk: the key is not trusted")
        return named

    def _key_of_both(self, name: str, encoded: object) -> VerificationKey:
        """A key in the header that brings its certificates."""
        vouched = self._key_of_chain(encoded)
        if isinstance(vouched, bytes) or thumbprint(vouched) != name:
            raise TokenInvalid("jwk: the first certificate is another key's")
        return vouched


def _decode(text: str) -> bytes:
    """base64url without padding. Spare bits at its end must be zero, or several texts would mean the same."""
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as exc:
        raise TokenInvalid("malformed token") from exc
    if base64.urlsafe_b64encode(data).rstrip(b"=") != text.encode():
        raise TokenInvalid("malformed token")
    return data


def _parse_object(text: str) -> dict[str, object]:
    try:
        values = json.loads(_decode(text), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as exc:
        raise TokenInvalid("malformed token") from exc
    if not isinstance(values, dict):
        raise TokenInvalid("malformed token")
    return values


def _refuse_constant(name: str) -> NoReturn:
    """NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(name)


def _parse_chain(encoded: object) -> list[x509.Certificate]:
    """``x5c``: DER in plain base64 (RFC 7515 §4.1.6)."""
    if not isinstance(encoded, list):
        raise ChainInvalid("x5c: expected a list")
    try:
        return [x509.load_der_x509_certificate(base64.b64decode(each, validate=True)) for each in encoded]
    except (ValueError, TypeError) as exc:
        raise ChainInvalid(f"x5c: expected certificates in base64: {exc}") from exc


def _check_fit(algorithm: SigningAlgorithm, named: NamedKey) -> None:
    """A key is good for its own kind of algorithm: a public key must never be taken for a shared secret."""
    if named.algorithm not in (None, algorithm):
        raise TokenInvalid(f"alg {algorithm}, and the key is for {named.algorithm}")
    if not _fits(algorithm, named.key):
        raise TokenInvalid(f"alg {algorithm} does not go with a key of kind {type(named.key).__name__}")


def _fits(algorithm: SigningAlgorithm, key: VerificationKey) -> bool:
    match key:
        case bytes():
            return algorithm.is_symmetric
        case RSAPublicKey():
            return algorithm.startswith(("RS", "PS"))
        case EllipticCurvePublicKey():
            return _CURVES.get(algorithm) == key.curve.name
        case Ed25519PublicKey() | Ed448PublicKey():
            return algorithm is SigningAlgorithm.EDDSA


def _is_signed(algorithm: SigningAlgorithm, key: VerificationKey, content: bytes, signature: bytes) -> bool:
    return bool(jwt.get_algorithm_by_name(algorithm).verify(content, key, signature))
