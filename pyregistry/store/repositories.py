"""Repositories: whatever lies below ``repositories/`` and has blobs or manifests of its own."""

from collections.abc import Iterator

from pyregistry.drivers.interface import Driver
from pyregistry.spec.errors import NameInvalid
from pyregistry.spec.names import parse_repository
from pyregistry.store import paths

_OWN = frozenset({paths.LAYERS, paths.MANIFESTS})


class DriverRepositories:
    """The ``Repositories`` of a driver."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def names(self) -> Iterator[str]:
        """See ``Repositories``."""
        top = (name for name in self._driver.children(paths.REPOSITORIES) if _is_repository(name))
        yield from sorted(found for name in top for found in self._walk(name))

    def exists(self, repository: str) -> bool:
        """Whether the registry knows the repository. It does so as soon as a first blob was pushed."""
        return not _OWN.isdisjoint(self._driver.children(paths.repository(repository)))

    def _walk(self, name: str) -> Iterator[str]:
        """``name`` if it is a repository, and all below it."""
        children = list(self._driver.children(paths.repository(name)))
        if not _OWN.isdisjoint(children):
            yield name
        for child in children:
            if _is_repository(child):
                yield from self._walk(f"{name}/{child}")


def _is_repository(component: str) -> bool:
    """Tells path components from our own folders (``_layers`` …) and from what else people leave on disks."""
    try:
        parse_repository(component)
    except NameInvalid:
        return False
    return True
