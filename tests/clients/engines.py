"""Container engines and builders: they push what they built from a Dockerfile."""

import hashlib
import json
import shutil
import sys
import tarfile
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from tests.clients.cgroups import remove_cgroups
from tests.clients.command_lines import CommandLine, Held, by_digest, tls_verify
from tests.clients.daemon import Daemon
from tests.clients.image import Sample
from tests.clients.namespace import Namespace
from tests.clients.registry import Registry


class Docker(CommandLine):
    """Docker's command line and daemon."""

    name = "docker"
    keeps_index: ClassVar[bool] = True

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

    def copy(self, registry: Registry, name: str, other: str) -> None:
        """See ``Copies``: buildx does it without the daemon, and trusts what the system trusts."""
        self.environment |= {"SSL_CERT_FILE": str(registry.ca)} if registry.ca else {}
        options = ["--tag", registry.reference(other)]
        self.run("docker", "buildx", "imagetools", "create", *options, registry.reference(name))

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
            return by_digest((self.daemon.state / "image" / "overlay2" / "imagedb" / "content" / "sha256").iterdir())
        archive = self.fresh("saved.tar")
        self.run("docker", "image", "save", "--output", archive, image)
        with tarfile.open(archive) as tar:
            contents = [file.read() for member in tar if (file := tar.extractfile(member))]
        return {f"sha256:{hashlib.sha256(content).hexdigest()}": content for content in contents}


class ClassicDocker(Docker):
    """Docker with its own image store, the default up to version 28."""

    keeps = ("config",)


class Containerd(CommandLine):
    """containerd through ``ctr``, as a cluster's nodes have it; Docker's daemon brings it along."""

    name = "ctr"

    def __init__(self, daemon: Daemon, folder: Path) -> None:
        super().__init__(daemon.namespace, folder, daemon.environment)
        socket = daemon.state.parent / "exec" / "containerd" / "containerd.sock"
        self.command = ("ctr", "--address", socket, "--namespace", "lab", "images")
        self._user: tuple[str, ...] = ()

    def trust(self, registry: Registry) -> None:
        """Put the CA where ``--hosts-dir`` points to."""
        certificates = self.folder / "certs.d" / registry.name
        certificates.mkdir(parents=True, exist_ok=True)
        shutil.copy(str(registry.ca), certificates / "ca.crt")

    def _login(self, registry: Registry, user: str, secret: str) -> None:  # noqa: ARG002  it is told each time
        self._user = ("--user", f"{user}:{secret}")

    def _push(self, registry: Registry, name: str, sample: Sample) -> None:
        image, layout = registry.reference(name), sample.write_layout(self.fresh("layout"), registry.reference(name))
        archive = self.fresh("layout.tar")
        with tarfile.open(archive, "w") as tar:
            tar.add(layout, ".")
        self.run(*self.command, "import", archive)
        self.run(*self.command, "push", *self._options(registry), image)

    def _tag(self, registry: Registry, name: str, other: str) -> None:
        self.run(*self.command, "tag", registry.reference(name), registry.reference(other))
        self.run(*self.command, "push", *self._options(registry), registry.reference(other))

    def _pull(self, registry: Registry, name: str) -> Held:
        image, archive = registry.reference(name), self.fresh("exported.tar")
        for held in self.run(*self.command, "ls", "--quiet").split():
            self.run(*self.command, "rm", "--sync", held)
        self.run(*self.command, "pull", *self._options(registry), image)
        # Without --local the daemon streams it, and ctr may end before the last bytes are written.
        self.run(*self.command, "export", "--local", archive, image)
        with tarfile.open(archive) as tar:
            blobs = {member.name: file.read() for member in tar if (file := tar.extractfile(member))}
        digest = json.loads(blobs["index.json"])["manifests"][0]["digest"]
        return Held(digest, {f"sha256:{hashlib.sha256(content).hexdigest()}": content for content in blobs.values()})

    def _options(self, registry: Registry) -> tuple[str, ...]:
        plain = () if registry.ca else ("--plain-http",)
        return (*plain, "--hosts-dir", f"{self.folder}/certs.d", *self._user)


