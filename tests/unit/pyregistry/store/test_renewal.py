"""What clients are told of is marked as used: that is what garbage collection beside a server goes by."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from pyregistry.drivers.interface import DriverError
from pyregistry.drivers.memory import MemoryDriver
from pyregistry.spec.digest import Digest
from pyregistry.store import paths
from pyregistry.store.interface import Store
from pyregistry.store.registry import open_store
from tests.fakes.drivers import FailingDriver
from tests.fakes.pushes import an_image, an_index, push_blob, push_image

REPOSITORY = "acme/app"
GRACE = timedelta(hours=1)
IMAGE, OTHER = an_image("image"), an_image("other")
INDEX = an_index(IMAGE)
LAYER = Digest.of(IMAGE.blobs[-1])


class Clock:
    """Stands until it is set."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The store's and the driver's."""
    return Clock()


@pytest.fixture
def driver(clock: Clock) -> MemoryDriver:
    """A driver that stamps with it."""
    return MemoryDriver(clock)


@pytest.fixture
def store(driver: MemoryDriver, clock: Clock) -> Store:
    """An image, an index of it and another image, pushed a year ago."""
    store = open_store(driver, GRACE, clock)
    push_image(store, REPOSITORY, IMAGE, IMAGE.digest)
    push_image(store, REPOSITORY, INDEX, "index")
    push_image(store, REPOSITORY, OTHER, "other")
    clock.now += timedelta(days=365)
    return store


def touched(driver: MemoryDriver, clock: Clock) -> set[str]:
    """Links that are marked as used just now."""
    return {key for key in driver.keys("") if key.endswith("/link") and driver.stat(key).modified_at >= clock.now}


def layer(blob: bytes) -> str:
    """Its link."""
    return paths.layer_link(REPOSITORY, Digest.of(blob))


def revision(digest: Digest) -> str:
    """Its link."""
    return paths.revision_link(REPOSITORY, digest)


TOLD: list[tuple[Callable[[Store], object], set[str]]] = [
    (lambda store: store.blobs.stat(REPOSITORY, LAYER), {layer(IMAGE.blobs[-1])}),
    (lambda store: store.blobs.fetch(REPOSITORY, LAYER), {layer(IMAGE.blobs[-1])}),
    (lambda store: store.blobs.mount("new", LAYER, REPOSITORY), {paths.layer_link("new", LAYER)}),
    (lambda store: store.manifests.fetch(REPOSITORY, IMAGE.digest), {revision(IMAGE.digest)}),
    (lambda store: store.manifests.fetch(REPOSITORY, "index"), set()),
    (lambda store: store.manifests.delete(REPOSITORY, "other"), {revision(OTHER.digest)}),
    (lambda store: store.manifests.delete(REPOSITORY, INDEX.digest), {revision(IMAGE.digest), revision(INDEX.digest)}),
    (lambda store: store.manifests.delete(REPOSITORY, IMAGE.digest), set(map(layer, IMAGE.blobs))),
]


@pytest.mark.parametrize(("ask", "wanted"), TOLD)
def test_what_is_told_is_marked(
    ask: Callable[[Store], object], wanted: set[str], store: Store, driver: MemoryDriver, clock: Clock
) -> None:
    """By every answer that a client may build on, and nothing else is; what a tag leads to needs no mark."""
    ask(store)
    assert touched(driver, clock) == {key for key in wanted if key in set(driver.keys(""))}


def test_a_push_marks_what_it_names(store: Store, driver: MemoryDriver, clock: Clock) -> None:
    """And what the tag leaves behind."""
    store.manifests.push(REPOSITORY, "other", IMAGE.media_type, IMAGE.body)
    assert {revision(OTHER.digest), revision(IMAGE.digest), *map(layer, IMAGE.blobs)} <= touched(driver, clock)
    clock.now += GRACE
    store.manifests.push(REPOSITORY, "other", INDEX.media_type, INDEX.body)
    assert {revision(INDEX.digest), revision(IMAGE.digest)} <= touched(driver, clock)


def test_tagging_marks_what_is_tagged(store: Store, driver: MemoryDriver, clock: Clock) -> None:
    """And what the tag leaves."""
    store.tags.tag(REPOSITORY, "other", IMAGE.digest)
    assert {revision(OTHER.digest), revision(IMAGE.digest)} <= touched(driver, clock)


def test_linking_marks_the_content(store: Store, driver: MemoryDriver, clock: Clock) -> None:
    """By mount, commit and push of a manifest: a collection that has not seen the link sees that."""
    acts: list[tuple[Callable[[], object], Digest]] = [
        (lambda: store.blobs.mount("new", LAYER, REPOSITORY), LAYER),
        (lambda: push_blob(store, "newer", IMAGE.blobs[-1]), LAYER),
        (lambda: store.manifests.push(REPOSITORY, "x", IMAGE.media_type, IMAGE.body), IMAGE.digest),
    ]
    for act, digest in acts:
        clock.now += GRACE
        before = driver.identify(paths.blob_data(digest))
        act()
        assert driver.identify(paths.blob_data(digest)) != before
        assert driver.stat(paths.blob_data(digest)).modified_at >= clock.now


def test_a_link_is_marked_once_in_half_of_the_grace(store: Store, driver: MemoryDriver, clock: Clock) -> None:
    """Reading is not writing."""
    key = layer(IMAGE.blobs[-1])
    store.blobs.stat(REPOSITORY, LAYER)
    marked = driver.identify(key)
    clock.now += GRACE / 2
    store.blobs.stat(REPOSITORY, LAYER)
    assert driver.identify(key) == marked
    clock.now += timedelta.resolution
    store.blobs.stat(REPOSITORY, LAYER)
    assert driver.identify(key) != marked


@pytest.mark.parametrize("verb", ["touch", "lock"])
def test_a_medium_that_takes_no_marks_is_read(store: Store, driver: MemoryDriver, clock: Clock, verb: str) -> None:
    """A read-only mount serves."""
    reading = open_store(FailingDriver(driver, verb, error=DriverError), GRACE, clock)
    assert reading.blobs.stat(REPOSITORY, LAYER).digest == LAYER
    assert reading.manifests.fetch(REPOSITORY, IMAGE.digest).body == IMAGE.body
    assert store.blobs.stat(REPOSITORY, LAYER).digest == LAYER
