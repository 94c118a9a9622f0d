"""The lab's own CA, which stands in for the public web's, and the certificates that it signs for the twins.

Its key lies in the lab's folder, mode 0600; no system trust store ever hears of it. How any pair lies on disk is here
too (``read_pair``, ``write_pair``).
"""

import contextlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from labs.issuing import (
    AUTHORITY_LIFETIME,
    SERVER_LIFETIME,
    Pair,
    issue_authority,
    issue_server,
    lasting,
    names_of,
    parse_pair,
)
from labs.stack.files import write_private

NAME = "OCI Registry Lab public CA"

RENEW_BEFORE = timedelta(days=30)


def ensure_authority(folder: Path) -> Path:
    """Path of the CA's certificate in ``folder``; made anew when missing, damaged or near its end."""
    certificate, key = folder / "ca.crt", folder / "ca.key"
    if not _holds(certificate, key, issuer=certificate, names=()):
        write_pair(certificate, key, issue_authority(NAME, lasting(AUTHORITY_LIFETIME), path_length=0))
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
        issuer = read_pair(authority / "ca.crt", authority / "ca.key")
        write_pair(certificate, key, issue_server(names, lasting(SERVER_LIFETIME), issuer))
    return certificate, key


def read_pair(certificate: Path, key: Path) -> Pair:
    """A pair on disk.

    Raises:
        OSError: A file is missing or may not be read.
        ValueError: One is damaged.
        TypeError: The key is locked with a passphrase.
    """
    return parse_pair(certificate.read_bytes(), key.read_bytes())


def write_pair(certificate: Path, key: Path, pair: Pair) -> None:
    """Put a pair on disk, both or neither; the key is never readable by others, not even for a moment.

    Raises:
        OSError: The disk is full, or the folder may not be written. What was there is there still.
    """
    certificate.parent.mkdir(parents=True, exist_ok=True)
    # Next to what they replace, so that putting them in place needs no room.
    texts = {key: pair.key_pem, certificate: pair.fullchain}
    drafts = {path: path.with_name(f".{path.name}.new") for path in texts}
    with contextlib.ExitStack() as stack:
        for path, draft in drafts.items():
            stack.callback(draft.unlink, missing_ok=True)
            write_private(draft, texts[path])
        drafts[certificate].chmod(0o644)
        for path, draft in drafts.items():
            draft.replace(path)


def _holds(certificate: Path, key: Path, *, issuer: Path, names: tuple[str, ...]) -> bool:
    """Whether the pair on disk can be used for a while yet: whole, matching, signed by ``issuer``, for ``names``."""
    try:
        pair = read_pair(certificate, key)
        pair.certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(issuer.read_bytes()))
    except (OSError, ValueError, TypeError, InvalidSignature):
        return False
    found = pair.certificate
    is_fresh = found.not_valid_before_utc <= datetime.now(UTC) < found.not_valid_after_utc - RENEW_BEFORE
    return pair.is_matched and is_fresh and set(names) == names_of(found)
