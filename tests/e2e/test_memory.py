"""Content larger than memory goes through a real server: what it holds at a time is bounded.

The blob is 1 GiB, which would not hide a body that is kept. ``LAB_BIG_BLOB_GIB=5`` makes it 5 GiB, and needs that much
disk and a minute.
"""

import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

from pyregistry.spec.digest import Digest
from tests.e2e.footprint import Footprint
from tests.e2e.pushes import make_image, push, require_whole
from tests.servers import RunningRegistry, running_registry, throw_away_tls

BLOB_BYTES = int(os.environ.get("LAB_BIG_BLOB_GIB") or 1) << 30
BLOCK_BYTES = 1 << 20
MAX_GROWTH_BYTES = 64 << 20
TWO_WORKERS = {"pyregistry": {"workers": 2}}
"""What they grow by counts together."""

UPLOADS = "/v2/acme/big/blobs/uploads/"


@dataclass(frozen=True)
class BigBlob:
    """Bytes that are made while they are sent; no two blocks are the same, so that nothing can fold them."""

    size: int
    seed: bytes

    def blocks(self) -> Iterator[bytes]:
        """The content, in pieces of ``BLOCK_BYTES``."""
        for number in range(self.size // BLOCK_BYTES):
            yield number.to_bytes(8, "big") + self.seed[8:]

    @cached_property
    def digest(self) -> Digest:
        """Of all of it."""
        hasher = hashlib.sha256()
        for block in self.blocks():
            hasher.update(block)
        return Digest("sha256", hasher.hexdigest())


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that does not keep what it takes: pytest would, for three runs."""
    yield tmp_path
    shutil.rmtree(tmp_path)


@pytest.fixture
def blob() -> BigBlob:
    """One that nobody has seen."""
    return BigBlob(BLOB_BYTES, os.urandom(BLOCK_BYTES))


def test_a_big_blob_through_docker_s_requests_takes_bounded_memory(folder: Path, blob: BigBlob) -> None:
    """One PATCH without a length, as Docker sends a layer, and one GET, both over plain HTTP."""
    with running_registry(folder, config=TWO_WORKERS) as registry:
        footprint = warm(registry)
        begun = registry.request("POST", UPLOADS)
        sent = registry.request("PATCH", begun.headers["location"], blob.blocks())
        assert sent.status == 202, sent
        assert registry.request("PUT", f"{sent.headers['location']}?digest={blob.digest}").status == 201
        require_pulled(registry, blob)
        require_bounded(footprint)


def test_a_big_blob_through_containerd_s_requests_takes_bounded_memory(folder: Path, blob: BigBlob) -> None:
    """One PUT with its length, as containerd sends a layer, and one GET, both through TLS."""
    tls = throw_away_tls(folder / "tls")
    with running_registry(folder, config=TWO_WORKERS, tls=tls) as registry:
        footprint = warm(registry)
        location = registry.request("POST", UPLOADS).headers["location"]
        length = {"Content-Length": str(blob.size)}
        assert registry.request("PUT", f"{location}?digest={blob.digest}", blob.blocks(), length).status == 201
        require_pulled(registry, blob)
        require_bounded(footprint)


def warm(registry: RunningRegistry) -> Footprint:
    """A first image loads the code that every push and pull needs; then the counting begins."""
    image = make_image("warm", BLOCK_BYTES)
    push(registry, "acme/big", image)
    require_whole(registry, "acme/big", image)
    return Footprint(registry)


def require_pulled(registry: RunningRegistry, blob: BigBlob) -> None:
    """The blob is served byte for byte."""
    hasher, block = hashlib.sha256(), memoryview(bytearray(BLOCK_BYTES))
    with closing(registry.connect()) as connection:
        connection.request("GET", f"/v2/acme/big/blobs/{blob.digest}")
        answer = connection.getresponse()
        assert (answer.status, answer.length) == (200, blob.size)
        while count := answer.readinto(block):
            hasher.update(block[:count])
    assert hasher.hexdigest() == blob.digest.encoded


def require_bounded(footprint: Footprint) -> None:
    """Push and pull together stayed below the limit; ``pytest -s`` shows by how much."""
    growth = footprint.growth_bytes
    sys.stdout.write(f"{BLOB_BYTES >> 30} GiB: the server grew by {growth / 2**20:.1f} MiB\n")
    assert growth < MAX_GROWTH_BYTES
