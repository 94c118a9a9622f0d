"""Garbage collection: exactly what is referred to stays, whatever happens meanwhile."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyregistry.drivers.filesystem import FilesystemDriver
from pyregistry.drivers.interface import Driver
from pyregistry.drivers.memory import MemoryDriver
from pyregistry.spec.digest import Digest
from pyregistry.spec.media_types import OCI_MANIFEST
from pyregistry.store import inventory, paths
from pyregistry.store.gc import collect
from pyregistry.store.graph import Edges, families, parents_first, reach
from pyregistry.store.interface import Store
from pyregistry.store.locks import StoreInUse, StoreUnknown, announce_serving
from pyregistry.store.plan import Options, Plan
from pyregistry.store.registry import open_store
from pyregistry.store.scrub import Scrub
from tests.fakes.disk import Died, Disk
from tests.fakes.drivers import DyingDriver
from tests.fakes.pushes import Image, an_image, an_index, push_blob, push_image
from tests.tools import NOTHING_SKIPPED

REPOSITORY = "acme/app"
REPOSITORIES = (REPOSITORY, "acme/app/tools", "other")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
BODIES = st.sampled_from(("a", "b", "c", "d"))
TAGS = st.sampled_from(("1.0", "latest"))


def run(driver: Driver, *, untagged: bool = True, dry: bool = False, stale_before: datetime = LONG_AGO) -> Plan:
    """Collect and say nothing."""
    return collect(driver, Options(untagged, stale_before, LONG_AGO), lambda _: None, dry_run=dry)


def content(driver: Driver) -> dict[str, bytes]:
    """All keys with their content."""
    return {key: read(driver, key) for key in driver.keys(paths.ROOT)}


def read(driver: Driver, key: str) -> bytes:
    """One key's content."""
    with driver.open(key) as reader:
        return reader.read()


def stored(driver: Driver) -> set[Digest]:
    """Digests of all content."""
    return {digest for _, digest in inventory.blobs(driver) if digest}


def an_artifact(text: str, subject: Digest) -> Image:
    """A manifest that refers to another one."""
    return an_image(f"artifact {text}", subject={"mediaType": OCI_MANIFEST, "digest": str(subject), "size": 7})


@dataclass
class Model:
    """What was pushed where, kept beside the store; it knows nothing of how the store lies."""

    manifests: dict[str, dict[Digest, Image]] = field(default_factory=lambda: {name: {} for name in REPOSITORIES})
    tags: dict[str, dict[str, Digest]] = field(default_factory=lambda: {name: {} for name in REPOSITORIES})
    children: dict[Digest, set[Digest]] = field(default_factory=dict)
    subjects: dict[Digest, Digest] = field(default_factory=dict)

    def living(self, repository: str, *, untagged: bool) -> set[Digest]:
        """By going round until nothing new is found."""
        manifests = self.manifests[repository]
        alive = set(self.tags[repository].values()) if untagged else set(manifests)
        while True:
            more = {child for digest in alive for child in self.children.get(digest, ())}
            more |= {digest for digest in manifests if self.subjects.get(digest) in alive}
            if (more & set(manifests)) <= alive:
                return alive
            alive |= more & set(manifests)

    def bytes_alive(self, *, untagged: bool) -> set[Digest]:
        """Digests of all that has to be there."""
        return set().union(*(self.needed(name, untagged=untagged) for name in REPOSITORIES))

    def needed(self, repository: str, *, untagged: bool) -> set[Digest]:
        """Those that a repository needs."""
        alive: set[Digest] = set()
        for digest in self.living(repository, untagged=untagged):
            image = self.manifests[repository][digest]
            alive |= {digest, *map(Digest.of, image.blobs), *self.children.get(digest, ())}
        return alive


