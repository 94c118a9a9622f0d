"""From method and path to an endpoint and what it is about. Pure: no store, no settings, no clock."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import unquote

from pyregistry.spec.digest import Digest
from pyregistry.spec.endpoints import ENDPOINTS, Access, Endpoint
from pyregistry.spec.errors import BlobUploadUnknown, ManifestUnknown, TagInvalid
from pyregistry.spec.names import parse_reference, parse_repository

BASE_PATH = "/v2/"
ROOT = Endpoint("root", ("GET", "HEAD"), "/", Access.NONE, "distribution")
BASE_REDIRECT = Endpoint("redirect", ("GET", "HEAD"), "/v2", Access.NONE, "distribution")
OPTIONS = Endpoint("options", ("OPTIONS",), "*", Access.NONE, "distribution")
"""Of every path that the table has: a browser asks so, without credentials, before a page may delete (CORS)."""

# session ::= [a-zA-Z0-9] [a-zA-Z0-9_.=-]{0,127}      (distribution's route, without what could climb a path)
_SESSION = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.=-]{0,127}", re.ASCII)

# Placeholders are wide on purpose: a wrong name or digest is to be refused by its own error, not to fall out of the
# table as an unknown path.
_PLACEHOLDERS = {
    "{name}": r"(?P<name>.*)",
    "{reference}": r"(?P<reference>[^/]+)",
    "{digest}": r"(?P<digest>[^/]+)",
    "{session}": r"(?P<session>[^/]+)",
}


class PathUnknown(Exception):
    """No endpoint has this path."""


class MethodUnknown(Exception):
    """The path has endpoints, none of them for this method. ``allowed`` are the methods that it has."""

    def __init__(self, allowed: tuple[str, ...]) -> None:
        self.allowed = allowed
        super().__init__(f"expected {', '.join(self.allowed)}")


@dataclass(frozen=True, slots=True)
class Match:
    """What a request is about.

    Attributes:
        repository: Empty where the endpoint has none.
        reference: A tag (str) or a digest, of a manifest endpoint.
        digest: Of a blob or a subject.
        session: Of an upload; well-formed, which is not to say that it exists.
        methods: What the path takes, where that is the question.
    """

    endpoint: Endpoint
    repository: str = ""
    reference: str | Digest | None = None
    digest: Digest | None = None
    session: str | None = None
    methods: tuple[str, ...] = ()

    @property
    def access(self) -> Access:
        """What the request needs on the repository."""
        return self.endpoint.access


def token_endpoint(path: str) -> Endpoint:
    """The row of a registry's own token endpoint."""
    return Endpoint("token", ("GET", "POST"), path, Access.NONE, "distribution")


def below_prefix(target: str, prefix: str) -> str:
    """``target`` as it stands below ``http.prefix``. The root has none: load balancers ask for it.

    Raises:
        PathUnknown: It stands elsewhere.
    """
    if not prefix or target == ROOT.template:
        return target
    rest = target.removeprefix(prefix)
    if rest == target or not rest.startswith("/") or rest == ROOT.template:
        raise PathUnknown(target)
    return rest


def match(method: str, target: str, token_path: str | None = None, lacking: Collection[str] = ()) -> Match:
    """Find the endpoint of a request.

    Args:
        method: The HTTP method.
        target: The path as it stands in the request line, percent-encoded, without query.
        token_path: Path of the token endpoint, where the registry has one.
        lacking: Ids of endpoints that the registry does not have.

    Raises:
        PathUnknown: No endpoint has this path.
        MethodUnknown: The path is there, and not for this method.
        NameInvalid, DigestInvalid, TagInvalid: The path names something that cannot be.
        ManifestUnknown: A read or delete of a tag that breaks the grammar: it cannot exist.
        BlobUploadUnknown: The session could not be one.
    """
    path = unquote(target)
    offered = ((row, pattern) for row, pattern in _table(token_path) if row.id not in lacking)
    rows = [(row, found) for row, pattern in offered if (found := pattern.fullmatch(path))]
    if not rows:
        raise PathUnknown(path)
    for row, found in rows:
        if method in row.methods:
            return _parse(row, method, found.groupdict())
    allowed = tuple(sorted({known for row, _ in rows for known in row.methods}))
    if method in OPTIONS.methods:
        return Match(OPTIONS, methods=allowed)
    raise MethodUnknown(allowed)


def _parse(endpoint: Endpoint, method: str, parts: dict[str, str]) -> Match:
    return Match(
        endpoint,
        repository=parse_repository(parts["name"]) if "name" in parts else "",
        reference=_parse_reference(method, parts["reference"]) if "reference" in parts else None,
        digest=Digest.parse(parts["digest"]) if "digest" in parts else None,
        session=_parse_session(parts["session"]) if "session" in parts else None,
    )


def _parse_reference(method: str, text: str) -> str | Digest:
    """A tag that breaks the grammar is refused on PUT; elsewhere it is one that does not exist, which is 404."""
    try:
        return parse_reference(text)
    except TagInvalid as exc:
        if method == "PUT":
            raise
        raise ManifestUnknown({"Tag": text[:140]}) from exc


def _parse_session(text: str) -> str:
    if _SESSION.fullmatch(text) is None:
        raise BlobUploadUnknown(f"{text[:80]!r}: expected the session of a Location header")
    return text


def _compile(endpoint: Endpoint) -> re.Pattern[str]:
    pattern = re.escape(endpoint.template).replace(r"\{", "{").replace(r"\}", "}")
    for placeholder, expression in _PLACEHOLDERS.items():
        pattern = pattern.replace(placeholder, expression)
    return re.compile(pattern, re.DOTALL)


_ROWS = [(endpoint, _compile(endpoint)) for endpoint in (ROOT, BASE_REDIRECT, *ENDPOINTS)]


def _table(token_path: str | None) -> list[tuple[Endpoint, re.Pattern[str]]]:
    if token_path is None:
        return _ROWS
    endpoint = token_endpoint(token_path)
    return [(endpoint, _compile(endpoint)), *_ROWS]
