"""Why a certificate was refused, in the words of Go's crypto/x509 that Docker prints. Imported on a refusal only."""

import ipaddress
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from labs import certsd
from labs.engine.trust import unverified
from labs.gowords import quote

CONNECT_TIMEOUT_SECONDS = 10


def explain(
    address: tuple[str, int], name: str, fault: ssl.SSLCertVerificationError, roots: Sequence[Path] = ()
) -> str:
    """Why the certificate that ``address`` shows for ``name`` is refused: expired, then other name, then its CA.

    Args:
        address: Where the certificate is shown.
        name: The host name that was asked for.
        fault: What OpenSSL said; the answer where the certificate cannot be seen again.
        roots: PEM files of the CAs that were trusted, the public ones aside.
    """
    try:
        certificate = x509.load_der_x509_certificate(_shown_certificate(address, name))
    except (OSError, ValueError):
        return f"x509: {fault.verify_message}"
    return f"x509: {refusal(certificate, name, datetime.now(UTC), tuple(_read(roots)))}"


def refusal(certificate: x509.Certificate, name: str, now: datetime, roots: Sequence[x509.Certificate] = ()) -> str:
    """The first reason, in Go's order; when the certificate itself has none, its issuer is unknown."""
    return (
        _expiry_fault(certificate, now)
        or _name_fault(certificate, name.strip("[]"))
        or _authority_fault(certificate, roots, now)
        or f"certificate signed by unknown authority{_hint(certificate, roots)}"
    )


def _authority_fault(certificate: x509.Certificate, roots: Sequence[x509.Certificate], now: datetime) -> str | None:
    """Go tells of a trusted CA that did issue this, and whose time is over, as if it were the certificate itself."""
    issuers = (root for root in roots if root.subject == certificate.issuer and not _issuer_fault(certificate, root))
    return next((fault for root in issuers if (fault := _expiry_fault(root, now))), None)


def _hint(certificate: x509.Certificate, roots: Sequence[x509.Certificate]) -> str:
    """What Go says of a trusted CA that has the issuer's name, and did not issue this."""
    for root in roots:
        fault = _issuer_fault(certificate, root) if root.subject == certificate.issuer else None
        if fault:
            what = "while trying to verify candidate authority certificate"
            return f" (possibly because of {quote(fault)} {what} {quote(_title(root))})"
    return ""


def _issuer_fault(certificate: x509.Certificate, issuer: x509.Certificate) -> str | None:
    """Why a CA of the right name does not vouch: it may not, or it has another key."""
    try:
        may_sign = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        may_sign = False
    if not may_sign:
        return "x509: invalid signature: parent certificate cannot sign this kind of certificate"
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, TypeError, ValueError):
        is_rsa = isinstance(issuer.public_key(), rsa.RSAPublicKey)
        return "crypto/rsa: verification error" if is_rsa else "x509: ECDSA verification failure"
    return None


def _title(certificate: x509.Certificate) -> str:
    """How Go calls a certificate: by common name, else organization, else serial number."""
    for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        for attribute in certificate.subject.get_attributes_for_oid(kind):
            return str(attribute.value)
    return f"serial:{certificate.serial_number}"


def _read(roots: Sequence[Path]) -> Iterator[x509.Certificate]:
    """The certificates in PEM files; what is none nobody was told to trust."""
    for der in (der for path in roots for der in certsd.certificates(path)):
        with suppress(ValueError):
            yield x509.load_der_x509_certificate(der)


def _shown_certificate(address: tuple[str, int], name: str) -> bytes:
    """The certificate in DER, without judging it."""
    with (
        socket.create_connection(address, timeout=CONNECT_TIMEOUT_SECONDS) as connection,
        unverified().wrap_socket(connection, server_hostname=name) as tls,
    ):
        return tls.getpeercert(binary_form=True) or b""


def _expiry_fault(certificate: x509.Certificate, now: datetime) -> str | None:
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if start <= now <= end:
        return None
    order, bound = ("before", start) if now < start else ("after", end)
    return f"certificate has expired or is not yet valid: current time {_rfc3339(now)} is {order} {_rfc3339(bound)}"


def _name_fault(certificate: x509.Certificate, name: str) -> str | None:
    names, addresses = _alternative_names(certificate)
    if _is_address(name):
        if not addresses:
            return f"cannot validate certificate for {name} because it doesn't contain any IP SANs"
        return None if name in addresses else f"certificate is valid for {', '.join(addresses)}, not {name}"
    if not names and not addresses and certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME):
        return "certificate relies on legacy Common Name field, use SANs instead"
    if not names:
        return f"certificate is not valid for any names, but wanted to match {name}"
    if any(_matches(pattern, name) for pattern in names):
        return None
    return f"certificate is valid for {', '.join(names)}, not {name}"


def _alternative_names(certificate: x509.Certificate) -> tuple[Sequence[str], Sequence[str]]:
    """Subject alternative names: DNS names, and addresses as text."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return (), ()
    return (
        extension.get_values_for_type(x509.DNSName),
        [str(address) for address in extension.get_values_for_type(x509.IPAddress)],
    )


def _matches(pattern: str, name: str) -> bool:
    """RFC 6125 as Go reads it: ``*`` stands for exactly one first label."""
    wanted, given = pattern.lower().rstrip("."), name.lower().rstrip(".")
    if wanted.startswith("*."):
        return given.partition(".")[2] == wanted[2:]
    return wanted == given


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
