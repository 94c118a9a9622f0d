"""A registry as the source of a tree: the student's own machine, with its credentials and its trust."""

from collections.abc import Mapping
from pathlib import Path

from labs.engine.credentials import CredentialStore, registry_key
from labs.engine.internet import Internet
from labs.engine.reference import Reference
from labs.engine.transport.client import Registry
from labs.engine.transport.pull import fetch_manifest
from labs.engine.transport.wire import Wire
from labs.engine.trust import Trust

USER_AGENT = "labstack/tree"
"""The journal's table leaves the lab's own programs out."""


class RemoteSource:
    """A ``Source`` over one repository.

    Args:
        reference: The image; its registry and repository are what is read.
        engine: The machine's engine home, for ``config.json``, and ``certs.d`` where ``LAB_CERTS_D`` names no other.
        environ: Decides whose internet the name is looked up in, and, with Docker's own docker, whom that trusts.
    """

    def __init__(self, reference: Reference, engine: Path, environ: Mapping[str, str]) -> None:
        self._repository = reference.path
        trusting = Path(environ["LAB_CERTS_D"]).parent if environ.get("LAB_CERTS_D") else engine
        self._wire = Wire(Internet.locate(environ), Trust(trusting), USER_AGENT)
        credential = CredentialStore(engine, environ).fetch(registry_key(reference.domain))
        self._registry = Registry(self._wire, reference.domain, credential)

    def manifest(self, reference: str) -> tuple[str, bytes]:
        """See ``Source``. Raises TransportError."""
        found = fetch_manifest(self._registry, self._repository, reference)
        return found.descriptor.media_type, found.content

    def blob(self, digest: str) -> bytes:
        """See ``Source``. Raises TransportError."""
        path = f"/v2/{self._repository}/blobs/{digest}"
        return self._registry.read(self._registry.request("GET", path, repository=self._repository))

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()
