"""Repositories: the folders below ``repositories/``, and which of them still hold a manifest."""

from collections.abc import Iterable, Iterator, Sequence

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

    def names(self, after: str = "") -> Iterator[str]:
        """See ``Repositories``. Deletes leave folders, which registry:2 needs; they do not make a repository."""
        return (name for name in self.folders(after) if self._holds_manifest(name))

    def folders(self, after: str = "") -> Iterator[str]:
        """Every repository that has a folder, in lexical order: emptied ones and such as only began an upload, too.

        What is not asked for is not read: a page of a catalog costs what is on it, and the siblings of what is.
        """
        return self._below("", self._driver.children(paths.REPOSITORIES), after)

    def exists(self, repository: str) -> bool:
        """Whether the registry knows the repository. It does so as soon as a first blob was pushed, and ever after."""
        return not _CONTENT.isdisjoint(self._driver.children(paths.repository(repository)))

    def _below(self, prefix: str, components: Iterable[str], after: str) -> Iterator[str]:
        """All repositories after ``after`` whose names are ``prefix`` and one of ``components``, or lie below those.

        A name and what lies below it have turns of their own, since other names come between: a, a-b, a/b.
        """
        found: dict[str, Sequence[str]] = {}
        names = [f"{prefix}{component}" for component in components if _is_repository(component)]
        for turn in sorted([*names, *(f"{name}/" for name in names)]):
            name = turn.removesuffix("/")
            if turn <= after and not after.startswith(f"{name}/"):
                continue
            children = found.pop(name, None) or list(self._driver.children(paths.repository(name)))
            if turn != name:
                yield from self._below(turn, children, after)
                continue
            found[name] = children
            if name > after and not _OWN.isdisjoint(children):
                yield name

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
