"""The form of a case: what both registries are asked, one request after the other. Data only; nothing is expected.

Texts may hold placeholders, filled in for each registry when the case runs:

    {repo} {elsewhere}  two repositories of the case's own {name} {name512}  digest of a content, by its name
    {missing}        digest of content that nobody has      {size name}       length of a content
    {upload}         Location of the last session, as given {stale}           the one before
    {upload with}    the same, ready for one more parameter {upload bare}     the same without its query
    {location}       Location of the last answer            {host}            the registry's address
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Body:
    """Content of a request by its name, or part of it."""

    name: str
    start: int = 0
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """One request; ``streamed`` sends its content without a Content-Length."""

    method: str
    target: str
    send: Body | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    streamed: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """Requests that belong together.

    Attributes:
        given: What is pushed before: names of blobs and manifests; ``name:tag`` pushes a manifest by that tag.
        setting: Which configuration both registries have, see ``settings.py``.
    """

    id: str
    asks: tuple[Ask, ...]
    given: tuple[str, ...] = ()
    setting: str = "default"


def get(target: str, **headers: str) -> Ask:
    """GET with headers, an underscore for a hyphen."""
    return Ask("GET", target, headers=_named(headers))


def head(target: str, **headers: str) -> Ask:
    """HEAD, likewise."""
    return Ask("HEAD", target, headers=_named(headers))


def post(target: str, send: Body | str | None = None, **headers: str) -> Ask:
    """POST, likewise."""
    return Ask("POST", target, send, _named(headers))


def patch(target: str, send: Body | str | None = None, **headers: str) -> Ask:
    """PATCH, likewise."""
    return Ask("PATCH", target, send, _named(headers))


def put(target: str, send: Body | str | None = None, **headers: str) -> Ask:
    """PUT, likewise."""
    return Ask("PUT", target, send, _named(headers))


def delete(target: str, **headers: str) -> Ask:
    """DELETE, likewise."""
    return Ask("DELETE", target, headers=_named(headers))


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
