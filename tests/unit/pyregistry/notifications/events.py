"""Events as the API makes them, for the rooms that are fed with them."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pyregistry.spec.journal import Event

DIGEST = "sha256:" + "ab" * 32
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"

_REQUEST = Event(
    kind="request",
    at=datetime(2026, 11, 23, 19, 56, 12, 761725, UTC),
    monotonic_ns=1,
    peer="127.0.0.1:38654",
    host="registry.test:5000",
    user_agent="docker/28",
    request_id="c0ffee",
    repository="acme/app",
    digest=DIGEST,
)


def request(method: str, endpoint: str, status: int, **more: Any) -> Event:
    """An event about ``acme/app``."""
    return replace(_REQUEST, method=method, endpoint=endpoint, status=status, **more)


def tag_push(tag: str = "1.0") -> Event:
    """The event of a manifest that was pushed by tag."""
    return request("PUT", "end-7", 201, reference=tag, media_type=MANIFEST_TYPE, bytes_in=604)


def pull() -> Event:
    """The event of a blob that was pulled whole."""
    return request("GET", "end-2", 200, reference=DIGEST, bytes_out=100)
