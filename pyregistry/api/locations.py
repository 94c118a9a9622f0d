"""URLs that answers carry. Pure: headers and settings in, text out."""

import re
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address

from pyregistry.config.settings import HttpSettings

# forwarded-pair ::= token "=" ( token | quoted-string )        (RFC 7239 §4; only the first element counts)
_FORWARDED = re.compile(r"(?P<name>proto|host)=(?:\"(?P<quoted>[^\"]*)\"|(?P<bare>[^;,\s]+))", re.IGNORECASE)

# authority ::= host (":" port)?        what it takes to be part of a URL; no userinfo
_AUTHORITY = re.compile(r"[0-9A-Za-z._~%:\[\]-]+")
_SCHEMES = frozenset({"http", "https"})


def base_url(settings: HttpSettings, headers: Mapping[str, str], scheme: str) -> str:
    """``scheme://host[:port]`` by which the client reaches us; empty where it named no host that could be one.

    In distribution's order: ``http.host``, else ``Forwarded``, else ``X-Forwarded-Proto`` and ``X-Forwarded-Host``,
    else the Host header. A proxy that ends TLS and does not say so makes every Location http.
    """
    return settings.external_url.rstrip("/") if settings.external_url else called_by(headers, scheme)


def called_by(headers: Mapping[str, str], scheme: str) -> str:
    """``scheme://host[:port]`` by which the client called, as a proxy or its own Host header tells it, or empty."""
    proto, host = _forwarded(headers)
    proto = proto.lower() if proto.lower() in _SCHEMES else scheme
    host = host if _AUTHORITY.fullmatch(host) else headers.get("host", "")
    return f"{proto}://{host}" if _AUTHORITY.fullmatch(host) else ""


def location(settings: HttpSettings, base: str, path: str) -> str:
    """What a Location header says of ``path``: an absolute URL, or the path alone with ``http.relativeurls``."""
    return f"{'' if settings.relative_urls else base}{settings.prefix}{path}"


def blob_path(repository: str, digest: object) -> str:
    """Path of a blob."""
    return f"/v2/{repository}/blobs/{digest}"


def manifest_path(repository: str, digest: object) -> str:
    """Path of a manifest."""
    return f"/v2/{repository}/manifests/{digest}"


def upload_path(repository: str, session: str) -> str:
    """Path of an upload session."""
    return f"/v2/{repository}/blobs/uploads/{session}"


def _forwarded(headers: Mapping[str, str]) -> tuple[str, str]:
    """Scheme and host as the outermost proxy says them, each empty where it does not. The standard's word holds."""
    if "forwarded" in headers:
        pairs = _FORWARDED.finditer(headers["forwarded"].partition(",")[0])
        said = {pair["name"].lower(): pair["quoted"] or pair["bare"] or "" for pair in pairs}
        return said.get("proto", ""), said.get("host", "")
    return _first(headers.get("x-forwarded-proto", "")), _first(headers.get("x-forwarded-host", ""))


def client_address(headers: Mapping[str, str]) -> str | None:
    """The address of the client, as the outermost proxy says it: ``X-Forwarded-For``, else ``X-Real-Ip``."""
    for said in (_first(headers.get("x-forwarded-for", "")), headers.get("x-real-ip", "").strip()):
        with suppress(ValueError):
            return str(ip_address(said))
    return None


def _first(header: str) -> str:
    return header.partition(",")[0].strip()
