"""Blobs: content under its digest, linked into the repositories that hold it."""

import logging
from collections.abc import Iterator
from typing import BinaryIO

from pyregistry.drivers.interface import Driver, KeyUnknown
from pyregistry.spec.descriptor import Descriptor
from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import BlobUnknown
from pyregistry.spec.media_types import OCTET_STREAM
from pyregistry.store import paths
from pyregistry.store.links import fetch_link, push_link
from pyregistry.store.repositories import DriverRepositories

_LOG = logging.getLogger(__name__)


class DriverBlobs:
    """The ``Blobs`` of a driver.

    A link need not name its own digest: registry:2 keeps a sha512 upload under sha256 and links from one to the other.
    """

    def __init__(self, driver: Driver, repositories: DriverRepositories) -> None:
        self._driver = driver
        self._repositories = repositories

    def exists(self, repository: str, digest: Digest) -> bool:
        """See ``Blobs``."""
        return self._find(repository, digest) is not None

    def stat(self, repository: str, digest: Digest) -> Descriptor:
        """See ``Blobs``."""
        found = self._find(repository, digest)
        if found is None:
            raise BlobUnknown(str(digest))
        return Descriptor(OCTET_STREAM, digest, found.size)

    def fetch(self, repository: str, digest: Digest) -> BinaryIO:
        """See ``Blobs``."""
        found = self._find(repository, digest)
        if found is None:
            raise BlobUnknown(str(digest))
        try:
            return self._driver.open(paths.blob_data(found.digest))
        except KeyUnknown:
            raise BlobUnknown(str(digest)) from None

    def holders(self, digest: Digest) -> Iterator[str]:
        """See ``Blobs``. One look for content that nobody has, else one into every repository."""
        try:
            self._driver.stat(paths.blob_data(digest))
        except KeyUnknown:
            return iter(())
        return (name for name in self._repositories.folders() if self.exists(name, digest))

    def mount(self, repository: str, digest: Digest, source: str) -> Descriptor:
        """See ``Blobs``."""
        found = self._find(source, digest)
        if found is None:
            raise BlobUnknown(str(digest))
        push_link(self._driver, paths.layer_link(repository, digest), found.digest)
        return Descriptor(OCTET_STREAM, digest, found.size)

    def delete(self, repository: str, digest: Digest) -> None:
        """See ``Blobs``. The content stays for the other repositories, until garbage collection."""
        if self._find(repository, digest) is None:
            raise BlobUnknown(str(digest))
        try:
            self._driver.delete(paths.layer_link(repository, digest))
        except KeyUnknown:
            raise BlobUnknown(str(digest)) from None

    def _find(self, repository: str, digest: Digest) -> Descriptor | None:
        """The stored content behind the repository's link; None where either is missing."""
        target = fetch_link(self._driver, paths.layer_link(repository, digest))
        if target is None:
            return None
        if target != digest and target.algorithm == digest.algorithm:
            _LOG.warning("%s: its link in %s points to %s; served as absent", digest, repository, target)
            return None
        key = paths.blob_data(target)
        try:
            size = self._driver.stat(key).size
        except KeyUnknown:
            _LOG.warning("%s: linked into %s, but its content is missing", digest, repository)
            return None
        if size == 0 and target != Digest.of(b"", target.algorithm):
            _LOG.warning("%s: content is empty, a crash's scar; served as absent until it is pushed again", key)
            return None
        return Descriptor(OCTET_STREAM, target, size)
