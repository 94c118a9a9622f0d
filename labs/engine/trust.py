"""Whom TLS trusts, by Docker's rules. Why a certificate was refused is told by ``certificates``.

A name is verified unless it is loopback (``localhost``, an IP literal in 127/8, ``::1``) or listed under
``insecure-registries`` of ``daemon.json``: there https goes unverified and plain http is tried after it, as dockerd
does. Unlike dockerd, the name as typed decides, not what it resolves to, so that a lesson on certificates works on one
machine.
"""

import ipaddress
import json
import ssl
from collections.abc import Sequence
from pathlib import Path

from labs import certsd


class TrustError(Exception):
    """A file that decides on trust cannot be read."""


class Trust:
    """The trust decisions of one engine home.

    Args:
        folder: Holds ``daemon.json`` and ``certs.d/<host[:port]>/`` with ``*.crt`` (CAs), ``*.cert`` and ``*.key``.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._insecure: Sequence[str] | None = None

    def is_insecure(self, registry: str) -> bool:
        """Whether ``host[:port]`` is not verified and may speak plain http.

        Raises:
            TrustError: ``daemon.json`` is damaged.
        """
        host = split_port(registry)[0]
        return certsd.is_loopback(host) or any(_covers(entry, registry, host) for entry in self.insecure_registries())

    def insecure_registries(self) -> Sequence[str]:
        """What ``daemon.json`` lists.

        Raises:
            TrustError: It is damaged.
        """
        if self._insecure is None:
            self._insecure = self._read_insecure()
        return self._insecure

    def context(self, registry: str, authorities: Sequence[Path] | None = None) -> ssl.SSLContext:
        """How TLS to ``host[:port]`` is verified.

        Args:
            registry: The name as typed: it is the folder's name under ``certs.d``.
            authorities: CAs that take the place of the public ones for this name; None: the public ones.

        Raises:
            TrustError: A CA file of ``authorities`` cannot be read.
            FolderRefused: What lies in ``certs.d`` for the registry.
        """
        if self.is_insecure(registry):
            return unverified()
        context, folder = _verified(authorities), self._certificates(registry)
        certsd.check(folder)
        for path in self.added(registry):
            certsd.believe(context, path)
        certsd.show(context, folder)
        return context

    def added(self, registry: str) -> Sequence[Path]:
        """The CAs that the student trusts for ``host[:port]``, by ``certs.d``."""
        return certsd.authorities(self._certificates(registry))

    def _certificates(self, registry: str) -> Path:
        return self._folder / "certs.d" / registry

    def _read_insecure(self) -> Sequence[str]:
        path = self._folder / "daemon.json"
        try:
            return tuple(str(entry) for entry in json.loads(path.read_text()).get("insecure-registries", ()))
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, TypeError, AttributeError) as exc:
            raise TrustError(f"unable to configure the Docker daemon with file {path}: {exc}") from exc


def split_port(registry: str) -> tuple[str, int | None]:
    """``host[:port]`` in its parts; an IPv6 literal keeps its brackets."""
    host, colon, port = registry.rpartition(":")
    return (host, int(port)) if colon and port.isdigit() else (registry, None)


def _covers(entry: str, registry: str, host: str) -> bool:
    """An entry of insecure-registries is a host, a host with port, or a network in CIDR form."""
    if "/" not in entry:
        return entry in {registry, host}
    try:
        return ipaddress.ip_address(host.strip("[]")) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False


def unverified() -> ssl.SSLContext:
    """TLS that believes everybody: for loopback, and for looking at a certificate that was refused."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _verified(authorities: Sequence[Path] | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if authorities is None:
        context.load_default_certs()
    for path in authorities or ():
        _load(context, path)
    # To Go whatever is trusted ends a chain: an intermediate, or the server's own certificate put into certs.d.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    # Go reads subject alternative names only, and so must a lesson on them.
    context.hostname_checks_common_name = False
    return context


def _load(context: ssl.SSLContext, path: Path) -> None:
    try:
        context.load_verify_locations(cafile=path)
    except OSError as exc:
        raise TrustError(f"unable to load CA certificate {path}: {exc.strerror or exc}") from exc