class Pushes:
    """Random pushes and deletes, done to a store and to its model."""

    def __init__(self, data: st.DataObject, store: Store) -> None:
        self._draw = data.draw
        self._store = store
        self.model = Model()

    def step(self) -> None:
        """Any one."""
        repository = self._draw(st.sampled_from(REPOSITORIES))
        act = self._draw(st.sampled_from((self.image, self.index, self.artifact, self.forget, self.blob)))
        act(repository)

    def image(self, repository: str) -> None:
        """An image, of few kinds, so that repositories share them."""
        self._push(repository, an_image(self._draw(BODIES)))

    def index(self, repository: str) -> None:
        """An index of manifests, indexes too, that the repository has."""
        known = list(self.model.manifests[repository].values())
        if known:
            chosen = self._draw(st.lists(st.sampled_from(known), min_size=1, max_size=3))
            image = an_index(*chosen)
            self.model.children[image.digest] = {child.digest for child in chosen}
            self._push(repository, image)

    def artifact(self, repository: str) -> None:
        """An artifact whose subject may be here, elsewhere, or nowhere."""
        known = [image for each in self.model.manifests.values() for image in each.values()]
        subject = self._draw(st.sampled_from([Digest.of(b"never pushed"), *(image.digest for image in known)]))
        image = an_artifact(self._draw(BODIES), subject)
        self.model.subjects[image.digest] = subject
        self._push(repository, image)

    def forget(self, repository: str) -> None:
        """A delete of a tag or of a manifest."""
        tags, manifests = self.model.tags[repository], self.model.manifests[repository]
        choices = [*sorted(tags), None]
        tag = self._draw(st.sampled_from(choices))
        if tag is not None:
            self._store.manifests.delete(repository, tag)
            del tags[tag]
        elif manifests:
            digest = self._draw(st.sampled_from(sorted(manifests)))
            self._store.manifests.delete(repository, digest)
            del manifests[digest]
            self.model.tags[repository] = {tag: target for tag, target in tags.items() if target != digest}

    def blob(self, repository: str) -> None:
        """A blob that no manifest names yet, or ever."""
        push_blob(self._store, repository, b"blob " + self._draw(BODIES).encode(), chunk=1 << 20)

    def _push(self, repository: str, image: Image) -> None:
        tag = self._draw(st.none() | TAGS)
        for blob in image.blobs:
            push_blob(self._store, repository, blob, chunk=1 << 20)
        self._store.manifests.push(repository, tag or image.digest, image.media_type, image.body)
        self.model.manifests[repository][image.digest] = image
        if tag:
            self.model.tags[repository][tag] = image.digest


@settings(max_examples=150, deadline=None)
@given(data=st.data(), untagged=st.booleans())
def test_exactly_what_is_referred_to_stays(data: st.DataObject, untagged: bool) -> None:  # noqa: FBT001  Hypothesis
    """Content, revisions and layer links, in every store; all of it is served; a second run finds nothing."""
    driver = MemoryDriver()
    pushes = Pushes(data, open_store(driver))
    for _ in range(data.draw(st.integers(1, 14))):
        pushes.step()
    if not content(driver):
        return
    linked = {name: {link.named for link in inventory.layers(driver, name)} for name in REPOSITORIES}
    before = stored(driver)
    plan = run(driver, untagged=untagged)
    alive = pushes.model.bytes_alive(untagged=untagged)
    assert stored(driver) == alive & before
    for name in REPOSITORIES:
        needed = pushes.model.needed(name, untagged=untagged)
        assert {link.named for link in inventory.layers(driver, name)} == linked[name] & needed
        revisions = {link.named for link in inventory.revisions(driver, name)}
        assert revisions == pushes.model.living(name, untagged=untagged)
        serves_all(open_store(driver), name, [pushes.model.manifests[name][digest] for digest in revisions])
        assert dict(inventory.tags(driver, name)) == pushes.model.tags[name]
        history = {digest for _, digest in inventory.tag_history(driver, name)}
        assert history.isdisjoint(digest for repository, digest in plan.manifests if repository == name)
    assert {digest for digest, _ in plan.blobs} == before - alive
    if not content(driver):  # where there are no folders, an emptied store is none
        return
    again = run(driver, untagged=untagged)
    assert (again.size, again.blobs, again.manifests, again.layers, again.history) == (0, [], [], [], [])


