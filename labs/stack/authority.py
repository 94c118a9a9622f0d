"""The lab's own CA, which stands in for the public web's, and the certificates that it signs for the twins.

EC P-256, PKCS#8 keys. Its key lies in the lab's folder, mode 0600; no system trust store ever hears of it.
"""

import os
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_LIFETIME = timedelta(days=3650)
SERVER_LIFETIME = timedelta(days=397)
"""The most that browsers and Go's verifier on macOS accept of a server certificate."""

RENEW_BEFORE = timedelta(days=30)
BACKDATED = timedelta(hours=1)
"""A lab machine's clock may be set back a little after its first start."""


def ensure_authority(folder: Path) -> Path:
    """Path of the CA's certificate in ``folder``; made anew when missing, damaged or near its end."""
    certificate, key = folder / "ca.crt", folder / "ca.key"
    if not _holds(certificate, key, issuer=certificate, names=()):
        private = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "OCI Registry Lab public CA")])
        signed = _certificate(
            name, name, private.public_key(), CA_LIFETIME, x509.BasicConstraints(ca=True, path_length=0)
        )
        usage = _key_usage(key_cert_sign=True, crl_sign=True, digital_signature=True)
        _write(certificate, key, signed.add_extension(usage, critical=True).sign(private, hashes.SHA256()), private)
    return certificate


def ensure_server(folder: Path, authority: Path, names: tuple[str, ...]) -> tuple[Path, Path]:
    """Certificate and key in ``folder`` for host names and addresses; the first is the CN.

    Args:
        folder: Made where it is missing.
        authority: Folder of the CA, which must be there.
        names: DNS names and IP addresses.
    """
    certificate, key = folder / "server.crt", folder / "server.key"
    if not _holds(certificate, key, issuer=authority / "ca.crt", names=names):
        issuer = x509.load_pem_x509_certificate((authority / "ca.crt").read_bytes())
        issuer_key = _load_key(authority / "ca.key")
        private = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        signed = (
            _certificate(
                subject,
                issuer.subject,
                private.public_key(),
                SERVER_LIFETIME,
                x509.BasicConstraints(ca=False, path_length=None),
            )
            .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(_key_usage(digital_signature=True), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
            .sign(issuer_key, hashes.SHA256())
        )
        _write(certificate, key, signed, private)
    return certificate, key


def _holds(certificate: Path, key: Path, *, issuer: Path, names: tuple[str, ...]) -> bool:
    """Whether the pair on disk can be used for a while yet: whole, matching, signed by ``issuer``, for ``names``."""
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        found.verify_directly_issued_by(x509.load_pem_x509_certificate(issuer.read_bytes()))
        matches = found.public_key() == _load_key(key).public_key()
    except (OSError, ValueError, TypeError, InvalidSignature):
        return False
    fresh = found.not_valid_before_utc <= datetime.now(UTC) < found.not_valid_after_utc - RENEW_BEFORE
    return matches and fresh and set(names) == _names(found)


def _names(certificate: x509.Certificate) -> set[str]:
    """What the certificate is for, as text."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {str(name.value) for name in names}


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    lifetime: timedelta,
    constraints: x509.BasicConstraints,
) -> x509.CertificateBuilder:
    """What every certificate of ours has."""
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder(issuer, subject, public, x509.random_serial_number(), now - BACKDATED, now + lifetime)
        .add_extension(constraints, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _key_usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    """A key usage with only the named bits."""
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        key_encipherment=False,
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


def _load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """An EC key of ours. Raises ValueError for anything else."""
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{path}: expected an EC key")
    return key


def _write(certificate: Path, key: Path, signed: x509.Certificate, private: ec.EllipticCurvePrivateKey) -> None:
    """Put a pair on disk; the key is never readable by others, not even for a moment."""
    certificate.parent.mkdir(parents=True, exist_ok=True)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key.unlink(missing_ok=True)
    with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
