"""Real clients, each as three verbs: log in, push, pull. What a client keeps of what it pulled is read from its disk.

Builders (docker, podman, buildah) push what they built from a Dockerfile; copiers (skopeo, oras, crane) push an image
layout. Each has a home of its own: no test sees the machine's logins or images.
"""

import hashlib
import json
import shutil
import sys
import tarfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tests.clients.cgroups import remove_cgroups
from tests.clients.daemon import Daemon
from tests.clients.image import Sample
from tests.clients.namespace import Namespace
from tests.clients.registry import Registry


@dataclass(frozen=True, slots=True)
class Held:
    """What a client has after a pull.

    Attributes:
        digest: What it says that it pulled.
        blobs: Every file of its store, by the digest of its bytes.
    """

    digest: str
    blobs: Mapping[str, bytes]


class CommandLine(ABC):
    """One client.

    Args:
        namespace: Where it runs.
        folder: Its home, made here.
        environment: Variables beyond HOME.
    """

    name: ClassVar[str]
    keeps: ClassVar[tuple[str, ...]] = ("manifest", "config", "layers")
    """What it stores as it came; the rest it unpacks."""

    def __init__(self, namespace: Namespace, folder: Path, environment: Mapping[str, str]) -> None:
        folder.mkdir()
        self.namespace = namespace
        self.folder = folder
        self.environment = {**environment, "HOME": str(folder), "DOCKER_CONFIG": str(folder)}
        self._made = 0

    def login(self, registry: Registry, user: str, secret: str) -> None:
        """Log in, and remember it. Raises CommandFailedError."""
        self._login(registry, user, secret)

    def push(self, registry: Registry, name: str, sample: Sample) -> None:
        """Make the sample and push it as ``name`` (``repository:tag``). Raises CommandFailedError."""
        self._push(registry, name, sample)

    def pull(self, registry: Registry, name: str) -> Held:
        """Pull ``name``; what was there of it is dropped before. Raises CommandFailedError."""
        return self._pull(registry, name)

    def tag(self, registry: Registry, name: str, *tags: str) -> None:
        """Let more tags name the image in the registry that this client pushed as ``name``."""
        for tag in tags:
            self._tag(registry, name, f"{name.rpartition(':')[0]}:{tag}")

    @abstractmethod
    def _login(self, registry: Registry, user: str, secret: str) -> None: ...

    @abstractmethod
    def _push(self, registry: Registry, name: str, sample: Sample) -> None: ...

    @abstractmethod
    def _tag(self, registry: Registry, name: str, other: str) -> None: ...

    @abstractmethod
    def _pull(self, registry: Registry, name: str) -> Held: ...

    def trust(self, registry: Registry) -> None:
        """Trust the registry's CA: most clients read ``/etc/docker/certs.d``, Docker's daemon without a restart."""
        certificates = self.namespace.file("/etc/docker/certs.d") / registry.name
        certificates.mkdir(parents=True, exist_ok=True)
        shutil.copy(str(registry.ca), certificates / "ca.crt")

    def run(self, *argv: str | Path, text: str | None = None) -> str:
        """Standard output of a command of this client.

        Raises:
            CommandFailedError: It did not exit with 0.
        """
        return self.namespace.output(argv, env=self.environment, folder=self.folder, text=text)

    def fresh(self, stem: str) -> Path:
        """A path in the client's home where nothing is yet."""
        self._made += 1
        return self.folder / f"{stem}-{self._made}"


