"""What every store does (``pyregistry.store.interface``), over every driver."""

import threading
from contextlib import closing

import pytest

from pyregistry.drivers.interface import Driver, DriverError, DriverFull
from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import (
    BlobUnknown,
    BlobUploadUnknown,
    DigestInvalid,
    ManifestBlobUnknown,
    ManifestInvalid,
    ManifestUnknown,
    NameUnknown,
    RangeInvalid,
)
from pyregistry.spec.media_types import DOCKER_MANIFEST, OCI_EMPTY, OCI_INDEX, OCI_LAYER, OCI_MANIFEST
from pyregistry.spec.names import format_fallback_tag
from pyregistry.store import paths
from pyregistry.store.interface import Store
from pyregistry.store.registry import open_store
from tests.fakes.drivers import FailingDriver
from tests.fakes.pushes import (
    INDEX_OF,
    Image,
    an_image,
    an_index,
    append,
    described,
    push_blob,
    push_image,
)

REPOSITORY = "acme/team/app"


def read(store: Store, digest: Digest, repository: str = REPOSITORY) -> bytes:
    """All of a blob."""
    with store.blobs.fetch(repository, digest) as reader:
        return reader.read()


class TestBlobs:
    """Blobs and the links that make them a repository's own."""

    @pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
    @pytest.mark.parametrize("content", [b"", b"x", b"a layer of several chunks"])
    def test_what_was_pushed_is_fetched(self, store: Store, content: bytes, algorithm: str) -> None:
        """Under the digest it was pushed with, of either algorithm, the empty blob included."""
        digest = push_blob(store, REPOSITORY, content, algorithm)
        assert read(store, digest) == content
        assert store.blobs.exists(REPOSITORY, digest)
        assert store.blobs.stat(REPOSITORY, digest).digest == digest
        assert store.blobs.stat(REPOSITORY, digest).size == len(content)

    def test_another_repository_does_not_have_it(self, store: Store) -> None:
        """Content is shared, rights are not: without a link there is no blob."""
        digest = push_blob(store, REPOSITORY, b"private")
        for refused in (store.blobs.stat, store.blobs.fetch, store.blobs.delete):
            with pytest.raises(BlobUnknown):
                refused("acme/other", digest)
        assert not store.blobs.exists("acme/other", digest)

    def test_mount_links_without_bytes(self, store: Store) -> None:
        """What the source has, the target has afterwards."""
        digest = push_blob(store, REPOSITORY, b"shared")
        assert store.blobs.mount("acme/other", digest, REPOSITORY).size == 6
        assert read(store, digest, "acme/other") == b"shared"

    def test_mount_of_what_the_source_lacks_is_refused(self, store: Store) -> None:
        """Content that lies in a third repository cannot be had by knowing its digest."""
        digest = push_blob(store, REPOSITORY, b"private")
        with pytest.raises(BlobUnknown):
            store.blobs.mount("acme/target", digest, "acme/source")
        assert not store.blobs.exists("acme/target", digest)

    def test_delete_unlinks_here_only(self, store: Store) -> None:
        """The other repository keeps it; a second delete says that there is none."""
        digest = push_blob(store, REPOSITORY, b"shared")
        store.blobs.mount("acme/other", digest, REPOSITORY)
        store.blobs.delete(REPOSITORY, digest)
        assert not store.blobs.exists(REPOSITORY, digest)
        assert read(store, digest, "acme/other") == b"shared"
        with pytest.raises(BlobUnknown):
            store.blobs.delete(REPOSITORY, digest)


