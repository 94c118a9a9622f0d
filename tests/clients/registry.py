"""A registry inside the private namespace, and what it holds, read from its disk without asking it."""

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.clients.namespace import Namespace, dying_with_us
from tests.servers import (
    POLL_SECONDS,
    PROGRAM,
    START_SECONDS,
    RunningRegistry,
    ServerTls,
    end,
    start_registry,
    throw_away_tls,
    write_config,
)
from tests.tools import require

_INDEXES = {
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
}


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
        store: Root of its storage.
        server: Its process, where a test started it itself.
    """

    name: str
    ca: Path | None
    store: Path
    server: RunningRegistry | None = None

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

    def holds(self, repository: str, digest: str) -> bool:
        """Whether the repository has a link to that manifest or blob, so that it is served from there."""
        root, place = self._root / "repositories" / repository, digest.replace(":", "/")
        return any((root / kind / place / "link").exists() for kind in ("_manifests/revisions", "_layers"))

    def tags(self, repository: str) -> list[str]:
        """Tags of a repository, in order."""
        return sorted(tag.name for tag in (self._root / "repositories" / repository / "_manifests" / "tags").iterdir())

    def repositories(self) -> list[str]:
        """Names of the repositories that hold a manifest."""
        root = self._root / "repositories"
        return sorted(str(found.parent.relative_to(root)) for found in root.rglob("_manifests"))

    def _resolve(self, repository: str, tag: str) -> str:
        link = self._root / "repositories" / repository / "_manifests" / "tags" / tag / "current" / "link"
        return link.read_text(encoding="utf-8")

    @property
    def _root(self) -> Path:
        return self.store / "docker" / "registry" / "v2"


@contextlib.contextmanager
def running_registry(
    namespace: Namespace,
    name: str,
    address: str,
    folder: Path,
    *,
    tls: bool | ServerTls = False,
    twin: bool = False,
    config: Mapping[str, Any] | None = None,
) -> Iterator[Registry]:
    """Start ``pyregistry serve`` inside the namespace.

    Args:
        namespace: Where it listens.
        name: What clients type, with the port; also a name of the certificate.
        address: IP address to listen on.
        folder: Made for its state.
        tls: It has this certificate, or one of a new CA of its own.
        twin: It is the GHCR twin.
        config: Further sections of its configuration.
    """
    host, _, port = name.partition(":")
    certificate = throw_away_tls(folder / "tls", (host, "localhost")) if tls is True else tls or None
    sections = {"http": {"addr": f"{address}:{port}"}, **(config or {})}
    path = write_config(folder, config=sections, tls=certificate, twin=twin)
    program = [*dying_with_us("TERM"), *namespace.command(PROGRAM)]
    server = start_registry(path, certificate, program)
    try:
        yield Registry(name, server.ca, server.store, server)
    finally:
        end(server.process)


@contextlib.contextmanager
def running_registry2(namespace: Namespace, name: str, folder: Path) -> Iterator[Registry]:
    """Start the real registry:2 (Debian's ``docker-registry``) inside the namespace, on ``localhost`` over plain HTTP.

    Args:
        namespace: Where it listens.
        name: What clients type, with the port.
        folder: Made for its storage; it is left there.
    """
    environment = {"PATH": os.environ["PATH"], "REGISTRY_STORAGE": f"{{filesystem: {{rootdirectory: {folder}}}}}"}
    environment |= {"REGISTRY_HTTP_ADDR": f"127.0.0.1:{name.partition(':')[2]}"}
    folder.mkdir(parents=True)
    config, log = folder.with_suffix(".yml"), folder.with_suffix(".log")
    config.write_text("version: 0.1\nstorage: inmemory\n", encoding="utf-8")
    with log.open("wb") as output:
        command = [require("docker-registry")["docker-registry"], "serve", config]
        process = namespace.start(command, env=environment, log=output)
    try:
        await_line(process, log, "listening on")
        yield Registry(name, None, folder)
    finally:
        end(process)


def await_line(process: "subprocess.Popen[bytes]", log: Path, words: str) -> None:
    """Wait until a server's log says that it takes connections."""
    deadline = time.monotonic() + START_SECONDS
    while words not in log.read_text(encoding="utf-8"):
        assert process.poll() is None, log.read_text(encoding="utf-8")
        assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
        time.sleep(POLL_SECONDS)
