"""Clients without an engine: they push image layouts, and copy, list and delete in registries."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from tests.clients.command_lines import CommandLine, Held, by_digest, tls_verify
from tests.clients.image import Sample
from tests.clients.namespace import Namespace
from tests.clients.registry import Registry


class Skopeo(CommandLine):
    """skopeo, between a registry and folders."""

    name = "skopeo"
    form: ClassVar[str] = "oci"
    keeps_index: ClassVar[bool] = True

    def __init__(self, namespace: Namespace, folder: Path, environment: Mapping[str, str]) -> None:
        super().__init__(namespace, folder, {**environment, "REGISTRY_AUTH_FILE": f"{folder}/auth.json"})

    def _login(self, registry: Registry, user: str, secret: str) -> None:
        options = [*tls_verify(registry), "--username", user, "--password-stdin"]
        self.run("skopeo", "login", *options, registry.name, text=secret)

    def _push(self, registry: Registry, name: str, sample: Sample) -> None:
        layout = sample.write_layout(self.fresh("layout"), "latest")
        options = ["--format", self.form, *tls_verify(registry, "dest-")]
        self.run("skopeo", "copy", "--quiet", *options, f"oci:{layout}:latest", f"docker://{registry.reference(name)}")

    def copy(self, registry: Registry, name: str, other: str) -> None:
        """See ``Copies``."""
        options = [*tls_verify(registry, "src-"), *tls_verify(registry, "dest-")]
        images = [f"docker://{registry.reference(one)}" for one in (name, other)]
        self.run("skopeo", "copy", "--quiet", "--all", *options, *images)

    def list_tags(self, registry: Registry, repository: str) -> list[str]:
        """See ``Lists``."""
        told = self.run("skopeo", "list-tags", *tls_verify(registry), f"docker://{registry.reference(repository)}")
        return json.loads(told)["Tags"]

    def delete(self, registry: Registry, name: str) -> None:
        """See ``Deletes``: it asks for the digest first and deletes that."""
        self.run("skopeo", "delete", *tls_verify(registry), f"docker://{registry.reference(name)}")

    def _tag(self, registry: Registry, name: str, other: str) -> None:
        self.copy(registry, name, other)

    def _pull(self, registry: Registry, name: str) -> Held:
        target = self.fresh("pulled")
        options = ["--all", *tls_verify(registry, "src-")]
        self.run("skopeo", "copy", "--quiet", *options, f"docker://{registry.reference(name)}", f"dir:{target}")
        blobs = by_digest(target.iterdir())
        return Held(f"sha256:{hashlib.sha256((target / 'manifest.json').read_bytes()).hexdigest()}", blobs)


class SkopeoDockerFormat(Skopeo):
    """skopeo, writing manifests with Docker's media types (version 2, schema 2)."""

    form = "v2s2"


class _GoTool(CommandLine):
    """oras and crane: Go programs that trust what the system trusts."""

    def trust(self, registry: Registry) -> None:
        """Name the CA as the system's."""
        self.environment["SSL_CERT_FILE"] = str(registry.ca)


class Oras(_GoTool):
    """oras, between a registry and image layouts."""

    name = "oras"
    keeps_index: ClassVar[bool] = True

    def copy(self, registry: Registry, name: str, other: str) -> None:
        """See ``Copies``."""
        options = [_plain(registry, "from-"), _plain(registry, "to-")]
        self.run("oras", "copy", *options, registry.reference(name), registry.reference(other))

    def list_tags(self, registry: Registry, repository: str) -> list[str]:
        """See ``Lists``."""
        return self.run("oras", "repo", "tags", _plain(registry), registry.reference(repository)).split()

    def list_repositories(self, registry: Registry) -> list[str]:
        """See ``ListsRepositories``."""
        return self.run("oras", "repo", "ls", _plain(registry), registry.name).split()

    def delete(self, registry: Registry, name: str) -> None:
        """See ``Deletes``: it asks for the digest first and deletes that."""
        self.run("oras", "manifest", "delete", "--force", _plain(registry), registry.reference(name))

    def _login(self, registry: Registry, user: str, secret: str) -> None:
        self.run("oras", "login", _plain(registry), "--username", user, "--password-stdin", registry.name, text=secret)

    def _push(self, registry: Registry, name: str, sample: Sample) -> None:
        layout = sample.write_layout(self.fresh("layout"), "latest")
        self.run(
            "oras", "copy", "--from-oci-layout", _plain(registry, "to-"), f"{layout}:latest", registry.reference(name)
        )

    def _tag(self, registry: Registry, name: str, other: str) -> None:
        self.run("oras", "tag", _plain(registry), registry.reference(name), other.rpartition(":")[2])

    def _pull(self, registry: Registry, name: str) -> Held:
        target = self.fresh("pulled")
        self.run(
            "oras", "copy", _plain(registry, "from-"), "--to-oci-layout", registry.reference(name), f"{target}:latest"
        )
        return _layout(target)


class Crane(_GoTool):
    """crane; it takes ``localhost`` for plain HTTP by itself."""

    name = "crane"
    keeps_index: ClassVar[bool] = True

    def copy(self, registry: Registry, name: str, other: str) -> None:
        """See ``Copies``."""
        self.run("crane", "copy", registry.reference(name), registry.reference(other))

    def list_tags(self, registry: Registry, repository: str) -> list[str]:
        """See ``Lists``."""
        return self.run("crane", "ls", registry.reference(repository)).split()

    def list_repositories(self, registry: Registry) -> list[str]:
        """See ``ListsRepositories``."""
        return self.run("crane", "catalog", registry.name).split()

    def delete(self, registry: Registry, name: str) -> None:
        """See ``Deletes``: it deletes what it is told, a tag and then the digest that it named."""
        digest = self.run("crane", "digest", registry.reference(name)).strip()
        self.run("crane", "delete", registry.reference(name))
        self.run("crane", "delete", registry.reference(f"{name.rpartition(':')[0]}@{digest}"))

    def _login(self, registry: Registry, user: str, secret: str) -> None:
        self.run("crane", "auth", "login", registry.name, "--username", user, "--password-stdin", text=secret)

    def _push(self, registry: Registry, name: str, sample: Sample) -> None:
        layout = sample.write_layout(self.fresh("layout"), "latest")
        self.run("crane", "push", layout, registry.reference(name))

    def _tag(self, registry: Registry, name: str, other: str) -> None:
        self.run("crane", "tag", registry.reference(name), other.rpartition(":")[2])

    def _pull(self, registry: Registry, name: str) -> Held:
        target = self.fresh("pulled")
        self.run("crane", "pull", "--format", "oci", registry.reference(name), target)
        return _layout(target)


def _plain(registry: Registry, side: str = "") -> str:
    """For oras ``localhost`` means plain HTTP unless it is told otherwise."""
    return f"--{side}plain-http={'false' if registry.ca else 'true'}"


def _layout(folder: Path) -> Held:
    """An OCI image layout of one image."""
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    return Held(index["manifests"][0]["digest"], by_digest((folder / "blobs" / "sha256").iterdir()))
