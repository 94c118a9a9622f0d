"""``kill -9`` at every moment of a push, a move and a delete: nothing half-written is served, all can be redone."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from pyregistry.drivers.filesystem import FilesystemDriver
from pyregistry.drivers.interface import Driver
from pyregistry.drivers.memory import MemoryDriver
from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import ManifestUnknown, NameUnknown
from pyregistry.spec.manifest import parse
from pyregistry.store import paths
from pyregistry.store.interface import Store
from pyregistry.store.links import fetch_link
from pyregistry.store.locks import StoreUnknown
from pyregistry.store.registry import open_store
from pyregistry.store.scrub import Scrub
from tests.fakes.disk import Died, Disk
from tests.fakes.drivers import DyingDriver
from tests.fakes.pushes import Image, an_image, push_blob, push_image

REPOSITORY = "acme/app"
OLD, NEW = an_image("old"), an_image("new")


@dataclass(frozen=True)
class Story:
    """What happens before, and what the process is killed in the middle of."""

    act: Callable[[Store], None]
    before: Callable[[Store], None] = lambda _: None

    def __str__(self) -> str:
        return self.act.__name__


def push(store: Store) -> None:
    """A first push."""
    push_image(store, REPOSITORY, OLD, "1.0")


def push_and_move(store: Store) -> None:
    """A push, and a second one that moves its tag."""
    push_image(store, REPOSITORY, OLD, "1.0")
    push_image(store, REPOSITORY, NEW, "1.0")


def push_under_three_tags(store: Store) -> None:
    """As an exercise asks for."""
    for tag in ("1.0", "1", "latest"):
        push_image(store, REPOSITORY, OLD, tag)


def delete(store: Store) -> None:
    """A tag, then the manifest with its two other tags."""
    store.manifests.delete(REPOSITORY, "latest")
    store.manifests.delete(REPOSITORY, OLD.digest)


def mend(store: Store) -> None:
    """A blob that is there already, as a push that heals does, and a mount of it."""
    digest = push_blob(store, REPOSITORY, OLD.blobs[0])
    store.blobs.mount("acme/other", digest, REPOSITORY)


def push_both(store: Store) -> None:
    """One under a tag, one without."""
    push_image(store, REPOSITORY, OLD, "1.0")
    push_image(store, REPOSITORY, NEW, NEW.digest)


def move_and_delete(store: Store) -> None:
    """The tag, to what is there; then it goes, and leaves images that others may be pulling."""
    store.tags.tag(REPOSITORY, "1.0", NEW.digest)
    store.manifests.delete(REPOSITORY, "1.0")


STORIES = [
    Story(push),
    Story(delete, push_under_three_tags),
    Story(move_and_delete, push_both),
    Story(mend, push),
]


def deaths_on_disk(story: Story, folder: Path) -> Iterator[Driver]:
    """The story killed at its first, second, … system call that changes the disk; a new driver on what is left."""
    for dies_at in count(1):
        root = folder / str(dies_at)
        with Disk():
            story.before(open_store(FilesystemDriver(root)))
        with Disk(dies_at=dies_at) as disk:
            try:
                story.act(open_store(FilesystemDriver(root)))
            except Died:
                assert disk.dead
        if not disk.dead:
            return
        yield FilesystemDriver(root)


def deaths_in_memory(story: Story, _: Path) -> Iterator[Driver]:
    """The story killed at its first, second, … change of a driver whose every verb is atomic."""
    for dies_at in count(1):
        driver = MemoryDriver()
        story.before(open_store(driver))
        try:
            story.act(open_store(DyingDriver(driver, dies_at)))
        except Died:
            yield driver
        else:
            return


@pytest.mark.parametrize("story", STORIES, ids=str)
@pytest.mark.parametrize(("deaths", "at_least"), [(deaths_on_disk, 10), (deaths_in_memory, 4)])
def test_kill_at_every_moment(
    story: Story, deaths: Callable[[Story, Path], Iterator[Driver]], at_least: int, tmp_path: Path
) -> None:
    """After each restart whatever is named is whole; the push is done again and ends as if nothing had been."""
    died = 0
    for driver in deaths(story, tmp_path):
        died += 1
        with Disk():
            store = open_store(driver)
            assert_no_link_dangles(driver)
            assert_nothing_to_scrub(driver)
            assert_whole(store)
            push_and_move(store)
            assert_nothing_to_scrub(driver)
            assert_whole(store)
            assert store.manifests.fetch(REPOSITORY, "1.0").body == NEW.body
            assert store.manifests.fetch(REPOSITORY, OLD.digest).body == OLD.body
    assert died >= at_least


def test_a_tag_points_to_the_old_or_to_the_new(tmp_path: Path) -> None:
    """Killed while it moves, it never points to nothing, and never comes back empty."""
    seen = set()
    for dies_at in count(1):
        driver = FilesystemDriver(tmp_path / str(dies_at))
        with Disk():
            push(open_store(driver))
            for blob in NEW.blobs:
                push_blob(open_store(driver), REPOSITORY, blob)
        with Disk(dies_at=dies_at) as disk:
            try:
                open_store(driver).manifests.push(REPOSITORY, "1.0", NEW.media_type, NEW.body)
            except Died:
                assert disk.dead
        assert_no_link_dangles(driver)
        assert_whole(open_store(driver))
        found = open_store(driver).manifests.fetch(REPOSITORY, "1.0").descriptor.digest
        assert found in {OLD.digest, NEW.digest}
        seen.add(found)
        if not disk.dead:
            assert found == NEW.digest
            break
    assert seen == {OLD.digest, NEW.digest}


def test_a_commit_syncs_what_a_killed_worker_left(tmp_path: Path) -> None:
    """Bytes that were acknowledged by nobody are on the medium before a name leads to them."""
    driver = FilesystemDriver(tmp_path)
    uuid = open_store(driver).uploads.create(REPOSITORY).uuid
    driver.append(paths.upload_data(REPOSITORY, uuid), 0, b"written, not yet synced, then killed")
    with Disk(remembers=True) as disk:
        open_store(driver).uploads.commit(REPOSITORY, uuid, Digest.of(b"written, not yet synced, then killed"))
    assert disk.calls.index(("fsync", "data")) < disk.calls.index(("replace", "data"))


def assert_nothing_to_scrub(driver: Driver) -> None:
    """No damage, that is; what was begun and not finished may be left over."""
    with suppress(StoreUnknown):
        assert not [found for found in Scrub(driver, datetime.now(UTC)).findings() if found.is_damage]


def assert_no_link_dangles(driver: Driver) -> None:
    """Ours would be served as absent; registry:2, started on the same folder, would answer with an error."""
    for key in driver.keys(""):
        if key.endswith("/link"):
            target = fetch_link(driver, key)
            assert target is not None, key
            assert driver.stat(paths.blob_data(target)).size > 0, key


def assert_whole(store: Store) -> None:
    """Every name leads to content of its digest, all parts of every manifest included."""
    for tag in tags(store):
        assert_whole_manifest(store, tag)
    for image in (OLD, NEW):
        assert_whole_blobs(store, image)
        try:
            assert_whole_manifest(store, image.digest)
        except ManifestUnknown:
            continue


def tags(store: Store) -> list[str]:
    """All tags, of a repository that may not be there yet."""
    try:
        return list(store.tags.list(REPOSITORY))
    except NameUnknown:
        return []


def assert_whole_manifest(store: Store, reference: str | Digest) -> None:
    """The manifest is one that was pushed, and its parts can be fetched."""
    found = store.manifests.fetch(REPOSITORY, reference)
    assert found.body in {OLD.body, NEW.body}
    for part in parse(found.body, found.descriptor.media_type).references():
        assert_whole_blob(store, part.digest)


def assert_whole_blobs(store: Store, image: Image) -> None:
    """What the store says it has, it has."""
    for blob in image.blobs:
        if store.blobs.exists(REPOSITORY, Digest.of(blob)):
            assert_whole_blob(store, Digest.of(blob))


def assert_whole_blob(store: Store, digest: Digest) -> None:
    """The content has its digest."""
    with store.blobs.fetch(REPOSITORY, digest) as reader:
        assert Digest.of(reader.read()) == digest
