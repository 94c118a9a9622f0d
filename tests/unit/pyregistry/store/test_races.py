"""Garbage collection beside those who push, tag, ask and delete, a call of the driver at a time, in any order.

The promise of decision record 9: what a tag leads to is never lost, whatever the clock says; and beside a server
nothing is lost that a client has been told of within the grace.
"""

import os
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyregistry.drivers.interface import Driver
from pyregistry.drivers.memory import MemoryDriver
from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import BlobUnknown, BlobUploadUnknown, ManifestBlobUnknown, ManifestUnknown, RangeInvalid
from pyregistry.spec.media_types import OCI_MANIFEST
from pyregistry.store import inventory, manifests, paths
from pyregistry.store.gc import collect
from pyregistry.store.graph import reach, read_contents
from pyregistry.store.interface import Store
from pyregistry.store.locks import announce_serving
from pyregistry.store.plan import Options
from pyregistry.store.registry import open_store
from tests.fakes.interleaving import Stage, SteppedDriver
from tests.fakes.pushes import Image, an_image, an_index, append, push_blob
from tests.tools import NOTHING_SKIPPED

LONG_AGO, NOW = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 10, tzinfo=UTC)
USED_SINCE = datetime(2026, 1, 5, tzinfo=UTC)
GRACE = timedelta(days=1)
HERE, THERE = "here", "there"

KEPT, LEFT = an_image("kept"), an_image("left")
CHILD, TWIN = an_image("child"), an_image("twin")
INDEX = an_index(CHILD, TWIN)
SIGNATURE = an_image("sig", subject={"mediaType": OCI_MANIFEST, "digest": str(CHILD.digest), "size": len(CHILD.body)})
DELETED, FRESH = an_image("deleted"), an_image("fresh")
OVER = an_index(INDEX, FRESH)
NEW_INDEX = an_index(CHILD)
NOTHING = an_index()
_ALL = (KEPT, LEFT, CHILD, TWIN, INDEX, SIGNATURE, DELETED, FRESH, OVER, NEW_INDEX, NOTHING)
IMAGES = {image.digest: image for image in _ALL}
LOOSE = b"a blob that no manifest names"
YOUNG = b"one that was pushed a moment ago"

PULL_LOST = "the pull of {} broke off"


class Clock:
    """Stands until it is set."""

    def __init__(self) -> None:
        self.now = LONG_AGO

    def __call__(self) -> datetime:
        """The time."""
        return self.now


