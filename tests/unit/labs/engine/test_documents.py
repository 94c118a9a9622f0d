"""Manifests and descriptors between text and values."""

import pytest

from labs.engine.documents import (
    DocumentInvalid,
    Manifest,
    format_descriptor,
    format_index,
    format_manifest,
    parse_descriptor,
    parse_index,
    parse_manifest,
)
from pyregistry.spec.descriptor import Descriptor, Platform
from pyregistry.spec.digest import Digest
from pyregistry.spec.media_types import OCI_CONFIG, OCI_LAYER_GZIP, OCI_MANIFEST

CONFIG = Descriptor(OCI_CONFIG, Digest.of(b"config"), 6)
LAYER = Descriptor(OCI_LAYER_GZIP, Digest.of(b"layer"), 5, annotations={"a": "b"}, urls=("https://example.com/x",))


def test_a_manifest_reads_back() -> None:
    """Nothing of what we write is lost in reading."""
    manifest = Manifest(CONFIG, (LAYER,), annotations={"k": "v"})
    assert parse_manifest(format_manifest(manifest)) == manifest


def test_an_index_reads_back() -> None:
    """Platform and artifact type included."""
    entry = Descriptor(OCI_MANIFEST, Digest.of(b"m"), 1, Platform("arm64", "linux", "v8"), artifact_type="x/y")
    assert parse_index(format_index([entry])) == (entry,)


def test_empty_fields_are_left_out() -> None:
    """The document is what other tools write: no ``"urls": []``."""
    assert format_descriptor(CONFIG) == {"mediaType": OCI_CONFIG, "digest": str(CONFIG.digest), "size": 6}


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"mediaType": OCI_CONFIG, "digest": "sha256:short", "size": 1},
        {"mediaType": OCI_CONFIG, "digest": str(CONFIG.digest), "size": "1"},
        {"mediaType": 1, "digest": str(CONFIG.digest), "size": 1},
        {"mediaType": OCI_CONFIG, "digest": str(CONFIG.digest), "size": 1, "platform": {"os": "linux"}},
    ],
)
def test_a_broken_descriptor_is_refused(row: dict[str, object]) -> None:
    """Any missing or mistyped field is one error, with the row in it."""
    with pytest.raises(DocumentInvalid, match="expected a descriptor"):
        parse_descriptor(row)


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b"{}", b'{"config": {}, "layers": {}}', b"\xff"])
def test_garbage_is_no_manifest_and_no_index(raw: bytes) -> None:
    """Whatever a registry or a disk gives us: one error, never a traceback of another kind."""
    with pytest.raises(DocumentInvalid):
        parse_manifest(raw)
    with pytest.raises(DocumentInvalid):
        parse_index(raw)
