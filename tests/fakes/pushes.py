"""Content to push into a store, and the pushes that clients make of it."""

import json
from dataclasses import dataclass
from typing import Any

from pyregistry.spec.digest import Digest
from pyregistry.spec.media_types import (
    DOCKER_CONFIG,
    DOCKER_LAYER_GZIP,
    DOCKER_MANIFEST,
    DOCKER_MANIFEST_LIST,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
)
from pyregistry.store.interface import PushedManifest, Store

CONFIG_TYPES = {OCI_MANIFEST: OCI_CONFIG, DOCKER_MANIFEST: DOCKER_CONFIG}
LAYER_TYPES = {OCI_MANIFEST: OCI_LAYER, DOCKER_MANIFEST: DOCKER_LAYER_GZIP}
INDEX_OF = {OCI_MANIFEST: OCI_INDEX, DOCKER_MANIFEST: DOCKER_MANIFEST_LIST}


@dataclass(frozen=True)
class Image:
    """A manifest's bytes and the blobs that it is made of."""

    media_type: str
    body: bytes
    blobs: tuple[bytes, ...]

    @property
    def digest(self) -> Digest:
        """The manifest's canonical digest."""
        return Digest.of(self.body)


def described(content: bytes, media_type: str, algorithm: str = "sha256", **more: Any) -> dict[str, Any]:
    """A descriptor of ``content``, as JSON members."""
    return {"mediaType": media_type, "digest": str(Digest.of(content, algorithm)), "size": len(content), **more}


def an_image(text: str = "hello", media_type: str = OCI_MANIFEST, algorithm: str = "sha256", **more: Any) -> Image:
    """An image whose config and first layer depend on ``text``; ``more`` are further members of the manifest."""
    config, *layers = (json.dumps({"config": text}).encode(), f"layer one of {text}".encode(), b"a common layer")
    document = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": described(config, CONFIG_TYPES[media_type], algorithm),
        "layers": [described(layer, LAYER_TYPES[media_type], algorithm) for layer in layers],
        **more,
    }
    return Image(media_type, json.dumps(document).encode(), (config, *layers))


def an_index(*images: Image, media_type: str = OCI_INDEX, **more: Any) -> Image:
    """An index of ``images``."""
    children = [described(image.body, image.media_type) for image in images]
    document = {"schemaVersion": 2, "mediaType": media_type, "manifests": children, **more}
    return Image(media_type, json.dumps(document).encode(), ())


def append(store: Store, repository: str, uuid: str, data: bytes, offset: int | None = None) -> None:
    """One request's worth of data."""
    writer = store.uploads.writer(repository, uuid, offset)
    try:
        writer.write(data)
    finally:
        writer.close()


def push_blob(store: Store, repository: str, content: bytes, algorithm: str = "sha256", chunk: int = 12) -> Digest:
    """Push in chunks, each in a request of its own."""
    digest = Digest.of(content, algorithm)
    uuid = store.uploads.create(repository).uuid
    for start in range(0, len(content), chunk):
        append(store, repository, uuid, content[start : start + chunk], start)
    store.uploads.commit(repository, uuid, digest)
    return digest


def push_image(store: Store, repository: str, image: Image, reference: str | Digest = "1.0") -> PushedManifest:
    """Push the blobs that are not there yet, then the manifest, as every client does."""
    for blob in image.blobs:
        if not store.blobs.exists(repository, Digest.of(blob)):
            push_blob(store, repository, blob)
    return store.manifests.push(repository, reference, image.media_type, image.body)
