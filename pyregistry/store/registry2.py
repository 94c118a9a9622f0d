"""A store with registry:2's ways that the specification has left behind (``pyregistry.mode: registry2``), for a lesson.

- Tags are listed in no order. registry:2 lists them as the folder on disk does, which on ext4 is by a hash of the name;
  drivers here list in order, so the hash is taken here.
- A tag cannot be deleted, only what it points to: 400 DIGEST_INVALID, whether there is such a tag or not.
"""

import hashlib
from collections.abc import Sequence

from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import DigestInvalid
from pyregistry.store.interface import Store
from pyregistry.store.wrapping import WrappedManifests, WrappedStore, WrappedTags


def open_as_registry2(store: Store) -> Store:
    """``store`` with registry:2's ways."""
    return WrappedStore(
        blobs=store.blobs,
        uploads=store.uploads,
        manifests=_DeletedByDigest(store.manifests),
        tags=_UnsortedTags(store.tags),
        repositories=store.repositories,
    )


class _DeletedByDigest(WrappedManifests):
    def delete(self, repository: str, reference: str | Digest) -> Digest:
        """By digest only."""
        if isinstance(reference, str):
            raise DigestInvalid
        return super().delete(repository, reference)


class _UnsortedTags(WrappedTags):
    def list(self, repository: str) -> Sequence[str]:
        """In an order that says nothing, and is the same each time."""
        return sorted(super().list(repository), key=lambda tag: hashlib.sha256(tag.encode()).digest())
