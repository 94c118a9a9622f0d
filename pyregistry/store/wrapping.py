"""Parts of a store that pass everything on. A wrapper inherits from them and changes the verbs that it is about."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from pyregistry.spec.descriptor import Descriptor
from pyregistry.spec.digest import Digest
from pyregistry.store.interface import (
    Blobs,
    Manifests,
    PushedManifest,
    Repositories,
    StoredManifest,
    Tags,
    Uploads,
    UploadSession,
    UploadWriter,
)


@dataclass(frozen=True, slots=True)
class WrappedStore:
    """A ``Store`` of parts that may wrap those of another."""

    blobs: Blobs
    uploads: Uploads
    manifests: Manifests
    tags: Tags
    repositories: Repositories


class WrappedBlobs:
    """``Blobs`` passed on."""

    def __init__(self, inner: Blobs) -> None:
        self._inner = inner

    def exists(self, repository: str, digest: Digest) -> bool:
        """See ``Blobs``."""
        return self._inner.exists(repository, digest)

    def stat(self, repository: str, digest: Digest) -> Descriptor:
        """See ``Blobs``."""
        return self._inner.stat(repository, digest)

    def fetch(self, repository: str, digest: Digest) -> BinaryIO:
        """See ``Blobs``."""
        return self._inner.fetch(repository, digest)

    def holders(self, digest: Digest) -> Iterator[str]:
        """See ``Blobs``."""
        return self._inner.holders(digest)

    def mount(self, repository: str, digest: Digest, source: str) -> Descriptor:
        """See ``Blobs``."""
        return self._inner.mount(repository, digest, source)

    def delete(self, repository: str, digest: Digest) -> None:
        """See ``Blobs``."""
        self._inner.delete(repository, digest)


class WrappedUploads:
    """``Uploads`` passed on."""

    def __init__(self, inner: Uploads) -> None:
        self._inner = inner

    def create(self, repository: str) -> UploadSession:
        """See ``Uploads``."""
        return self._inner.create(repository)

    def session(self, repository: str, uuid: str) -> UploadSession:
        """See ``Uploads``."""
        return self._inner.session(repository, uuid)

    def writer(self, repository: str, uuid: str, offset: int | None = None) -> UploadWriter:
        """See ``Uploads``."""
        return self._inner.writer(repository, uuid, offset)

    def commit(self, repository: str, uuid: str, digest: Digest) -> Descriptor:
        """See ``Uploads``."""
        return self._inner.commit(repository, uuid, digest)

    def cancel(self, repository: str, uuid: str) -> None:
        """See ``Uploads``."""
        self._inner.cancel(repository, uuid)


class WrappedManifests:
    """``Manifests`` passed on."""

    def __init__(self, inner: Manifests) -> None:
        self._inner = inner

    def fetch(self, repository: str, reference: str | Digest) -> StoredManifest:
        """See ``Manifests``."""
        return self._inner.fetch(repository, reference)

    def push(self, repository: str, reference: str | Digest, media_type: str, body: bytes) -> PushedManifest:
        """See ``Manifests``."""
        return self._inner.push(repository, reference, media_type, body)

    def delete(self, repository: str, reference: str | Digest) -> Digest:
        """See ``Manifests``."""
        return self._inner.delete(repository, reference)

    def referrers(self, repository: str, subject: Digest) -> Sequence[Descriptor]:
        """See ``Manifests``."""
        return self._inner.referrers(repository, subject)


class WrappedTags:
    """``Tags`` passed on."""

    def __init__(self, inner: Tags) -> None:
        self._inner = inner

    def resolve(self, repository: str, tag: str) -> Digest:
        """See ``Tags``."""
        return self._inner.resolve(repository, tag)

    def list(self, repository: str) -> Sequence[str]:
        """See ``Tags``."""
        return self._inner.list(repository)

    def tag(self, repository: str, tag: str, digest: Digest) -> None:
        """See ``Tags``."""
        self._inner.tag(repository, tag, digest)
