"""The image store: what skopeo can read, what concurrent processes and broken downloads cannot harm."""

import contextlib
import json
import multiprocessing
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from labs.engine.documents import DocumentInvalid, Manifest, format_index, format_json, format_manifest
from labs.engine.layout import BlobMissing, ImageStore, ImageUnknown, PlatformMissing, StoreError
from labs.engine.reference import InvalidReference, Reference
from pyregistry.spec.descriptor import Descriptor, Platform
from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import DigestInvalid
from pyregistry.spec.media_types import OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST
from tests.tools import require

APP = Reference.parse("ghcr.io/o/r/app:1.0")
OTHER = Reference.parse("ghcr.io/o/r/app:2.0")


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    """A store that nothing was written to."""
    return ImageStore(tmp_path / "engine" / "images")


def add_image(store: ImageStore, word: str = "one") -> Descriptor:
    """An image with one layer, different for each word."""
    layer = store.add(bytes(1024), OCI_LAYER)
    document = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Labels": {"word": word}},
        "rootfs": {"type": "layers", "diff_ids": [str(layer.digest)]},
    }
    config = store.add(format_json(document), OCI_CONFIG)
    return store.add(format_manifest(Manifest(config, (layer,))), OCI_MANIFEST)


def test_an_unused_store_is_empty_and_creates_nothing(store: ImageStore) -> None:
    """``docker images`` on a fresh machine leaves no trace."""
    assert store.images() == []
    assert not store.has(Digest.of(b"x"))
    assert not store.folder.exists()


def test_content_comes_back_under_its_digest(store: ImageStore) -> None:
    """What goes in is found, sized and read again."""
    descriptor = store.ingest([b"ab", b"c"], "text/plain")
    assert (descriptor.digest, descriptor.size) == (Digest.of(b"abc"), 3)
    assert store.size(descriptor.digest) == 3
    with store.open(descriptor.digest) as stream:
        assert stream.read() == b"abc"


def test_content_that_is_not_the_expected_leaves_nothing(store: ImageStore) -> None:
    """A wrong digest is refused, and neither the blob nor a temporary file stays."""
    with pytest.raises(DigestInvalid):
        store.ingest([b"other"], "text/plain", Digest.of(b"expected"))
    assert [path for path in (store.folder / "blobs").rglob("*") if path.is_file()] == []


def test_a_writer_that_breaks_off_leaves_nothing(store: ImageStore) -> None:
    """Half a blob never becomes visible."""

    def chunks() -> Iterator[bytes]:
        yield b"half"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        store.ingest(chunks(), "text/plain")
    assert [path for path in (store.folder / "blobs").rglob("*") if path.is_file()] == []


def test_changed_content_is_noticed(store: ImageStore) -> None:
    """A manifest that was edited on disk is not believed."""
    descriptor = store.add(b"{}", OCI_MANIFEST)
    store.path(descriptor.digest).write_bytes(b"[]")
    with pytest.raises(StoreError, match="no longer"):
        store.read(descriptor.digest)


def test_missing_content_is_named(store: ImageStore) -> None:
    """The digest that is not here stands in the message."""
    digest = Digest.of(b"x")
    for ask in (store.size, store.open, store.read):
        with pytest.raises(BlobMissing, match=str(digest)):
            ask(digest)


def test_an_image_is_found_by_name_id_and_digest(store: ImageStore) -> None:
    """Every way that people name an image on Docker's command line."""
    image = add_image(store)
    store.tag(APP, image)
    config = store.manifest(image).config.digest
    names: list[Reference | str] = [
        APP,
        "ghcr.io/o/r/app:1.0",
        f"ghcr.io/o/r/app@{image.digest}",
        str(config),
        config.encoded[:12],
        str(image.digest),
        image.digest.encoded[:12],
    ]
    assert [store.resolve(name).digest for name in names] == [image.digest] * len(names)


@pytest.mark.parametrize(("typed", "shown"), [("nope", "nope:latest"), ("ghcr.io/a/b:1", "ghcr.io/a/b:1")])
def test_an_unknown_image_is_refused_in_dockers_words(store: ImageStore, typed: str, shown: str) -> None:
    """``No such image`` with the tag that Docker fills in."""
    with pytest.raises(ImageUnknown) as refusal:
        store.resolve(typed)
    assert str(refusal.value) == f"No such image: {shown}"