class _Containers(CommandLine):
    """podman and buildah: one image store, one way to say where logins lie."""

    keeps = ("manifest", "config")
    keeps_index: ClassVar[bool] = False

    def __init__(self, namespace: Namespace, folder: Path, environment: Mapping[str, str]) -> None:
        own = {"REGISTRY_AUTH_FILE": f"{folder}/auth.json", "XDG_RUNTIME_DIR": str(folder)}
        super().__init__(namespace, folder, {**environment, **own})
        (folder / "auth.json").write_text("{}", encoding="utf-8")  # they insist on a file that they are told of
        stores = ["--root", f"{folder}/storage", "--runroot", f"{folder}/run", "--storage-driver", "vfs"]
        self.command = (self.name, *stores)

    def _login(self, registry: Registry, user: str, secret: str) -> None:
        options = [*tls_verify(registry), "--username", user, "--password-stdin"]
        self.run(*self.command, "login", *options, registry.name, text=secret)

    def _push(self, registry: Registry, name: str, sample: Sample) -> None:
        image, context = registry.reference(name), sample.write_context(self.fresh("context"))
        self.run(*self.command, "build", "--isolation", "chroot", "--quiet", "--tag", image, context)
        self.run(*self.command, "push", "--quiet", *tls_verify(registry), image)

    def _tag(self, registry: Registry, name: str, other: str) -> None:
        self.run(*self.command, "tag", registry.reference(name), registry.reference(other))
        self.run(*self.command, "push", "--quiet", *tls_verify(registry), registry.reference(other))

    def copy(self, registry: Registry, name: str, other: str) -> None:
        """See ``Copies``: as a list of its own, filled with another's platforms."""
        made, options = self.fresh("list").name, ["--all", *tls_verify(registry)]
        self.run(*self.command, "manifest", "create", made)
        self.run(*self.command, "manifest", "add", *options, made, f"docker://{registry.reference(name)}")
        self.run(*self.command, "manifest", "push", *options, made, f"docker://{registry.reference(other)}")

    def _pull(self, registry: Registry, name: str) -> Held:
        image = registry.reference(name)
        self.run(*self.command, "rmi", "--all", "--force")
        self.run(*self.command, "pull", "--quiet", *tls_verify(registry), image)
        return Held(self._digest(image), by_digest((self.folder / "storage" / "vfs-images").rglob("*")))

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

    def list_tags(self, registry: Registry, repository: str) -> list[str]:
        """See ``Lists``; of the table's rows, the last column."""
        options = ["--list-tags", "--limit", "100", *tls_verify(registry)]
        _, *rows = self.run(*self.command, "search", *options, registry.reference(repository)).splitlines()
        return [row.split()[-1] for row in rows]

    def list_repositories(self, registry: Registry) -> list[str]:
        """See ``ListsRepositories``: a search in a registry that cannot search asks for the catalog."""
        options = ["--format", "{{.Name}}", "--limit", "100", *tls_verify(registry)]
        found = self.run(*self.command, "search", *options, registry.reference("lab/")).split()
        return [name.removeprefix(registry.reference("")) for name in found]

    def execute(self, registry: Registry, name: str) -> str:
        """Pull an image and run it; what it printed."""
        # Without CAP_SYS_RESOURCE, as in most CI containers, podman's own limits cannot be set.
        limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]
        self.run(*self.command, "rmi", "--all", "--force")
        group = f"oci-registry-lab-{self.folder.parent.name}"
        options = [
            "--rm",
            "--quiet",
            "--network",
            "none",
            "--cgroup-parent",
            f"/{group}",
            *limits,
            *tls_verify(registry),
        ]
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
        return Held(named[image], by_digest((self.folder / "images" / "blobs" / "sha256").iterdir()))
