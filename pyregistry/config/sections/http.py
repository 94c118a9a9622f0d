"""``http``: where the registry listens, and how it is reached."""

import secrets
from enum import StrEnum
from pathlib import Path

from pyregistry.config.scalars import parse_address, parse_external_url, parse_path, parse_prefix, parse_url_path
from pyregistry.config.section import Section
from pyregistry.config.sections.headers import read_headers
from pyregistry.config.settings import (
    ClientAuth,
    DebugSettings,
    HttpSettings,
    TcpAddress,
    TlsSettings,
    TlsVersion,
    UnixAddress,
)

DEFAULT_ADDRESS = TcpAddress("", 5000)
SECRET_BYTES = 32
LOOPBACK = "127.0.0.1"
DEFAULT_METRICS_PATH = "/metrics"

_UNVERIFIED = "request-client-cert", "require-any-client-cert"
"""Of registry:3's words for ``clientauth`` those that take any certificate. Ours are verified or not asked for."""


class Net(StrEnum):
    """``http.net``."""

    TCP = "tcp"
    UNIX = "unix"


def read_http(root: Section) -> HttpSettings:
    """``http``."""
    with root.section("http") as http:
        return HttpSettings(
            address=_read_address(http),
            secret=_read_secret(http),
            external_url=http.parsed("host", parse_external_url, None),
            relative_urls=http.boolean("relativeurls", default=False),
            prefix=http.parsed("prefix", parse_prefix, ""),
            headers=read_headers(http),
            drain_timeout_seconds=http.duration("draintimeout", 0.0),
            tls=_read_tls(http),
            debug=_read_debug(http),
        )


def _read_address(http: Section) -> TcpAddress | UnixAddress:
    if http.word("net", Net, Net.TCP) is Net.TCP:
        return http.parsed("addr", parse_address, DEFAULT_ADDRESS)
    path = http.path_of("addr")
    if path is None:
        http.mistake("net", "unix needs http.addr, the path of the socket")
    return UnixAddress(path or Path())


def _read_secret(http: Section) -> str:
    secret = http.text("secret", "")
    if not secret:
        http.remark("No HTTP secret provided - generated random secret. Processes that share a store must share one")
    return secret or secrets.token_hex(SECRET_BYTES)


def _read_tls(http: Section) -> TlsSettings | None:
    with http.section("tls") as tls:
        certificate, key = tls.path_of("certificate"), tls.path_of("key")
        settings = TlsSettings(
            certificate=certificate or Path(),
            key=key or Path(),
            minimum=tls.word("minimumtls", TlsVersion, TlsVersion.TLS12),
            client_cas=tls.several("clientcas", parse_path),
            client_auth=tls.parsed("clientauth", _parse_client_auth, ClientAuth.REQUIRE_AND_VERIFY),
        )
        if tls.has("clientauth") and not settings.client_cas:
            tls.mistake("clientauth", "needs clientcas, the authorities to verify client certificates with")
        if certificate and key:
            return settings
        if certificate or key or settings.client_cas:
            tls.mistake("key" if certificate else "certificate", "TLS needs both a certificate and a key")
        return None


def _parse_client_auth(text: str) -> ClientAuth:
    if text in _UNVERIFIED:
        raise ValueError(f"{text} is not offered here: a certificate that nobody verifies proves nothing")
    if text not in list(ClientAuth):
        raise ValueError(f"expected one of {', '.join(ClientAuth)}, got {text!r}")
    return ClientAuth(text)


def _read_debug(http: Section) -> DebugSettings | None:
    """``debug``; without an address there is no such server, whatever else is set."""
    with http.section("debug") as debug, debug.section("prometheus") as prometheus:
        address = debug.parsed("addr", parse_address, None)
        path = prometheus.parsed("path", parse_url_path, DEFAULT_METRICS_PATH)
        enabled = prometheus.boolean("enabled", default=False)
        if address is None:
            return None
        if not address.host:
            debug.warn("addr", f"no host is named: listens on {LOOPBACK} only, not on every interface as registry:2")
        return DebugSettings(TcpAddress(address.host or LOOPBACK, address.port), path if enabled else None)