def serves_all(store: Store, repository: str, images: Sequence[Image]) -> None:
    """Each manifest, and the blobs that it names."""
    for image in images:
        assert store.manifests.fetch(repository, image.digest).body == image.body
        for blob in image.blobs:
            with store.blobs.fetch(repository, Digest.of(blob)) as reader:
                assert reader.read() == blob


KEPT = [an_image("amd64"), an_image("arm64")]
INDEX = an_index(an_index(*KEPT))
SIGNATURE = an_artifact("signature", INDEX.digest)
STATEMENT = an_artifact("statement", SIGNATURE.digest)
LIVING = [*KEPT, an_index(*KEPT), INDEX, SIGNATURE, STATEMENT]
DEAD = [an_image("old"), an_index(an_image("old")), an_artifact("of the dead", an_image("old").digest)]


def a_lived_in_store(driver: Driver) -> Store:
    """A tag on nested indexes with signatures, beside what is dead; a blob of the living in another repository."""
    store = open_store(driver)
    for image in (*LIVING, *DEAD):
        push_image(store, REPOSITORY, image, image.digest)
    push_image(store, REPOSITORY, DEAD[1], "1.0")
    push_image(store, REPOSITORY, INDEX, "1.0")
    push_image(store, "other", an_image("amd64"), "1.0")
    push_blob(store, "other", b"forgotten")
    store.uploads.create("begun/only")
    return store


STRIDE = 1 if os.environ.get(NOTHING_SKIPPED) == "1" else 7
"""Of the changes of the disk; a collection of this store makes some hundred and fifty."""

TOMORROW = datetime.now(UTC) + timedelta(days=1)


def run_beside(driver: Driver, served: Driver | None) -> Plan:
    """Collect all that is garbage, whether a registry has announced itself or not: nothing is young tomorrow."""
    options = Options(delete_untagged=True, stale_before=TOMORROW, used_since=TOMORROW)
    with announce_serving(served) if served else nullcontext():
        return collect(driver, options, lambda _: None, dry_run=False)


def deaths_in_memory(_: Path, *, served: bool) -> Iterator[Driver]:
    """A collection killed at its first, second, … change; what is left."""
    for dies_at in count(1):
        driver = MemoryDriver()
        a_lived_in_store(driver)
        try:
            run_beside(DyingDriver(driver, dies_at), driver if served else None)
        except Died:
            yield driver
        else:
            assert dies_at > 10
            return


def deaths_on_disk(folder: Path, *, served: bool) -> Iterator[Driver]:
    """At the first, second, … system call that changes the disk."""
    with Disk():
        a_lived_in_store(FilesystemDriver(folder / "whole"))
    for dies_at in count(1, STRIDE):
        root = shutil.copytree(folder / "whole", folder / str(dies_at))
        driver = FilesystemDriver(root)
        with Disk(dies_at=dies_at) as disk:
            try:
                run_beside(driver, FilesystemDriver(root) if served else None)
            except Died:
                assert disk.dead
        if not disk.dead:
            assert dies_at > 10
            return
        yield driver
        shutil.rmtree(root)


