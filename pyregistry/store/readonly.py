"""A store that only serves (``storage.maintenance.readonly``): every verb that changes something is 405 UNSUPPORTED."""

from typing import NoReturn

from pyregistry.spec.errors import Unsupported
from pyregistry.store.interface import Store
from pyregistry.store.wrapping import WrappedBlobs, WrappedManifests, WrappedStore, WrappedTags, WrappedUploads


def open_read_only(store: Store) -> Store:
    """``store`` for reading."""
    return WrappedStore(
        blobs=_ReadOnlyBlobs(store.blobs),
        uploads=_ReadOnlyUploads(store.uploads),
        manifests=_ReadOnlyManifests(store.manifests),
        tags=_ReadOnlyTags(store.tags),
        repositories=store.repositories,
    )


def _refuse(*_: object, **__: object) -> NoReturn:
    raise Unsupported("the registry is read-only for maintenance")


class _ReadOnlyBlobs(WrappedBlobs):
    mount = _refuse
    delete = _refuse


class _ReadOnlyUploads(WrappedUploads):
    create = _refuse
    writer = _refuse
    commit = _refuse
    cancel = _refuse


class _ReadOnlyManifests(WrappedManifests):
    push = _refuse
    delete = _refuse


class _ReadOnlyTags(WrappedTags):
    tag = _refuse
