"""Small images for tests of what moves them; their layers are any bytes."""

import json
from collections.abc import Sequence

from labs.engine.documents import Manifest, format_descriptor, format_index, format_manifest
from labs.engine.layout import ImageStore
from labs.engine.reference import Reference
from pyregistry.spec.descriptor import Descriptor, Platform
from pyregistry.spec.digest import Digest
from pyregistry.spec.media_types import OCI_CONFIG, OCI_INDEX, OCI_LAYER_GZIP, OCI_MANIFEST

AMD64 = Platform("amd64", "linux")
ARM64 = Platform("arm64", "linux")


def make_image(
    store: ImageStore,
    name: str | None = None,
    layers: Sequence[bytes] = (b"one", b"two"),
    *,
    platform: Platform = AMD64,
    labels: dict[str, str] | None = None,
) -> Descriptor:
    """Put an image into a store, under a name if one is given."""
    links = [store.add(layer, OCI_LAYER_GZIP) for layer in layers]
    config = {
        "created": "2026-01-02T03:04:05Z",
        "architecture": platform.architecture,
        "os": platform.os,
        "config": {"Cmd": ["/app"], "Env": ["A=b"], "Labels": labels or {"colour": "blue"}},
        "rootfs": {"type": "layers", "diff_ids": [diff_id(layer) for layer in layers]},
    }
    config_link = store.add(json.dumps(config).encode(), OCI_CONFIG)
    descriptor = store.add(format_manifest(Manifest(config_link, tuple(links))), OCI_MANIFEST)
    if name:
        store.tag(Reference.parse(name), descriptor)
    return descriptor


def make_index(store: ImageStore, name: str, layers: Sequence[bytes] = (b"one", b"two")) -> Descriptor:
    """Put an index of two platforms into a store."""
    children = [
        Descriptor(child.media_type, child.digest, child.size, platform)
        for platform in (AMD64, ARM64)
        for child in [make_image(store, None, [*layers, platform.architecture.encode()], platform=platform)]
    ]
    assert all(format_descriptor(child)["platform"] for child in children)
    descriptor = store.add(format_index(children), OCI_INDEX)
    store.tag(Reference.parse(name), descriptor)
    return descriptor


def diff_id(layer: bytes) -> str:
    """A stand-in for the digest of the uncompressed layer, different from the blob's."""
    return str(Digest.of(b"uncompressed " + layer))
