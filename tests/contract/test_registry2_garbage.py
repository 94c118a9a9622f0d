"""A real registry:2 (Debian's ``docker-registry``) and our garbage collection on one folder: same words, one store."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from pyregistry.drivers.filesystem import FilesystemDriver
from pyregistry.spec.digest import Digest
from pyregistry.spec.media_types import OCI_MANIFEST
from pyregistry.store import paths
from pyregistry.store.interface import Store
from pyregistry.store.registry import open_store
from tests.contract.test_registry2_takes_over import Registry2, wait_for
from tests.fakes.pushes import Image, an_image, an_index, push_blob, push_image
from tests.tools import require

REPOSITORY = "acme/app"
OURS = (sys.executable, "-m", "pyregistry")
OUR_LINES = (": layer link eligible", ": upload eligible", "temporary file eligible")


@dataclass(frozen=True)
class Ran:
    """What a collection did: exit code, registry:2's lines in their order, its blobs (unsorted) and what it logged."""

    code: int
    lines: list[str]
    blobs: set[str]
    err: str


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration that both programs read, and nothing stored yet."""
    config = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(tmp_path / "root")}, "delete": {"enabled": True}},
        "http": {"addr": f"127.0.0.1:{_free_port()}", "secret": "a secret"},
    }
    (tmp_path / "config.yml").write_text(yaml.safe_dump(config))
    return tmp_path


@pytest.fixture
def store(folder: Path) -> Store:
    """Our store on the folder."""
    return open_store(FilesystemDriver(folder / "root"))


def collect(program: tuple[str, ...], folder: Path, *flags: str) -> Ran:
    """Run ``garbage-collect``; the lines that only ours has are left out."""
    command = [*program, "garbage-collect", *flags, str(folder / "config.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    lines = [line for line in done.stdout.splitlines() if not any(own in line for own in OUR_LINES)]
    if program == OURS and done.returncode == 0:
        assert lines.pop().split(" ")[1:3] in (["bytes", "freed:"], ["bytes", "would"])
        assert lines.pop() == ""
    blobs = {line for line in lines if line.startswith("blob eligible")}
    return Ran(done.returncode, [line for line in lines if line not in blobs], blobs, done.stderr)


def registry2() -> tuple[str, ...]:
    """The real one's command."""
    return (str(require("docker-registry")["docker-registry"]),)


@contextmanager
def serving(folder: Path) -> Iterator[Registry2]:
    """registry:2 on the folder."""
    config = yaml.safe_load((folder / "config.yml").read_text())
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([*registry2(), "serve", folder / "config.yml"], stdout=log, stderr=log)
    try:
        yield wait_for(Registry2(int(config["http"]["addr"].rpartition(":")[2])), process, folder / "log")
    finally:
        process.terminate()
        process.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fill(store: Store) -> None:
    """Tags that moved, manifests without a tag, a shared layer, a repository with blobs only."""
    for name in ("one", "two", "three"):
        push_image(store, REPOSITORY, an_image(name), "1.0")
    push_image(store, REPOSITORY, an_image("untagged"), an_image("untagged").digest)
    push_image(store, "acme/app/tools", an_image("two"), "latest")
    push_image(store, "acme-tools", an_image("gone"), "1")
    store.manifests.delete("acme-tools", an_image("gone").digest)
    push_blob(store, "blobs", b"nobody names it")
    store.uploads.create("begun")


def a_tree(store: Store) -> list[Image]:
    """A tagged index of an index, with a signature that has no tag."""
    children = [an_image("amd64"), an_image("arm64")]
    inner = an_index(*children)
    outer = an_index(inner)
    subject = {"mediaType": OCI_MANIFEST, "digest": str(outer.digest), "size": len(outer.body)}
    signature = an_image("signature", subject=subject)
    for image in (*children, inner, signature):
        push_image(store, REPOSITORY, image, image.digest)
    push_image(store, REPOSITORY, outer, "multi")
    return [*children, inner, outer, signature]