class Docker(CommandLine):
    """Docker's command line and daemon."""

    name = "docker"

    def __init__(self, daemon: Daemon, folder: Path) -> None:
        super().__init__(daemon.namespace, folder, daemon.environment)
        self.daemon = daemon
        settings = {"cliPluginsExtraDirs": [str(daemon.plugins)]}
        (folder / "config.json").write_text(json.dumps(settings), encoding="utf-8")

    def _login(self, registry: Registry, user: str, secret: str) -> None:
        self.run("docker", "login", registry.name, "--username", user, "--password-stdin", text=secret)

    def _push(self, registry: Registry, name: str, sample: Sample) -> None:
        image, context = registry.reference(name), sample.write_context(self.fresh("context"))
        self.run("docker", "build", "--quiet", "--tag", image, context)
        self.run("docker", "push", "--quiet", image)

    def _tag(self, registry: Registry, name: str, other: str) -> None:
        self.run("docker", "tag", registry.reference(name), registry.reference(other))
        self.run("docker", "push", "--quiet", registry.reference(other))

    def _pull(self, registry: Registry, name: str) -> Held:
        image = registry.reference(name)
        self.forget()
        self.run("docker", "pull", "--quiet", image)
        digest = self.run("docker", "image", "inspect", "--format", "{{(index .RepoDigests 0)}}", image)
        return Held(digest.strip().rpartition("@")[2], self._stored(image))

    def execute(self, registry: Registry, name: str) -> str:
        """Pull an image and run it; what it printed."""
        self.forget()
        return self.run("docker", "run", "--rm", "--quiet", "--network", "none", registry.reference(name))

    def forget(self) -> None:
        """Drop every image and every trace of a build, so that the next pull fetches all of it.

        In containerd's store the records of past builds keep manifests and configurations alive: with only images
        and build cache removed, a pull asks for the tag (HEAD) and fetches nothing but what the cache had held.
        """
        images = self.run("docker", "image", "ls", "--all", "--quiet", "--no-trunc").split()
        if images:
            self.run("docker", "image", "rm", "--force", *sorted(set(images)))
        self.run("docker", "builder", "prune", "--all", "--force")
        if self.daemon.containerd_store:
            self.run("docker", "buildx", "history", "rm", "--all")

    def _stored(self, image: str) -> dict[str, bytes]:
        """What containerd's store gives out as it came; Docker's own store keeps only the configuration whole."""
        if not self.daemon.containerd_store:
            return _by_digest((self.daemon.state / "image" / "overlay2" / "imagedb" / "content" / "sha256").iterdir())
        archive = self.fresh("saved.tar")
        self.run("docker", "image", "save", "--output", archive, image)
        with tarfile.open(archive) as tar:
            contents = [file.read() for member in tar if (file := tar.extractfile(member))]
        return {f"sha256:{hashlib.sha256(content).hexdigest()}": content for content in contents}


class ClassicDocker(Docker):
    """Docker with its own image store, the default up to version 28."""

    keeps = ("config",)


class _Containers(CommandLine):
    """podman and buildah: one image store, one way to say where logins lie."""

    keeps = ("manifest", "config")

    def __init__(self, namespace: Namespace, folder: Path, environment: Mapping[str, str]) -> None:
        own = {"REGISTRY_AUTH_FILE": f"{folder}/auth.json", "XDG_RUNTIME_DIR": str(folder)}
        super().__init__(namespace, folder, {**environment, **own})
        (folder / "auth.json").write_text("{}", encoding="utf-8")  # they insist on a file that they are told of
        stores = ["--root", f"{folder}/storage", "--runroot", f"{folder}/run", "--storage-driver", "vfs"]
        self.command = (self.name, *stores)

    def _login(self, registry: Registry, user: str, secret: str) -> None:
        options = [*_verify(registry), "--username", user, "--password-stdin"]
        self.run(*self.command, "login", *options, registry.name, text=secret)

    def _push(self, registry: Registry, name: str, sample: Sample) -> None:
        image, context = registry.reference(name), sample.write_context(self.fresh("context"))
        self.run(*self.command, "build", "--isolation", "chroot", "--quiet", "--tag", image, context)
        self.run(*self.command, "push", "--quiet", *_verify(registry), image)

    def _tag(self, registry: Registry, name: str, other: str) -> None:
        self.run(*self.command, "tag", registry.reference(name), registry.reference(other))
        self.run(*self.command, "push", "--quiet", *_verify(registry), registry.reference(other))

    def _pull(self, registry: Registry, name: str) -> Held:
        image = registry.reference(name)
        self.run(*self.command, "rmi", "--all", "--force")
        self.run(*self.command, "pull", "--quiet", *_verify(registry), image)
        return Held(self._digest(image), _by_digest((self.folder / "storage" / "vfs-images").rglob("*")))

    @abstractmethod
    def _digest(self, image: str) -> str:
        """The digest that the client has for an image of its store."""


class Podman(_Containers):
    """podman, its own engine."""

    name = "podman"

    def __init__(self, namespace: Namespace, folder: Path, environment: Mapping[str, str]) -> None:
        super().__init__(namespace, folder, environment)
        # crun, its first choice, refuses a machine with both versions of control groups.
        options = ["--runtime", "runc", "--cgroup-manager", "cgroupfs", "--events-backend", "file"]
        self.command = (*self.command, *options)

    def execute(self, registry: Registry, name: str) -> str:
        """Pull an image and run it; what it printed."""
        # Without CAP_SYS_RESOURCE, as in most CI containers, podman's own limits cannot be set.
        limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]
        self.run(*self.command, "rmi", "--all", "--force")
        group = f"oci-registry-lab-{self.folder.parent.name}"
        options = ["--rm", "--quiet", "--network", "none", "--cgroup-parent", f"/{group}", *limits, *_verify(registry)]
        try:
            return self.run(*self.command, "run", *options, registry.reference(name))
        finally:
            remove_cgroups(group)

    def _digest(self, image: str) -> str:
        return self.run(*self.command, "image", "inspect", "--format", "{{.Digest}}", image).strip()


