"""What a store offers to the API.

Every method raises the spec's ``RegistryError``s, or ``DriverError`` when the disk fails.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol

from pyregistry.spec.descriptor import Descriptor
from pyregistry.spec.digest import Digest


@dataclass(frozen=True, slots=True)
class StoredManifest:
    """A manifest as pushed: its descriptor and its exact bytes."""

    descriptor: Descriptor
    body: bytes


@dataclass(frozen=True, slots=True)
class PushedManifest:
    """The outcome of a manifest push; ``subject`` is set when the manifest names one (OCI-Subject header)."""

    descriptor: Descriptor
    subject: Digest | None = None


@dataclass(frozen=True, slots=True)
class UploadSession:
    """An upload session as it stands on disk. ``offset`` is the number of bytes received; times are aware UTC."""

    repository: str
    uuid: str
    offset: int
    started_at: datetime


class UploadWriter(Protocol):
    """Takes the bytes of one PATCH, PUT or single POST in order. Not for use by two threads at once."""

    @property
    def offset(self) -> int:
        """Bytes in the session so far, all requests counted."""
        ...

    def write(self, data: bytes) -> None:
        """Append ``data``; large batches (1 MiB) are best."""

    def close(self) -> None:
        """Make what was written durable and free the session. Idempotent; also called when the client went away."""


class Blobs(Protocol):
    """Blobs linked into repositories."""

    def exists(self, repository: str, digest: Digest) -> bool:
        """Whether the repository holds the blob, link and content."""
        ...

    def stat(self, repository: str, digest: Digest) -> Descriptor:
        """The blob's descriptor. Raises BlobUnknown."""
        ...

    def fetch(self, repository: str, digest: Digest) -> BinaryIO:
        """A seekable reader at offset 0; the caller closes it. Raises BlobUnknown."""
        ...

    def holders(self, digest: Digest) -> Iterator[str]:
        """Repositories that hold the blob, in lexical order, looked for as one goes on asking."""
        ...

    def mount(self, repository: str, digest: Digest, source: str) -> Descriptor:
        """Link a blob of ``source`` into ``repository`` without copying (end-11). Raises BlobUnknown."""
        ...

    def delete(self, repository: str, digest: Digest) -> None:
        """Remove the repository's link. Raises BlobUnknown."""


class Uploads(Protocol):
    """Upload sessions: made, grown, committed or cancelled."""

    def create(self, repository: str) -> UploadSession:
        """Start a session."""
        ...

    def session(self, repository: str, uuid: str) -> UploadSession:
        """Its state, read from storage. Raises BlobUploadUnknown."""
        ...

    def writer(self, repository: str, uuid: str, offset: int | None = None) -> UploadWriter:
        """Open the session for writing at its end; one writer at a time.

        Raises:
            BlobUploadUnknown: No such session.
            RangeInvalid: ``offset`` is given and is not the session's offset, or another request is writing.
        """
        ...

    def commit(self, repository: str, uuid: str, digest: Digest) -> Descriptor:
        """Prove that the session's bytes have ``digest``, move them into place and link them.

        Heals a truncated blob on disk. Raises BlobUploadUnknown, RangeInvalid (another request is writing),
        DigestInvalid (the session is then cancelled).
        """
        ...

    def cancel(self, repository: str, uuid: str) -> None:
        """Drop the session and its bytes (end-14).

        Raises BlobUploadUnknown, RangeInvalid (another request is writing).
        """


class Manifests(Protocol):
    """Manifests and indexes by tag or digest."""

    def fetch(self, repository: str, reference: str | Digest) -> StoredManifest:
        """By tag (str) or digest. Raises ManifestUnknown, NameUnknown."""
        ...

    def push(self, repository: str, reference: str | Digest, media_type: str, body: bytes) -> PushedManifest:
        """Store the exact bytes; by tag, move the tag.

        Raises ManifestInvalid, ManifestBlobUnknown, DigestInvalid (reference is a digest and not that of ``body``).
        """
        ...

    def delete(self, repository: str, reference: str | Digest) -> Digest:
        """By digest: the revision and every tag on it. By tag: that tag only. Raises ManifestUnknown.

        Returns:
            The digest that was deleted, or that the tag led to.
        """
        ...

    def referrers(self, repository: str, subject: Digest) -> Sequence[Descriptor]:
        """Descriptors of the manifests whose subject is ``subject`` (end-12); empty where there is none."""
        ...


class Tags(Protocol):
    """Tags of a repository."""

    def resolve(self, repository: str, tag: str) -> Digest:
        """What the tag points to now. Raises ManifestUnknown."""
        ...

    def list(self, repository: str) -> Sequence[str]:
        """All tags in lexical order. Raises NameUnknown."""
        ...

    def tag(self, repository: str, tag: str, digest: Digest) -> None:
        """Move ``tag`` to ``digest``, whose manifest must have been pushed (end-7b)."""


class Repositories(Protocol):
    """The repositories that hold a manifest; one that was emptied is none any more."""

    def names(self, after: str = "") -> Iterator[str]:
        """Those behind ``after``, in lexical order."""
        ...


class Store(Protocol):
    """The union that the API is wired with."""

    @property
    def blobs(self) -> Blobs:
        """Blobs."""
        ...

    @property
    def uploads(self) -> Uploads:
        """Upload sessions."""
        ...

    @property
    def manifests(self) -> Manifests:
        """Manifests."""
        ...

    @property
    def tags(self) -> Tags:
        """Tags."""
        ...

    @property
    def repositories(self) -> Repositories:
        """Repositories."""
        ...
