"""``garbage-collect`` and ``scrub`` as typed: what they print where, and their exit codes."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pyregistry.api import logs
from pyregistry.cli import main
from pyregistry.drivers.filesystem import FilesystemDriver
from pyregistry.spec.digest import Digest
from pyregistry.store import paths
from pyregistry.store.interface import Store
from pyregistry.store.locks import announce_serving
from pyregistry.store.registry import open_store
from tests.fakes.pushes import an_image, push_blob, push_image

IMAGE, OLD = an_image(), an_image("old")
ORPHAN = Digest.of(b"orphan")


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str


Command = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    """Run the command in this process; its log is taken down afterwards."""
    monkeypatch.delenv("REGISTRY_CONFIGURATION_PATH", raising=False)

    def run(*arguments: object) -> Ran:
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as left:
            code = int(str(left.code))
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    kept = [(log, log.handlers[:], log.level, log.propagate) for log in (logs.APPLICATION, logs.ACCESS)]
    yield run
    for log, handlers, level, propagate in kept:
        log.handlers[:], log.propagate = handlers, propagate
        log.setLevel(level)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration of a store on disk."""
    path = tmp_path / "config.yml"
    path.write_text(f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {tmp_path}/root}}}}\nhttp: {{secret: s}}\n")
    return path


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An image, one that lost its tag, and a blob that nobody names."""
    store = open_store(FilesystemDriver(tmp_path / "root"))
    push_image(store, "a", OLD, "1")
    push_image(store, "a", IMAGE, "1")
    push_blob(store, "b", b"orphan")
    return store


@pytest.mark.usefixtures("store")
def test_a_collection_in_full(run: Command, config: Path) -> None:
    """registry:2's lines on stdout, what is freed at their end, deletions in the log on stderr."""
    ran = run("garbage-collect", config)
    images = sorted((OLD, IMAGE), key=lambda image: image.digest)
    lines = ["a"]
    for image in images:
        lines.append(f"a: marking manifest {image.digest} ")
        lines += [f"a: marking blob {Digest.of(blob)}" for blob in image.blobs]
    lines += ["b", "", "7 blobs marked, 1 blobs and 0 manifests eligible for deletion"]
    lines += [f"blob eligible for deletion: {ORPHAN}", f"b: layer link eligible for deletion: {ORPHAN}", ""]
    lines += ["6 bytes freed: 1 blobs, 0 manifests, 1 layer links, 0 uploads, 0 temporary files"]
    assert (ran.code, ran.out.splitlines()) == (0, lines)
    logged = ran.err.splitlines()
    assert len(logged) == 2
    assert 'level=info msg="Deleting layer link path: /docker/registry/v2/repositories/b/_layers/sha256/' in logged[0]
    assert f'level=info msg="Deleting blob: /docker/registry/v2/blobs/sha256/{ORPHAN.encoded[:2]}/' in logged[1]


def test_flags(run: Command, config: Path, store: Store) -> None:
    """Short and long, together and apart: a dry run keeps, -m takes the untagged, quiet prints nothing."""
    for flags in (("-d", "-m"), ("--dry-run", "--delete-untagged")):
        ran = run("garbage-collect", *flags, config)
        assert f"manifest eligible for deletion: {OLD.digest}" in ran.out
        assert " bytes would be freed: 4 blobs, 1 manifests, 3 layer links, " in ran.out.splitlines()[-1]
        assert ran.err == ""
    assert run("garbage-collect", "-qd", config) == run("garbage-collect", "--quiet", "-d", config) == Ran(0, "", "")
    assert store.manifests.fetch("a", OLD.digest).body == OLD.body
    assert run("garbage-collect", "-q", "-m", config).out == ""
    assert run("garbage-collect", "-m", config).out.splitlines()[-1].startswith("0 bytes freed: 0 blobs")


def test_beside_a_registry_what_is_young_stays(run: Command, config: Path, tmp_path: Path, store: Store) -> None:
    """It says so on stderr; with nobody serving any more, it all goes."""
    with announce_serving(FilesystemDriver(tmp_path / "root")):
        beside = run("garbage-collect", "-m", config)
    assert beside.out.splitlines()[-1].startswith("0 bytes freed: 0 blobs, 0 manifests, 0 layer links")
    assert 'msg="a registry serves this store: what was used since ' in beside.err
    assert store.blobs.exists("b", ORPHAN)
    alone = run("garbage-collect", "-m", config)
    assert " bytes freed: 4 blobs, 1 manifests, 3 layer links" in alone.out
    assert "a registry serves" not in alone.err


