"""URLs that answers carry. Pure: headers and settings in, text out."""

import re
from collections.abc import Mapping

from pyregistry.config.settings import HttpSettings

# forwarded-pair ::= token "=" ( token | quoted-string )        (RFC 7239 §4; only the first element counts)
_FORWARDED = re.compile(r"(?P<name>proto|host)=(?:\"(?P<quoted>[^\"]*)\"|(?P<bare>[^;,\s]+))", re.IGNORECASE)


def base_url(settings: HttpSettings, headers: Mapping[str, str], scheme: str) -> str:
    """``scheme://host[:port]`` by which the client reaches us.

    In distribution's order: ``http.host``, else ``Forwarded``, else ``X-Forwarded-Proto`` and ``X-Forwarded-Host``,
    else the Host header. A proxy that ends TLS and does not say so makes every Location http.
    """
    if settings.external_url:
        return settings.external_url.rstrip("/")
    forwarded = _forwarded(headers.get("forwarded", ""))
    proto = forwarded.get("proto") or _first(headers.get("x-forwarded-proto", "")) or scheme
    host = forwarded.get("host") or _first(headers.get("x-forwarded-host", "")) or headers.get("host", "")
    return f"{proto}://{host}"


def location(settings: HttpSettings, base: str, path: str) -> str:
    """What a Location header says of ``path``: an absolute URL, or the path alone with ``http.relativeurls``."""
    return path if settings.relative_urls else f"{base}{path}"


def blob_path(repository: str, digest: object) -> str:
    """Path of a blob."""
    return f"/v2/{repository}/blobs/{digest}"


def manifest_path(repository: str, digest: object) -> str:
    """Path of a manifest."""
    return f"/v2/{repository}/manifests/{digest}"


def upload_path(repository: str, session: str) -> str:
    """Path of an upload session."""
    return f"/v2/{repository}/blobs/uploads/{session}"


def _forwarded(header: str) -> dict[str, str]:
    pairs = _FORWARDED.finditer(header.partition(",")[0])
    return {pair["name"].lower(): pair["quoted"] or pair["bare"] or "" for pair in pairs}


def _first(header: str) -> str:
    return header.partition(",")[0].strip()
