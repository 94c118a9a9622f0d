"""Whom the grader's own TLS believes: the CAs that the student's client trusts for the registry's name, or everybody.

What is read of a registry proves itself by its digests, and what a door answers is what everybody gets: for both the
grader believes everybody on this machine, so that a bad certificate is one red line and not ten. A password goes to
another machine only where that one proves to be the registry.
"""

import ipaddress
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from checker.facts import NotObserved, Unavailable
from checker.probes.surroundings import Address

_NO_CHECK_TIME = 0x200000
"""``X509_V_FLAG_NO_CHECK_TIME`` of OpenSSL 1.1 and later, to which Python gives no name."""


@dataclass(frozen=True, slots=True)
class Trust:
    """What the student's client trusts.

    Attributes:
        folders: Where ``certs.d`` is looked for, Docker's way: ``<registry>/*.crt``.
    """

    folders: tuple[Path, ...] = ()

    def authorities(self, address: Address) -> tuple[Path, ...]:
        """Files of the CAs for this address, under any name by which clients may call it."""
        ports = (f":{address.typed}", f":{address.port}")
        names = dict.fromkeys(f"{name}{port}" for name in (address.name, "localhost") for port in ("", *ports))
        found = (sorted((folder / name).glob("*.crt")) for folder in self.folders for name in names)
        return tuple(path for paths in found for path in paths)

    def context(self, address: Address, *, timeless: bool = False, named: bool = True) -> ssl.SSLContext:
        """TLS that believes these CAs, and those of the system.

        Args:
            address: What is to be called.
            timeless: Dates are looked at elsewhere.
            named: The certificate must be for the address's name. As for every client of Go, a common name is none.

        Raises:
            NotObserved: A CA's file cannot be read.
        """
        context = ssl.create_default_context()
        context.hostname_checks_common_name = False
        context.check_hostname = named
        # As Go does: whatever certificate stands in certs.d is believed, an intermediate or the server's own included.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        # RFC 5280 to the letter is more than Docker asks of a student's CA.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if timeless:
            context.verify_flags |= _NO_CHECK_TIME
        for path in self.authorities(address):
            try:
                context.load_verify_locations(cafile=path)
            except OSError as exc:
                fault = Unavailable("file-unreadable", {"path": str(path), "error": exc.strerror or type(exc).__name__})
                raise NotObserved(fault) from exc
        return context

    def for_login(self, address: Address) -> ssl.SSLContext:
        """TLS over which a password may go: everybody on this machine, elsewhere who proves to be the registry."""
        return unverified() if is_here(address) else self.context(address)


def unverified() -> ssl.SSLContext:
    """TLS that believes everybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def is_here(address: Address) -> bool:
    """Whether all that the address stands for is loopback; a name that leads nowhere does not lead here."""
    try:
        found: Sequence[str] = [str(row[4][0]) for row in socket.getaddrinfo(address.host, address.port)]
    except OSError:
        return False
    return bool(found) and all(ipaddress.ip_address(each.partition("%")[0]).is_loopback for each in found)
