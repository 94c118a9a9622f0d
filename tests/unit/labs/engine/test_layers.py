"""Layers: the same changes are the same bytes, and what others wrote is read safely."""

import bz2
import gzip
import hashlib
import io
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labs.engine.layers import ArchiveInvalid, Layer, apply_layer, open_archive, write_layer
from labs.engine.layout import ImageStore
from labs.engine.tree import Kind, Node, Tree


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    """An empty store."""
    return ImageStore(tmp_path / "images")


def file(content: bytes = b"x", mode: int = 0o644) -> Node:
    """A file of root's."""
    return Node(Kind.FILE, mode, size=len(content), content=lambda: io.BytesIO(content))


def members(store: ImageStore, layer: Layer) -> dict[str, tarfile.TarInfo]:
    """The layer's members, read by the standard library, in their order."""
    with store.open(layer.descriptor.digest) as stream, tarfile.open(fileobj=stream, mode="r:gz") as archive:
        return {member.name: member for member in archive}


SHARED = file(b"shared")
CHANGES = {
    "b/file": file(b"content"),
    "b": Node(Kind.DIRECTORY, 0o750, 1000, 1001),
    "a": Node(Kind.SYMLINK, 0o777, target="b/file"),
    "c1": SHARED,
    "c2": SHARED,
    "long/" + "n" * 150: file(b""),
    "é": file(b"unicode"),
    "setuid": file(b"s", 0o4755),
}


def test_the_archive_is_pinned(store: ImageStore) -> None:
    """The digest of the uncompressed archive is the same on every machine and Python version: here it is."""
    layer = write_layer(store, CHANGES, 0)
    assert layer.diff_id.encoded == "4a972d0186497f69084efbefaf18f2825cf3acc84a3f76fe44fc651428594522"


def test_order_of_making_does_not_matter(store: ImageStore) -> None:
    """Paths are sorted, parents first."""
    backwards = dict(reversed(CHANGES.items()))
    assert write_layer(store, CHANGES, 0).diff_id == write_layer(store, backwards, 0).diff_id
    names = list(members(store, write_layer(store, CHANGES, 0)))
    assert names == ["a", "b", "b/file", "c1", "c2", "long/" + "n" * 150, "setuid", "é"]


def test_the_gzip_header_says_nothing_about_this_machine(store: ImageStore) -> None:
    """No name, no time, no system: RFC 1952's ten bytes as Go writes them, then what gzip itself can read."""
    layer = write_layer(store, CHANGES, 0)
    content = store.read(layer.descriptor.digest)
    assert content[:10] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
    assert hashlib.sha256(gzip.decompress(content)).hexdigest() == layer.diff_id.encoded


def test_modes_owners_links_and_times_are_written(store: ImageStore) -> None:
    """What the changes say, with one time for all and no names of users."""
    found = members(store, write_layer(store, CHANGES, 1_700_000_000))
    assert (found["b"].mode, found["b"].uid, found["b"].gid) == (0o750, 1000, 1001)
    assert (found["a"].type, found["a"].linkname) == (tarfile.SYMTYPE, "b/file")
    assert (found["c2"].type, found["c2"].linkname) == (tarfile.LNKTYPE, "c1")
    assert found["setuid"].mode == 0o4755
    assert {member.mtime for member in found.values()} == {1_700_000_000}
    assert {member.uname + member.gname for member in found.values()} == {""}


def test_a_layer_that_is_there_is_known(store: ImageStore) -> None:
    """That is what CACHED means."""
    assert [write_layer(store, CHANGES, 0).known for _ in range(2)] == [False, True]


def test_a_file_that_changes_while_it_is_read_is_noticed(store: ImageStore) -> None:
    """Rather than an archive that is out of step with its headers."""
    node = Node(Kind.FILE, 0o644, size=3, content=lambda: io.BytesIO(b"four"))
    with pytest.raises(OSError, match="expected 3 bytes, got 4"):
        write_layer(store, {"f": node}, 0)


