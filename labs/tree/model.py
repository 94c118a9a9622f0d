"""Reading the tree: what a tag or digest leads to, as values. The registry is reached through ``Source``."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pyregistry.spec.digest import Digest
from pyregistry.spec.media_types import INDEX_TYPES

DEPTH_LIMIT = 4
"""Levels of nested indexes that are followed; deeper ones are drawn as leaves. Real images have one."""


class Source(Protocol):
    """Where manifests and configs come from."""

    def manifest(self, reference: str) -> tuple[str, bytes]:
        """Media type and exact bytes of a manifest, by tag or digest."""
        ...

    def blob(self, digest: str) -> bytes:
        """A small blob, such as an image config."""
        ...


@dataclass(frozen=True, slots=True)
class Node:
    """One object: its role in the picture, its descriptor's facts, and what it refers to. ``size`` is bytes."""

    role: str
    digest: str
    size: int
    media_type: str
    facts: tuple[str, ...] = ()
    children: tuple["Node", ...] = ()


def read(source: Source, reference: str) -> Node:
    """The tree below ``reference``, a tag or a digest."""
    media_type, body = source.manifest(reference)
    return _manifest_node(source, media_type, body, (), DEPTH_LIMIT)


def _manifest_node(source: Source, media_type: str, body: bytes, facts: tuple[str, ...], depth: int) -> Node:
    """The node of one manifest or index whose bytes are at hand."""
    document = json.loads(body)
    is_index = media_type in INDEX_TYPES
    children = _index_children(source, document, depth) if is_index else _image_children(source, document)
    return Node("index" if is_index else "manifest", str(Digest.of(body)), len(body), media_type, facts, children)


def _index_children(source: Source, document: Mapping[str, object], depth: int) -> tuple[Node, ...]:
    """One node for each entry of an index."""
    return tuple(_index_child(source, row, depth - 1) for row in _rows(document.get("manifests")))


def _index_child(source: Source, row: Mapping[str, object], depth: int) -> Node:
    """An entry of an index, followed while depth lasts."""
    facts = tuple(fact for fact in (_platform(row.get("platform")), _attestation(row.get("annotations"))) if fact)
    if depth == 0:
        return _leaf("manifest", row, facts)
    media_type, body = source.manifest(str(row["digest"]))
    return _manifest_node(source, media_type, body, facts, depth)


def _image_children(source: Source, document: Mapping[str, object]) -> tuple[Node, ...]:
    """Config and layers of an image manifest."""
    (config,) = _rows([document.get("config")])
    layers = (_leaf("layer", row, ()) for row in _rows(document.get("layers")))
    return (_leaf("config", config, _config_facts(source, config)), *layers)


def _config_facts(source: Source, row: Mapping[str, object]) -> tuple[str, ...]:
    """What an image config says that a picture has room for: platform and labels."""
    config = json.loads(source.blob(str(row["digest"])))
    labels = (config.get("config") or {}).get("Labels") or {}
    return tuple(fact for fact in (_platform(config), *(f"{k}={v}" for k, v in sorted(labels.items()))) if fact)


def _leaf(role: str, row: Mapping[str, object], facts: tuple[str, ...]) -> Node:
    """A node for a descriptor that is not followed."""
    size = row["size"]
    return Node(role, str(row["digest"]), size if isinstance(size, int) else 0, str(row.get("mediaType", "")), facts)


def _rows(value: object) -> Sequence[Mapping[str, object]]:
    """The JSON objects of a list, anything else left out."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _platform(value: object) -> str | None:
    """``os/architecture`` where both are said."""
    if not isinstance(value, dict) or "architecture" not in value:
        return None
    return f"{value.get('os', '?')}/{value['architecture']}"


def _attestation(value: object) -> str | None:
    """BuildKit's mark on attestation manifests, so that they are not taken for platforms."""
    return (
        str(value["vnd.docker.reference.type"])
        if isinstance(value, dict) and "vnd.docker.reference.type" in value
        else None
    )
