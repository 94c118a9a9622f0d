"""The store that the API is wired with, over any driver."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pyregistry.drivers.interface import Driver
from pyregistry.store.blobs import DriverBlobs
from pyregistry.store.links import Renewal
from pyregistry.store.manifests import DriverManifests
from pyregistry.store.repositories import DriverRepositories
from pyregistry.store.tags import DriverTags
from pyregistry.store.uploads import DriverUploads

GRACE = timedelta(hours=1)
"""As ``pyregistry.gc.grace`` where nobody sets it."""


@dataclass(frozen=True, slots=True)
class DriverStore:
    """The ``Store`` of a driver."""

    blobs: DriverBlobs
    uploads: DriverUploads
    manifests: DriverManifests
    tags: DriverTags
    repositories: DriverRepositories


def _now() -> datetime:
    return datetime.now(UTC)


def open_store(driver: Driver, grace: timedelta = GRACE, clock: Callable[[], datetime] = _now) -> DriverStore:
    """The store that lies on ``driver``, empty or filled, ours or registry:2's.

    Args:
        driver: Where it lies.
        grace: How long what clients were told of is safe from garbage collection, see ``gc.Options``.
        clock: Aware UTC time.
    """
    repositories, renewal = DriverRepositories(driver), Renewal(grace, clock)
    blobs = DriverBlobs(driver, repositories, renewal)
    tags = DriverTags(driver, repositories)
    return DriverStore(
        blobs=blobs,
        uploads=DriverUploads(driver, blobs, clock),
        manifests=DriverManifests(driver, blobs, tags, renewal),
        tags=tags,
        repositories=repositories,
    )
