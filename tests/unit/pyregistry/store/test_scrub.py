"""Scrub: every kind of damage is found by name, damaged content makes room for a push that mends it."""

import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import pytest

from pyregistry.drivers.filesystem import FilesystemDriver
from pyregistry.drivers.interface import Driver, DriverError
from pyregistry.drivers.memory import MemoryDriver
from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import BlobUnknown
from pyregistry.spec.media_types import OCI_LAYER
from pyregistry.store import paths
from pyregistry.store.interface import Store
from pyregistry.store.locks import StoreInUse, StoreUnknown
from pyregistry.store.registry import open_store
from pyregistry.store.scrub import Finding, Kind, Progress, Scrub
from tests.fakes.drivers import FailingDriver
from tests.fakes.interleaving import Stage, SteppedDriver
from tests.fakes.pushes import an_image, an_index, described, push_blob, push_image

REPOSITORY = "acme/app"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
IMAGE = an_image()
LAYER = Digest.of(IMAGE.blobs[1])
MIB = 1 << 20


class Clock:
    """The driver's."""

    now = NOW - timedelta(days=1)

    def __call__(self) -> datetime:
        """Before the scrub, until it is set."""
        return self.now


@pytest.fixture
def driver() -> Driver:
    """A whole store: an index of two images, and sha512 content."""
    return a_store(Clock())


def a_store(clock: Clock) -> Driver:
    """Filled a day before it is scrubbed."""
    driver = MemoryDriver(clock)
    store = open_store(driver)
    for image in (IMAGE, an_image("other")):
        push_image(store, REPOSITORY, image, image.digest)
    push_image(store, REPOSITORY, an_index(IMAGE, an_image("other")), "1.0")
    push_blob(store, REPOSITORY, b"long", "sha512")
    return driver


@pytest.fixture
def store(driver: Driver) -> Store:
    """Who serves it."""
    return open_store(driver)


def scrub(driver: Driver) -> list[Finding]:
    """All that is wrong."""
    return list(Scrub(driver, NOW).findings())


def keys(driver: Driver) -> list[str]:
    """All of the store."""
    return list(driver.keys(paths.ROOT))


def test_a_whole_store_is_left_alone(driver: Driver) -> None:
    """Nothing is found, nothing changes, and all of it has been read."""
    before = keys(driver)
    steps: list[int] = []
    scrubbing = Scrub(driver, NOW, lambda progress: steps.append(progress.size))
    assert list(scrubbing.findings()) == []
    assert keys(driver) == before
    contents = [key for key in before if key.endswith("/data")]
    size = sum(driver.stat(key).size for key in contents)
    assert scrubbing.progress == Progress(len(contents), size)
    assert steps[-1] == size


@pytest.mark.parametrize(
    ("content", "kind", "said"),
    [
        (IMAGE.blobs[1][:-1], Kind.TRUNCATED, "expected 18 bytes, got 17"),
        (b"", Kind.TRUNCATED, "expected 18 bytes, got 0"),
        (b"?" + IMAGE.blobs[1][1:], Kind.DAMAGED, "expected content of this digest, got 18 bytes of sha256:"),
        (b"x" * 100, Kind.DAMAGED, "expected content of this digest, got 100 bytes of sha256:"),
    ],
)
def test_damaged_content_goes_and_a_push_mends_it(
    driver: Driver, store: Store, content: bytes, kind: Kind, said: str
) -> None:
    """It is kept in quarantine, absent to clients, and back after the next push."""
    driver.write(paths.blob_data(LAYER), [content])
    [finding] = scrub(driver)
    assert (finding.kind, finding.name, finding.is_damage) == (kind, str(LAYER), True)
    assert finding.message.startswith(said)
    assert finding.moved_to == f"quarantine/sha256/{LAYER.encoded}.20260102T030405Z"
    with driver.open(finding.moved_to) as reader:
        assert reader.read() == content
    assert not store.blobs.exists(REPOSITORY, LAYER)
    with pytest.raises(BlobUnknown):
        store.blobs.stat(REPOSITORY, LAYER)
    [missing] = [finding for finding in scrub(driver) if finding.is_damage]
    assert missing == Finding(
        Kind.MISSING,
        f"{REPOSITORY}@{LAYER}",
        f"{REPOSITORY}@{IMAGE.digest} needs it: expected {len(IMAGE.blobs[1])} bytes, got none",
    )
    push_blob(store, REPOSITORY, IMAGE.blobs[1])
    assert scrub(driver) == []


