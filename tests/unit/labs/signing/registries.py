"""Registries for signatures, spoken to plainly: ours, which lists referrers, and registry:2, which does not."""

import http.client
import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from labs.signing.attachment import fallback_tag
from pyregistry.spec.digest import Digest
from pyregistry.spec.media_types import INDEX_TYPES, MANIFEST_TYPES, OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST
from tests.servers import running_registry
from tests.tools import require

START_SECONDS = 15


@dataclass(frozen=True)
class Plain:
    """A registry at localhost, without TLS and open to all.

    Attributes:
        has_referrers: It answers the referrers API.
    """

    port: int
    has_referrers: bool = True

    @property
    def host(self) -> str:
        """What is typed."""
        return f"localhost:{self.port}"

    def ask(
        self, method: str, target: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers in lower case and body of one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, target, body, {"Accept": ", ".join(MANIFEST_TYPES)} | dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def fetch(self, repository: str, reference: str) -> bytes:
        """A manifest."""
        status, _, body = self.ask("GET", f"/v2/{repository}/manifests/{reference}")
        assert status == 200, body
        return body

    def document(self, repository: str, reference: str) -> dict[str, Any]:
        """A manifest, read."""
        found = json.loads(self.fetch(repository, reference))
        assert isinstance(found, dict)
        return found

    def blob(self, repository: str, digest: str) -> bytes:
        """A blob."""
        status, _, body = self.ask("GET", f"/v2/{repository}/blobs/{digest}")
        assert status == 200, body
        return body

    def push_blob(self, repository: str, content: bytes) -> dict[str, Any]:
        """Push a blob; returns digest and size as members of a descriptor."""
        digest = str(Digest.of(content))
        _, headers, _ = self.ask("POST", f"/v2/{repository}/blobs/uploads/", b"")
        parts = urlsplit(headers["location"])
        target = f"{parts.path}?{parts.query + '&' if parts.query else ''}digest={digest}"
        assert self.ask("PUT", target, content, {"Content-Type": "application/octet-stream"})[0] == 201
        return {"digest": digest, "size": len(content)}

    def push(self, repository: str, reference: str, document: Mapping[str, Any] | bytes) -> str:
        """Push a manifest or index under a tag or its digest; returns the digest."""
        content = document if isinstance(document, bytes) else json.dumps(document).encode()
        media_type = json.loads(content)["mediaType"]
        target = f"/v2/{repository}/manifests/{reference or Digest.of(content)}"
        status, _, body = self.ask("PUT", target, content, {"Content-Type": media_type})
        assert status == 201, body
        return str(Digest.of(content))

    def push_image(self, repository: str, tag: str, text: str = "text") -> Digest:
        """Push an image that holds the text."""
        config = self.push_blob(repository, json.dumps({"architecture": "amd64", "os": "linux", "text": text}).encode())
        layer = self.push_blob(repository, text.encode())
        document = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {"mediaType": OCI_CONFIG, **config},
            "layers": [{"mediaType": OCI_LAYER, **layer}],
        }
        return Digest.parse(self.push(repository, tag, document))

    def push_index(self, repository: str, tag: str, *children: Digest) -> Digest:
        """Push an index of images that are there."""
        rows = [
            {"mediaType": OCI_MANIFEST, "digest": str(child), "size": len(self.fetch(repository, str(child)))}
            for child in children
        ]
        document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": rows}
        return Digest.parse(self.push(repository, tag, document))

    def tags(self, repository: str) -> set[str]:
        """The tags of a repository."""
        return set(json.loads(self.ask("GET", f"/v2/{repository}/tags/list?n=100")[2])["tags"])

    def referrers(self, repository: str, image: Digest) -> list[dict[str, Any]]:
        """The descriptors of what refers to an image, from the referrers API or the fallback tag."""
        if self.has_referrers:
            index = json.loads(self.ask("GET", f"/v2/{repository}/referrers/{image}")[2])
        else:
            status, headers, body = self.ask("GET", f"/v2/{repository}/manifests/{fallback_tag(image)}")
            index = json.loads(body) if status == 200 else {"manifests": []}
            assert status != 200 or headers["content-type"] in INDEX_TYPES
        rows = index["manifests"]
        assert isinstance(rows, list)
        return rows

    def bundle_of(self, repository: str, image: Digest) -> tuple[dict[str, Any], dict[str, Any]]:
        """The one manifest that refers to an image, and the bundle in it."""
        (row,) = self.referrers(repository, image)
        manifest = self.document(repository, row["digest"])
        return manifest, json.loads(self.blob(repository, manifest["layers"][0]["digest"]))

    def replace_bundle(self, repository: str, image: Digest, manifest: dict[str, Any], subject: Digest) -> None:
        """Let ``manifest`` alone refer to ``subject``, instead of what referred to ``image``."""
        manifest["subject"]["digest"] = str(subject)
        manifest["subject"]["size"] = len(self.fetch(repository, str(subject)))
        old = [row["digest"] for row in self.referrers(repository, image)]
        content = json.dumps(manifest).encode()
        digest = self.push(repository, "", content)
        if not self.has_referrers:
            row = {"mediaType": OCI_MANIFEST, "digest": digest, "size": len(content)}
            index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [row]}
            self.push(repository, fallback_tag(subject), index)
        for one in old:
            if one != digest:
                self.ask("DELETE", f"/v2/{repository}/manifests/{one}")


@contextmanager
def ours(folder: Path) -> Iterator[Plain]:
    """pyregistry: it lists referrers."""
    with running_registry(folder) as registry:
        yield Plain(registry.port)


@contextmanager
def registry2(folder: Path) -> Iterator[Plain]:
    """registry:2, which knows nothing of referrers."""
    program = require("docker-registry")["docker-registry"]
    folder.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    storage = {"filesystem": {"rootdirectory": str(folder / "store")}, "delete": {"enabled": True}}
    config = {"version": 0.1, "storage": storage, "http": {"addr": f"127.0.0.1:{port}"}}
    (folder / "config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([program, "serve", folder / "config.yml"], stdout=log, stderr=log)
    try:
        registry = Plain(port, has_referrers=False)
        _wait(lambda: registry.ask("GET", "/v2/")[0] == 200, process, folder / "log")
        yield registry
    finally:
        process.terminate()
        process.wait(10)


def _wait(is_up: Callable[[], bool], process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError):
            if is_up():
                return
        time.sleep(0.02)
    pytest.fail(f"registry:2 did not start: {log.read_text(encoding='utf-8')}")
