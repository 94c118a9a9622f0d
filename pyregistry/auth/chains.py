"""Chains of certificates from a token's signer to a root that the configuration trusts. Pure.

Not the web's rules: the signer of tokens has no host name, and is often the very certificate that is trusted. The
rules are those of RFC 5280 §6 that registry:2's verification holds to; what we do not understand, we do not accept.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtensionOID

from pyregistry.spec.jwk import KeyInvalid, PublicKey, key_of

MAX_CERTIFICATES = 10
"""Of a chain; real ones have one to four."""

MAX_SIGNATURES = 50
"""That are looked at for one chain: certificates of one name could be combined in many ways."""

_UNDERSTOOD = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
    }
)
_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)


class ChainInvalid(ValueError):
    """The chain leads to nobody whom we trust."""


def verify_chain(chain: Sequence[x509.Certificate], roots: Collection[x509.Certificate], at: datetime) -> PublicKey:
    """The key of the first certificate, proven to be vouched for by one of ``roots``.

    Args:
        chain: The signer's certificate, then others that may lead from it to a root, in any order.
        roots: Trusted.
        at: When; aware.

    Raises:
        ChainInvalid: No way leads from the first certificate to a root.
    """
    if not 1 <= len(chain) <= MAX_CERTIFICATES:
        raise ChainInvalid(f"x5c: expected 1 to {MAX_CERTIFICATES} certificates, got {len(chain)}")
    try:
        search = _Search((*roots, *chain[1:]), frozenset(roots), at)
        if search.reaches_root(chain[0], below=0):
            return key_of(chain[0])
    except (KeyInvalid, ValueError, UnsupportedAlgorithm) as exc:
        raise ChainInvalid(f"x5c: {exc}") from exc
    raise ChainInvalid("x5c: the certificates lead to no trusted root")


@dataclass(slots=True)
class _Search:
    """One walk up from a certificate.

    Attributes:
        issuers: Who may have signed.
        signatures: How many were looked at.
    """

    issuers: tuple[x509.Certificate, ...]
    roots: frozenset[x509.Certificate]
    at: datetime
    signatures: int = field(default=0)

    def reaches_root(self, certificate: x509.Certificate, below: int) -> bool:
        """Whether a root stands above; ``below`` are the authorities between this certificate and the signer."""
        if not self._is_usable(certificate) or below > MAX_CERTIFICATES:
            return False
        return certificate in self.roots or any(
            issuer != certificate
            and _may_sign(issuer, below)
            and self._is_signed_by(certificate, issuer)
            and self.reaches_root(issuer, below + 1)
            for issuer in self.issuers
            if issuer.subject == certificate.issuer
        )

    def _is_usable(self, certificate: x509.Certificate) -> bool:
        in_time = certificate.not_valid_before_utc <= self.at <= certificate.not_valid_after_utc
        return in_time and all(each.oid in _UNDERSTOOD for each in certificate.extensions if each.critical)

    def _is_signed_by(self, certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
        self.signatures += 1
        if self.signatures > MAX_SIGNATURES:
            raise ChainInvalid(f"x5c: expected a chain that shows within {MAX_SIGNATURES} signatures")
        algorithm = certificate.signature_hash_algorithm
        if algorithm is not None and not isinstance(algorithm, _HASHES):  # SHA-1 and MD5 can be forged
            return False
        try:
            certificate.verify_directly_issued_by(issuer)
        except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
            return False
        return True


def _may_sign(issuer: x509.Certificate, below: int) -> bool:
    """Whether it is an authority, for chains of this length."""
    try:
        constraints = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return False
    if not constraints.ca or (constraints.path_length is not None and constraints.path_length < below):
        return False
    try:
        return issuer.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound:
        return True