def test_a_damaged_manifest(driver: Driver, store: Store) -> None:
    """Told by its index how long it should be."""
    driver.write(paths.blob_data(IMAGE.digest), [IMAGE.body[:100]])
    [finding] = scrub(driver)
    assert (finding.kind, finding.name) == (Kind.TRUNCATED, str(IMAGE.digest))
    names = [(finding.kind, finding.name) for finding in scrub(driver)]
    assert names == [(Kind.MISSING, f"{REPOSITORY}@{IMAGE.digest}")] * 2
    push_image(store, REPOSITORY, IMAGE, IMAGE.digest)
    assert scrub(driver) == []


@pytest.mark.parametrize("content", [b"", b"sha256:abc", str(Digest.of(b"another")).encode()])
def test_damaged_links(driver: Driver, content: bytes) -> None:
    """Empty (registry:2's scar of a crash), no digest, or another's; content behind them stays."""
    for key in (paths.layer_link(REPOSITORY, LAYER), paths.revision_link(REPOSITORY, IMAGE.digest)):
        driver.write(key, [content])
        [finding] = scrub(driver)
        assert (finding.kind, finding.name) == (Kind.DAMAGED, key)
        assert finding.message.startswith(f"expected a digest, got {content[:80]!r}")
        driver.write(key, [str(LAYER if "_layers" in key else IMAGE.digest).encode()])
    assert scrub(driver) == []


def test_tags(driver: Driver) -> None:
    """One without a readable link, and one that points nowhere."""
    driver.write(paths.tag_current_link(REPOSITORY, "empty"), [b""])
    driver.write(paths.tag_current_link(REPOSITORY, "lost"), [str(LAYER).encode()])
    assert [(finding.kind, finding.name) for finding in scrub(driver)] == [
        (Kind.DAMAGED, f"{REPOSITORY}:empty"),
        (Kind.MISSING, f"{REPOSITORY}:lost"),
    ]


def test_missing_parts(driver: Driver, store: Store) -> None:
    """A link that was deleted, a child that was; what lies at other places by its nature is not missed."""
    elsewhere = an_image(
        "windows", layers=[described(b"not here", OCI_LAYER, urls=["https://example.com/layer"])], schemaVersion=2
    )
    push_image(store, REPOSITORY, elsewhere, "windows")
    store.blobs.delete(REPOSITORY, LAYER)
    store.manifests.delete(REPOSITORY, an_image("other").digest)
    damage = {finding.name: finding.kind for finding in scrub(driver) if finding.is_damage}
    assert damage == {
        f"{REPOSITORY}@{LAYER}": Kind.MISSING,
        f"{REPOSITORY}@{an_image('other').digest}": Kind.MISSING,
    }


def test_orphans_are_told_and_harmless(driver: Driver, store: Store) -> None:
    """Content that nobody links to, links to what is gone, and files that are no part of the layout."""
    orphan = push_blob(store, "other", b"orphan")
    driver.delete(paths.layer_link("other", orphan))
    gone = Digest.of(b"gone")
    driver.write(paths.layer_link("other", gone), [str(gone).encode()])
    stray = f"{paths.ROOT}/blobs/sha256/README"
    driver.write(stray, [b"hello"])
    found = scrub(driver)
    assert {finding.name for finding in found} == {str(orphan), paths.layer_link("other", gone), stray}
    assert not any(finding.is_damage for finding in found)
    assert driver.stat(stray)


def test_registry2s_alias_is_proven(driver: Driver) -> None:
    """A link from sha512 to content under sha256 must lead to content of that sha512 digest."""
    right, wrong = Digest.of(IMAGE.blobs[1], "sha512"), Digest.of(b"else", "sha512")
    for digest in (right, wrong):
        driver.write(paths.layer_link(REPOSITORY, digest), [str(LAYER).encode()])
    [finding] = scrub(driver)
    assert (finding.kind, finding.name) == (Kind.DAMAGED, paths.layer_link(REPOSITORY, wrong))


