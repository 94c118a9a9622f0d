"""A registry inside the private namespace, and what it holds, read from its disk without asking it."""

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from labs.stack.authority import ensure_authority, ensure_server
from tests.clients.namespace import Namespace

START_SECONDS = 20
_INDEXES = {
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
}


class RegistryError(Exception):
    """The registry did not start; the message is its log."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image in the registry: the manifest of the platform that runs here, and what it names.

    Attributes:
        tagged: Digest that the tag names: an index, or the manifest itself.
    """

    tagged: str
    manifest: str
    config: str
    layers: Sequence[str]
    media_type: str

    def digests(self, kind: str) -> Sequence[str]:
        """Digests of its ``manifest``, ``config`` or ``layers``."""
        return {"manifest": [self.manifest], "config": [self.config], "layers": self.layers}[kind]


@dataclass(frozen=True, slots=True)
class Registry:
    """A running registry.

    Attributes:
        name: What clients type: ``localhost:5000``.
        ca: PEM of the CA that vouches for it; None when it speaks plain HTTP.
        folder: All its state.
    """

    name: str
    ca: Path | None
    folder: Path

    @property
    def config(self) -> Path:
        """Its configuration file."""
        return self.folder / "config.yml"

    @property
    def journal(self) -> Path:
        """Its journal, where it keeps one."""
        return self.folder / "journal.jsonl"

    def reference(self, name: str) -> str:
        """Full reference of ``repository:tag``."""
        return f"{self.name}/{name}"

    def image(self, repository: str, tag: str) -> Image:
        """The image that ``tag`` names now; of an index, its first platform."""
        tagged = digest = self._resolve(repository, tag)
        manifest = json.loads(self.blob(digest))
        if manifest["mediaType"] in _INDEXES:
            digest = manifest["manifests"][0]["digest"]
            manifest = json.loads(self.blob(digest))
        layers = [layer["digest"] for layer in manifest["layers"]]
        return Image(tagged, digest, manifest["config"]["digest"], layers, manifest["mediaType"])

    def tree(self, repository: str, tag: str) -> list[str]:
        """Digests of all that ``tag`` names now, level by level: indexes, manifests, configurations, layers."""
        found = [self._resolve(repository, tag)]
        for digest in found:  # grows as it goes
            if self.blob(digest)[:1] == b"{":
                content = json.loads(self.blob(digest))
                named = [*content.get("manifests", []), content.get("config"), *content.get("layers", [])]
                found += [row["digest"] for row in named if isinstance(row, dict) and "digest" in row]
        return found

    def blob(self, digest: str) -> bytes:
        """Content of a blob or manifest."""
        algorithm, _, encoded = digest.partition(":")
        return (self._root / "blobs" / algorithm / encoded[:2] / encoded / "data").read_bytes()

    def repositories(self) -> list[str]:
        """Names of the repositories that hold a manifest."""
        root = self._root / "repositories"
        return sorted(str(found.parent.relative_to(root)) for found in root.rglob("_manifests"))

    def _resolve(self, repository: str, tag: str) -> str:
        link = self._root / "repositories" / repository / "_manifests" / "tags" / tag / "current" / "link"
        return link.read_text(encoding="utf-8")

    @property
    def _root(self) -> Path:
        return self.folder / "store" / "docker" / "registry" / "v2"


@contextlib.contextmanager
def running_registry(
    namespace: Namespace, name: str, address: str, folder: Path, *, ours: Mapping[str, object], tls: bool = False
) -> Iterator[Registry]:
    """Start ``pyregistry serve`` inside the namespace.

    Args:
        namespace: Where it listens.
        name: What clients type, with the port; also the certificate's name.
        address: IP address to listen on.
        folder: Made for its state.
        ours: The configuration's ``pyregistry`` key.
        tls: It has a certificate of a new CA of its own.
    """
    folder.mkdir()
    host, _, port = name.partition(":")
    ca = ensure_authority(folder / "ca") if tls else None
    http: dict[str, object] = {"addr": f"{address}:{port}"}
    if ca:
        certificate, key = ensure_server(folder / "tls", ca.parent, (host,))
        http["tls"] = {"certificate": str(certificate), "key": str(key)}
    registry = Registry(name, ca, folder)
    storage = {"filesystem": {"rootdirectory": str(folder / "store")}, "delete": {"enabled": True}}
    values = {"version": 0.1, "storage": storage, "http": http, "pyregistry": dict(ours)}
    registry.config.write_text(yaml.safe_dump(values), encoding="utf-8")
    with _serving(namespace, registry.config, int(port)):
        yield registry


@contextlib.contextmanager
def _serving(namespace: Namespace, config: Path, port: int) -> Iterator[None]:
    """Run the server until the end of the context."""
    log = config.with_name("log")
    with log.open("wb") as file:
        process = namespace.start([sys.executable, "-m", "pyregistry", "serve", config], env=os.environ, log=file)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not namespace.listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RegistryError(log.read_text(encoding="utf-8"))
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait(START_SECONDS)
