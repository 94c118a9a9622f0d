"""Repositories: the folders below ``repositories/``, and which of them still hold a manifest."""

from collections.abc import Iterator

from pyregistry.drivers.interface import Driver
from pyregistry.spec.errors import NameInvalid
from pyregistry.spec.names import parse_repository
from pyregistry.store import paths
from pyregistry.store.links import fetch_link

_CONTENT = frozenset({paths.LAYERS, paths.MANIFESTS})
_OWN = _CONTENT | {paths.UPLOADS}


class DriverRepositories:
    """The ``Repositories`` of a driver."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def names(self) -> Iterator[str]:
        """See ``Repositories``. Deletes leave folders, which registry:2 needs; they do not make a repository."""
        return (name for name in self.folders() if self._holds_manifest(name))

    def folders(self) -> Iterator[str]:
        """Every repository that has a folder, in lexical order: emptied ones and such as only began an upload, too."""
        top = (name for name in self._driver.children(paths.REPOSITORIES) if _is_repository(name))
        yield from sorted(found for name in top for found in self._walk(name))

    def exists(self, repository: str) -> bool:
        """Whether the registry knows the repository. It does so as soon as a first blob was pushed, and ever after."""
        return not _CONTENT.isdisjoint(self._driver.children(paths.repository(repository)))

    def _walk(self, name: str) -> Iterator[str]:
        """``name`` if it has a folder of ours, and all below it."""
        children = list(self._driver.children(paths.repository(name)))
        if not _OWN.isdisjoint(children):
            yield name
        for child in children:
            if _is_repository(child):
                yield from self._walk(f"{name}/{child}")

    def _holds_manifest(self, name: str) -> bool:
        """By its links: registry:2 deletes a link and leaves the folder."""
        folder = paths.revisions(name)
        return any(
            fetch_link(self._driver, f"{folder}/{algorithm}/{encoded}/link") is not None
            for algorithm in self._driver.children(folder)
            for encoded in self._driver.children(f"{folder}/{algorithm}")
        )


def _is_repository(component: str) -> bool:
    """Tells path components from our own folders (``_layers`` …) and from what else people leave on disks."""
    try:
        parse_repository(component)
    except NameInvalid:
        return False
    return True
