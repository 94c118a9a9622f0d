"""A real registry:2 (Debian's ``docker-registry``) and our store on one folder: either goes on after the other."""

import http.client
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from pyregistry.drivers.filesystem import FilesystemDriver
from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import ManifestUnknown
from pyregistry.spec.media_types import MANIFEST_TYPES
from pyregistry.store.interface import Store
from pyregistry.store.registry import open_store
from tests.fakes.pushes import Image, an_image, append, push_image
from tests.tools import require

REPOSITORY = "acme/app"
START_SECONDS = 15


@dataclass(frozen=True)
class Registry2:
    """A running registry:2, spoken to as plainly as possible."""

    port: int

    def ask(
        self, method: str, target: str, body: bytes = b"", media_type: str = ""
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = {"Accept": ", ".join(MANIFEST_TYPES)} | ({"Content-Type": media_type} if media_type else {})
        try:
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def start_upload(self) -> str:
        """A session's location."""
        status, headers, _ = self.ask("POST", f"/v2/{REPOSITORY}/blobs/uploads/")
        assert status == 202
        location = urlsplit(headers["Location"])
        return f"{location.path}?{location.query}"

    def push(self, image: Image, tag: str) -> None:
        """Blobs, then the manifest."""
        for blob in image.blobs:
            location = f"{self.start_upload()}&digest={Digest.of(blob)}"
            assert self.ask("PUT", location, blob, "application/octet-stream")[0] == 201
        target = f"/v2/{REPOSITORY}/manifests/{tag}"
        assert self.ask("PUT", target, image.body, image.media_type)[0] == 201


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Our store on the folder."""
    return open_store(FilesystemDriver(tmp_path / "root"))


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry2]:
    """registry:2 on the same folder."""
    program = require("docker-registry")["docker-registry"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(tmp_path / "root")}, "delete": {"enabled": True}},
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    (tmp_path / "config.yml").write_text(yaml.safe_dump(config))
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen([program, "serve", tmp_path / "config.yml"], stdout=log, stderr=log)
    try:
        yield wait_for(Registry2(port), process, tmp_path / "log")
    finally:
        process.terminate()
        process.wait(10)


def wait_for(registry: Registry2, process: "subprocess.Popen[bytes]", log: Path) -> Registry2:
    """It, once it answers."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError):
            assert registry.ask("GET", "/v2/")[0] == 200
            return registry
        time.sleep(0.02)
    pytest.fail(f"registry:2 did not start: {log.read_text()}")


def test_it_serves_what_we_stored(registry: Registry2, store: Store) -> None:
    """Catalog, tags, manifest and blobs, byte for byte; what we delete is gone there, too."""
    image = an_image()
    for tag in ("1.0", "latest"):
        push_image(store, REPOSITORY, image, tag)
    assert json.loads(registry.ask("GET", "/v2/_catalog")[2]) == {"repositories": [REPOSITORY]}
    assert registry.ask("GET", f"/v2/{REPOSITORY}/manifests/1.0")[2] == image.body
    for blob in image.blobs:
        assert registry.ask("GET", f"/v2/{REPOSITORY}/blobs/{Digest.of(blob)}")[2] == blob
    store.manifests.delete(REPOSITORY, "1.0")
    assert json.loads(registry.ask("GET", f"/v2/{REPOSITORY}/tags/list")[2])["tags"] == ["latest"]
    assert registry.ask("GET", f"/v2/{REPOSITORY}/manifests/1.0")[0] == 404


def test_we_serve_what_it_stored(registry: Registry2, store: Store) -> None:
    """Pushed over our tag; what it deletes is gone here, too."""
    ours, its = an_image("ours"), an_image("its")
    push_image(store, REPOSITORY, ours, "1.0")
    registry.push(its, "1.0")
    assert store.manifests.fetch(REPOSITORY, "1.0").body == its.body
    for blob in its.blobs:
        with store.blobs.fetch(REPOSITORY, Digest.of(blob)) as reader:
            assert reader.read() == blob
    assert registry.ask("DELETE", f"/v2/{REPOSITORY}/manifests/{its.digest}")[0] == 202
    assert store.tags.list(REPOSITORY) == []
    with pytest.raises(ManifestUnknown):
        store.manifests.fetch(REPOSITORY, its.digest)


def test_an_upload_goes_on_in_the_other(registry: Registry2, store: Store) -> None:
    """Begun there, ended here: the blob is served there."""
    location = registry.start_upload()
    assert registry.ask("PATCH", location, b"one half, ", "application/octet-stream")[0] == 202
    uuid = urlsplit(location).path.rpartition("/")[2]
    append(store, REPOSITORY, uuid, b"the other half", 10)
    digest = Digest.of(b"one half, the other half")
    store.uploads.commit(REPOSITORY, uuid, digest)
    assert registry.ask("GET", f"/v2/{REPOSITORY}/blobs/{digest}")[2] == b"one half, the other half"
