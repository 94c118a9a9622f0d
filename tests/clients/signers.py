"""Real programs that sign images: cosign, both generations of it, and notation; all offline, with keys of their own."""

import json
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from tests.clients.namespace import Namespace
from tests.clients.registry import Registry

_BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_NOTATION = "application/vnd.cncf.notary.signature"

_TRUST_POLICY = {
    "version": "1.0",
    "trustPolicies": [
        {
            "name": "lab",
            "registryScopes": ["*"],
            "signatureVerification": {"level": "strict"},
            "trustStores": ["ca:lab.test"],
            "trustedIdentities": ["*"],
        }
    ],
}


class Signer(ABC):
    """One program with a new key; it has to be let in before it does anything else.

    Args:
        namespace: Where it runs.
        folder: Its home, made here.
        program: Its path.
    """

    artifact_type: ClassVar[str | None] = None
    """Of the manifests that refer to the image that it signed; None where none does."""
    tag: ClassVar[str | None] = None
    """Under which it puts signatures, ``{}`` for the image's digest; None where it asks for referrers."""
    unsigned: ClassVar[str]
    """What it says of an image that nobody signed."""
    forged: ClassVar[str]
    """What it says of an image that somebody else signed."""

    def __init__(self, namespace: Namespace, folder: Path, program: Path) -> None:
        folder.mkdir()
        self._namespace = namespace
        self._folder = folder
        self._program = program
        self._environment = {"HOME": str(folder), "DOCKER_CONFIG": str(folder), "COSIGN_PASSWORD": "labpass"}
        self._make_key()

    def trust(self, registry: Registry) -> None:
        """Name the CA as the system's."""
        self._environment["SSL_CERT_FILE"] = str(registry.ca)

    @abstractmethod
    def login(self, registry: Registry, user: str, secret: str) -> None:
        """Log in, and remember it. Raises CommandFailedError."""

    @abstractmethod
    def sign(self, image: str) -> None:
        """Sign an image, by its digest, and push the signature. Raises CommandFailedError."""

    @abstractmethod
    def verify(self, image: str) -> None:
        """Verify the image's signature. Raises CommandFailedError."""

    @abstractmethod
    def tree(self, image: str) -> str:
        """What it shows to hang on an image."""

    @abstractmethod
    def _make_key(self) -> None: ...

    def _run(self, *words: str | Path) -> str:
        return self._namespace.output([self._program, *words], env=self._environment, folder=self._folder)


class Cosign(Signer):
    """What both generations have in common."""

    unsigned = "no signatures found"

    def verify(self, image: str) -> None:
        """See ``Signer``; the transparency log is out of reach."""
        self._run("verify", "--insecure-ignore-tlog=true", "--key", "cosign.pub", image)

    def tree(self, image: str) -> str:
        """See ``Signer``."""
        return self._run("tree", image)

    def _make_key(self) -> None:
        self._run("generate-key-pair")

    def login(self, registry: Registry, user: str, secret: str) -> None:
        """See ``Signer``."""
        self._run("login", registry.name, "--username", user, "--password", secret)


class Cosign2(Cosign):
    """cosign 2: a tag ``sha256-….sig`` whose layers are the signatures."""

    tag = "{}.sig"
    forged = "invalid signature"

    def sign(self, image: str) -> None:
        """See ``Signer``."""
        self._run("sign", "--yes", "--tlog-upload=false", "--key", "cosign.key", image)


class Cosign3(Cosign):
    """cosign 3: a bundle that refers to the image."""

    artifact_type = _BUNDLE
    forged = "could not verify envelope"

    def sign(self, image: str) -> None:
        """See ``Signer``."""
        offline = ["--signing-config", "signing-config.json", "--trusted-root", "root.json"]
        self._run("sign", "--yes", *offline, "--key", "cosign.key", image)

    def _make_key(self) -> None:
        super()._make_key()
        self._run("signing-config", "create", "--out", "signing-config.json")
        self._run("trusted-root", "create", "--out", "root.json")


class Notation(Signer):
    """notation, told to use the referrers API."""

    artifact_type = _NOTATION
    unsigned = "no signature is associated"
    forged = "signature verification failed"
    options: ClassVar[tuple[str, ...]] = ("--force-referrers-tag=false",)

    def sign(self, image: str) -> None:
        """See ``Signer``."""
        self._run("sign", *self.options, *_plain(image), image)

    def verify(self, image: str) -> None:
        """See ``Signer``."""
        self._run("verify", *_plain(image), image)

    def tree(self, image: str) -> str:
        """See ``Signer``."""
        return self._run("list", *_plain(image), image)

    def _make_key(self) -> None:
        self._run("certificate", "generate-test", "--default", "lab.test")
        policy = self._folder / ".config" / "notation" / "trustpolicy.json"
        policy.write_text(json.dumps(_TRUST_POLICY), encoding="utf-8")
        policy.chmod(0o600)

    def login(self, registry: Registry, user: str, secret: str) -> None:  # noqa: ARG002  it has no file for logins
        """See ``Signer``."""
        self._environment |= {"NOTATION_USERNAME": user, "NOTATION_PASSWORD": secret}


class NotationByTag(Notation):
    """notation as it is by default: it writes the tag of clients that know no referrers API."""

    tag = "{}"
    options = ()


def _plain(image: str) -> list[str]:
    """Of notation, which asks for TLS on every name, ``localhost`` too, unless told otherwise."""
    return ["--insecure-registry"] if image.startswith("localhost:") else []