class World:
    """A store of long ago, with garbage in it, and what is promised of it.

    Args:
        served: Whether a registry has announced itself. Where none has, what is young is no better than what is old,
            and only what a tag leads to is promised.
    """

    def __init__(self, *, served: bool) -> None:
        self._clock = Clock()
        self._stage = Stage()
        self._serving = ExitStack()
        self.is_served = served
        self.raw: Driver = MemoryDriver(self._clock)
        stepped: Driver = SteppedDriver(self.raw, self._stage)
        self.store: Store = open_store(stepped, GRACE, self._clock)
        self._driver = stepped
        self._promised: dict[str, set[tuple[str, Digest]]] = {}
        self._told: set[tuple[str, Digest]] = set()
        for image, tag in ((KEPT, "kept"), (LEFT, "left")):
            self._put(image, tag)
        for image in (CHILD, TWIN, INDEX, SIGNATURE, DELETED):
            self._put(image, None)
        push_blob(self.store, HERE, LOOSE)
        self._upload = self.store.uploads.create(HERE).uuid
        self._resumed_bytes = 0
        self._clock.now = NOW

    def play(self, acts: Iterable[Callable[["World"], None]], changes: Iterable[int]) -> int:
        """A collection and those acts beside it."""
        acting = [lambda act=act: act(self) for act in acts]
        if not self.is_served:
            return self._stage.play([self.collect, *acting], changes)
        with announce_serving(self._driver):
            return self._stage.play([self.collect, *acting], changes)

    def collect(self) -> None:
        """Also what no tag leads to."""
        collect(
            self._driver,
            Options(delete_untagged=True, stale_before=USED_SINCE, used_since=USED_SINCE),
            lambda _: None,
            dry_run=False,
        )

    def require_promises(self) -> None:
        """After this collection, and after another one that nobody disturbs."""
        for _ in range(2):
            for repository, digest in set().union(*self._promised.values()):
                self._require_manifest(repository, digest)
            for repository, digest in self._told:
                if digest in IMAGES:
                    self._require_manifest(repository, digest)
                else:
                    self._require_blob(repository, digest)
            for repository in (HERE, THERE):
                for tag, target in inventory.tags(self.raw, repository):
                    assert target is not None, tag
                    self._require_manifest(repository, target)
            if self._resumed_bytes:
                assert open_store(self.raw).uploads.session(HERE, self._upload).offset == self._resumed_bytes
            if self.is_served:
                with announce_serving(self._driver):
                    self.collect()
            else:
                self.collect()

    def serve(self) -> None:
        """From now on."""
        self._serving.enter_context(announce_serving(self._driver))
        self.is_served = True

    def resume(self) -> None:
        """Go on with an upload of long ago, unless it is gone, or being looked at."""
        with suppress(BlobUploadUnknown, RangeInvalid):
            append(self.store, HERE, self._upload, b"more")
            self._resumed_bytes += len(b"more")

    def require_nothing_else(self) -> None:
        """Once nobody serves any more, exactly what tags lead to is left."""
        self.collect()
        alive: set[Digest] = set()
        for repository in (HERE, THERE):
            for digest in self._led_to(
                repository, [target for _, target in inventory.tags(self.raw, repository) if target]
            ):
                alive |= {digest, *read_contents(IMAGES[digest].body).parts}
        assert {digest for _, digest in inventory.blobs(self.raw)} == alive

    def push(self, image: Image, tag: str, repository: str = HERE) -> None:
        """As clients do it: what is there is not sent again; what went missing meanwhile is."""
        for _ in range(3):
            for blob in image.blobs:
                if not self._has(repository, Digest.of(blob)):
                    push_blob(self.store, repository, blob, chunk=1 << 20)
                    self.tell(repository, Digest.of(blob))
            with suppress(ManifestBlobUnknown):
                self.store.manifests.push(repository, tag, image.media_type, image.body)
                self.promise(repository, tag, image.digest)
                return

    def tag(self, digest: Digest, tag: str) -> None:
        """A manifest that is there, if it still is."""
        with suppress(ManifestUnknown):
            self.store.tags.tag(HERE, tag, digest)
            self.promise(HERE, tag, digest)

    def untag(self, tag: str) -> None:
        """Beside a server, whoever was told of it may still go on with it."""
        if not self.is_served:
            self._promised.pop(f"{HERE}:{tag}", None)
        with suppress(ManifestUnknown):
            self.store.manifests.delete(HERE, tag)

    def ask_blob(self, blob: bytes) -> None:
        """HEAD."""
        self._has(HERE, Digest.of(blob))

    def ask_manifest(self, image: Image) -> None:
        """GET by digest."""
        with suppress(ManifestUnknown):
            self.store.manifests.fetch(HERE, image.digest)
            self.tell(HERE, image.digest)

    def pull(self, reference: str | Digest) -> None:
        """Beside a server, who got the manifest gets its blobs, whatever becomes of it meanwhile."""
        try:
            found = self.store.manifests.fetch(HERE, reference)
        except ManifestUnknown:
            return
        for blob in IMAGES[found.descriptor.digest].blobs:
            try:
                self.store.blobs.fetch(HERE, Digest.of(blob)).close()
            except BlobUnknown:
                assert not self.is_served, PULL_LOST.format(reference)

    def mount(self, blob: bytes) -> bool:
        """Into another repository; whether it was there to be mounted."""
        try:
            self.store.blobs.mount(THERE, Digest.of(blob), HERE)
        except BlobUnknown:
            return False
        self.tell(THERE, Digest.of(blob))
        return True

    def tell(self, repository: str, digest: Digest) -> None:
        """A client has been told of it."""
        if self.is_served:
            self._told.add((repository, digest))

    def promise(self, repository: str, tag: str, digest: Digest) -> None:
        """Whatever a tag leads to at this moment, referrers included."""
        self._promised[f"{repository}:{tag}"] = {(repository, each) for each in self._led_to(repository, [digest])}

    def _put(self, image: Image, tag: str | None) -> None:
        for blob in image.blobs:
            push_blob(self.store, HERE, blob, chunk=1 << 20)
        self.store.manifests.push(HERE, tag or image.digest, image.media_type, image.body)
        if tag:
            self.promise(HERE, tag, image.digest)

    def _has(self, repository: str, digest: Digest) -> bool:
        try:
            self.store.blobs.stat(repository, digest)
        except BlobUnknown:
            return False
        self.tell(repository, digest)
        return True

    def _led_to(self, repository: str, roots: list[Digest]) -> set[Digest]:
        """Read past the stage, at one moment."""
        here = {link.named for link in inventory.revisions(self.raw, repository)}
        return reach({digest: read_contents(IMAGES[digest].body).edges for digest in here}, roots)

    def _require_manifest(self, repository: str, digest: Digest) -> None:
        image, store = IMAGES[digest], open_store(self.raw)
        assert store.manifests.fetch(repository, digest).body == image.body
        for blob in image.blobs:
            self._require_blob(repository, Digest.of(blob))
        for child in read_contents(image.body).edges.children:
            self._require_manifest(repository, child)

    def _require_blob(self, repository: str, digest: Digest) -> None:
        with self.raw.open(paths.blob_data(digest)) as reader:
            assert Digest.of(reader.read()) == digest
        assert open_store(self.raw).blobs.exists(repository, digest)