class TestUploads:
    """Upload sessions; what a sequence of requests does is in ``test_upload_sessions``."""

    def test_a_session_tells_where_it_stands(self, store: Store) -> None:
        """Offset and start are read from storage, by this store and by one opened later."""
        made = store.uploads.create(REPOSITORY)
        append(store, REPOSITORY, made.uuid, b"0123456789")
        found = store.uploads.session(REPOSITORY, made.uuid)
        assert (found.offset, found.repository, found.uuid) == (10, REPOSITORY, made.uuid)
        assert abs((found.started_at - made.started_at).total_seconds()) <= 1

    @pytest.mark.parametrize(
        "uuid", ["..", ".", "", "a/b", "00000000-0000-0000-0000-000000000000", "../../../x", "nul\0l", "é"]
    )
    def test_what_is_no_session_is_unknown(self, store: Store, uuid: str) -> None:
        """Also what could never have been one, and would lead out of the folder."""
        store.uploads.create(REPOSITORY)
        for refused in (store.uploads.session, store.uploads.writer, store.uploads.cancel):
            with pytest.raises(BlobUploadUnknown):
                refused(REPOSITORY, uuid)
        with pytest.raises(BlobUploadUnknown):
            store.uploads.commit(REPOSITORY, uuid, Digest.of(b""))

    def test_a_session_belongs_to_its_repository(self, store: Store) -> None:
        """Its uuid opens nothing elsewhere."""
        made = store.uploads.create(REPOSITORY)
        with pytest.raises(BlobUploadUnknown):
            store.uploads.session("acme/other", made.uuid)

    def test_a_truncated_commit_is_refused_and_ends_the_session(self, store: Store) -> None:
        """The message says what came; nothing is left of it, and no blob appears."""
        whole = b"a layer that is cut off"
        uuid = store.uploads.create(REPOSITORY).uuid
        append(store, REPOSITORY, uuid, whole[:-1])
        with pytest.raises(DigestInvalid, match=f"got 22 bytes of {Digest.of(whole[:-1])}"):
            store.uploads.commit(REPOSITORY, uuid, Digest.of(whole))
        with pytest.raises(BlobUploadUnknown):
            store.uploads.session(REPOSITORY, uuid)
        assert not store.blobs.exists(REPOSITORY, Digest.of(whole))
        assert not store.blobs.exists(REPOSITORY, Digest.of(whole[:-1]))

    def test_one_request_writes_at_a_time(self, store: Store) -> None:
        """While it does, others cannot write, commit or cancel; they can ask for the status."""
        uuid = store.uploads.create(REPOSITORY).uuid
        writer = store.uploads.writer(REPOSITORY, uuid)
        writer.write(b"first")
        with pytest.raises(RangeInvalid):
            store.uploads.writer(REPOSITORY, uuid)
        with pytest.raises(RangeInvalid):
            store.uploads.commit(REPOSITORY, uuid, Digest.of(b"first"))
        with pytest.raises(RangeInvalid):
            store.uploads.cancel(REPOSITORY, uuid)
        assert store.uploads.session(REPOSITORY, uuid).offset == 5
        writer.close()
        store.uploads.commit(REPOSITORY, uuid, Digest.of(b"first"))

    def test_another_worker_waits_its_turn_too(self, driver: Driver) -> None:
        """Two stores over one driver keep their writers apart, as two processes do."""
        one, other = open_store(driver), open_store(driver)
        uuid = one.uploads.create(REPOSITORY).uuid
        writer = one.uploads.writer(REPOSITORY, uuid)
        with pytest.raises(RangeInvalid):
            other.uploads.writer(REPOSITORY, uuid)
        writer.close()
        append(other, REPOSITORY, uuid, b"x")

    def test_workers_take_turns(self, driver: Driver) -> None:
        """What one remembers of a session is no longer true when another has written."""
        one, other = open_store(driver), open_store(driver)
        uuid = one.uploads.create(REPOSITORY).uuid
        append(one, REPOSITORY, uuid, b"one ")
        append(other, REPOSITORY, uuid, b"other ")
        append(one, REPOSITORY, uuid, b"one again ")
        append(other, REPOSITORY, uuid, b"and the last")
        one.uploads.commit(REPOSITORY, uuid, Digest.of(b"one other one again and the last"))

    def test_a_refused_offset_frees_the_session(self, store: Store) -> None:
        """Who came with the wrong offset can come again with the right one."""
        uuid = store.uploads.create(REPOSITORY).uuid
        append(store, REPOSITORY, uuid, b"0123456789")
        for offset in (0, 9, 11):
            with pytest.raises(RangeInvalid, match=f"starts at 10, got one that starts at {offset}"):
                store.uploads.writer(REPOSITORY, uuid, offset)
        append(store, REPOSITORY, uuid, b"x", 10)

    def test_closing_twice_is_once(self, store: Store) -> None:
        """And a closed writer does not write: the session may be another's by then."""
        uuid = store.uploads.create(REPOSITORY).uuid
        writer = store.uploads.writer(REPOSITORY, uuid)
        writer.write(b"x")
        writer.close()
        with closing(store.uploads.writer(REPOSITORY, uuid)):
            writer.close()
            with pytest.raises(RangeInvalid):
                store.uploads.writer(REPOSITORY, uuid)
        with pytest.raises(ValueError, match="closed"):
            writer.write(b"y")

    def test_a_full_disk_leaves_the_session_where_it_was(self, driver: Driver) -> None:
        """The client may go on from the same offset when there is room again."""
        store = open_store(driver)
        uuid = store.uploads.create(REPOSITORY).uuid
        append(store, REPOSITORY, uuid, b"before ")
        with pytest.raises(DriverFull):
            append(open_store(FailingDriver(driver, "append")), REPOSITORY, uuid, b"lost")
        append(store, REPOSITORY, uuid, b"after", 7)
        store.uploads.commit(REPOSITORY, uuid, Digest.of(b"before after"))
        assert read(store, Digest.of(b"before after")) == b"before after"

    def test_a_failing_sync_frees_the_session(self, driver: Driver) -> None:
        """A request that ends in an error does not keep the next one out."""
        store = open_store(driver)
        uuid = store.uploads.create(REPOSITORY).uuid
        with pytest.raises(DriverError):
            append(open_store(FailingDriver(driver, "flush", error=DriverError)), REPOSITORY, uuid, b"x")
        append(store, REPOSITORY, uuid, b"y", 1)
        store.uploads.commit(REPOSITORY, uuid, Digest.of(b"xy"))

    @pytest.mark.parametrize("damage", [b"", b"short", b"a layer on a bad diss"])
    def test_a_push_mends_a_damaged_blob(self, driver: Driver, damage: bytes) -> None:
        """Emptied, truncated or with a flipped bit of equal length: the proven bytes replace it."""
        store = open_store(driver)
        digest = push_blob(store, REPOSITORY, b"a layer on a bad disk")
        driver.write(paths.blob_data(digest), [damage])
        push_blob(store, REPOSITORY, b"a layer on a bad disk")
        assert read(store, digest) == b"a layer on a bad disk"

    def test_hash_states_are_bounded(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        """A session whose state was given up for a younger one still commits right."""
        monkeypatch.setattr("pyregistry.store.uploads._MAX_HASH_STATES", 1)
        old, young = store.uploads.create(REPOSITORY).uuid, store.uploads.create(REPOSITORY).uuid
        append(store, REPOSITORY, old, b"old")
        append(store, REPOSITORY, young, b"young")
        store.uploads.commit(REPOSITORY, old, Digest.of(b"old"))
        store.uploads.commit(REPOSITORY, young, Digest.of(b"young"))

    @pytest.mark.parametrize("scar", [None, b"", b"garbage", b"\xff"])
    def test_a_session_survives_the_loss_of_its_start(
        self, driver: Driver, scar: bytes | None, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Without a readable ``startedat`` the data's age stands in, and the log says so."""
        store = open_store(driver)
        uuid = store.uploads.create(REPOSITORY).uuid
        key = paths.upload_started_at(REPOSITORY, uuid)
        driver.delete(key)
        if scar is not None:
            driver.write(key, [scar])
        found = store.uploads.session(REPOSITORY, uuid)
        assert found.started_at == driver.stat(paths.upload_data(REPOSITORY, uuid)).modified_at
        assert key in caplog.text


@pytest.fixture(params=[OCI_MANIFEST, DOCKER_MANIFEST])
def image(request: pytest.FixtureRequest) -> Image:
    """An image of each media type."""
    return an_image(media_type=request.param)


class TestManifests:
    """Manifests, by tag and by digest."""

    def test_the_exact_bytes_come_back(self, store: Store, image: Image) -> None:
        """By tag and by digest, with the media type they were pushed as."""
        pushed = push_image(store, REPOSITORY, image, "1.0")
        assert (pushed.descriptor.digest, pushed.subject) == (image.digest, None)
        for reference in ("1.0", image.digest):
            found = store.manifests.fetch(REPOSITORY, reference)
            assert found.body == image.body
            assert found.descriptor == pushed.descriptor
            assert found.descriptor.media_type == image.media_type

    def test_an_index_of_what_is_there_is_taken(self, store: Store, image: Image) -> None:
        """Of OCI's and of Docker's type, and an index of an index."""
        push_image(store, REPOSITORY, image, image.digest)
        index = an_index(image, media_type=INDEX_OF[image.media_type])
        push_image(store, REPOSITORY, index, "multi")
        assert store.manifests.fetch(REPOSITORY, "multi").descriptor.media_type == index.media_type
        nested = an_index(index)
        push_image(store, REPOSITORY, nested, "nested")
        assert store.manifests.fetch(REPOSITORY, "nested").body == nested.body

    def test_sha512_is_its_own_name(self, store: Store) -> None:
        """A manifest pushed by its sha512, made of sha512 blobs, is known by that digest and no other."""
        image = an_image(algorithm="sha512")
        for blob in image.blobs:
            push_blob(store, REPOSITORY, blob, "sha512")
        digest = Digest.of(image.body, "sha512")
        assert store.manifests.push(REPOSITORY, digest, image.media_type, image.body).descriptor.digest == digest
        assert store.manifests.fetch(REPOSITORY, digest).descriptor.digest == digest
        with pytest.raises(ManifestUnknown):
            store.manifests.fetch(REPOSITORY, image.digest)

    def test_oci_manifests_need_not_say_their_type(self, store: Store) -> None:
        """Image and index are told apart by their members when they are fetched."""
        image = an_image(mediaType=None)
        push_image(store, REPOSITORY, image, image.digest)
        index = an_index(image, mediaType=None)
        push_image(store, REPOSITORY, index, index.digest)
        assert store.manifests.fetch(REPOSITORY, image.digest).descriptor.media_type == OCI_MANIFEST
        assert store.manifests.fetch(REPOSITORY, index.digest).descriptor.media_type == OCI_INDEX

    def test_every_missing_part_is_named_once(self, store: Store) -> None:
        """Config and layers, in the manifest's order; nothing is stored and no repository appears."""
        image = an_image()
        push_blob(store, "acme/other", image.blobs[0])
        with pytest.raises(ManifestBlobUnknown) as refused:
            store.manifests.push(REPOSITORY, "1.0", image.media_type, image.body)
        assert refused.value.digests == tuple(str(Digest.of(blob)) for blob in image.blobs)
        assert list(store.repositories.names()) == []
        with pytest.raises(ManifestUnknown):
            store.manifests.fetch(REPOSITORY, image.digest)

    def test_an_index_needs_its_children_as_manifests(self, store: Store) -> None:
        """A blob of the same bytes is not one."""
        one, two = an_image("one"), an_image("two")
        push_image(store, REPOSITORY, one, one.digest)
        push_blob(store, REPOSITORY, two.body)
        index = an_index(one, two)
        with pytest.raises(ManifestBlobUnknown) as refused:
            store.manifests.push(REPOSITORY, "multi", index.media_type, index.body)
        assert refused.value.digests == (str(two.digest),)

    def test_layers_from_elsewhere_are_not_looked_for(self, store: Store) -> None:
        """Neither those with URLs nor those that must not be distributed."""
        foreign = [
            described(b"a", OCI_LAYER, urls=["https://example.com/a"]),
            described(b"b", "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"),
        ]
        image = an_image(layers=foreign)
        push_blob(store, REPOSITORY, image.blobs[0])
        store.manifests.push(REPOSITORY, "1.0", image.media_type, image.body)

    def test_the_subject_may_come_later(self, store: Store) -> None:
        """A missing subject is accepted, and told back."""
        subject = an_image("subject")
        signature = an_image("signature", subject=described(subject.body, subject.media_type))
        assert push_image(store, REPOSITORY, signature, "sig").subject == subject.digest

    def test_another_digest_than_named_is_refused(self, store: Store) -> None:
        """Nothing is stored under either."""
        image, named = an_image(), Digest.of(b"something else")
        for blob in image.blobs:
            push_blob(store, REPOSITORY, blob)
        with pytest.raises(DigestInvalid, match=f"{named}: expected a manifest of this digest, got"):
            store.manifests.push(REPOSITORY, named, image.media_type, image.body)
        for digest in (named, image.digest):
            with pytest.raises(ManifestUnknown):
                store.manifests.fetch(REPOSITORY, digest)

    def test_what_is_no_manifest_is_refused(self, store: Store) -> None:
        """Before anything is written."""
        with pytest.raises(ManifestInvalid):
            store.manifests.push(REPOSITORY, "1.0", OCI_MANIFEST, b"{}")
        assert list(store.repositories.names()) == []

    def test_a_digest_is_not_served_to_another_repository(self, store: Store) -> None:
        """Content is shared, rights are not."""
        image = an_image()
        push_image(store, REPOSITORY, image)
        with pytest.raises(ManifestUnknown):
            store.manifests.fetch("acme/other", image.digest)

    def test_delete_by_digest_takes_its_tags(self, store: Store) -> None:
        """And leaves those that point elsewhere, though they once pointed here."""
        old, new = an_image("old"), an_image("new")
        for tag in ("1.0", "1", "latest"):
            push_image(store, REPOSITORY, old, tag)
        push_image(store, REPOSITORY, new, "latest")
        store.manifests.delete(REPOSITORY, old.digest)
        assert store.tags.list(REPOSITORY) == ["latest"]
        assert store.tags.resolve(REPOSITORY, "latest") == new.digest
        for gone in ("1.0", "1", old.digest):
            with pytest.raises(ManifestUnknown):
                store.manifests.fetch(REPOSITORY, gone)

    def test_delete_by_tag_takes_that_tag(self, store: Store) -> None:
        """The manifest and its other tags stay."""
        image = an_image()
        for tag in ("1.0", "latest"):
            push_image(store, REPOSITORY, image, tag)
        assert store.manifests.delete(REPOSITORY, "latest") == image.digest
        assert store.tags.list(REPOSITORY) == ["1.0"]
        assert store.manifests.fetch(REPOSITORY, image.digest).body == image.body

    def test_what_was_deleted_can_be_pushed_again(self, store: Store) -> None:
        """Tag and revision come back whole."""
        image = an_image()
        push_image(store, REPOSITORY, image)
        store.manifests.delete(REPOSITORY, image.digest)
        push_image(store, REPOSITORY, image)
        assert store.manifests.fetch(REPOSITORY, "1.0").body == image.body

    @pytest.mark.parametrize("reference", ["absent", Digest.of(b"absent")])
    def test_the_absent_cannot_be_deleted(self, driver: Driver, reference: str | Digest) -> None:
        """In a repository that is there, and in one that is not; asking leaves no trace."""
        store = open_store(driver)
        push_image(store, REPOSITORY, an_image())
        before = list(driver.keys(""))
        for repository in (REPOSITORY, "acme/absent"):
            with pytest.raises(ManifestUnknown):
                store.manifests.delete(repository, reference)
        assert list(driver.keys("")) == before
        assert list(driver.children(paths.repository("acme"))) == ["team"]

    def test_moving_a_tag_races_with_deleting_what_it_pointed_to(self, store: Store) -> None:
        """However they fall, an acknowledged push of another manifest keeps its tag."""
        old, new = an_image("old"), an_image("new")
        push_image(store, REPOSITORY, new, "other")
        for _ in range(10):
            push_image(store, REPOSITORY, old, "1.0")
            deleting = threading.Thread(target=store.manifests.delete, args=(REPOSITORY, old.digest))
            deleting.start()
            store.manifests.push(REPOSITORY, "1.0", new.media_type, new.body)
            deleting.join(timeout=30)
            assert store.tags.resolve(REPOSITORY, "1.0") == new.digest


class TestReferrers:
    """Manifests that name a subject."""

    def test_referrers_are_described(self, store: Store) -> None:
        """Each with its annotations and the type it calls itself, else its config's; an index only what it says."""
        subject = an_image("subject")
        about = described(subject.body, subject.media_type)
        sbom = an_image("sbom", subject=about, artifactType="application/spdx+json", annotations={"made": "today"})
        plain = an_image("plain", subject=about)
        index = an_index(subject=about)
        other = an_image("other", subject=described(b"another subject", OCI_MANIFEST))
        for image in (sbom, plain, index, other):
            push_image(store, REPOSITORY, image, image.digest)
        found = {each.digest: each for each in store.manifests.referrers(REPOSITORY, subject.digest)}
        assert set(found) == {sbom.digest, plain.digest, index.digest}
        assert found[sbom.digest].artifact_type == "application/spdx+json"
        assert found[sbom.digest].annotations == {"made": "today"}
        assert (found[sbom.digest].media_type, found[sbom.digest].size) == (OCI_MANIFEST, len(sbom.body))
        assert found[plain.digest].artifact_type == "application/vnd.oci.image.config.v1+json"
        assert found[index.digest].artifact_type is None

    def test_an_artifact_is_an_image_with_an_empty_config(self, store: Store) -> None:
        """As oras and cosign push it."""
        subject = an_image("subject")
        config = described(b"{}", OCI_EMPTY)
        artifact = an_image(
            config=config,
            layers=[config],
            artifactType="application/vnd.example",
            subject=described(subject.body, subject.media_type),
        )
        push_blob(store, REPOSITORY, b"{}")
        store.manifests.push(REPOSITORY, artifact.digest, artifact.media_type, artifact.body)
        [found] = store.manifests.referrers(REPOSITORY, subject.digest)
        assert found.artifact_type == "application/vnd.example"

    def test_none_is_an_answer(self, store: Store) -> None:
        """Also in a repository that nobody has seen."""
        assert store.manifests.referrers("never/seen", Digest.of(b"")) == []

    def test_a_fallback_tag_is_believed_as_far_as_its_manifests_are_here(self, store: Store) -> None:
        """Those that name the subject themselves are listed once; what is not an index at that tag lists nothing."""
        subject = an_image("subject")
        signature = an_image("signature", subject=described(subject.body, subject.media_type))
        silent, absent = an_image("silent", artifactType="application/vnd.example"), an_image("absent")
        tag = format_fallback_tag(subject.digest)
        for image in (signature, silent):
            push_image(store, REPOSITORY, image, image.digest)
        push_image(store, REPOSITORY, an_image("no index"), tag)
        assert [each.digest for each in store.manifests.referrers(REPOSITORY, subject.digest)] == [signature.digest]
        push_image(store, REPOSITORY, absent, absent.digest)
        push_image(store, REPOSITORY, an_index(signature, silent, absent), tag)
        store.manifests.delete(REPOSITORY, absent.digest)
        found = {each.digest: each.artifact_type for each in store.manifests.referrers(REPOSITORY, subject.digest)}
        assert set(found) == {signature.digest, silent.digest}
        assert found[silent.digest] == "application/vnd.example"

    def test_a_subject_may_have_a_sha512_digest(self, store: Store) -> None:
        """It is then found by that digest, and by no other."""
        subject = an_image("subject")
        about = described(subject.body, subject.media_type, "sha512")
        signature = an_image("signature", subject=about)
        push_image(store, REPOSITORY, signature, signature.digest)
        by_sha512 = store.manifests.referrers(REPOSITORY, Digest.of(subject.body, "sha512"))
        assert [each.digest for each in by_sha512] == [signature.digest]
        assert store.manifests.referrers(REPOSITORY, subject.digest) == []

    def test_a_deleted_referrer_is_gone(self, store: Store) -> None:
        """At once."""
        subject = an_image("subject")
        signature = an_image("signature", subject=described(subject.body, subject.media_type))
        push_image(store, REPOSITORY, signature, "sig")
        store.manifests.delete(REPOSITORY, signature.digest)
        assert store.manifests.referrers(REPOSITORY, subject.digest) == []


class TestTags:
    """Tags and where they point."""

    def test_tags_are_listed_in_lexical_order(self, store: Store) -> None:
        """Whatever the order of their pushes, temporary-looking names included."""
        temporary = f"data.{'0' * 32}.tmp"
        for tag in ("latest", "1.0", "A", "1", "_x", "1.0-rc", temporary):
            push_image(store, REPOSITORY, an_image(), tag)
        assert store.tags.list(REPOSITORY) == sorted(["latest", "1.0", "A", "1", "_x", "1.0-rc", temporary])

    def test_a_tag_moves(self, store: Store) -> None:
        """It points to the last push; the manifest it left is still there."""
        old, new = an_image("old"), an_image("new")
        for image in (old, new, old, new):
            push_image(store, REPOSITORY, image, "latest")
        assert store.tags.resolve(REPOSITORY, "latest") == new.digest
        assert store.manifests.fetch(REPOSITORY, old.digest).body == old.body

    def test_a_tag_is_put_on_what_is_there(self, store: Store) -> None:
        """On a manifest of the repository, and on no other."""
        push_image(store, REPOSITORY, an_image("old"), "latest")
        push_image(store, REPOSITORY, an_image("new"), an_image("new").digest)
        store.tags.tag(REPOSITORY, "latest", an_image("new").digest)
        assert store.tags.resolve(REPOSITORY, "latest") == an_image("new").digest
        with pytest.raises(ManifestUnknown):
            store.tags.tag(REPOSITORY, "latest", an_image("never pushed").digest)
        assert store.tags.resolve(REPOSITORY, "latest") == an_image("new").digest

    def test_no_tags_is_a_list_no_repository_is_unknown(self, store: Store) -> None:
        """A repository is known by its first blob."""
        with pytest.raises(NameUnknown) as refused:
            store.tags.list(REPOSITORY)
        assert refused.value.detail == {"name": REPOSITORY}
        push_blob(store, REPOSITORY, b"first")
        assert store.tags.list(REPOSITORY) == []

    def test_an_unknown_tag_is_an_unknown_manifest(self, store: Store) -> None:
        """With distribution's detail."""
        with pytest.raises(ManifestUnknown) as refused:
            store.tags.resolve(REPOSITORY, "absent")
        assert refused.value.detail == {"Tag": "absent"}


class TestRepositories:
    """What the catalog lists."""

    def test_names_come_in_lexical_order(self, store: Store) -> None:
        """Those that hold a manifest, nested ones too; not the folders above them, nor one that only has blobs."""
        for repository in ("b", "a/b", "a-b", "a/b/c", "z.z/y__y"):
            push_image(store, repository, an_image())
        push_blob(store, "only/blobs", b"x")
        store.uploads.create("only/began")
        assert list(store.repositories.names()) == ["a-b", "a/b", "a/b/c", "b", "z.z/y__y"]

    def test_names_go_on_behind_any_word(self, store: Store) -> None:
        """A page begins behind the last name of the one before, which need not be there any more, or be a name."""
        names = ["a", "a-b", "a-b/c", "a.b", "a/b", "a/b-c", "a/b/c", "ab", "b/a/b"]
        for repository in names:
            push_image(store, repository, an_image())
        for last in (*names, "", "a/", "a-", "a/b/", "a/b/a", "a/b0", "aa", "b", "b/a", "b/a/c", "c"):
            assert list(store.repositories.names(last)) == [name for name in names if name > last]

    def test_an_emptied_repository_is_not_listed(self, store: Store) -> None:
        """With its last manifest it disappears, with the next one it is back; those below it are not concerned."""
        image = an_image()
        for repository in ("a", "a/b"):
            push_image(store, repository, image)
        store.manifests.delete("a", image.digest)
        assert list(store.repositories.names()) == ["a/b"]
        push_image(store, "a", image)
        assert list(store.repositories.names()) == ["a", "a/b"]

    def test_an_empty_registry_has_none(self, store: Store) -> None:
        """And that is no error."""
        assert list(store.repositories.names()) == []

    def test_the_longest_name_fits(self, store: Store) -> None:
        """255 characters in one component, or in 128 of them."""
        for repository in ("x" * 255, "/".join("x" * 128)):
            push_image(store, repository, an_image(), "t" * 128)
            assert store.tags.list(repository) == ["t" * 128]


class TestScars:
    """What a crash of registry:2 or a bad disk leaves: absent and reported, never an error; a push mends it."""

    @pytest.mark.parametrize("scar", [b"", b"sha256:", b"sha256:" + b"0" * 63, b"\xff\x00", b"x" * 100_000, b"\n"])
    def test_a_broken_link_is_absence(self, driver: Driver, scar: bytes, caplog: pytest.LogCaptureFixture) -> None:
        """Of a blob, a revision and a tag."""
        store, image = open_store(driver), an_image()
        push_image(store, REPOSITORY, image, "1.0")
        layer = Digest.of(image.blobs[1])
        for key in (
            paths.layer_link(REPOSITORY, layer),
            paths.revision_link(REPOSITORY, image.digest),
            paths.tag_current_link(REPOSITORY, "1.0"),
        ):
            driver.write(key, [scar])
        assert not store.blobs.exists(REPOSITORY, layer)
        for reference in ("1.0", image.digest):
            with pytest.raises(ManifestUnknown):
                store.manifests.fetch(REPOSITORY, reference)
        assert store.tags.list(REPOSITORY) == []
        assert list(store.repositories.names()) == []
        assert store.manifests.referrers(REPOSITORY, image.digest) == []
        assert caplog.text.count("served as absent") >= 5
        push_image(store, REPOSITORY, image, "1.0")
        assert store.manifests.fetch(REPOSITORY, "1.0").body == image.body

    def test_a_link_to_another_digest_is_absence(self, driver: Driver) -> None:
        """Content is never served under a name that is not its own."""
        store, image = open_store(driver), an_image()
        push_image(store, REPOSITORY, image)
        digest = push_blob(store, REPOSITORY, b"mine")
        for key in (paths.layer_link(REPOSITORY, digest), paths.revision_link(REPOSITORY, digest)):
            driver.write(key, [str(image.digest).encode()])
        assert not store.blobs.exists(REPOSITORY, digest)
        with pytest.raises(ManifestUnknown):
            store.manifests.fetch(REPOSITORY, digest)

    @pytest.mark.parametrize("scar", [b"", b"{", None])
    def test_a_damaged_manifest_is_absence(self, driver: Driver, scar: bytes | None) -> None:
        """Empty, truncated or gone; the tag that leads to it finds nothing, and the push mends it."""
        store, image = open_store(driver), an_image()
        push_image(store, REPOSITORY, image)
        driver.delete(paths.blob_data(image.digest))
        if scar is not None:
            driver.write(paths.blob_data(image.digest), [scar])
        for reference in ("1.0", image.digest):
            with pytest.raises(ManifestUnknown):
                store.manifests.fetch(REPOSITORY, reference)
        push_image(store, REPOSITORY, image)
        assert store.manifests.fetch(REPOSITORY, "1.0").body == image.body

    @pytest.mark.parametrize("scar", [b"", None])
    def test_a_blob_without_content_is_absence(self, driver: Driver, scar: bytes | None) -> None:
        """So that a client that asks first does push it again."""
        store = open_store(driver)
        digest = push_blob(store, REPOSITORY, b"content")
        driver.delete(paths.blob_data(digest))
        if scar is not None:
            driver.write(paths.blob_data(digest), [scar])
        assert not store.blobs.exists(REPOSITORY, digest)
        with pytest.raises(BlobUnknown):
            store.blobs.fetch(REPOSITORY, digest)
        push_blob(store, REPOSITORY, b"content")
        assert read(store, digest) == b"content"

    def test_a_foreign_manifest_does_not_hide_others(self, driver: Driver, caplog: pytest.LogCaptureFixture) -> None:
        """What registry:2 took and we would not, is served or absent, and the search for referrers goes on past it."""
        store, subject = open_store(driver), an_image("subject")
        signature = an_image("signature", subject=described(subject.body, subject.media_type))
        push_image(store, REPOSITORY, signature, "sig")
        schema_1, sloppy = b'{"schemaVersion": 1, "mediaType": "x/y"}', b'{"schemaVersion": 2, "layers": []}'
        for body in (schema_1, sloppy):
            digest = Digest.of(body)
            driver.write(paths.blob_data(digest), [body])
            driver.write(paths.revision_link(REPOSITORY, digest), [str(digest).encode()])
        assert [each.digest for each in store.manifests.referrers(REPOSITORY, subject.digest)] == [signature.digest]
        assert store.manifests.fetch(REPOSITORY, Digest.of(sloppy)).body == sloppy
        with pytest.raises(ManifestUnknown):
            store.manifests.fetch(REPOSITORY, Digest.of(schema_1))
        assert "cannot be served" in caplog.text

    def test_registry_2_links_a_sha512_upload_to_its_sha256(self, driver: Driver) -> None:
        """Its alias is followed; the blob keeps the name it was asked by."""
        store, content = open_store(driver), b"pushed to registry:2"
        canonical, alias = push_blob(store, REPOSITORY, content), Digest.of(content, "sha512")
        driver.write(paths.layer_link(REPOSITORY, alias), [str(canonical).encode()])
        assert store.blobs.stat(REPOSITORY, alias).digest == alias
        assert read(store, alias) == content

    def test_junk_between_the_repositories_is_overlooked(self, driver: Driver) -> None:
        """What people and file systems leave on disks is neither a repository nor a tag nor a revision."""
        store, image = open_store(driver), an_image()
        push_image(store, REPOSITORY, image)
        for key in (
            f"{paths.REPOSITORIES}/lost+found/_layers/x",
            f"{paths.REPOSITORIES}/UPPER/_manifests/x",
            f"{paths.tags(REPOSITORY)}/.DS_Store",
            f"{paths.revisions(REPOSITORY)}/sha256/.DS_Store",
            f"{paths.revisions(REPOSITORY)}/md5/abc/link",
        ):
            driver.write(key, [b"junk"])
        assert list(store.repositories.names()) == [REPOSITORY]
        assert store.tags.list(REPOSITORY) == ["1.0"]
        assert store.manifests.referrers(REPOSITORY, image.digest) == []
