"""Stores around a store: what each refuses, and that it passes on everything else."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from pyregistry.config.settings import MemoryStorage, Settings, StorageSettings, ValidationSettings
from pyregistry.drivers.memory import MemoryDriver
from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import ManifestInvalid, Unsupported
from pyregistry.store.configured import wrap
from pyregistry.store.interface import Store
from pyregistry.store.registry import open_store
from tests.fakes.pushes import an_image, described, push_blob, push_image
from tests.unit.pyregistry.api.harness import HTTP

REPOSITORY = "acme/app"
IMAGE = an_image()
BLOB = Digest.of(IMAGE.blobs[0])
DELETES = ("delete blob", "delete manifest", "delete tag")
WRITES = ("mount", "create", "writer", "commit", "cancel", "push", "tag")


@pytest.fixture
def filled() -> Store:
    """A store that holds an image and a session."""
    store = open_store(MemoryDriver())
    push_image(store, REPOSITORY, IMAGE)
    return store


def wrapped(store: Store, *, delete_enabled: bool = False, read_only: bool = False) -> Store:
    """The store as a configuration has it."""
    storage = StorageSettings(MemoryStorage(), delete_enabled=delete_enabled, read_only=read_only)
    return wrap(store, Settings(Path("config.yml"), storage, HTTP))


@pytest.mark.parametrize(
    ("validation", "url", "is_taken"),
    [
        (ValidationSettings(), "https://anywhere.example/layer", True),
        (ValidationSettings(enabled=False, denied_urls=("evil",)), "https://evil.example/layer", True),
        (ValidationSettings(allowed_urls=("^https://good",)), "https://good.example/layer", True),
        (ValidationSettings(allowed_urls=("^https://good",)), "https://other.example/layer", False),
        (ValidationSettings(allowed_urls=("^https://one", "^https://two")), "https://two.example/layer", True),
        (ValidationSettings(denied_urls=("evil",)), "https://good.example/layer", True),
        (ValidationSettings(denied_urls=("evil",)), "https://evil.example/layer", False),
        (ValidationSettings(allowed_urls=("",), denied_urls=("evil",)), "https://evil.example/layer", False),
        (ValidationSettings(allowed_urls=("",)), "ftp://good.example/layer", False),
        (ValidationSettings(allowed_urls=("",)), "https://good.example/layer#part", False),
        (ValidationSettings(allowed_urls=("",)), "https://[broken/layer", False),
    ],
)
def test_layers_from_elsewhere(filled: Store, validation: ValidationSettings, url: str, *, is_taken: bool) -> None:
    """``validation.manifests.urls``: found by an ``allow``, if there are any, and by no ``deny``."""
    foreign = described(b"far away", "application/vnd.oci.image.layer.nondistributable.v1.tar", urls=[url])
    image = an_image(layers=[foreign])
    store = wrap(filled, Settings(Path("config.yml"), StorageSettings(MemoryStorage()), HTTP, validation=validation))
    with nullcontext() if is_taken else pytest.raises(ManifestInvalid, match="expected a URL"):
        store.manifests.push(REPOSITORY, "foreign", image.media_type, image.body)
    assert ("foreign" in store.tags.list(REPOSITORY)) is is_taken


def changes(store: Store, uuid: str) -> dict[str, Callable[[], Any]]:
    """Every verb that changes something."""
    return {
        "mount": lambda: store.blobs.mount("acme/other", BLOB, REPOSITORY),
        "create": lambda: store.uploads.create(REPOSITORY),
        "writer": lambda: store.uploads.writer(REPOSITORY, uuid).close(),
        "commit": lambda: store.uploads.commit(REPOSITORY, uuid, Digest.of(b"")),
        "cancel": lambda: store.uploads.cancel(REPOSITORY, store.uploads.create(REPOSITORY).uuid),
        "push": lambda: store.manifests.push(REPOSITORY, "2.0", IMAGE.media_type, IMAGE.body),
        "tag": lambda: store.tags.tag(REPOSITORY, "3.0", IMAGE.digest),
        "delete blob": lambda: store.blobs.delete(REPOSITORY, BLOB),
        "delete tag": lambda: store.manifests.delete(REPOSITORY, "1.0"),
        "delete manifest": lambda: store.manifests.delete(REPOSITORY, IMAGE.digest),
    }


def refused(store: Store, uuid: str) -> Iterator[str]:
    """The verbs that are 405."""
    for name, change in changes(store, uuid).items():
        try:
            change()
        except Unsupported:
            yield name


@pytest.mark.parametrize(
    ("delete_enabled", "read_only", "expected"),
    [(True, False, set()), (False, False, {*DELETES}), (True, True, {*WRITES, *DELETES})],
)
def test_what_is_refused(filled: Store, *, delete_enabled: bool, read_only: bool, expected: set[str]) -> None:
    """Exactly what the configuration forbids; everything else works through the wrapper."""
    store = wrapped(filled, delete_enabled=delete_enabled, read_only=read_only)
    assert set(refused(store, filled.uploads.create(REPOSITORY).uuid)) == expected


def test_every_read_goes_through(filled: Store) -> None:
    """With both wrappers around."""
    store = wrapped(filled, read_only=True)
    session = filled.uploads.create(REPOSITORY)
    assert store.uploads.session(REPOSITORY, session.uuid).uuid == session.uuid
    assert store.blobs.exists(REPOSITORY, BLOB)
    assert store.blobs.stat(REPOSITORY, BLOB).digest == BLOB
    assert list(store.blobs.holders(BLOB)) == [REPOSITORY]
    with store.blobs.fetch(REPOSITORY, BLOB) as reader:
        assert reader.read() == IMAGE.blobs[0]
    assert store.manifests.fetch(REPOSITORY, "1.0").body == IMAGE.body
    assert store.manifests.referrers(REPOSITORY, IMAGE.digest) == []
    assert store.tags.resolve(REPOSITORY, "1.0") == IMAGE.digest
    assert store.tags.list(REPOSITORY) == ["1.0"]
    assert list(store.repositories.names()) == [REPOSITORY]


def test_a_refused_change_changes_nothing(filled: Store) -> None:
    """What was there is there."""
    uuid = filled.uploads.create(REPOSITORY).uuid
    assert set(refused(wrapped(filled, read_only=True), uuid)) == {*WRITES, *DELETES}
    assert filled.tags.list(REPOSITORY) == ["1.0"]
    assert filled.uploads.session(REPOSITORY, uuid).offset == 0
    assert list(filled.repositories.names()) == [REPOSITORY]
    push_blob(filled, "acme/other", b"and the store beneath still takes everything")