def test_unreadable_content_stays_where_it_is(driver: Driver) -> None:
    """A disk that refuses today may answer tomorrow."""
    failing = _Unreadable(driver, paths.blob_data(LAYER))
    [finding] = scrub(failing)
    assert (finding.kind, finding.name, finding.moved_to) == (Kind.DAMAGED, str(LAYER), None)
    assert "Input/output error" in finding.message
    assert driver.stat(paths.blob_data(LAYER))


class _Unreadable(FailingDriver):
    """A driver that cannot read one key."""

    def __init__(self, driver: Driver, key: str) -> None:
        super().__init__(driver)
        self._key = key

    def open(self, key: str) -> BinaryIO:
        if key == self._key:
            raise DriverError(f"{key}: Input/output error")
        return self._driver.open(key)


def test_memory_is_flat(tmp_path: Path) -> None:
    """A blob of 64 MiB is read in pieces."""
    driver = FilesystemDriver(tmp_path)
    digest = push_blob(open_store(driver), REPOSITORY, bytes(64 * MIB), chunk=8 * MIB)
    tracemalloc.start()
    try:
        assert scrub(driver) == []
        assert tracemalloc.get_traced_memory()[1] < 4 * MIB
    finally:
        tracemalloc.stop()
    assert driver.stat(paths.blob_data(digest)).size == 64 * MIB


def test_it_works_alone(tmp_path: Path) -> None:
    """Not beside a collection, and not on a store that is not there."""
    driver = FilesystemDriver(tmp_path / "root")
    with pytest.raises(StoreUnknown):
        scrub(driver)
    push_image(open_store(driver), REPOSITORY, IMAGE)
    with driver.lock(paths.ROOT, wait=False), pytest.raises(StoreInUse):
        scrub(driver)
    Path(tmp_path, "root", paths.blob_data(LAYER)).write_bytes(b"damaged")
    assert [finding.kind for finding in scrub(driver)] == [Kind.TRUNCATED]
    assert not Path(tmp_path, "root", paths.blob_data(LAYER)).parent.exists()


class Beside:
    """A scrub of a store with a damaged layer, and a client that does something meanwhile."""

    def __init__(self) -> None:
        clock, stage = Clock(), Stage()
        self.raw = a_store(clock)
        self.raw.write(paths.blob_data(LAYER), [b"damaged"])
        clock.now = NOW
        self._stage, self._stepped = stage, SteppedDriver(self.raw, stage)
        self.store = open_store(self._stepped)
        self.found: list[Finding] = []

    def play(self, act: Callable[["Beside"], None], changes: list[int]) -> int:
        """The number of turns."""
        return self._stage.play([self._scrub, lambda: act(self)], changes)

    def _scrub(self) -> None:
        self.found += Scrub(self._stepped, NOW).findings()

    def push_again(self) -> None:
        """What mends the layer."""
        push_blob(self.store, REPOSITORY, IMAGE.blobs[1])

    def push_another(self) -> None:
        """An image that the scrub has never seen."""
        push_image(self.store, "new", an_image("new"))

    def delete(self) -> None:
        """The index, its tag, and what it named."""
        for reference in ("1.0", an_index(IMAGE, an_image("other")).digest, IMAGE.digest):
            self.store.manifests.delete(REPOSITORY, reference)


@pytest.mark.parametrize("act", [Beside.push_again, Beside.push_another, Beside.delete])
def test_it_works_beside_a_server(act: Callable[[Beside], None]) -> None:
    """In every pause of either: what was mended stays mended, and what is new or on its way out is no damage.

    What a client deletes may be shown as an orphan, which it is.
    """
    for turn in range(Beside().play(act, [])):
        for changes in ([turn], [0, turn]):
            beside = Beside()
            beside.play(act, changes)
            named = {finding.name for finding in beside.found if finding.is_damage or act != Beside.delete}
            assert named <= {str(LAYER)}
            if act == Beside.push_again:
                with beside.raw.open(paths.blob_data(LAYER)) as reader:
                    assert reader.read() == IMAGE.blobs[1]
