"""The image that the client tests push: a static program that prints a greeting, and a layer too big for one packet.

It comes in both forms that clients start from: a build context, and an OCI image layout.
"""

import gzip
import hashlib
import io
import json
import random
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from labs.engine.program import GREETING, program

DOCKERFILE = """\
FROM scratch
COPY program /program
COPY greeting.txt /greeting.txt
COPY ballast /ballast
ENTRYPOINT ["/program"]
"""
_BALLAST_SIZE = 3 * 2**20
_INDEX = "application/vnd.oci.image.index.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


@dataclass(frozen=True, slots=True)
class Sample:
    """One image, not yet built. ``greeting`` tells it from every other and is what running it prints."""

    greeting: str
    labels: Mapping[str, str]

    def write_context(self, folder: Path) -> Path:
        """Write a build context with its Dockerfile into ``folder``."""
        folder.mkdir()
        labels = "".join(f'LABEL {name}="{value}"\n' for name, value in self.labels.items())
        (folder / "Dockerfile").write_text(DOCKERFILE + labels, encoding="utf-8")
        for name, content in self._files().items():
            (folder / name).write_bytes(content)
        (folder / "program").chmod(0o755)
        return folder

    def write_layout(self, folder: Path, tag: str) -> Path:
        """Write an OCI image layout of one image, named ``tag``, into ``folder``."""
        return _write_layout(folder, tag, self.write_blobs(_new_layout(folder)))

    def write_blobs(self, layout: Path, architecture: str = "amd64") -> dict[str, object]:
        """Write the image's blobs into a layout; the descriptor of its manifest."""
        tree = self._tar()
        layer = _write_blob(layout, _LAYER, gzip.compress(tree, mtime=0))
        config = _write_blob(layout, _CONFIG, self._config(tree, architecture))
        content = {"schemaVersion": 2, "mediaType": _MANIFEST, "config": config, "layers": [layer]}
        return _write_blob(layout, _MANIFEST, json.dumps(content).encode())

    def _files(self) -> dict[str, bytes]:
        """Content of the image, by file name; the ballast differs from image to image and does not compress."""
        ballast = random.Random(self.greeting).randbytes(_BALLAST_SIZE)  # noqa: S311  reproducible, no secret
        return {"program": program("amd64"), GREETING.strip("/"): f"{self.greeting}\n".encode(), "ballast": ballast}

    def _tar(self) -> bytes:
        """The one layer."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for name, content in self._files().items():
                member = tarfile.TarInfo(name)
                member.size, member.mode = len(content), 0o755
                archive.addfile(member, io.BytesIO(content))
        return buffer.getvalue()

    def _config(self, tree: bytes, architecture: str) -> bytes:
        """The image configuration."""
        return json.dumps(
            {
                "architecture": architecture,
                "os": "linux",
                "config": {"Entrypoint": ["/program"], "Labels": dict(self.labels)},
                "rootfs": {"type": "layers", "diff_ids": [_digest(tree)]},
            }
        ).encode()


def write_index_layout(folder: Path, tag: str, architectures: Iterable[str]) -> Path:
    """Write an OCI image layout of one image for several platforms, named ``tag``, into ``folder``."""
    _new_layout(folder)
    manifests = [
        Sample(f"for {architecture}", {}).write_blobs(folder, architecture)
        | {"platform": {"architecture": architecture, "os": "linux"}}
        for architecture in architectures
    ]
    content = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": manifests}
    return _write_layout(folder, tag, _write_blob(folder, _INDEX, json.dumps(content).encode()))


def _new_layout(folder: Path) -> Path:
    (folder / "blobs" / "sha256").mkdir(parents=True)
    return folder


def _write_layout(folder: Path, tag: str, descriptor: Mapping[str, object]) -> Path:
    """Name the one content of a layout."""
    named = {**descriptor, "annotations": {"org.opencontainers.image.ref.name": tag}}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [named]}), encoding="utf-8")
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}', encoding="utf-8")
    return folder


def _write_blob(layout: Path, media_type: str, content: bytes) -> dict[str, object]:
    """Put ``content`` into a layout; its descriptor."""
    digest = _digest(content)
    (layout / "blobs" / "sha256" / digest.partition(":")[2]).write_bytes(content)
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