@pytest.mark.parametrize("flags", [(), ("-m",), ("-d",), ("--dry-run", "--delete-untagged")])
def test_the_same_words(folder: Path, store: Store, flags: tuple[str, ...]) -> None:
    """Line by line and blob by blob; what both log of deletions is the same too, and so is what is left."""
    fill(store)
    shutil.copytree(folder / "root", folder / "copy")
    its = collect(registry2(), folder, *flags)
    its_left = _left(folder / "root")
    shutil.rmtree(folder / "root")
    (folder / "copy").rename(folder / "root")
    ours = collect(OURS, folder, *flags)
    assert (ours.code, ours.lines, ours.blobs) == (its.code, its.lines, its.blobs)
    assert its.blobs
    assert _deletions(its.err) == {line for line in _deletions(ours.err) if "layer link" not in line}
    assert _left(folder / "root") == its_left


def _deletions(log: str) -> set[str]:
    """What was deleted, of a log in logrus' format."""
    return {line.split('msg="')[1].split('"')[0] for line in log.splitlines() if "eleting " in line}


def _left(root: Path) -> set[str]:
    """Files of the store but layer links, which registry:2 leaves behind."""
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and "_layers" not in path.parts}


def test_where_there_is_no_store(folder: Path) -> None:
    """Exit code 1 and the same line."""
    its, ours = collect(registry2(), folder), collect(OURS, folder)
    assert (ours.code, ours.err.strip()) == (its.code, its.err.strip()) == (1, ours.err.strip())
    assert ours.err.startswith("failed to garbage collect: failed to mark: filesystem: Path not found: /docker")
    assert not (folder / "root").exists()


def test_it_serves_what_lives_after_ours(folder: Path, store: Store) -> None:
    """Manifests of every depth with their blobs, and what is dead it does not know."""
    fill(store)
    living = [*a_tree(store), an_image("three")]
    assert collect(OURS, folder, "-m").code == 0
    with serving(folder) as registry:
        for image in living:
            assert registry.ask("GET", f"/v2/{REPOSITORY}/manifests/{image.digest}")[2] == image.body
            for blob in image.blobs:
                assert registry.ask("GET", f"/v2/{REPOSITORY}/blobs/{Digest.of(blob)}")[2] == blob
        for dead in (an_image("one").digest, an_image("untagged").digest):
            assert registry.ask("GET", f"/v2/{REPOSITORY}/manifests/{dead}")[0] == 404
        assert registry.ask("HEAD", f"/v2/blobs/blobs/{Digest.of(b'nobody names it')}")[0] == 404
        registry.push(an_image("one"), "again")
    assert store.manifests.fetch(REPOSITORY, "again").body == an_image("one").body


def test_we_serve_what_lives_after_its(folder: Path, store: Store) -> None:
    """And our next collection removes the layer links that it left behind, and nothing else."""
    fill(store)
    living = [*a_tree(store), an_image("three")]
    assert collect(registry2(), folder).code == 0
    link = folder / "root" / paths.layer_link("blobs", Digest.of(b"nobody names it"))
    assert link.exists()
    before = _left(folder / "root")
    ours = collect(OURS, folder)
    assert (ours.code, ours.blobs, _left(folder / "root")) == (0, set(), before)
    assert not link.exists()
    for image in living:
        assert store.manifests.fetch(REPOSITORY, image.digest).body == image.body
        assert all(store.blobs.exists(REPOSITORY, Digest.of(blob)) for blob in image.blobs)


def test_children_survive_where_its_own_deletes_them(folder: Path, store: Store) -> None:
    """With -m, registry:2 deletes the platforms of a tagged index and its signature; ours keeps both."""
    tree = a_tree(store)
    its = collect(registry2(), folder, "-m", "-d")
    assert f"manifest eligible for deletion: {tree[0].digest}" in its.lines
    ours = collect(OURS, folder, "-m")
    assert not [line for line in ours.lines if line.startswith("manifest eligible")]
    assert ours.blobs == set()


def test_an_empty_link_stops_it_and_not_us(folder: Path, store: Store) -> None:
    """registry:2's own scar of a crash, after which it never collects again."""
    fill(store)
    link = paths.tag_current_link(REPOSITORY, "1.0")
    (folder / "root" / link).write_bytes(b"")
    assert collect(registry2(), folder, "-m").code == 1
    ours = collect(OURS, folder, "-m")
    assert (ours.code, len(ours.blobs)) == (0, 4)
    assert "no manifest is deleted, since tag 1.0 cannot be read" in ours.err
