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
from labs import certsd

_NO_CHECK_TIME = 0x200000
"""``X509_V_FLAG_NO_CHECK_TIME`` of OpenSSL 1.1 and later, to which Python gives no name."""


@dataclass(frozen=True, slots=True)
class Trust:
    """What the student's client trusts.

    Attributes:
        folders: Where the lab's docker looks for ``certs.d``: under the name that is typed, and no other.
        daemon: Where Docker's own daemon does. Students call it by ``localhost`` where no name leads to the registry.
        logins: Registries that the student is logged in to: a name with its port is another folder than the name.
    """

    folders: tuple[Path, ...] = ()
    daemon: Path | None = None
    logins: frozenset[str] = frozenset()

    def authorities(self, address: Address) -> tuple[Path, ...]:
        """Files of the CAs for this address."""
        return tuple(path for folder in self._folders(address) for path in certsd.authorities(folder))

    def blank(self, address: Address) -> tuple[Path, ...]:
        """Those of them that hold no certificate, so that docker believes nobody for them.

        Raises:
            NotObserved: One cannot be read.
        """
        context = unverified()
        return tuple(path for path in self.authorities(address) if not _believe(context, path))

    def refusal(self, address: Address) -> str | None:
        """Why docker does not call this address at all: what it says of a folder that it cannot use.

        Raises:
            NotObserved: The folder may not be looked at.
        """
        for folder in self._checked(address):
            try:
                certsd.check(folder)
            except certsd.FolderRefused as exc:
                if exc.hidden:
                    raise NotObserved(_unreadable(folder, exc)) from exc
                return str(exc)
        return None

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
            _believe(context, path)
        return context

    def _folders(self, address: Address) -> list[Path]:
        """All folders in which a CA for this address counts."""
        typed, local = self._typed(address), _local(address)
        found = [folder / name for folder in self.folders for name in typed]
        if self.daemon is not None:
            found += [self.daemon / name for name in dict.fromkeys((*typed, *local))]
        return found

    def _typed(self, address: Address) -> tuple[str, ...]:
        """What the student types. Docker verifies nothing of what is called ``localhost``: there any name will do."""
        names = (address.authority(), f"{address.name}:{address.typed}")
        if certsd.is_loopback(address.name):
            return tuple(dict.fromkeys((address.name, *names, *_local(address))))
        return tuple(dict.fromkeys(name for name in names if name == names[0] or name in self.logins))

    def _checked(self, address: Address) -> list[Path]:
        """Folders at which docker looks before it calls: none for what it takes for this machine.

        To the lab's docker that is a name as typed, to Docker's daemon what the name leads to.
        """
        if certsd.is_loopback(address.name):
            return []
        found = [folder / name for folder in self.folders for name in self._typed(address)]
        if self.daemon is not None and _leads_away(address.name):
            found += [self.daemon / name for name in self._typed(address)]
        return found

    def for_login(self, address: Address) -> ssl.SSLContext:
        """TLS over which a password may go: everybody on this machine, elsewhere who proves to be the registry."""
        return unverified() if is_here(address) else self.context(address)


def _believe(context: ssl.SSLContext, path: Path) -> bool:
    """Whether a file of CAs holds any that TLS now believes. Raises NotObserved."""
    try:
        return certsd.believe(context, path)
    except certsd.FolderRefused as exc:
        if exc.hidden:
            raise NotObserved(_unreadable(path, exc)) from exc
        return False


def _unreadable(path: Path, fault: Exception) -> Unavailable:
    """Who may not look cannot say what is there."""
    return Unavailable("file-unreadable", {"path": str(path), "error": str(fault).rpartition(": ")[2]})


def _local(address: Address) -> tuple[str, ...]:
    """How it is called where no name leads to it."""
    return "localhost", f"localhost:{address.typed}", f"localhost:{address.port}"


def _leads_away(name: str) -> bool:
    """Whether a name leads anywhere but to loopback, so that Docker's daemon verifies it."""
    try:
        found = socket.getaddrinfo(name, None)
    except OSError:
        return False
    return any(not ipaddress.ip_address(str(row[4][0]).partition("%")[0]).is_loopback for row in found)


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