@pytest.mark.parametrize("served", [False, True])
@pytest.mark.parametrize("deaths", [deaths_in_memory, deaths_on_disk])
def test_killed_at_any_moment(
    deaths: Callable[..., Iterator[Driver]],
    served: bool,  # noqa: FBT001  pytest
    tmp_path: Path,
) -> None:
    """All that lives is served, nothing that is served lacks a part, and a second run leaves what one run leaves."""
    undisturbed = MemoryDriver()
    a_lived_in_store(undisturbed)
    run_beside(undisturbed, None)
    wanted = content(undisturbed)
    for driver in deaths(tmp_path, served=served):
        store = open_store(driver)
        serves_all(store, REPOSITORY, LIVING)
        served_still = {link.named for link in inventory.revisions(driver, REPOSITORY)}
        serves_all(store, REPOSITORY, [image for image in DEAD if image.digest in served_still])
        assert DEAD[1].digest not in served_still or DEAD[0].digest in served_still
        for link in inventory.layers(driver, "other"):
            assert store.blobs.exists("other", link.named)
        assert not [found for found in Scrub(driver, TOMORROW).findings() if found.is_damage]
        with Disk():
            run_beside(driver, None)
        assert content(driver) == wanted


def test_what_is_young_is_not_even_planned() -> None:
    """Beside a server a dry run tells what would go, and what is new, or led to by it, would not."""
    driver = MemoryDriver()
    a_lived_in_store(driver)
    options = Options(delete_untagged=True, stale_before=LONG_AGO, used_since=LONG_AGO)
    with announce_serving(driver):
        assert collect(driver, options, lambda _: None, dry_run=True).counts == dict.fromkeys(Plan().counts, 0)
    assert run(driver, dry=True).manifests


def test_emptied_repositories_leave_no_folder(tmp_path: Path) -> None:
    """Nor do those above them; what still holds something, a begun upload, too, is left as it is."""
    driver = FilesystemDriver(tmp_path)
    store = open_store(driver)
    for repository in ("kept/deep", "gone", "gone/deep/down", "half"):
        push_image(store, repository, an_image(), "1.0")
    for repository in ("gone", "gone/deep/down", "half"):
        store.manifests.delete(repository, an_image().digest)
    store.uploads.create("half")
    run(driver)
    assert sorted(inventory.folders(driver)) == ["half", "kept", "kept/deep"]
    assert list(store.repositories.names()) == ["kept/deep"]


def test_content_that_outlived_its_repositories() -> None:
    """Where a collection was killed between the last link and the first content, the next one takes the content."""
    driver = MemoryDriver()
    driver.write(paths.blob_data(A), [bytes([0])])
    assert [digest for digest, _ in run(driver).blobs] == [A]
    assert content(driver) == {}


def test_a_dry_run_changes_nothing(tmp_path: Path) -> None:
    """Files, folders and times stay; it plans what the real run then does."""
    driver = FilesystemDriver(tmp_path / "root")
    a_lived_in_store(driver)
    later = datetime.now(UTC) + timedelta(days=1)
    before = [(path, path.stat().st_mtime_ns) for path in sorted(tmp_path.rglob("*"))]
    dry = run(driver, dry=True, stale_before=later)
    assert [(path, path.stat().st_mtime_ns) for path in sorted(tmp_path.rglob("*"))] == before
    assert dry == run(driver, stale_before=later)
    assert dry.blobs
    assert dry.manifests
    assert dry.history
    assert dry.layers
    assert dry.uploads


def test_freed_bytes_are_those_on_disk(tmp_path: Path) -> None:
    """Content, uploads and temporary files; link files are too small to count."""
    driver = FilesystemDriver(tmp_path)
    a_lived_in_store(driver)
    (tmp_path / paths.ROOT / f"data.{'0' * 32}.tmp").write_bytes(b"12345")
    before = _data_size(tmp_path)
    plan = run(driver, stale_before=datetime.now(UTC) + timedelta(days=1))
    started_at = len("2026-01-01T00:00:00Z")
    assert plan.size == before - _data_size(tmp_path) + started_at


def _data_size(root: Path) -> int:
    return sum(path.stat().st_size for path in root.rglob("*") if path.name.startswith("data"))


