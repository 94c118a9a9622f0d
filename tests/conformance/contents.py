"""What the rows push: blobs and manifests of every kind that the official suites push, by the names rows use."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from pyregistry.spec.digest import Digest
from pyregistry.spec.media_types import OCI_CONFIG, OCI_EMPTY, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, OCTET_STREAM

BLOB = bytes(range(256)) * 8
"""2048 bytes; rows ask for ranges in it."""

SIGNATURE = "application/vnd.example.signature"
_FOREIGN_LAYER = "application/vnd.oci.image.layer.nondistributable.v1.tar"
_CONFIG = b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}'
_EMPTY_OBJECT = b"{}"
_LARGE = 390
"""Annotations of 10,000 characters: 3.9 MB, as large a manifest as the official suite pushes."""

_LIMIT = 4 << 20
"""Bytes of a manifest that a registry takes unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes, and what they are pushed as."""

    body: bytes
    media_type: str = OCTET_STREAM

    def described(self, algorithm: str = "sha256", **more: object) -> dict[str, object]:
        """A descriptor, as JSON members."""
        digest = Digest.of(self.body, algorithm)
        return {"mediaType": self.media_type, "digest": str(digest), "size": len(self.body), **more}


_config, _layer, _nothing = Content(_CONFIG, OCI_CONFIG), Content(BLOB, OCI_LAYER), Content(_EMPTY_OBJECT, OCI_EMPTY)


def _image(**members: object) -> Content:
    """An image manifest with the row's layer; ``members`` replace and add."""
    default = {"config": _config.described(), "layers": [_layer.described()]}
    return _document(OCI_MANIFEST, {**default, **members})


def _artifact(who: str, **members: object) -> Content:
    return _image(artifactType=SIGNATURE, layers=[], annotations={"who": who}, **members)


def _index(*children: Content, **members: object) -> Content:
    return _document(OCI_INDEX, {"manifests": [child.described() for child in children], **members})


def _document(media_type: str, members: Mapping[str, object]) -> Content:
    return Content(json.dumps({"schemaVersion": 2, "mediaType": media_type, **members}).encode(), media_type)


_plain = _image()
_other = _image(annotations={"platform": "another"})
_platforms = _index(_plain, _other)
_silent = _artifact("nobody")

CONTENTS: Mapping[str, Content] = {
    "blob": _layer,
    "config": _config,
    "nothing": _nothing,
    "image": _plain,
    "other": _other,
    "artifact": _artifact("tests", subject=_plain.described()),
    "second": _artifact("others", subject=_plain.described()),
    "about512": _artifact("tests", subject=_plain.described("sha512")),
    "silent": _silent,
    "listing": _index(_silent),
    "large": _image(annotations={f"annotation-{number}": "A" * 10_000 for number in range(_LARGE)}),
    "enormous": _image(annotations={"annotation": "A" * _LIMIT}),
    "layerless": _image(layers=[]),
    "foreign": _image(
        layers=[Content(b"kept elsewhere", _FOREIGN_LAYER).described(urls=["https://example.com/layer"])]
    ),
    "strange": _image(**{"org.example.future": {"anything": [1, None]}}),
    "inline": _image(config=_nothing.described(data="e30="), artifactType=SIGNATURE),
    "blobless": _image(config=_nothing.described(), layers=[_nothing.described()], artifactType=SIGNATURE),
    "index": _platforms,
    "nested": _index(_platforms, _plain),
    "bare": _index(),
    "collection": _index(_silent, artifactType=SIGNATURE),
    "statement": _index(_silent, artifactType=SIGNATURE, annotations={"who": "index"}, subject=_plain.described()),
    "typeless": _index(annotations={"who": "typeless"}, subject=_plain.described()),
    "untyped": _image(layers=[], annotations={"who": "untyped"}, subject=_plain.described()),
}

PARTS: Mapping[str, tuple[str, ...]] = {
    "index": ("image", "other"),
    "nested": ("image", "other", "index"),
    "collection": ("silent",),
    "statement": ("silent",),
    "listing": ("silent",),
}
"""Manifests that have to be there before an index is."""
