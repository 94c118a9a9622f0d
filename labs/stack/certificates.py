"""The certificates of a server that the student builds, in a folder of the student's.

``ca.crt`` and ``ca.key``: a CA of the student's own, made once, or by the student; what is to be trusted.
``fullchain.pem`` and ``privkey.pem``: what the server serves with, made anew each time.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID

from labs.issuing import AUTHORITY_LIFETIME, KeyKind, Pair, Validity, issue_authority, issue_server, lasting
from labs.stack.authority import read_pair, write_pair
from labs.stack.interface import StackError

MARK = "labstack cert"
"""Organisation in what we make, by which it is told from what a student made by hand."""

AUTHORITY_NAME = "My own CA"
INTERMEDIATE_NAME = "My own intermediate CA"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of a server's certificate.

    Attributes:
        names: DNS names and IP addresses.
        has_intermediate: Whether a CA made for the purpose stands between the student's CA and it.
    """

    names: Sequence[str]
    lifetime: timedelta
    kind: KeyKind = KeyKind.EC
    has_intermediate: bool = False


@dataclass(frozen=True, slots=True)
class Issued:
    """What was made. ``is_cut``: it ends before its lifetime, with its CA."""

    authority: Pair
    server: Pair
    is_new_authority: bool
    is_replaced: bool
    is_cut: bool


@dataclass(frozen=True, slots=True)
class CertificateFolder:
    """The folder, whatever is in it."""

    path: Path

    @property
    def authority(self) -> tuple[Path, Path]:
        """Certificate and key of the CA."""
        return self.path / "ca.crt", self.path / "ca.key"

    @property
    def server(self) -> tuple[Path, Path]:
        """Certificate and key of the server."""
        return self.path / "fullchain.pem", self.path / "privkey.pem"

    def issue(self, wish: Wish, *, is_forced: bool = False) -> Issued:
        """Make a server's certificate, and the CA where there is none. Nothing is written before all is made.

        Args:
            wish: What is asked of it.
            is_forced: Replace what we did not make, and a CA that is of no use.

        Raises:
            StackError: A file in the way is not ours, or the CA there is of no use.
        """
        is_replaced = self._demand_ours(is_forced=is_forced)
        found = self._find_authority(is_forced=is_forced)
        authority = found or issue_authority(AUTHORITY_NAME, lasting(AUTHORITY_LIFETIME), organization=MARK)
        validity = lasting(wish.lifetime)
        within = _within(validity, authority.certificate)
        server = issue_server(wish.names, within, self._issuer(authority, wish), organization=MARK, kind=wish.kind)
        if found is None:
            write_pair(*self.authority, authority)
        write_pair(*self.server, server)
        is_cut = found is not None and within.end < validity.end
        return Issued(authority, server, found is None, is_replaced, is_cut)

    def _demand_ours(self, *, is_forced: bool) -> bool:
        """Whether a server's pair of ours is there, and will be replaced. Raises StackError where it is another's."""
        there = [path for path in self.server if os.path.lexists(path)]
        if there and not is_forced and not _is_ours(*self.server):
            raise StackError("error.certificate-not-ours", path=there[-1])
        return bool(there)

    def _find_authority(self, *, is_forced: bool) -> Pair | None:
        """The CA that is there, ours or the student's; None where one is to be made. Raises StackError."""
        if not any(os.path.lexists(path) for path in self.authority):
            return None
        try:
            return _read_authority(*self.authority)
        except StackError:
            if is_forced:
                return None
            raise

    def _issuer(self, authority: Pair, wish: Wish) -> Pair:
        """Who signs: the CA, or an intermediate whose key nobody keeps. Raises StackError."""
        if not wish.has_intermediate:
            return authority
        if _constraints(authority.certificate).path_length == 0:
            raise StackError("error.ca.path", path=self.authority[0])
        within = _within(lasting(AUTHORITY_LIFETIME), authority.certificate)
        return issue_authority(INTERMEDIATE_NAME, within, issuer=authority, path_length=0, organization=MARK)


def _read_authority(certificate: Path, key: Path) -> Pair:
    """A CA that can sign now.

    Raises:
        StackError: It cannot, with the reason.
        PermissionError: It may not be read.
    """
    try:
        pair = read_pair(certificate, key)
    except FileNotFoundError as exc:
        raise StackError("error.ca.missing", path=exc.filename) from exc
    except TypeError as exc:
        raise StackError("error.ca.locked", path=key) from exc
    except ValueError as exc:
        raise StackError("error.ca.damaged", certificate=certificate, key=key) from exc
    if not pair.is_matched:
        raise StackError("error.ca.other-key", certificate=certificate, key=key)
    if not _constraints(pair.certificate).ca:
        raise StackError("error.ca.no-ca", path=certificate)
    start, end = pair.certificate.not_valid_before_utc, pair.certificate.not_valid_after_utc
    if not start <= datetime.now(UTC) < end:
        raise StackError("error.ca.not-now", path=certificate, start=start, end=end)
    return pair


def _constraints(certificate: x509.Certificate) -> x509.BasicConstraints:
    """What the certificate says of itself as a CA; silence means that it is none."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return x509.BasicConstraints(ca=False, path_length=None)


def _within(validity: Validity, issuer: x509.Certificate) -> Validity:
    """A validity that neither begins before its issuer's nor outlives it."""
    return Validity(
        max(validity.start, issuer.not_valid_before_utc),
        min(validity.end, issuer.not_valid_after_utc),
    )


def _is_ours(certificate: Path, key: Path) -> bool:
    """Whether we made this pair."""
    try:
        pair = read_pair(certificate, key)
    except (OSError, ValueError, TypeError):
        return False
    marks = pair.certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return pair.is_matched and [mark.value for mark in marks] == [MARK]