def test_only_old_uploads_and_temporaries_go(tmp_path: Path) -> None:
    """Those written to since stay, ours and registry:3's alike are found, and nothing else that ends so."""
    driver = FilesystemDriver(tmp_path)
    store = open_store(driver)
    push_image(store, REPOSITORY, an_image())
    session = store.uploads.create("only/begun")
    blob = Path(tmp_path, paths.blob_data(an_image().digest)).parent
    ours, v3 = (blob / f"data.{name}.tmp" for name in ("0" * 32, "0b0a0908-0000-4000-8000-000000000000"))
    for path in (ours, v3, blob / "mine.tmp"):
        path.write_bytes(b"half")
    assert not run(driver).temporaries
    assert not run(driver).uploads
    plan = run(driver, stale_before=datetime.now(UTC) + timedelta(days=1))
    assert [(repository, uuid) for repository, uuid, _ in plan.uploads] == [("only/begun", session.uuid)]
    assert sorted(path.name for path in blob.iterdir()) == ["data", "mine.tmp"]
    assert list(inventory.uploads(driver)) == []


class _Locked(FilesystemDriver):
    """Remembers what was locked."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.locked: list[str] = []

    @contextmanager
    def lock(self, prefix: str, *, wait: bool, shared: bool = False) -> Iterator[None]:
        """See ``Locker``."""
        self.locked.append(prefix)
        with super().lock(prefix, wait=wait, shared=shared):
            yield


def test_an_upload_that_began_a_moment_ago_is_not_held(tmp_path: Path) -> None:
    """Planned while it had no file yet, it has some now: a lock, however short, would have its client refused."""
    driver = _Locked(tmp_path)
    push_image(open_store(driver), REPOSITORY, an_image())
    key = paths.upload(REPOSITORY, str(uuid4()))
    (tmp_path / key).mkdir(parents=True)
    driver.locked.clear()

    def begin(line: str) -> None:
        if "upload eligible for deletion" in line:
            driver.write(f"{key}/startedat", [b"2026-01-01T00:00:00Z"])

    options = Options(delete_untagged=True, stale_before=LONG_AGO, used_since=LONG_AGO)
    plan = collect(driver, options, begin, dry_run=False)
    assert plan.uploads == []
    assert key not in driver.locked
    assert driver.stat(f"{key}/startedat")


@pytest.mark.parametrize("damage", [b"", b"half of a man"])
def test_a_damaged_manifest_keeps_its_repository(damage: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """What it named cannot be told, so nothing of its repository goes until it is pushed again; that is said."""
    driver = MemoryDriver()
    store = open_store(driver)
    image = an_image("precious")
    push_image(store, REPOSITORY, image, "1.0")
    push_image(store, REPOSITORY, an_image("untagged"), an_image("untagged").digest)
    push_blob(store, "other", b"garbage elsewhere")
    driver.write(paths.blob_data(image.digest), [damage])
    plan = run(driver)
    assert [digest for digest, _ in plan.blobs] == [Digest.of(b"garbage elsewhere")]
    assert f"no manifest is deleted, since {image.digest} cannot be read" in caplog.text
    push_image(store, REPOSITORY, image, "1.0")
    serves_all(store, REPOSITORY, [image])
    assert [digest for _, digest in run(driver).manifests] == [an_image("untagged").digest]


def test_empty_links_are_reported_and_do_not_stop_it(caplog: pytest.LogCaptureFixture) -> None:
    """registry:2 gives up at them. What their paths name stays as if they were whole; garbage beside them goes."""
    driver = MemoryDriver()
    store = open_store(driver)
    image = an_image()
    push_image(store, REPOSITORY, image, "1.0")
    push_image(store, REPOSITORY, an_image("hidden"), "2")
    push_blob(store, REPOSITORY, b"garbage")
    revision = paths.revision_link(REPOSITORY, image.digest)
    layer = paths.layer_link(REPOSITORY, Digest.of(image.blobs[0]))
    for key in (revision, layer, paths.tag_current_link(REPOSITORY, "2")):
        driver.write(key, [b""])
    assert [digest for digest, _ in run(driver).blobs] == [Digest.of(b"garbage")]
    assert f"{revision}: expected a digest, got b''" in caplog.text
    assert f"{layer}: expected a digest, got b''" in caplog.text
    assert "no manifest is deleted, since tag 2 cannot be read" in caplog.text
    assert Digest.of(an_image("hidden").body) in stored(driver)


def test_sha512() -> None:
    """Content under sha512, and registry:2's alias of it under sha256, stay with the manifest that names them."""
    driver = MemoryDriver()
    store = open_store(driver)
    image = an_image("long", algorithm="sha512")
    for blob in image.blobs[1:]:
        push_blob(store, REPOSITORY, blob, "sha512")
    canonical = push_blob(store, REPOSITORY, image.blobs[0])
    driver.write(paths.layer_link(REPOSITORY, Digest.of(image.blobs[0], "sha512")), [str(canonical).encode()])
    garbage = push_blob(store, REPOSITORY, b"garbage", "sha512")
    digest = Digest.of(image.body, "sha512")
    store.manifests.push(REPOSITORY, digest, image.media_type, image.body)
    assert [dead for dead, _ in run(driver, untagged=False).blobs] == [garbage]
    assert store.manifests.fetch(REPOSITORY, digest).body == image.body
    for blob in image.blobs:
        with store.blobs.fetch(REPOSITORY, Digest.of(blob, "sha512")) as reader:
            assert reader.read() == blob


