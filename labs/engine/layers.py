"""Layers: a tree's changes as a tar archive, gzipped; and archives as changes of a tree (image-spec 1.1.1, layer.md).

Writing is reproducible: sorted, one mtime for all, numeric owners only, no name and no time in the gzip header. Equal
changes give an equal ``diff_id`` on any machine and Python version. The compressed digest is equal too where the zlib
is: another build of it (zlib-ng, say) may compress the same bytes otherwise.
"""

import bz2
import contextlib
import gzip
import lzma
import shutil
import struct
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Protocol

from labs.engine.layout import CHUNK_SIZE, ImageStore
from labs.engine.tree import Kind, Node, Tree, clean, join, order
from pyregistry.spec.descriptor import Descriptor
from pyregistry.spec.digest import CANONICAL_ALGORITHM, Digest, Hasher, hasher_for
from pyregistry.spec.media_types import OCI_LAYER_GZIP


class Readable(Protocol):
    """What gives bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes; none at the end."""
        ...


WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
_XATTR = "SCHILY.xattr."

# RFC 1952, 2.3: magic, deflate, no flags, no mtime, no extra flags, unknown system; as Go writes it.
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_COMPRESSION_LEVEL = 6
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_OPENERS: Mapping[bytes, Callable[[IO[bytes]], Readable]] = {
    b"\x1f\x8b": lambda stream: gzip.GzipFile(fileobj=stream),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ": lzma.LZMAFile,
}

_TYPES = {
    Kind.FILE: tarfile.REGTYPE,
    Kind.DIRECTORY: tarfile.DIRTYPE,
    Kind.SYMLINK: tarfile.SYMTYPE,
    Kind.CHARACTER_DEVICE: tarfile.CHRTYPE,
    Kind.BLOCK_DEVICE: tarfile.BLKTYPE,
    Kind.FIFO: tarfile.FIFOTYPE,
}
_KINDS = {kind: name for name, kind in _TYPES.items()}


class ArchiveInvalid(ValueError):
    """The bytes are no tar archive that we can read, or one that reaches outside of its folder."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer in the store.

    Attributes:
        diff_id: Digest of the archive before compression.
        known: The store had it already.
    """

    descriptor: Descriptor
    diff_id: Digest
    known: bool


def write_layer(store: ImageStore, changes: Mapping[str, Node], mtime: int) -> Layer:
    """Write changes, by path, into the store as one layer. ``mtime`` is seconds since the epoch, for every entry."""
    hasher = hasher_for(CANONICAL_ALGORITHM)
    with store.blob_writer() as writer:
        for chunk in _gzipped(_hashed(_archive(changes, mtime), hasher)):
            writer.write(chunk)
        known = store.has(writer.digest)
    descriptor = Descriptor(OCI_LAYER_GZIP, writer.digest, writer.size)
    return Layer(descriptor, Digest(CANONICAL_ALGORITHM, hasher.hexdigest()), known)


def _archive(changes: Mapping[str, Node], mtime: int) -> Iterator[bytes]:
    """The tar archive of some changes. A node's second path is written as a hard link to its first."""
    first_path: dict[Node, str] = {}
    for path in sorted((path for path in changes if path), key=order):
        node = changes[path]
        entry = _entry(path, node, mtime)
        if first_path.setdefault(node, path) == path:
            yield _header(entry)
            yield from _content(node)
        else:
            entry.type, entry.linkname, entry.size = tarfile.LNKTYPE, first_path[node], 0
            yield _header(entry)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _header(entry: tarfile.TarInfo) -> bytes:
    return entry.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _content(node: Node) -> Iterator[bytes]:
    """A file's bytes, filled up to a whole block.

    Raises:
        OSError: The file has another size than it had when it was found.
    """
    if node.content is None:
        return
    written = 0
    with node.content() as stream:
        while chunk := stream.read(CHUNK_SIZE):
            written += len(chunk)
            yield chunk
    if written != node.size:
        raise OSError(f"a file changed while it was read: expected {node.size} bytes, got {written}")
    yield bytes(-written % tarfile.BLOCKSIZE)


