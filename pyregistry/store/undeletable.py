"""A store that deletes nothing, registry:2's default (``storage.delete.enabled``): 405 UNSUPPORTED.

Tags included (CVE-2026-41888), and before anything is looked up: what is there is not told. Uploads may be cancelled.
"""

from typing import NoReturn

from pyregistry.spec.errors import Unsupported
from pyregistry.store.interface import Store
from pyregistry.store.wrapping import WrappedBlobs, WrappedManifests, WrappedStore


def open_undeletable(store: Store) -> Store:
    """``store`` without deletes."""
    return WrappedStore(
        blobs=_KeptBlobs(store.blobs),
        uploads=store.uploads,
        manifests=_KeptManifests(store.manifests),
        tags=store.tags,
        repositories=store.repositories,
    )


def _refuse(*_: object, **__: object) -> NoReturn:
    raise Unsupported("delete is disabled; storage.delete.enabled: true enables it")


class _KeptBlobs(WrappedBlobs):
    delete = _refuse


class _KeptManifests(WrappedManifests):
    delete = _refuse