def push_what_is_new(world: World) -> None:
    """Beside a layer that all images share."""
    world.push(FRESH, "mine")


def push_what_is_garbage(world: World) -> None:
    """All its blobs are there, so nothing is sent but the manifest."""
    world.push(CHILD, "mine")


def push_an_index_of_garbage(world: World) -> None:
    """Its children are there, and nobody names them any more."""
    with suppress(ManifestBlobUnknown):
        world.store.manifests.push(HERE, "mine", INDEX.media_type, INDEX.body)
        world.promise(HERE, "mine", INDEX.digest)


def push_a_new_index_of_garbage(world: World) -> None:
    """What it names is marked as used, and what that names is found."""
    with suppress(ManifestBlobUnknown):
        world.store.manifests.push(HERE, "mine", NEW_INDEX.media_type, NEW_INDEX.body)
        world.promise(HERE, "mine", NEW_INDEX.digest)


def push_an_index_above(world: World) -> None:
    """An index of an index of garbage, and of an image that is pushed first."""
    world.push(FRESH, "first")
    with suppress(ManifestBlobUnknown):
        world.store.manifests.push(HERE, "mine", OVER.media_type, OVER.body)
        world.promise(HERE, "mine", OVER.digest)


def tag_garbage(world: World) -> None:
    """A manifest that has a signature."""
    world.tag(CHILD.digest, "mine")


def tag_an_index(world: World) -> None:
    """With children, of which one has a signature."""
    world.tag(INDEX.digest, "mine")


def move_a_tag(world: World) -> None:
    """From one image to another one."""
    world.push(KEPT, "left")


def delete_a_tag(world: World) -> None:
    """Of an image that somebody may be pulling."""
    world.untag("left")


def delete_a_manifest(world: World) -> None:
    """That shares a layer with all others."""
    with suppress(ManifestUnknown):
        world.store.manifests.delete(HERE, DELETED.digest)


def ask(world: World) -> None:
    """For a blob and a manifest that nobody names."""
    world.ask_blob(LOOSE)
    world.ask_manifest(TWIN)


def pull_what_moves(world: World) -> None:
    """By a tag that others move and delete."""
    world.pull("left")


def pull_what_is_deleted(world: World) -> None:
    """By its digest."""
    world.pull(DELETED.digest)


def mount_and_push(world: World) -> None:
    """Blobs of garbage, into a repository that is not there yet."""
    mounted = [world.mount(blob) for blob in CHILD.blobs]
    if all(mounted):
        world.push(CHILD, "mine", THERE)


