"""The journal's events in registry:2's words: what was done with which content, by whom. Pure but for random ids.

Measured against registry:2.8.3; where we tell something else on purpose, ``docs/operations.md`` lists it.
"""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pyregistry.spec.journal import Event

MEDIA_TYPE = "application/vnd.docker.distribution.events.v1+json"
"""Content-Type of an envelope."""

_BLOB_MEDIA_TYPE = "application/octet-stream"
"""Of every blob: the registry does not know what a blob holds."""

_TOLD_OF_A_REFERENCE = ("mediaType", "size", "digest", "urls", "annotations")

Record = dict[str, Any]
"""One event of an envelope, as JSON members."""


class Action(StrEnum):
    """What was done with the target."""

    PULL = "pull"
    PUSH = "push"
    MOUNT = "mount"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Source:
    """The registry that tells.

    Attributes:
        address: ``host:port``, for people.
        instance_id: Another one after each start.
        external_url: ``http.host``; None takes the name by which the client called.
        relative_urls: ``http.relativeurls``: the target's URL is a path.
        prefix: ``http.prefix``, before ``/v2/``.
    """

    address: str
    instance_id: str
    external_url: str | None = None
    relative_urls: bool = False
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a request to an endpoint means when it ends with one of ``statuses``."""

    action: Action
    path: str
    statuses: frozenset[int]


# HEAD is no row: a client that only asks has pulled nothing.
_KINDS: Mapping[tuple[str, str], _Kind] = MappingProxyType(
    {
        ("end-2", "GET"): _Kind(Action.PULL, "blobs", frozenset({200, 206, 304})),
        ("end-3", "GET"): _Kind(Action.PULL, "manifests", frozenset({200})),
        ("end-4", "POST"): _Kind(Action.PUSH, "blobs", frozenset({201})),  # whole in one request, or mounted
        ("end-6", "PUT"): _Kind(Action.PUSH, "blobs", frozenset({201})),
        ("end-7", "PUT"): _Kind(Action.PUSH, "manifests", frozenset({201})),
        ("end-9", "DELETE"): _Kind(Action.DELETE, "manifests", frozenset({202})),
        ("end-10", "DELETE"): _Kind(Action.DELETE, "blobs", frozenset({202})),
    }
)


def is_notable(event: Event) -> bool:
    """Whether there is anything to tell of the event. Cheap: every request is asked."""
    kind = _KINDS.get((event.endpoint or "", event.method or ""))
    return kind is not None and event.status in kind.statuses and not event.aborted


def names_manifest(event: Event) -> bool:
    """Whether a notable event is about a manifest that is there, and so may have references."""
    return event.endpoint in ("end-3", "end-7")


def records(event: Event, source: Source, references: Sequence[Record] = ()) -> list[Record]:
    """What is told of a notable event; several records where several tags were set by it.

    Args:
        event: For which ``is_notable`` holds.
        source: Who tells.
        references: See ``references_of``; empty where they are not wanted.
    """
    kind = _KINDS[event.endpoint or "", event.method or ""]
    action = Action.MOUNT if _was_mounted(event) else kind.action
    return [
        {
            "id": str(uuid.uuid4()),
            "timestamp": event.at.isoformat().replace("+00:00", "Z"),
            "action": action.value,
            "target": _without_empty(target),
            "request": _request(event),
            "actor": _without_empty({"name": event.actor}),
            "source": {"addr": source.address, "instanceID": source.instance_id},
        }
        for target in _targets(event, kind, source, references)
    ]


def references_of(manifest: bytes) -> list[Record]:
    """The descriptors that a manifest names, in registry:2's order: config and layers, or an index's children."""
    try:
        document = json.loads(manifest)
        named = [document.get("config"), *document.get("layers", ()), *document.get("manifests", ())]
    except (ValueError, AttributeError, TypeError):
        return []
    return [
        {
            name: descriptor[name]
            for name in ("mediaType", "size", "digest", "urls", "annotations")
            if name in descriptor
        }
        for descriptor in named
        if isinstance(descriptor, dict)
    ]


def encode(record: Record) -> bytes:
    """An envelope of one event, which is how registry:2 sends them."""
    return json.dumps({"events": [record]}, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def _targets(event: Event, kind: _Kind, source: Source, references: Sequence[Record]) -> Iterator[Record]:
    tag = event.reference if event.reference and ":" not in event.reference else None
    if kind.action is Action.DELETE:
        # By tag the manifest stays, so that its digest is not told, as registry:3 does it.
        yield {"repository": event.repository, "tag": tag} if tag else _named(event)
        return
    size = _size(event)
    target = _named(event) | {
        "mediaType": event.media_type if kind.path == "manifests" else _BLOB_MEDIA_TYPE,
        "size": size,
        "length": size,
        "fromRepository": event.detail.get("from") if _was_mounted(event) else None,
        "url": _url(event, kind, source),
        "references": list(references),
    }
    for name in [tag] if tag else _tags_beside(event):
        yield target | {"tag": name}


def _named(event: Event) -> Record:
    return {"digest": event.digest, "repository": event.repository}


def _request(event: Event) -> Record:
    request = {"id": event.request_id or "", "method": event.method or "", "useragent": event.user_agent or ""}
    return request | _without_empty({"addr": event.detail.get("client") or event.peer, "host": event.host})


def _size(event: Event) -> object:
    """Bytes of the content, None where the event does not tell: of what was sent in part, say."""
    if event.endpoint == "end-7":
        return event.bytes_in
    whole = event.bytes_out if event.method == "GET" and event.status == 200 else None  # noqa: PLR2004 - OK
    return event.detail.get("size", whole)


def _url(event: Event, kind: _Kind, source: Source) -> str:
    path = f"{source.prefix}/v2/{event.repository}/{kind.path}/{event.digest}"
    if source.relative_urls:
        return path
    called = f"{'https' if event.tls_version else 'http'}://{event.host}"
    return f"{source.external_url or event.detail.get('base_url') or called}{path}"


def _query(event: Event, name: str) -> list[str]:
    return parse_qs(urlsplit(event.path or "").query).get(name, [])


def _was_mounted(event: Event) -> bool:
    """A mount that could not be made ends as an upload session, or takes the content from the same request."""
    return event.endpoint == "end-4" and "from" in event.detail and event.digest in _query(event, "mount")


def _tags_beside(event: Event) -> list[str | None]:
    """Tags of ``PUT manifests/<digest>?tag=``, which registry:2 does not know; without any, one record without tag."""
    tags = event.detail.get("tags")
    return list(tags) if isinstance(tags, list) else [None]


def _without_empty(members: Record) -> Record:
    """As Go's ``omitempty``."""
    return {name: value for name, value in members.items() if value}
