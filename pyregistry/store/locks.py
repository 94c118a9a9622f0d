"""Whose turn it is: the locks of a store, all of them the kernel's, so that a killed process holds none.

Who takes several takes them in this order, and never waits for one that stands before one that it holds:

1. collection: one garbage collection or scrub at a time (``alone``)
2. upload session: one request at a time (``DriverUploads``)
3. step: one deletion of a collection that began when nobody served
4. repository: its manifests and tags, and that what they name is still linked
5. content: that it is there, and the links to it

Why these are enough is decision record 9.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from pyregistry.drivers.interface import Driver, KeyLocked
from pyregistry.spec.digest import Digest
from pyregistry.store import paths

_SERVED = "docker"
"""Shared by all who serve the store. Above registry:2's layout, where nobody walks."""

_STEP = "docker/registry"


class StoreInUse(Exception):
    """Another garbage collection or scrub works on the store."""


class StoreUnknown(Exception):
    """There is no store. A mistyped path must not look like a clean one."""


@contextmanager
def alone(driver: Driver) -> Iterator[None]:
    """Keep other collections and scrubs out. A lock is on what is there, so there has to be a store.

    Raises:
        StoreInUse: Another one is at it.
        StoreUnknown: There is none; in registry:2's words.
    """
    if not any(True for _ in driver.children(paths.ROOT)):
        raise StoreUnknown(f"failed to mark: filesystem: Path not found: /{paths.REPOSITORIES}")
    with ExitStack() as held:
        try:
            held.enter_context(driver.lock(paths.ROOT, wait=False))
        except KeyLocked as exc:
            raise StoreInUse(f"{exc}: another garbage-collect or scrub is working on it") from None
        yield


def hold_repository(driver: Driver, repository: str) -> AbstractContextManager[None]:
    """Wait until nobody else pushes or deletes a manifest, moves a tag or deletes a link in ``repository``."""
    return driver.lock(paths.repository(repository), wait=True)


@contextmanager
def hold_content(driver: Driver, *digests: Digest) -> Iterator[None]:
    """Wait until nobody else links, moves or deletes the content of ``digests``: a link's own, then its target's."""
    with ExitStack() as held:
        for digest in dict.fromkeys(digests):
            held.enter_context(driver.lock(paths.content(digest), wait=True))
        yield


@contextmanager
def announce_serving(driver: Driver) -> Iterator[None]:
    """Let every collection know that clients are told what is here, as long as the context lasts.

    Waits for the one deletion that a collection may be at.
    """
    with driver.lock(_SERVED, wait=True, shared=True):
        with hold_step(driver):
            pass
        yield


def is_served(driver: Driver) -> bool:
    """Whether a process has announced that it serves the store."""
    try:
        with driver.lock(_SERVED, wait=False):
            return False
    except KeyLocked:
        return True


def hold_step(driver: Driver) -> AbstractContextManager[None]:
    """Keep those who announce that they serve waiting until a deletion is done."""
    return driver.lock(_STEP, wait=True)
