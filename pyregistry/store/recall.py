"""What an answer rests on, so that it may be given again without being read again.

No cache may answer for what is gone, be it that another worker, a garbage collection or registry:2 itself took it away
(CVE-2026-35172 is what a cache that has to be told does). So nothing is told to anybody: an answer is kept together
with the identity of each key that it was read from, link and content alike, of the very repository that was asked for.
It holds while all of them are what they were; asking costs a ``stat`` each.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import inf
from threading import Lock
from time import monotonic

from pyregistry.drivers.interface import Driver, DriverError, Identity, KeyUnknown
from pyregistry.spec.digest import Digest
from pyregistry.store import paths
from pyregistry.store.links import fetch_link

SETTLED = timedelta(seconds=1)
"""How long ago a key must have been written to. Two writes within one tick of the file system's clock may leave the
same identity (git calls such an entry racily clean); a second is more than any tick of a local one."""

MAX_AGE_SECONDS = 60.0
"""How long an answer holds at most. Reading marks what is read as in use, which garbage collection goes by; what is
only recalled would not be marked."""


KEPT_LISTS = 8
"""Repositories whose tags are kept: as many walks in pages at a time as are in proportion. 10,000 tags take 0.6 MB."""


@dataclass(frozen=True, slots=True)
class Proof:
    """Keys and what they were before they were read.

    Attributes:
        identify: Tells what a key is now.
        expires_at: Until when this may count, in seconds of ``monotonic``.
    """

    identify: Callable[[str], Identity | None]
    identities: tuple[tuple[str, Identity], ...]
    expires_at: float

    def holds(self) -> bool:
        """Whether all keys are what they were."""
        identify = self.identify
        try:
            # a loop, not ``all``: this is the hottest line of the registry, and a generator costs half as much again
            for key, identity in self.identities:
                if identify(key) != identity:
                    return False
        except (KeyUnknown, DriverError):
            return False
        return monotonic() < self.expires_at


def _nothing(key: str) -> Identity | None:
    raise KeyUnknown(key)


RESTS_ON_NOTHING = Proof(_nothing, (), inf)
"""Of what is always the same."""


def _now() -> datetime:
    return datetime.now(UTC)


class Prover:
    """Takes proofs. Each is to be taken before what it proves is read, and is None where it could not be relied on.

    Args:
        driver: The store's.
        max_age_seconds: How long an answer holds at most.
        now: Aware UTC time, by the clock of the driver's times.
    """

    def __init__(
        self, driver: Driver, max_age_seconds: float = MAX_AGE_SECONDS, now: Callable[[], datetime] = _now
    ) -> None:
        self._driver = driver
        self._max_age_seconds = max_age_seconds
        self._now = now
        self._lists: OrderedDict[str, tuple[Sequence[str], Proof]] = OrderedDict()
        self._lock = Lock()

    def manifest(self, repository: str, reference: str | Digest) -> Proof | None:
        """Of a manifest by tag or digest."""
        if isinstance(reference, Digest):
            return self._take(paths.revision_link(repository, reference), paths.blob_data(reference))
        link = paths.tag_current_link(repository, reference)
        digest = fetch_link(self._driver, link)
        if digest is None:
            return None
        return self._take(link, paths.revision_link(repository, digest), paths.blob_data(digest))

    def blob(self, repository: str, digest: Digest) -> Proof | None:
        """Of a blob's content."""
        return self._take(paths.layer_link(repository, digest), paths.blob_data(digest))

    def tags(self, repository: str, read: Callable[[], Sequence[str]]) -> tuple[Sequence[str], Proof | None]:
        """What ``read`` finds, and its proof: the folder of all tags, which changes with each that comes or goes.

        Nothing is proven where a folder has no usable link, such as a tag that is being made: its link may come. What
        is proven is kept here, too, for a walk in pages asks for all of it once a page.
        """
        with self._lock:
            kept = self._lists.get(repository)
        if kept and kept[1].holds():
            return kept
        folder = paths.tags(repository)
        identity = self._driver.identify_children(folder)
        names = read()
        if identity is None or list(names) != list(self._driver.children(folder)):
            return names, None
        return self._keep(repository, names, self._prove(self._driver.identify_children, (folder, identity)))

    def _keep(self, repository: str, names: Sequence[str], proof: Proof) -> tuple[Sequence[str], Proof]:
        with self._lock:
            self._lists[repository] = (names, proof)
            self._lists.move_to_end(repository)
            if len(self._lists) > KEPT_LISTS:
                self._lists.popitem(last=False)
        return names, proof

    def _take(self, *keys: str) -> Proof | None:
        settled_before = self._now() - SETTLED
        try:
            identities = [(key, self._driver.identify(key)) for key in keys]
            if any(self._driver.stat(key).modified_at > settled_before for key in keys):
                return None
        except KeyUnknown:
            return None
        return self._prove(self._driver.identify, *identities)

    def _prove(self, identify: Callable[[str], Identity | None], *identities: tuple[str, Identity]) -> Proof:
        return Proof(identify, identities, monotonic() + self._max_age_seconds)
