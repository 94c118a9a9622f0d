"""The store that the API is wired with, over any driver."""

from dataclasses import dataclass

from pyregistry.drivers.interface import Driver
from pyregistry.store.blobs import DriverBlobs
from pyregistry.store.manifests import DriverManifests
from pyregistry.store.repositories import DriverRepositories
from pyregistry.store.tags import DriverTags
from pyregistry.store.uploads import DriverUploads


@dataclass(frozen=True, slots=True)
class DriverStore:
    """The ``Store`` of a driver."""

    blobs: DriverBlobs
    uploads: DriverUploads
    manifests: DriverManifests
    tags: DriverTags
    repositories: DriverRepositories


def open_store(driver: Driver) -> DriverStore:
    """The store that lies on ``driver``, empty or filled, ours or registry:2's."""
    repositories = DriverRepositories(driver)
    blobs = DriverBlobs(driver, repositories)
    tags = DriverTags(driver, repositories)
    return DriverStore(
        blobs=blobs,
        uploads=DriverUploads(driver),
        manifests=DriverManifests(driver, blobs, tags),
        tags=tags,
        repositories=repositories,
    )
