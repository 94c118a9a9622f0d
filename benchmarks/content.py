"""What is served and pushed in the measurements: one image with a small and a large layer under 201 tags."""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pyregistry.drivers.filesystem import FilesystemDriver
from pyregistry.spec.digest import Digest
from pyregistry.spec.media_types import OCI_CONFIG, OCI_LAYER, OCI_MANIFEST
from pyregistry.store import paths
from pyregistry.store.registry import open_store
from tests.fakes.pushes import Image, described, push_blob, push_image

REPOSITORY = "acme/app"
TAGS = ("latest", *(f"1.{number}" for number in range(200)))
SMALL_BYTES = 10_000
LARGE_BYTES = 512 << 20
_CHUNK_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Content:
    """What lies in ``root``, in the layout that every contender's folder is a copy of.

    Attributes:
        root: A store's ``rootdirectory``.
        paths: What can be asked for, by the names ``base``, ``manifest``, ``small``, ``tags``, ``large``.
        sizes: Bytes of the answer, for the same names.
        upload: A file of ``LARGE_BYTES``, other bytes for each push (see ``renew``).
    """

    root: Path
    paths: Mapping[str, str] = field(repr=False)
    sizes: Mapping[str, int] = field(repr=False)
    upload: Path

    def copy_to(self, root: Path) -> Path:
        """Another store with the same content. Files are linked: the page cache holds each of them once for all."""
        shutil.copytree(self.root, root, copy_function=os.link)
        return root

    def renew(self) -> Digest:
        """Change the upload's first bytes, so that no registry has it yet; returns the new digest."""
        with self.upload.open("r+b") as file:
            file.write(os.urandom(64))
            file.seek(0)
            return Digest("sha256", hashlib.file_digest(file, "sha256").hexdigest())


def make_content(folder: Path) -> Content:
    """Fill ``folder`` through our own store."""
    root, upload = folder / "content", folder / "upload"
    store = open_store(FilesystemDriver(root))
    small, large = os.urandom(SMALL_BYTES), os.urandom(1 << 20) * (LARGE_BYTES >> 20)
    upload.write_bytes(large)
    image = _image(small, push_blob(store, REPOSITORY, large, chunk=_CHUNK_BYTES))
    push_blob(store, REPOSITORY, small, chunk=SMALL_BYTES)
    for tag in TAGS:
        push_image(store, REPOSITORY, image, tag)
    found = {
        "base": "/v2/",
        "manifest": f"/v2/{REPOSITORY}/manifests/latest",
        "small": f"/v2/{REPOSITORY}/blobs/{Digest.of(small)}",
        "tags": f"/v2/{REPOSITORY}/tags/list",
        "large": f"/v2/{REPOSITORY}/blobs/{Digest.of(large)}",
    }
    return Content(root, found, {"manifest": len(image.body), "small": SMALL_BYTES, "large": LARGE_BYTES}, upload)


def remove_blob(root: Path, digest: Digest) -> None:
    """Take back what a push brought; its name is never asked for again."""
    shutil.rmtree((root / paths.blob_data(digest)).parent)


def _image(small: bytes, large: Digest) -> Image:
    """The small parts with their bytes; of the large layer only its descriptor."""
    config = b'{"architecture":"amd64","os":"linux"}'
    layers = [described(small, OCI_LAYER), {"mediaType": OCI_LAYER, "digest": str(large), "size": LARGE_BYTES}]
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": described(config, OCI_CONFIG),
        "layers": layers,
    }
    return Image(OCI_MANIFEST, json.dumps(document).encode(), (config,))
