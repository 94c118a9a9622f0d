"""BuildKit's build caches: an index whose children are no manifests but layers and a configuration, pushed as blobs."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from pyregistry.drivers.interface import Driver
from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import ManifestBlobUnknown
from pyregistry.spec.media_types import DOCKER_MANIFEST_LIST, OCI_INDEX, OCI_LAYER
from pyregistry.store.gc import collect
from pyregistry.store.interface import Store
from pyregistry.store.plan import Options
from pyregistry.store.scrub import Scrub
from tests.fakes.pushes import Image, described, push_blob, push_image

REPOSITORY = "acme/cache"
CONFIG = "application/vnd.buildkit.cacheconfig.v0"
LATER = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture(params=[OCI_INDEX, DOCKER_MANIFEST_LIST])
def cache(request: pytest.FixtureRequest) -> Image:
    """A cache of two layers, in both forms that BuildKit writes."""
    blobs = (b"a layer", b"another layer", b"which layer is for which step")
    children = [described(blob, kind) for blob, kind in zip(blobs, (OCI_LAYER, OCI_LAYER, CONFIG), strict=True)]
    document = {"schemaVersion": 2, "mediaType": request.param, "manifests": children}
    return Image(request.param, json.dumps(document).encode(), blobs)


def test_a_cache_whose_blobs_are_there_is_taken(store: Store, cache: Image) -> None:
    """It comes back as it was, by registry:2's rule and the image-spec's: children of any type are no error."""
    push_image(store, REPOSITORY, cache)
    assert store.manifests.fetch(REPOSITORY, "1.0").body == cache.body


def test_a_cache_that_lacks_a_blob_is_refused(store: Store, cache: Image) -> None:
    """The missing one is named; that another repository has it does not count."""
    for blob in cache.blobs[:-1]:
        push_blob(store, REPOSITORY, blob)
    push_blob(store, "acme/other", cache.blobs[-1])
    with pytest.raises(ManifestBlobUnknown) as refused:
        store.manifests.push(REPOSITORY, "1.0", cache.media_type, cache.body)
    assert str(Digest.of(cache.blobs[-1])) in str(refused.value.detail)


def test_a_cache_is_whole_as_long_as_it_has_its_tag(driver: Driver, store: Store, cache: Image) -> None:
    """Nothing is missed by a scrub, nothing of it is garbage; without its tag all of it is."""
    push_image(store, REPOSITORY, cache)
    options = Options(delete_untagged=True, stale_before=LATER, used_since=LATER)
    assert list(Scrub(driver, LATER).findings()) == []
    collect(driver, options, lambda _: None, dry_run=False)
    assert all(store.blobs.exists(REPOSITORY, Digest.of(blob)) for blob in cache.blobs)
    store.manifests.delete(REPOSITORY, "1.0")
    assert len(collect(driver, options, lambda _: None, dry_run=False).blobs) == len(cache.blobs) + 1