def _entry(path: str, node: Node, mtime: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path)
    entry.type = _TYPES[node.kind]
    entry.mode, entry.uid, entry.gid, entry.mtime = node.mode, node.uid, node.gid, mtime
    entry.linkname = node.target
    entry.size = node.size if node.kind is Kind.FILE else 0
    entry.devmajor, entry.devminor = node.device
    entry.pax_headers = dict(sorted(node.attributes.items()))
    return entry


def _hashed(chunks: Iterable[bytes], hasher: Hasher) -> Iterator[bytes]:
    """Pass chunks on, and their content to the hasher."""
    for chunk in chunks:
        hasher.update(chunk)
        yield chunk


def _gzipped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """RFC 1952: header, deflated data, then CRC32 and size modulo 2^32 of what went in."""
    compressor = zlib.compressobj(_COMPRESSION_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    checksum, size = 0, 0
    yield _GZIP_HEADER
    for chunk in chunks:
        checksum, size = zlib.crc32(chunk, checksum), size + len(chunk)
        yield compressor.compress(chunk)
    yield compressor.flush()
    yield struct.pack("<II", checksum, size & 0xFFFFFFFF)


@contextlib.contextmanager
def open_archive(stream: IO[bytes]) -> Iterator[tarfile.TarFile]:
    """A tar archive, plain or compressed by gzip, bzip2 or xz, ready for reading its members in any order.

    Raises:
        ArchiveInvalid: It is something else.
    """
    with tempfile.TemporaryFile() as plain:
        try:
            _decompress(stream, plain)
            plain.seek(0)
            archive = tarfile.open(fileobj=plain, mode="r:")  # noqa: SIM115  closed by the with below
        except (tarfile.TarError, OSError, EOFError, lzma.LZMAError, zlib.error) as exc:
            raise ArchiveInvalid(f"expected a tar archive: {exc}") from exc
        with archive:
            yield archive


def _decompress(stream: IO[bytes], target: IO[bytes]) -> None:
    magic = stream.read(6)
    stream.seek(0)
    if magic.startswith(_ZSTD_MAGIC):
        raise ArchiveInvalid("zstd compression is not done here: expected tar, gzip, bzip2 or xz")
    opened = next((opener(stream) for start, opener in _OPENERS.items() if magic.startswith(start)), stream)
    shutil.copyfileobj(opened, target, CHUNK_SIZE)


def apply_layer(tree: Tree, archive: tarfile.TarFile) -> None:
    """Change a tree by a layer, whiteouts included. The archive must stay open while the tree's content is read."""
    for member in archive:
        path = clean(member.name)
        folder, _, name = path.rpartition("/")
        if name == OPAQUE:
            tree.empty(folder)
        elif name.startswith(WHITEOUT):
            tree.remove(join(folder, name.removeprefix(WHITEOUT)))
        elif path:
            node = _hard_linked(tree, member) if member.islnk() else member_node(archive, member)
            tree.put(path, node)


def _hard_linked(tree: Tree, member: tarfile.TarInfo) -> Node:
    node = tree.get(clean(member.linkname))
    if node is None:
        raise ArchiveInvalid(f"{member.name}: expected a link to a member before it, got {member.linkname}")
    return node


def member_node(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Node:
    """A member as a node. Its content is read from the archive, which must stay open."""

    def content() -> IO[bytes]:
        stream = archive.extractfile(member)
        if stream is None:
            raise ArchiveInvalid(f"{member.name}: has no content")
        return stream

    kind = Kind.FILE if member.isreg() else _KINDS.get(member.type)
    if kind is None:
        raise ArchiveInvalid(f"{member.name}: unhandled tar header type {member.type!r}")
    return Node(
        kind,
        member.mode & 0o7777,
        member.uid,
        member.gid,
        target=member.linkname if kind is Kind.SYMLINK else "",
        size=member.size if kind is Kind.FILE else 0,
        content=content if kind is Kind.FILE else None,
        device=(member.devmajor, member.devminor),
        attributes={key: value for key, value in member.pax_headers.items() if key.startswith(_XATTR)},
    )
