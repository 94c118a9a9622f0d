"""Blobs: content under its digest, linked into the repositories that hold it."""

import logging
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

from pyregistry.drivers.interface import Driver, KeyUnknown
from pyregistry.spec.descriptor import Descriptor
from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import BlobUnknown
from pyregistry.spec.media_types import OCTET_STREAM
from pyregistry.store import paths
from pyregistry.store.links import Renewal, fetch_link, push_link
from pyregistry.store.locks import hold_content, hold_repository
from pyregistry.store.repositories import DriverRepositories

_LOG = logging.getLogger(__name__)


class DriverBlobs:
    """The ``Blobs`` of a driver.

    A link need not name its own digest: registry:2 keeps a sha512 upload under sha256 and links from one to the other.
    """

    def __init__(self, driver: Driver, repositories: DriverRepositories, renewal: Renewal) -> None:
        self._driver = driver
        self._repositories = repositories
        self._renewal = renewal

    def exists(self, repository: str, digest: Digest) -> bool:
        """See ``Blobs``."""
        return self._find(repository, digest) is not None

    def stat(self, repository: str, digest: Digest) -> Descriptor:
        """See ``Blobs``."""
        return Descriptor(OCTET_STREAM, digest, self._found(repository, digest).size)

    def fetch(self, repository: str, digest: Digest) -> BinaryIO:
        """See ``Blobs``."""
        found = self._found(repository, digest)
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
        seen = self._require(source, digest)
        with hold_content(self._driver, digest, seen.digest):
            self._require_content(seen.digest)
            self.link(repository, digest, seen.digest)
        return Descriptor(OCTET_STREAM, digest, seen.size)

    def link(self, repository: str, digest: Digest, stored: Digest) -> None:
        """Link content that is in place into ``repository``; the caller holds it.

        The touch comes last: a collection that saw the content after it has seen the link, too.
        """
        push_link(self._driver, paths.layer_link(repository, digest), stored)
        self._driver.touch(paths.blob_data(stored))

    def delete(self, repository: str, digest: Digest) -> None:
        """See ``Blobs``. The content stays for the other repositories, until garbage collection."""
        self._require(repository, digest)  # before a lock makes folders for it
        with hold_repository(self._driver, repository), hold_content(self._driver, digest):
            self._require(repository, digest)
            self._driver.delete(paths.layer_link(repository, digest))

    def _found(self, repository: str, digest: Digest) -> Descriptor:
        """The stored content, for a client who is told of it."""
        found = self._require(repository, digest)
        link = paths.layer_link(repository, digest)
        if not self._renewal.renew(self._driver, link, partial(hold_content, self._driver, digest)):
            raise BlobUnknown(str(digest))
        return found

    def _require(self, repository: str, digest: Digest) -> Descriptor:
        found = self._find(repository, digest)
        if found is None:
            raise BlobUnknown(str(digest))
        return found

    def _require_content(self, stored: Digest) -> None:
        try:
            self._driver.stat(paths.blob_data(stored))
        except KeyUnknown:
            raise BlobUnknown(str(stored)) from None

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