def test_what_only_another_registry_serves_stays() -> None:
    """A name outside our grammar, and a manifest of a type that we do not know, refer to content as any other."""
    driver = MemoryDriver()
    layer = b"layer of the past"
    old = b'{"schemaVersion": 1, "fsLayers": [{"blobSum": "%s"}]}' % str(Digest.of(layer)).encode()
    for body in (layer, old):
        driver.write(paths.blob_data(Digest.of(body)), [body])
    driver.write(paths.revision_link("UPPER/foo", Digest.of(old)), [str(Digest.of(old)).encode()])
    driver.write(paths.layer_link("UPPER/foo", Digest.of(layer)), [str(Digest.of(layer)).encode()])
    before = content(driver)
    run(driver, untagged=False)
    assert content(driver) == before


def test_one_at_a_time(tmp_path: Path) -> None:
    """A second one is refused at once; a store that is not there is no clean store."""
    driver = FilesystemDriver(tmp_path / "root")
    with pytest.raises(StoreUnknown, match="Path not found: /docker/registry/v2/repositories"):
        run(driver)
    assert list(tmp_path.iterdir()) == []
    push_image(open_store(driver), REPOSITORY, an_image())
    with driver.lock(paths.ROOT, wait=False), pytest.raises(StoreInUse, match="another garbage-collect or scrub"):
        run(driver)


A, B, C, D = (Digest.of(bytes([number])) for number in range(4))


def test_reach() -> None:
    """Down to children, up to referrers, in any order and mixture; not to subjects, which are no part."""
    manifests = {A: Edges((B,)), B: Edges(), C: Edges((D,), subject=B), D: Edges()}
    assert reach(manifests, [A]) == {A, B, C, D}
    assert reach(manifests, [B]) == {B, C, D}
    assert reach(manifests, [C]) == {C, D}
    assert reach(manifests, [Digest.of(b"unknown")]) == set()


def test_parents_first() -> None:
    """No index comes after a child of its own; those that are not chosen do not count."""
    manifests = {A: Edges(), B: Edges((A, D)), C: Edges((B, A)), D: Edges()}
    assert parents_first(manifests, {A, B, C}) == [C, B, A]


def test_families() -> None:
    """Who leads to whom, in either direction and through others, goes together; strangers go apart."""
    manifests = {A: Edges(), B: Edges((A, D)), C: Edges(subject=B), D: Edges()}
    assert list(families(manifests, {A, C, D})) == [[digest] for digest in sorted((A, C, D))]
    (family,) = families(manifests, {A, B, C})
    assert set(family) == {A, B, C}
    assert family.index(B) < family.index(A)