@pytest.mark.usefixtures("store")
def test_the_limit_of_uploads_is_the_configurations(run: Command, config: Path, tmp_path: Path) -> None:
    """``uploadpurging.age``: a week by default, an instant here."""
    open_store(FilesystemDriver(tmp_path / "root")).uploads.create("c")
    assert ", 0 uploads, " in run("garbage-collect", "-d", config).out
    purging = "maintenance: {uploadpurging: {enabled: true, age: 1ns, interval: 24h, dryrun: false}}"
    text = config.read_text().replace("storage: {", f"storage: {{{purging}, ")
    config.write_text(text)
    assert ", 1 uploads, " in run("garbage-collect", "-d", config).out


@pytest.mark.parametrize(
    ("command", "words"), [("garbage-collect", "failed to garbage collect"), ("scrub", "failed to scrub")]
)
def test_failures(run: Command, config: Path, tmp_path: Path, command: str, words: str) -> None:
    """No store, a store in use, no configuration: 1, and one line that says which."""
    missing = run(command, config)
    assert (missing.code, missing.out) == (1, "")
    assert missing.err == f"{words}: failed to mark: filesystem: Path not found: /docker/registry/v2/repositories\n"
    push_image(open_store(FilesystemDriver(tmp_path / "root")), "a", IMAGE)
    with FilesystemDriver(tmp_path / "root").lock(paths.ROOT, wait=False):
        used = run(command, config)
    assert used == Ran(1, "", f"{words}: {paths.ROOT}: another garbage-collect or scrub is working on it\n")
    unspecified = run(command)
    assert unspecified.code == 1
    assert unspecified.err.startswith("configuration error: configuration path unspecified\nusage: pyregistry")


@pytest.mark.parametrize("command", ["garbage-collect", "scrub"])
def test_help_says_that_no_registry_needs_to_be_stopped(run: Command, command: str) -> None:
    """registry:2's does, so it is looked for."""
    ran = run(command, "--help")
    assert ran.code == 0
    assert "Registries may go on serving the store" in " ".join(ran.out.split())


def test_scrub(run: Command, config: Path, store: Store, tmp_path: Path) -> None:
    """0 and one line where all is whole; 1, the object and where it went where it is not; orphans are no damage."""
    whole = run("scrub", config)
    size = sum(len(blob) for blob in {*IMAGE.blobs, *OLD.blobs, IMAGE.body, OLD.body, b"orphan"})
    assert whole == Ran(0, f"8 contents, {size} bytes read: all whole\n", "")
    store.blobs.delete("b", ORPHAN)
    orphan = run("scrub", config)
    assert orphan.code == 0
    assert orphan.out.startswith(f"orphan {ORPHAN}: no repository links to it; garbage-collect frees it\n8 contents")
    digest = Digest.of(IMAGE.blobs[0])
    Path(tmp_path, "root", paths.blob_data(digest)).write_bytes(b"x")
    damaged = run("scrub", config)
    assert damaged.code == 1
    assert (
        f"truncated {digest}: expected {len(IMAGE.blobs[0])} bytes, got 1; moved to quarantine/sha256/" in damaged.out
    )
    assert damaged.out.splitlines()[-2].endswith("bytes read: 1 orphan, 1 truncated")
    assert damaged.out.splitlines()[-1].startswith(f"damaged content is in {tmp_path}/root/quarantine; pushing")


@pytest.mark.usefixtures("store")
def test_progress_on_a_terminal_only(run: Command, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a second, in one line that is gone at the end; a file gets none of it."""
    clock = iter(range(1000))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
    assert run("scrub", config).err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    shown = run("scrub", config)
    assert shown.err.startswith("\r\x1b[K0 contents, 0 MiB read\r\x1b[K1 contents")
    assert shown.err.endswith("\r\x1b[K")
    assert "\x1b" not in shown.out


@pytest.mark.usefixtures("store")
def test_the_log_level_is_the_configurations(run: Command, config: Path) -> None:
    """At ``warn`` deletions are not logged."""
    config.write_text(config.read_text() + "log: {level: warn}\n")
    assert run("garbage-collect", config).err == ""
    assert logging.getLogger("pyregistry").level == logging.WARNING
