"""A push as clients do it, and the proof that a store holds it whole or not at all."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pyregistry.spec.digest import Digest
from tests.servers import Answer, RunningRegistry

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_PIECE_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Image:
    """A small image with one layer and a config."""

    layer: bytes
    config: bytes

    @property
    def manifest(self) -> bytes:
        """Its manifest."""
        return json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPE,
                "config": _descriptor("application/vnd.oci.image.config.v1+json", self.config),
                "layers": [_descriptor("application/vnd.oci.image.layer.v1.tar", self.layer)],
            }
        ).encode()


def make_image(seed: str, layer_bytes: int = 2_500_000) -> Image:
    """An image of its own for every seed."""
    layer = hashlib.shake_256(seed.encode()).digest(layer_bytes)
    return Image(layer, json.dumps({"architecture": "amd64", "os": "linux", "seed": seed}).encode())


def push(registry: RunningRegistry, repository: str, image: Image, tag: str = "1.0") -> None:
    """Blobs, then the manifest; the layer streamed in one PATCH, as Docker does.

    Raises:
        OSError, HTTPException: The registry went away.
    """
    for content in (image.layer, image.config):
        begun = registry.request("POST", f"/v2/{repository}/blobs/uploads/")
        _require(begun, 202)
        sent = registry.request("PATCH", begun.headers["location"], pieces(content))
        _require(sent, 202)
        _require(registry.request("PUT", f"{sent.headers['location']}?digest={Digest.of(content)}"), 201)
    _require(push_manifest(registry, repository, image, tag), 201)


def push_manifest(registry: RunningRegistry, repository: str, image: Image, tag: str) -> Answer:
    """The manifest alone."""
    target = f"/v2/{repository}/manifests/{tag}"
    return registry.request("PUT", target, image.manifest, {"Content-Type": MANIFEST_TYPE})


def pieces(content: bytes) -> Iterator[bytes]:
    """So that content is sent as a stream, without a length."""
    for start in range(0, len(content), _PIECE_BYTES):
        yield content[start : start + _PIECE_BYTES]


def require_whole(registry: RunningRegistry, repository: str, image: Image, tag: str = "1.0") -> None:
    """The image can be pulled, byte for byte."""
    assert registry.request("GET", f"/v2/{repository}/manifests/{tag}").body == image.manifest
    for content in (image.layer, image.config):
        assert registry.request("GET", f"/v2/{repository}/blobs/{Digest.of(content)}").body == content


def require_nothing_half_written(registry: RunningRegistry, repository: str, image: Image, tag: str = "1.0") -> None:
    """Each part is absent or whole, a manifest that is there has all its parts, and the disk holds no scar."""
    parts = {}
    for content in (image.layer, image.config):
        answer = registry.request("GET", f"/v2/{repository}/blobs/{Digest.of(content)}")
        assert (answer.status, answer.body) == (200, content) or answer.status == 404, answer.status
        parts[content] = answer.status
    for reference in (tag, str(Digest.of(image.manifest))):
        answer = registry.request("GET", f"/v2/{repository}/manifests/{reference}")
        assert (answer.status, answer.body) == (200, image.manifest) or answer.status == 404, answer.status
        if answer.status == 200:
            assert set(parts.values()) == {200}
    require_sound_files(registry.store)


def require_sound_files(store: Path) -> None:
    """Every blob on disk has the digest of its path, every link names a digest: what registry:2 would find, too."""
    for data in store.glob("docker/registry/v2/blobs/*/*/*/data"):
        algorithm, encoded = data.parts[-4], data.parts[-2]
        assert hashlib.new(algorithm, data.read_bytes()).hexdigest() == encoded, data
    for link in store.glob("docker/registry/v2/repositories/**/link"):
        Digest.parse(link.read_text(encoding="ascii"))


def _require(answer: Answer, status: int) -> None:
    assert answer.status == status, answer


def _descriptor(media_type: str, content: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": str(Digest.of(content)), "size": len(content)}