def test_an_id_that_fits_two_images_names_none(store: ImageStore) -> None:
    """The empty-looking common beginning of two digests is not guessed from."""
    images = [add_image(store, str(number)) for number in range(17)]
    for number, image in enumerate(images):
        store.tag(Reference.parse(f"app:{number}"), image)
    firsts = [image.digest.encoded[0] for image in images]
    common = next(first for first in firsts if firsts.count(first) > 1)
    with pytest.raises(ImageUnknown):
        store.resolve(f"sha256:{common}")


def test_a_text_that_is_nothing_is_refused_as_a_reference(store: ImageStore) -> None:
    """Neither reference nor id: the reference's refusal is the one that helps."""
    with pytest.raises(InvalidReference, match="must be lowercase"):
        store.resolve("MyApp")


def test_a_tag_that_moves_leaves_a_dangling_image(store: ImageStore) -> None:
    """``<none>:<none>`` in ``docker images``; a new name for it ends that."""
    first, second = add_image(store, "first"), add_image(store, "second")
    store.tag(APP, first)
    store.tag(APP, second)
    assert {image.descriptor.digest: image.references for image in store.images()} == {
        first.digest: (),
        second.digest: (APP,),
    }
    store.tag(OTHER, first)
    assert {image.descriptor.digest: image.references for image in store.images()}[first.digest] == (OTHER,)


def test_a_name_can_be_given_twice(store: ImageStore) -> None:
    """Tagging again changes nothing."""
    image = add_image(store)
    store.tag(APP, image)
    store.tag(APP, image)
    assert [found.references for found in store.images()] == [(APP,)]


def test_only_what_is_here_can_be_tagged_or_kept(store: ImageStore) -> None:
    """A name that points nowhere would be found by nobody but a student."""
    missing = Descriptor(OCI_MANIFEST, Digest.of(b"x"), 1)
    with pytest.raises(BlobMissing):
        store.tag(APP, missing)
    with pytest.raises(BlobMissing):
        store.keep(missing)


def test_untag_takes_one_name_and_refuses_an_unknown_one(store: ImageStore) -> None:
    """Other names stay; the last one ends the image."""
    image = add_image(store)
    store.tag(APP, image)
    store.tag(OTHER, image)
    assert store.untag(APP).digest == image.digest
    assert [found.references for found in store.images()] == [(OTHER,)]
    store.untag(OTHER)
    assert store.images() == []
    with pytest.raises(ImageUnknown):
        store.untag(APP)


def test_prune_removes_what_no_image_needs(store: ImageStore) -> None:
    """Shared layers stay as long as one image has them."""
    first, second = add_image(store, "first"), add_image(store, "second")
    store.tag(APP, first)
    store.keep(second)
    stray = store.add(b"stray", "text/plain")
    assert store.prune() == [stray.digest]
    second_config = store.manifest(second).config.digest
    store.remove(second.digest)
    assert set(store.prune()) == {second.digest, second_config}
    assert all(store.has(layer.digest) for layer in store.manifest(first).layers)


def test_prune_keeps_an_indexs_children(store: ImageStore) -> None:
    """A multi-platform image is reached through its index, of which not every child need be here."""
    child = add_image(store)
    absent = Descriptor(OCI_MANIFEST, Digest.of(b"absent"), 6)
    index = store.add(format_index([child, absent]), OCI_INDEX)
    store.tag(APP, index)
    assert store.prune() == []


def test_prune_waits_for_writers(store: ImageStore) -> None:
    """The blobs of a build or a pull that is under way have no name yet, and stay."""
    with store.writing():
        blob = store.add(b"new", "text/plain")
        assert store.prune() == []
    assert store.prune() == [blob.digest]


def test_prune_leaves_a_blob_that_is_being_written(store: ImageStore) -> None:
    """Its temporary file is not taken for a leftover, while one that a killed process left is."""
    leftover = store.path(store.add(b"x", "text/plain").digest).parent.parent / ".new-leftover"
    leftover.touch()
    with store.blob_writer() as writer:
        writer.write(b"abc")
        assert store.prune() == []
    assert store.read(Digest.of(b"abc")) == b"abc"
    store.prune()
    assert not leftover.exists()


