"""registry:2's layout on disk, literally: what we write it reads, what it wrote we read."""

import re
from datetime import UTC, datetime
from pathlib import Path

from pyregistry.drivers.filesystem import FilesystemDriver
from pyregistry.drivers.memory import MemoryDriver
from pyregistry.spec.digest import Digest
from pyregistry.store.registry import open_store
from tests.fakes.pushes import an_image, push_image

ROOT = "docker/registry/v2"
IMAGE = an_image()


def encoded(content: bytes) -> str:
    """The hex of its digest."""
    return Digest.of(content).encoded


def written_by_registry_2(root: Path) -> dict[str, bytes]:
    """Every file that registry:2 leaves after a push of the image as ``acme/app:1.0``."""
    contents = (*IMAGE.blobs, IMAGE.body)
    manifests = f"{ROOT}/repositories/acme/app/_manifests"
    manifest = f"sha256/{encoded(IMAGE.body)}/link"
    link = f"sha256:{encoded(IMAGE.body)}".encode()
    files = {f"{ROOT}/blobs/sha256/{encoded(each)[:2]}/{encoded(each)}/data": each for each in contents}
    for blob in IMAGE.blobs:
        key = f"{ROOT}/repositories/acme/app/_layers/sha256/{encoded(blob)}/link"
        files[key] = f"sha256:{encoded(blob)}".encode()
    files[f"{manifests}/revisions/{manifest}"] = link
    files[f"{manifests}/tags/1.0/current/link"] = link
    files[f"{manifests}/tags/1.0/index/{manifest}"] = link
    return {str(root / name): content for name, content in files.items()}


def test_a_push_leaves_what_registry_2_leaves(tmp_path: Path) -> None:
    """The same files with the same bytes, and none besides: links without a newline, no upload, nothing temporary."""
    push_image(open_store(FilesystemDriver(tmp_path)), "acme/app", IMAGE, "1.0")
    found = {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert found == written_by_registry_2(tmp_path)


def test_what_registry_2_left_is_served(tmp_path: Path) -> None:
    """Its store is ours, without an import."""
    for name, content in written_by_registry_2(tmp_path).items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(content)
    store = open_store(FilesystemDriver(tmp_path))
    assert list(store.repositories.names()) == ["acme/app"]
    assert store.tags.list("acme/app") == ["1.0"]
    assert store.manifests.fetch("acme/app", "1.0").body == IMAGE.body
    for blob in IMAGE.blobs:
        with store.blobs.fetch("acme/app", Digest.of(blob)) as reader:
            assert reader.read() == blob


def test_a_moved_tag_remembers(tmp_path: Path) -> None:
    """Its index keeps where it pointed, for registry:2's garbage collector to clean."""
    store, other = open_store(FilesystemDriver(tmp_path)), an_image("other")
    for image in (IMAGE, other):
        push_image(store, "acme/app", image, "1.0")
    index = tmp_path / ROOT / "repositories/acme/app/_manifests/tags/1.0/index/sha256"
    assert {path.name for path in index.iterdir()} == {IMAGE.digest.encoded, other.digest.encoded}


def test_an_emptied_repository_keeps_its_folders(tmp_path: Path) -> None:
    """registry:2 knows it by them, so its tag list is empty, not unknown; the catalog does not list it."""
    store = open_store(FilesystemDriver(tmp_path))
    push_image(store, "acme/app", IMAGE, "1.0")
    store.manifests.delete("acme/app", IMAGE.digest)
    for blob in IMAGE.blobs:
        store.blobs.delete("acme/app", Digest.of(blob))
    assert store.tags.list("acme/app") == []
    assert (tmp_path / ROOT / "repositories/acme/app/_manifests").is_dir()
    assert list(store.repositories.names()) == []


def test_a_session_is_a_folder() -> None:
    """With ``data`` from the first moment on, and ``startedat`` in RFC 3339, which registry:2's purge goes by."""
    driver = MemoryDriver()
    started_at = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
    made = open_store(driver, clock=lambda: started_at).uploads.create("acme/app")
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", made.uuid)
    folder = f"{ROOT}/repositories/acme/app/_uploads/{made.uuid}"
    assert list(driver.keys("")) == [f"{folder}/data", f"{folder}/startedat"]
    with driver.open(f"{folder}/startedat") as reader:
        assert reader.read() == b"2026-01-02T03:04:05Z"


def test_a_session_of_registry_2_goes_on() -> None:
    """Its start may carry another offset; hash states of its own go with it."""
    driver, uuid = MemoryDriver(), "0b5a4b1e-0000-4000-8000-000000000000"
    folder = f"{ROOT}/repositories/acme/app/_uploads/{uuid}"
    driver.write(f"{folder}/data", [b"first half, "])
    driver.write(f"{folder}/startedat", [b"2026-01-02T04:04:05+01:00"])
    driver.write(f"{folder}/hashstates/sha256/12", [b"Go's own"])
    uploads = open_store(driver).uploads
    assert uploads.session("acme/app", uuid).started_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    writer = uploads.writer("acme/app", uuid, 12)
    writer.write(b"second half")
    writer.close()
    uploads.commit("acme/app", uuid, Digest.of(b"first half, second half"))
    assert not any("_uploads" in key for key in driver.keys(""))
