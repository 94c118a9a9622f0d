"""Tags that stay where they are: which, against what, and in whose words."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from pyregistry.config.settings import Immutability, ImmutabilitySpeech
from pyregistry.drivers.memory import MemoryDriver
from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import ManifestUnknown, RegistryError
from pyregistry.store.immutability import open_immutable
from pyregistry.store.interface import Manifests, PushedManifest, Store
from pyregistry.store.registry import open_store
from pyregistry.store.wrapping import WrappedManifests, WrappedStore
from tests.fakes.pushes import Image, an_image, push_image

REPOSITORY = "acme/app"
OLD, NEW = an_image("old"), an_image("new")
POLICY = Immutability(tags=(r"v\d+", "1[.]0"), repositories=("acme/.*",))

ECR_SAYS = (
    "400 TAG_INVALID The image tag 'v1' already exists in the 'acme/app' repository "
    "and cannot be overwritten because the repository is immutable."
)


@pytest.fixture
def store() -> Store:
    """A store under the policy, with an immutable and a mutable tag on the same manifest."""
    return filled(POLICY)


def filled(policy: Immutability) -> Store:
    """See ``store``."""
    store = open_immutable(open_store(MemoryDriver()), policy)
    for repository in (REPOSITORY, "other/app"):
        push_image(store, repository, NEW, NEW.digest)
        for tag in ("v1", "latest"):
            push_image(store, repository, OLD, tag)
    return store


def refusal(error: RegistryError) -> str:
    """What a client sees of it."""
    return f"{error.status} {error.code} {error.message}"


def move(store: Store, image: Image, tag: str = "v1", repository: str = REPOSITORY) -> Digest:
    """Push over a tag; returns where it leads then."""
    push_image(store, repository, image, tag)
    return store.tags.resolve(repository, tag)


def test_a_tag_that_matches_does_not_move(store: Store) -> None:
    """Neither by a push nor by a push by digest that names it; the manifest that was pushed to no tag is there."""
    with pytest.raises(RegistryError, match="immutable"):
        move(store, NEW)
    with pytest.raises(RegistryError, match="immutable"):
        store.tags.tag(REPOSITORY, "v1", NEW.digest)
    assert store.tags.resolve(REPOSITORY, "v1") == OLD.digest


def test_other_tags_and_other_repositories_move(store: Store) -> None:
    """Both patterns have to match the whole name: v1 is immutable, v1-rc and av1 are not."""
    for tag in ("latest", "v1-rc", "av1", "1x0"):
        assert move(store, OLD, tag) == OLD.digest
        assert move(store, NEW, tag) == NEW.digest
    assert move(store, NEW, "v1", "other/app") == NEW.digest
    store.tags.tag(REPOSITORY, "latest", OLD.digest)
    assert store.tags.resolve(REPOSITORY, "latest") == OLD.digest


def test_the_same_push_again_is_no_move(store: Store) -> None:
    """Also where the tag leads to the manifest by its sha512 digest."""
    assert move(store, OLD) == OLD.digest
    store.tags.tag(REPOSITORY, "v1", OLD.digest)
    sha512 = Digest.of(OLD.body, "sha512")
    push_image(store, REPOSITORY, OLD, sha512)
    store.tags.tag(REPOSITORY, "v2", sha512)
    push_image(store, REPOSITORY, OLD, "v2")


def test_it_cannot_be_deleted_nor_what_it_leads_to(store: Store) -> None:
    """Other tags and other manifests can; what is not there is unknown, not immutable."""
    for reference in ("v1", OLD.digest):
        with pytest.raises(RegistryError, match="immutable"):
            store.manifests.delete(REPOSITORY, reference)
    for absent in ("v9", Digest.of(b"absent")):
        with pytest.raises(ManifestUnknown):
            store.manifests.delete(REPOSITORY, absent)
    store.manifests.delete(REPOSITORY, "latest")
    store.manifests.delete(REPOSITORY, NEW.digest)
    store.manifests.delete("other/app", OLD.digest)
    assert store.tags.list(REPOSITORY) == ["v1"]
    assert store.manifests.fetch(REPOSITORY, "v1").body == OLD.body


class Together(WrappedManifests):
    """Manifests whose pushes by tag wait for each other, as long as there may be another one on its way."""

    def __init__(self, inner: Manifests) -> None:
        super().__init__(inner)
        self._both = threading.Barrier(2)

    def push(self, repository: str, reference: str | Digest, media_type: str, body: bytes) -> PushedManifest:
        """See the class."""
        if isinstance(reference, str):
            with suppress(threading.BrokenBarrierError):
                self._both.wait(0.2)
        return super().push(repository, reference, media_type, body)


def test_of_two_first_pushes_one_wins() -> None:
    """Also where both have found the tag free before either has made it, if the policy lets them."""
    plain, images = open_store(MemoryDriver()), (OLD, NEW)
    for image in images:
        push_image(plain, REPOSITORY, image, image.digest)
    together = WrappedStore(plain.blobs, plain.uploads, Together(plain.manifests), plain.tags, plain.repositories)
    store = open_immutable(together, POLICY)

    def try_to_push(image: Image) -> bool:
        try:
            store.manifests.push(REPOSITORY, "v2", image.media_type, image.body)
        except RegistryError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        won = list(pool.map(try_to_push, images))
    assert won.count(True) == 1
    assert store.tags.resolve(REPOSITORY, "v2") == images[won.index(True)].digest


@pytest.mark.parametrize(
    ("speech", "expected"),
    [
        ("harbor", "412 PRECONDITION Failed to process request due to 'acme/app:v1' configured as immutable."),
        ("ecr", ECR_SAYS),
        ("quay", "409 TAG_IMMUTABLE tag is immutable"),
    ],
)
def test_whose_words(speech: str, expected: str) -> None:
    """Status, code and message, for a push and for a delete."""
    store = filled(Immutability(speech=ImmutabilitySpeech(speech)))
    with pytest.raises(RegistryError) as refused:
        move(store, NEW)
    assert refusal(refused.value) == expected
    with pytest.raises(RegistryError) as refused:
        store.manifests.delete(REPOSITORY, "v1")
    assert refusal(refused.value) == expected