class Buildah(_Containers):
    """buildah, podman's builder on its own."""

    name = "buildah"

    def _digest(self, image: str) -> str:
        return self.run(*self.command, "inspect", "--type", "image", "--format", "{{.FromImageDigest}}", image).strip()


class Skopeo(CommandLine):
    """skopeo, between a registry and folders."""

    name = "skopeo"
    form: ClassVar[str] = "oci"

    def __init__(self, namespace: Namespace, folder: Path, environment: Mapping[str, str]) -> None:
        super().__init__(namespace, folder, {**environment, "REGISTRY_AUTH_FILE": f"{folder}/auth.json"})

    def _login(self, registry: Registry, user: str, secret: str) -> None:
        options = [*_verify(registry), "--username", user, "--password-stdin"]
        self.run("skopeo", "login", *options, registry.name, text=secret)

    def _push(self, registry: Registry, name: str, sample: Sample) -> None:
        layout = sample.write_layout(self.fresh("layout"), "latest")
        options = ["--format", self.form, *_verify(registry, "dest-")]
        self.run("skopeo", "copy", "--quiet", *options, f"oci:{layout}:latest", f"docker://{registry.reference(name)}")

    def _tag(self, registry: Registry, name: str, other: str) -> None:
        options = [*_verify(registry, "src-"), *_verify(registry, "dest-")]
        images = [f"docker://{registry.reference(one)}" for one in (name, other)]
        self.run("skopeo", "copy", "--quiet", "--all", *options, *images)

    def _pull(self, registry: Registry, name: str) -> Held:
        target = self.fresh("pulled")
        options = ["--all", *_verify(registry, "src-")]
        self.run("skopeo", "copy", "--quiet", *options, f"docker://{registry.reference(name)}", f"dir:{target}")
        blobs = _by_digest(target.iterdir())
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


class LabDocker(CommandLine):
    """The lab's own ``docker``: no daemon, images in an OCI layout in its home."""

    name = "labdocker"

    def __init__(self, namespace: Namespace, folder: Path, environment: Mapping[str, str]) -> None:
        super().__init__(
            namespace, folder, {**environment, "LAB_ENGINE_HOME": str(folder), "LAB_HOME": f"{folder}/lab"}
        )
        self.command = Path(sys.executable).with_name("labdocker")

    def trust(self, registry: Registry) -> None:
        """Put the CA into its own ``certs.d``."""
        certificates = self.folder / "certs.d" / registry.name
        certificates.mkdir(parents=True)
        shutil.copy(str(registry.ca), certificates / "ca.crt")

    def _login(self, registry: Registry, user: str, secret: str) -> None:
        self.run(self.command, "login", registry.name, "--username", user, "--password-stdin", text=secret)

    def _push(self, registry: Registry, name: str, sample: Sample) -> None:
        image, context = registry.reference(name), sample.write_context(self.fresh("context"))
        self.run(self.command, "build", "--quiet", "--tag", image, context)
        self.run(self.command, "push", "--quiet", image)

    def _tag(self, registry: Registry, name: str, other: str) -> None:
        self.run(self.command, "tag", registry.reference(name), registry.reference(other))
        self.run(self.command, "push", "--quiet", registry.reference(other))

    def _pull(self, registry: Registry, name: str) -> Held:
        image = registry.reference(name)
        if image in self.run(self.command, "image", "ls", "--format", "{{.Repository}}:{{.Tag}}").splitlines():
            self.run(self.command, "image", "rm", image)
        self.run(self.command, "pull", "--quiet", image)
        index = json.loads((self.folder / "images" / "index.json").read_text(encoding="utf-8"))
        named = {row["annotations"]["org.opencontainers.image.ref.name"]: row["digest"] for row in index["manifests"]}
        return Held(named[image], _by_digest((self.folder / "images" / "blobs" / "sha256").iterdir()))


def _verify(registry: Registry, side: str = "") -> list[str]:
    """The containers tools ask for TLS on every name, ``localhost`` too, unless told otherwise."""
    return [] if registry.ca else [f"--{side}tls-verify=false"]


def _plain(registry: Registry, side: str = "") -> str:
    """For oras ``localhost`` means plain HTTP unless it is told otherwise."""
    return f"--{side}plain-http={'false' if registry.ca else 'true'}"


def _layout(folder: Path) -> Held:
    """An OCI image layout of one image."""
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    return Held(index["manifests"][0]["digest"], _by_digest((folder / "blobs" / "sha256").iterdir()))


def _by_digest(paths: Iterable[Path]) -> dict[str, bytes]:
    contents = [path.read_bytes() for path in paths if path.is_file()]
    return {f"sha256:{hashlib.sha256(content).hexdigest()}": content for content in contents}
