"""Tags: names that move, each with a link to where it points and a history of where it pointed."""

from collections.abc import Sequence

from pyregistry.drivers.interface import Driver, KeyUnknown
from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import ManifestUnknown, NameUnknown, TagInvalid
from pyregistry.spec.names import parse_tag
from pyregistry.store import paths
from pyregistry.store.links import fetch_link, push_link, touch_link
from pyregistry.store.locks import hold_repository
from pyregistry.store.repositories import DriverRepositories


class DriverTags:
    """The ``Tags`` of a driver.

    Also ``current``, ``move`` and ``delete``, which pushes and deletes of manifests are made of; who calls the last two
    holds the repository. A manifest that a tag leaves is marked as used: whoever is pulling it can finish.
    """

    def __init__(self, driver: Driver, repositories: DriverRepositories) -> None:
        self._driver = driver
        self._repositories = repositories

    def resolve(self, repository: str, tag: str) -> Digest:
        """See ``Tags``."""
        digest = fetch_link(self._driver, paths.tag_current_link(repository, tag))
        if digest is None:
            raise ManifestUnknown({"Tag": tag})
        return digest

    def list(self, repository: str) -> Sequence[str]:
        """See ``Tags``."""
        current = self.current(repository)
        if not current and not self._repositories.exists(repository):
            raise NameUnknown({"name": repository})
        return list(current)

    def current(self, repository: str) -> dict[str, Digest]:
        """Where each tag points, in lexical order of tags. Folders without a usable link are no tags."""
        names = [name for name in self._driver.children(paths.tags(repository)) if _is_tag(name)]
        links = ((name, fetch_link(self._driver, paths.tag_current_link(repository, name))) for name in names)
        return {name: digest for name, digest in links if digest is not None}

    def tag(self, repository: str, tag: str, digest: Digest) -> None:
        """See ``Tags``."""
        with hold_repository(self._driver, repository):
            if not touch_link(self._driver, paths.revision_link(repository, digest)):
                raise ManifestUnknown({"Name": repository, "Revision": str(digest)})
            self.move(repository, tag, digest)

    def move(self, repository: str, tag: str, digest: Digest) -> None:
        """Move ``tag`` to ``digest``, whose revision must be in place.

        History first: after a crash in between, it names a revision that exists, and the tag stands where it stood.
        """
        left = fetch_link(self._driver, paths.tag_current_link(repository, tag))
        if left is not None and left != digest:
            touch_link(self._driver, paths.revision_link(repository, left))
        push_link(self._driver, paths.tag_index_link(repository, tag, digest), digest)
        push_link(self._driver, paths.tag_current_link(repository, tag), digest)

    def delete(self, repository: str, tag: str) -> Digest:
        """Forget the tag and its history. However far a crash lets it come, the tag still stands or is none.

        Returns:
            Where it pointed.

        Raises:
            ManifestUnknown: There is no such tag.
        """
        digest = self.resolve(repository, tag)
        touch_link(self._driver, paths.revision_link(repository, digest))
        try:
            self._driver.delete(paths.tag(repository, tag))
        except KeyUnknown:
            raise ManifestUnknown({"Tag": tag}) from None
        return digest


def _is_tag(name: str) -> bool:
    try:
        parse_tag(name)
    except TagInvalid:
        return False
    return True