def test_a_written_layer_reads_back(store: ImageStore) -> None:
    """Into the same tree, hard links and contents included."""
    layer = write_layer(store, CHANGES, 0)
    tree = Tree()
    with store.open(layer.descriptor.digest) as stream, open_archive(stream) as archive:
        apply_layer(tree, archive)
        again = write_layer(store, dict(tree.below("")), 0)
    assert tree.get("c1") is tree.get("c2")
    assert again.diff_id == layer.diff_id


NAMES = st.from_regex(r"[a-zA-Z0-9é _.-]{1,120}", fullmatch=True).filter(lambda name: name not in {".", ".."})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    changes=st.dictionaries(
        NAMES, st.builds(file, st.binary(max_size=600), st.integers(min_value=0, max_value=0o7777)), max_size=5
    ),
    mtime=st.integers(min_value=0, max_value=2**33 - 1),
)
def test_equal_changes_are_equal_bytes(store: ImageStore, changes: dict[str, Node], mtime: int) -> None:
    """Whatever the files: written twice, read by the standard library, read back by us."""
    first, second = (write_layer(store, changes, mtime) for _ in range(2))
    assert first.descriptor == second.descriptor
    assert set(members(store, first)) == set(changes)


def tar(*rows: tuple[str, bytes | None, bytes]) -> bytes:
    """An archive of (name, type, content); a type None is a file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, kind, content in rows:
            member = tarfile.TarInfo(name)
            if kind is None:
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
            else:
                member.type, member.linkname = kind, content.decode()
                archive.addfile(member)
    return buffer.getvalue()


def apply(tree: Tree, raw: bytes) -> None:
    """Apply an archive whose content is not needed."""
    with open_archive(io.BytesIO(raw)) as archive:
        apply_layer(tree, archive)


def test_whiteouts_remove_and_opaque_folders_begin_anew() -> None:
    """Layer.md: ``.wh.name`` removes one, ``.wh..wh..opq`` everything that lower layers put into the folder."""
    tree = Tree()
    apply(tree, tar(("a/one", None, b""), ("a/two", None, b""), ("b/x", None, b""), ("bx", None, b"")))
    apply(tree, tar(("a/.wh.one", None, b""), ("b/.wh..wh..opq", None, b""), ("b/y", None, b"")))
    assert [path for path, _ in tree.below("")] == ["a/two", "b/y", "bx"]


def test_names_that_climb_stay_inside() -> None:
    """A hostile base image cannot name anything outside of its tree."""
    tree = Tree()
    apply(tree, tar(("../../etc/passwd", None, b""), ("/abs", None, b"")))
    assert [path for path, _ in tree.below("")] == ["abs", "etc/passwd"]


def test_a_hard_link_to_nothing_is_refused() -> None:
    """Its content would be nobody's."""
    with pytest.raises(ArchiveInvalid, match="expected a link to a member before it, got gone"):
        apply(Tree(), tar(("a", tarfile.LNKTYPE, b"gone")))


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_archives_are_read_compressed_or_not(compress: Callable[[bytes], bytes]) -> None:
    """What ``tar`` on a student's machine makes."""
    with open_archive(io.BytesIO(compress(tar(("a", None, b"content"))))) as archive:
        assert archive.getnames() == ["a"]


@pytest.mark.parametrize(
    "raw",
    [b"", b"text", b"\x1f\x8bbroken", gzip.compress(b"text"), gzip.compress(tar(("a", None, b"x")))[:-12]],
    ids=["empty", "text", "broken gzip", "gzip of no archive", "cut short"],  # gzip holds the time: no name for a test
)
def test_what_is_no_archive_is_refused(raw: bytes) -> None:
    """Cut off, broken, or something else."""
    with pytest.raises(ArchiveInvalid), open_archive(io.BytesIO(raw)):
        pass


def test_zstd_is_refused_by_name() -> None:
    """The Python of the lab cannot read it."""
    with pytest.raises(ArchiveInvalid, match="zstd"), open_archive(io.BytesIO(b"\x28\xb5\x2f\xfd....")):
        pass