def test_the_child_for_a_platform_is_selected(store: ImageStore) -> None:
    """arm64 finds arm64/v8; what is not there is refused in containerd's words."""
    child = add_image(store)
    row = Descriptor(child.media_type, child.digest, child.size, Platform("arm64", "linux", "v8"))
    index = store.add(format_index([row]), OCI_INDEX)
    assert store.select(index, Platform("arm64", "linux")).digest == child.digest
    with pytest.raises(PlatformMissing, match="no matching manifest for linux/s390x in the manifest list entries"):
        store.select(index, Platform("s390x", "linux"))
    assert store.select(child, Platform("s390x", "linux")) is child


def test_a_broken_index_is_a_store_error(store: ImageStore) -> None:
    """The file is named; nothing is overwritten."""
    add_image(store)
    (store.folder / "index.json").write_text("{", encoding="utf-8")
    with pytest.raises(StoreError, match=r"index\.json"):
        store.images()


def test_an_index_is_no_manifest(store: ImageStore) -> None:
    """Asking for the layers of an index is refused, not answered with nothing."""
    index = store.add(format_index([]), OCI_INDEX)
    with pytest.raises(DocumentInvalid, match="expected an image manifest"):
        store.manifest(index)


def test_a_download_is_resumed_where_it_broke_off(store: ImageStore) -> None:
    """What arrived stays; when it is whole it is verified and becomes the blob."""
    digest = Digest.of(b"abcdef")
    with contextlib.suppress(ConnectionResetError), store.partial(digest) as partial:
        partial.write(b"abc")
        raise ConnectionResetError
    with store.partial(digest) as partial:
        assert partial.size == 3
        partial.write(b"def")
        partial.finish()
    assert store.read(digest) == b"abcdef"
    assert list(store.partial_folder.iterdir()) == []


def test_a_download_of_other_content_starts_anew(store: ImageStore) -> None:
    """Wrong bytes are neither served nor resumed."""
    digest = Digest.of(b"abcdef")
    with store.partial(digest) as partial:
        partial.write(b"xxxxxx")
        with pytest.raises(DigestInvalid):
            partial.finish()
    assert not store.has(digest)
    with store.partial(digest) as partial:
        assert partial.size == 0


def test_a_second_download_of_the_same_content_waits(store: ImageStore) -> None:
    """And then finds it complete, without a partial file left behind."""
    digest = Digest.of(b"abc")
    found: list[tuple[bool, int]] = []

    def second() -> None:
        with store.partial(digest) as partial:
            found.append((store.has(digest), partial.size))

    with store.partial(digest) as partial:
        waiting = threading.Thread(target=second)
        waiting.start()
        partial.write(b"abc")
        partial.finish()
    waiting.join(timeout=10)
    assert found == [(True, 0)]
    assert list(store.partial_folder.iterdir()) == []


def _tag_many(folder: str, worker: int) -> None:
    store = ImageStore(Path(folder))
    for number in range(10):
        store.tag(Reference.parse(f"app:{worker}-{number}"), add_image(store, f"{worker}-{number}"))


def test_processes_do_not_lose_each_others_names(store: ImageStore) -> None:
    """Four processes that tag at once: every name is there at the end."""
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_tag_many, args=(str(store.folder), number)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    names = {str(reference.tag) for image in store.images() for reference in image.references}
    assert names == {f"{worker}-{number}" for worker in range(4) for number in range(10)}


def test_skopeo_reads_the_store(store: ImageStore) -> None:
    """It is an OCI image layout to others, and names are found by their full form."""
    skopeo = require("skopeo")["skopeo"]
    image = add_image(store, "for skopeo")
    store.tag(APP, image)
    store.tag(Reference.parse("alpine"), image)
    for name in ("ghcr.io/o/r/app:1.0", "docker.io/library/alpine:latest"):
        source = f"oci:{store.folder}:{name}"
        answer = subprocess.run([skopeo, "inspect", source], check=True, capture_output=True, text=True, timeout=60)
        facts = json.loads(answer.stdout)
        assert (facts["Digest"], facts["Labels"]) == (str(image.digest), {"word": "for skopeo"})
