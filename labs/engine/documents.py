"""JSON documents of images, between text and values: descriptors, manifests, indexes (image-spec 1.1.1). No I/O."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pyregistry.spec.descriptor import Descriptor, Platform
from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import DigestInvalid
from pyregistry.spec.media_types import OCI_INDEX, OCI_MANIFEST

T = TypeVar("T")


class DocumentInvalid(ValueError):
    """The text is not the document that it should be."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """An image manifest: what it links to. ``config`` and ``layers`` are in the document's order."""

    config: Descriptor
    layers: tuple[Descriptor, ...]
    media_type: str = OCI_MANIFEST
    annotations: Mapping[str, str] = field(default_factory=dict)


def parse_descriptor(row: Mapping[str, Any]) -> Descriptor:
    """Read a descriptor from its JSON object.

    Raises:
        DocumentInvalid: It is none.
    """
    try:
        return Descriptor(
            media_type=_typed(row["mediaType"], str),
            digest=Digest.parse(_typed(row["digest"], str)),
            size=_typed(row["size"], int),
            platform=_parse_platform(row["platform"]) if row.get("platform") else None,
            annotations=dict(_typed(row.get("annotations") or {}, dict)),
            artifact_type=row.get("artifactType"),
            urls=tuple(row.get("urls") or ()),
        )
    except (DigestInvalid, KeyError, TypeError, AttributeError) as exc:
        raise DocumentInvalid(f"expected a descriptor, got {str(row)[:200]}") from exc


def format_descriptor(descriptor: Descriptor) -> dict[str, Any]:
    """A descriptor as its JSON object, without empty fields."""
    row: dict[str, Any] = {
        "mediaType": descriptor.media_type,
        "digest": str(descriptor.digest),
        "size": descriptor.size,
    }
    optional = {
        "artifactType": descriptor.artifact_type,
        "urls": list(descriptor.urls),
        "annotations": dict(descriptor.annotations),
        "platform": _format_platform(descriptor.platform) if descriptor.platform else None,
    }
    return row | {key: value for key, value in optional.items() if value}


def parse_manifest(raw: bytes) -> Manifest:
    """Read an image manifest, OCI's or Docker's.

    Raises:
        DocumentInvalid: It is none.
    """
    document = parse_json(raw)
    if "config" not in document or not isinstance(document.get("layers"), list):
        raise DocumentInvalid(f"expected an image manifest with config and layers, got {raw[:100]!r}")
    return Manifest(
        config=parse_descriptor(document["config"]),
        layers=tuple(parse_descriptor(row) for row in document["layers"]),
        media_type=document.get("mediaType", OCI_MANIFEST),
        annotations=document.get("annotations") or {},
    )


def format_manifest(manifest: Manifest) -> bytes:
    """An image manifest as compact JSON, always the same for the same links."""
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": manifest.media_type,
        "config": format_descriptor(manifest.config),
        "layers": [format_descriptor(layer) for layer in manifest.layers],
    }
    return format_json(document | ({"annotations": dict(manifest.annotations)} if manifest.annotations else {}))


def parse_index(raw: bytes) -> tuple[Descriptor, ...]:
    """Read the entries of an index or a Docker manifest list.

    Raises:
        DocumentInvalid: It is none.
    """
    rows = parse_json(raw).get("manifests")
    if not isinstance(rows, list):
        raise DocumentInvalid(f"expected an image index with manifests, got {raw[:100]!r}")
    return tuple(parse_descriptor(row) for row in rows)


def format_index(entries: Iterable[Descriptor]) -> bytes:
    """An index as compact JSON."""
    rows = [format_descriptor(entry) for entry in entries]
    return format_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": rows})


def format_json(document: Mapping[str, Any]) -> bytes:
    """Compact JSON in the order of the document's keys: equal documents are equal bytes."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def parse_json(raw: bytes) -> dict[str, Any]:
    """Read a JSON object, e.g. an image config.

    Raises:
        DocumentInvalid: It is something else.
    """
    try:
        document = json.loads(raw)
    except ValueError as exc:
        raise DocumentInvalid(f"expected JSON, got {raw[:100]!r}") from exc
    if not isinstance(document, dict):
        raise DocumentInvalid(f"expected a JSON object, got {raw[:100]!r}")
    return document


def _typed(value: object, kind: type[T]) -> T:
    if not isinstance(value, kind):
        raise TypeError(f"expected {kind.__name__}, got {value!r}")
    return value


def _parse_platform(row: Mapping[str, Any]) -> Platform:
    return Platform(_typed(row["architecture"], str), _typed(row["os"], str), row.get("variant"))


def _format_platform(platform: Platform) -> dict[str, str]:
    row = {"architecture": platform.architecture, "os": platform.os}
    return row | ({"variant": platform.variant} if platform.variant else {})
