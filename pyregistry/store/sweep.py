"""The sweep: names before what they name, so that whatever is still named is whole.

Cut off anywhere, it leaves garbage for the next run and nothing else. Each deletion takes the locks that writers take,
for itself alone, and looks again whether what it deletes is what was planned.
"""

import logging
from contextlib import ExitStack, suppress
from datetime import datetime

from pyregistry.drivers.interface import Driver, KeyLocked, KeyUnknown
from pyregistry.spec.digest import Digest
from pyregistry.store import inventory, paths
from pyregistry.store.graph import reach
from pyregistry.store.inventory import Link
from pyregistry.store.locks import hold_content, hold_repository
from pyregistry.store.marking import Marking
from pyregistry.store.plan import Family, Plan
from pyregistry.store.terms import Terms

_LOG = logging.getLogger(__name__)

_OWN = (paths.LAYERS, paths.MANIFESTS, paths.UPLOADS)


class Sweep:
    """Carries a plan out: manifests with their histories, layer links, content, what was begun and forgotten."""

    def __init__(self, driver: Driver, plan: Plan, terms: Terms, stale_before: datetime) -> None:
        self._driver = driver
        self._plan = plan
        self._terms = terms
        self._stale_before = stale_before
        self._needed: set[str] = set()

    def run(self) -> None:
        """Delete; what is left in the plan is what went."""
        plan = self._plan
        for family in plan.families:
            self._sweep_family(family)
        plan.layers = [(repository, link) for repository, link in plan.layers if self._sweep_layer(repository, link)]
        plan.blobs = [(digest, size) for digest, size in plan.blobs if self._sweep_blob(digest)]
        plan.uploads = [each for each in plan.uploads if self._sweep_upload(each[0], each[1])]
        for key, _ in plan.temporaries:
            self._delete(key, "Deleting temporary file: /%s")
        self._prune()

    def _sweep_family(self, family: Family) -> None:
        """All or what is left of it: what one that was used since leads to stays with it."""
        with self._terms.step(), hold_repository(self._driver, family.repository):
            links = {digest: paths.revision_link(family.repository, digest) for digest in family.members}
            used = [digest for digest, link in links.items() if not self._terms.is_unused(link)]
            kept = reach(family.members, used)
            for digest in kept:
                self._keep(family, digest)
            for key in [key for keys in family.history.values() for key in keys]:
                self._delete(key, "deleting manifest tag reference: /%s")
            for digest in family.members:
                self._delete(links[digest], "deleting manifest: /%s")

    def _keep(self, family: Family, digest: Digest) -> None:
        self._needed |= Marking(self._driver, family.repository, self._plan, self._terms, _LOG.info).keep(digest)
        del family.members[digest]
        family.history.pop(digest, None)

    def _sweep_layer(self, repository: str, link: Link) -> bool:
        """Whether it went; where it did not, its content stays too."""
        with self._terms.step(), hold_repository(self._driver, repository), hold_content(self._driver, link.named):
            if link.key in self._needed or not self._terms.is_unused(link.key):
                self._plan.marked.add(link.stored_as)
                return False
            self._delete(link.key, "Deleting layer link path: /%s")
        return True

    def _sweep_blob(self, digest: Digest) -> bool:
        """Whether it went. Who has linked it since we looked for links has touched it, too."""
        key = paths.blob_data(digest)
        with self._terms.step(), hold_content(self._driver, digest):
            if digest in self._plan.marked or not self._terms.is_unchanged(key):
                return False
            self._delete(key, "Deleting blob: /%s")
        return True

    def _sweep_upload(self, repository: str, session: str) -> bool:
        """Whether it went: not if somebody writes to it, or has done so since.

        One that began a moment ago had no file yet when it was planned. It is not even locked: its client would be
        refused.
        """
        key = paths.upload(repository, session)
        if not self._is_stale(repository, session):
            return False
        with ExitStack() as held:
            try:
                held.enter_context(self._driver.lock(key, wait=False))
            except KeyLocked:
                return False
            if not self._is_stale(repository, session):
                return False
            _LOG.info("Deleting upload: /%s", key)
            if any(True for _ in self._driver.keys(key)):
                self._driver.delete(key)
            else:
                self._driver.prune(key)  # it is left over, or about to begin
        return True

    def _is_stale(self, repository: str, session: str) -> bool:
        _, last = inventory.upload(self._driver, repository, session)
        return last < self._stale_before

    def _prune(self) -> None:
        """Take away the folders of repositories that hold nothing any more, those above others last.

        Leaving the lock removes the repository's own folder where nothing is in it.
        """
        for repository in reversed(list(inventory.folders(self._driver))):
            own = [f"{paths.repository(repository)}/{name}" for name in _OWN]
            if not any(next(self._driver.keys(folder), None) for folder in own):
                with hold_repository(self._driver, repository):
                    for folder in own:
                        self._driver.prune(folder)

    def _delete(self, key: str, message: str) -> None:
        """Delete a file and log its folder as registry:2 does; a temporary file by its own name."""
        folder, _, name = key.rpartition("/")
        _LOG.info(message, key if name.endswith(".tmp") else folder)
        with suppress(KeyUnknown):
            self._driver.delete(key)
