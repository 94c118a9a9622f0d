"""What the tests ask of a real client: log in, push, pull, and the further verbs that some have.

What a client keeps of what it pulled is read from its disk. Each has a home of its own: no test sees the machine's
logins or images.
"""

import hashlib
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable

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


@runtime_checkable
class Lists(Protocol):
    """A client that lists what a registry has."""

    def list_tags(self, registry: Registry, repository: str) -> list[str]:
        """Tags of a repository, as it prints them. Raises CommandFailedError."""
        ...


@runtime_checkable
class ListsRepositories(Protocol):
    """A client that lists the repositories of a registry."""

    def list_repositories(self, registry: Registry) -> list[str]:
        """Their names, as it prints them. Raises CommandFailedError."""
        ...


@runtime_checkable
class Deletes(Protocol):
    """A client that deletes from a registry."""

    def delete(self, registry: Registry, name: str) -> None:
        """Delete the image that ``name`` names, with all its tags. Raises CommandFailedError."""
        ...


@runtime_checkable
class Copies(Protocol):
    """A client that copies an image of several platforms from one place of a registry to another."""

    keeps_index: ClassVar[bool]
    """It copies the index byte for byte; else it writes one of its own."""

    def copy(self, registry: Registry, name: str, other: str) -> None:
        """Copy ``name`` with all its platforms to ``other``. Raises CommandFailedError."""
        ...


def tls_verify(registry: Registry, side: str = "") -> list[str]:
    """The containers tools ask for TLS on every name, ``localhost`` too, unless told otherwise."""
    return [] if registry.ca else [f"--{side}tls-verify=false"]


def by_digest(paths: Iterable[Path]) -> dict[str, bytes]:
    """Content of the files among ``paths``, by digest."""
    contents = [path.read_bytes() for path in paths if path.is_file()]
    return {f"sha256:{hashlib.sha256(content).hexdigest()}": content for content in contents}
