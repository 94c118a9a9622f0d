"""The table of endpoints: server, probes, docs and conformance tests read it (distribution-spec 1.1.1 "Endpoints")."""

from dataclasses import dataclass
from enum import StrEnum


class Access(StrEnum):
    """What a request needs, in the words of the token scope grammar."""

    NONE = "none"
    PULL = "pull"
    PUSH = "push"
    DELETE = "delete"
    CATALOG = "catalog"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One row: a method on a path template.

    Attributes:
        id: The spec's id (``end-1`` …), or a word for what the spec does not number.
        methods: The methods that the row answers.
        template: Path with ``{name}``, ``{reference}``, ``{digest}``, ``{session}`` placeholders.
        access: What the request needs on the repository; PUSH includes pull.
        since: The distribution-spec version that brought the row, or the de-facto source.
    """

    id: str
    methods: tuple[str, ...]
    template: str
    access: Access
    since: str


REFERRERS = "end-12"
"""The endpoint that not every registry has; a registry that has it answers a subject with OCI-Subject."""

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("end-1", ("GET", "HEAD"), "/v2/", Access.NONE, "1.0.0"),
    Endpoint("catalog", ("GET", "HEAD"), "/v2/_catalog", Access.CATALOG, "distribution"),
    Endpoint("end-2", ("GET", "HEAD"), "/v2/{name}/blobs/{digest}", Access.PULL, "1.0.0"),
    Endpoint("end-3", ("GET", "HEAD"), "/v2/{name}/manifests/{reference}", Access.PULL, "1.0.0"),
    Endpoint("end-4", ("POST",), "/v2/{name}/blobs/uploads/", Access.PUSH, "1.0.0"),
    Endpoint("end-5", ("PATCH",), "/v2/{name}/blobs/uploads/{session}", Access.PUSH, "1.0.0"),
    Endpoint("end-6", ("PUT",), "/v2/{name}/blobs/uploads/{session}", Access.PUSH, "1.0.0"),
    Endpoint("end-7", ("PUT",), "/v2/{name}/manifests/{reference}", Access.PUSH, "1.0.0"),
    Endpoint("end-8", ("GET", "HEAD"), "/v2/{name}/tags/list", Access.PULL, "1.0.0"),
    Endpoint("end-9", ("DELETE",), "/v2/{name}/manifests/{reference}", Access.DELETE, "1.0.0"),
    Endpoint("end-10", ("DELETE",), "/v2/{name}/blobs/{digest}", Access.DELETE, "1.0.0"),
    Endpoint(REFERRERS, ("GET", "HEAD"), "/v2/{name}/referrers/{digest}", Access.PULL, "1.1.0"),
    Endpoint("end-13", ("GET", "HEAD"), "/v2/{name}/blobs/uploads/{session}", Access.PUSH, "1.0.0"),
    Endpoint("end-14", ("DELETE",), "/v2/{name}/blobs/uploads/{session}", Access.PUSH, "main 2026-07-16"),
)
"""The spec's end-4a, end-4b, end-4c and end-11 are one route, ``end-4``: query parameters tell them apart."""