def push_elsewhere(world: World) -> None:
    """Into a repository that is not there yet, content that is garbage here."""
    world.push(TWIN, "mine", THERE)


def push_what_names_nothing(world: World) -> None:
    """Into a repository that is not there yet, so that no collection waits for it."""
    world.push(NOTHING, "mine", THERE)


def resume_an_upload(world: World) -> None:
    """That nobody has come back to for so long that it is garbage."""
    world.resume()


ACTS: list[Callable[[World], None]] = [
    push_what_is_new,
    push_what_is_garbage,
    push_an_index_of_garbage,
    push_a_new_index_of_garbage,
    push_an_index_above,
    tag_garbage,
    tag_an_index,
    move_a_tag,
    delete_a_tag,
    delete_a_manifest,
    ask,
    pull_what_moves,
    pull_what_is_deleted,
    mount_and_push,
    push_elsewhere,
    push_what_names_nothing,
    resume_an_upload,
]

STRIDE = 7 if os.environ.get(NOTHING_SKIPPED) == "1" else 53
"""Of the moments at which somebody is held up; a collection and an act have some 400."""

MOMENTS = st.integers(0, 450)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    served=st.booleans(),
    acts=st.lists(st.sampled_from(ACTS), min_size=1, max_size=2),
    changes=st.lists(MOMENTS, max_size=5) | st.lists(MOMENTS, max_size=4).map(lambda changes: [0, *changes]),
)
def test_nothing_promised_is_lost(
    served: bool,  # noqa: FBT001  Hypothesis
    acts: list[Callable[[World], None]],
    changes: list[int],
) -> None:
    """In any order of calls; and in the end, with nobody there, nothing is left but what tags lead to."""
    require_kept(World(served=served), acts, changes)


PLAYS: list[list[Callable[[World], None]]] = [
    *([act] for act in ACTS),
    [pull_what_moves, move_a_tag],
    [pull_what_moves, delete_a_tag],
    [pull_what_is_deleted, delete_a_manifest],
]


@pytest.mark.parametrize("served", [False, True])
@pytest.mark.parametrize("acts", PLAYS)
def test_nobody_is_hit_in_any_pause(acts: list[Callable[[World], None]], served: bool) -> None:  # noqa: FBT001  pytest
    """The acts come and go while the collection is held up, and the collection while the first of them is."""
    turns = World(served=served).play(acts, [])
    for turn in range(1 + PLAYS.index(acts) % STRIDE, turns, STRIDE):
        require_kept(World(served=served), acts, [turn])
        require_kept(World(served=served), acts, [0, turn])


def require_kept(world: World, acts: Iterable[Callable[[World], None]], changes: Iterable[int]) -> None:
    """Play, and prove what was promised."""
    world.play(acts, changes)
    world.require_promises()
    if not world.is_served:
        world.require_nothing_else()


def serve_and_ask(world: World) -> None:
    """A server starts, and tells of a blob that is too young to be marked again."""
    world.serve()
    world.ask_blob(YOUNG)


def test_a_server_may_start_beside_a_collection() -> None:
    """That began when nobody served, and takes what is young as well: from then on it does not."""
    seen = set()
    for turn in range(0, World(served=False).play([serve_and_ask], []), 1 + STRIDE // 8):
        for changes in ([turn], [0, turn]):
            world = World(served=False)
            push_blob(world.store, HERE, YOUNG)
            world.play([serve_and_ask], changes)
            world.require_promises()
            seen.add(open_store(world.raw).blobs.exists(HERE, Digest.of(YOUNG)))
    assert seen == {True, False}


def test_a_fault_is_found() -> None:
    """Links that are only looked at, and not marked, do not keep what a new index names: this game can be lost."""
    with patch.object(manifests, "touch_link"), pytest.raises(ManifestUnknown):
        hold_up_everywhere(push_a_new_index_of_garbage)


def hold_up_everywhere(act: Callable[[World], None]) -> None:
    """The act comes and goes after each call of a collection, one world each."""
    for turn in range(400):
        require_kept(World(served=False), [act], [turn])
