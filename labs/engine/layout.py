"""The image store: an OCI image layout (image-spec 1.1.1, image-layout.md) that several processes may use at once.

    <engine home>/images/oci-layout           {"imageLayoutVersion": "1.0.0"}
    <engine home>/images/index.json           one descriptor an entry; its name in org.opencontainers.image.ref.name
    <engine home>/images/blobs/sha256/<hex>   manifests, configs and layers
    <engine home>/images.lock                 held while index.json changes
    <engine home>/images.lease                held shared while blobs come in, exclusively while they are pruned
    <engine home>/partial/<digest>            downloads that are not complete, kept so that they can be resumed

An entry without a name is a dangling image: its tag has moved on. ``skopeo inspect oci:FOLDER:NAME`` reads the folder.
"""

import contextlib
import fcntl
import os
import re
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, BinaryIO

from labs.engine.documents import DocumentInvalid, Manifest, format_index, parse_index, parse_json, parse_manifest
from labs.engine.platforms import fits
from labs.engine.reference import InvalidReference, Reference
from pyregistry.spec.descriptor import Descriptor, Platform
from pyregistry.spec.digest import CANONICAL_ALGORITHM, Digest, hasher_for
from pyregistry.spec.errors import DigestInvalid
from pyregistry.spec.media_types import IMAGE_TYPES, INDEX_TYPES

REF_NAME = "org.opencontainers.image.ref.name"
CHUNK_SIZE = 1 << 20
"""Bytes read or written at a time: memory stays flat for layers of any size."""
_NEW = ".new-"
_LAYOUT_FILE = b'{"imageLayoutVersion": "1.0.0"}'

# An image id as people type it: any beginning of the digest, with or without its algorithm.
_ID_PREFIX = re.compile(r"(?:sha256:)?([0-9a-f]{1,64})", re.ASCII)


class StoreError(Exception):
    """The store on disk is not what was written there."""


class ImageUnknown(LookupError):
    """No image of that name or id. The message is Docker's own."""

    def __init__(self, name: str) -> None:
        super().__init__(f"No such image: {name}")
        self.name = name


class BlobMissing(LookupError):
    """The store does not hold this content."""

    def __init__(self, digest: Digest) -> None:
        super().__init__(f"{digest}: not in the image store")
        self.digest = digest


class PlatformMissing(LookupError):
    """An index has no image for the platform that was asked for. The message is Docker's own."""


@dataclass(frozen=True, slots=True)
class Image:
    """What the store knows of one image: its descriptor and every name that points at it (none: dangling)."""

    descriptor: Descriptor
    references: tuple[Reference, ...]


class ImageStore:
    """Content-addressed images in a folder. Nothing is created before the first write.

    Args:
        folder: The OCI image layout; locks and partial downloads lie beside it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.partial_folder = folder.parent / "partial"

    # --- content ---

    def path(self, digest: Digest) -> Path:
        """Where the content lies, or would lie."""
        return self.folder / "blobs" / digest.algorithm / digest.encoded

    def has(self, digest: Digest) -> bool:
        """Whether the content is here, complete."""
        return self.path(digest).is_file()

    def size(self, digest: Digest) -> int:
        """Size in bytes.

        Raises:
            BlobMissing: It is not here.
        """
        with self._present(digest):
            return self.path(digest).stat().st_size

    def open(self, digest: Digest) -> BinaryIO:
        """A reader at offset 0; the caller closes it.

        Raises:
            BlobMissing: It is not here.
        """
        with self._present(digest):
            return self.path(digest).open("rb")

    def read(self, digest: Digest) -> bytes:
        """The whole content, verified: for manifests and configs, not for layers.

        Raises:
            BlobMissing: It is not here.
            StoreError: It has changed on disk.
        """
        with self.open(digest) as stream:
            content = stream.read()
        if Digest.of(content, digest.algorithm) != digest:
            raise StoreError(f"{self.path(digest)}: its content is no longer that of {digest}")
        return content

    def add(self, content: bytes, media_type: str) -> Descriptor:
        """Put small content in, e.g. a manifest; returns its descriptor."""
        return self.ingest([content], media_type)

    def ingest(self, chunks: Iterable[bytes], media_type: str, expected: Digest | None = None) -> Descriptor:
        """Put a stream in; nothing of it stays when it breaks off or is not the ``expected`` content.

        Raises:
            DigestInvalid: The content is not ``expected``.
        """
        with self.blob_writer(expected) as writer:
            for chunk in chunks:
                writer.write(chunk)
        return Descriptor(media_type, writer.digest, writer.size)

    @contextlib.contextmanager
    def blob_writer(self, expected: Digest | None = None) -> Iterator["BlobWriter"]:
        """Content that is written bit by bit and appears in the store, whole, when the block ends without exception.

        Raises:
            DigestInvalid: At the end, when the content is not ``expected``.
        """
        with self.writing(), self._temporary() as (file, path):
            writer = BlobWriter(file, expected.algorithm if expected else CANONICAL_ALGORITHM)
            yield writer
            _expect(writer.digest, expected or writer.digest)
            self.settle(file, path, writer.digest)

    @contextlib.contextmanager
    def partial(self, digest: Digest) -> Iterator["Partial"]:
        """The unfinished download of ``digest``, locked: a second process that wants the same content waits here.

        After the wait ``has(digest)`` may have become true. What was written stays when the block is left without
        ``finish``; the next download goes on at ``Partial.size``.
        """
        self.partial_folder.mkdir(parents=True, exist_ok=True)
        path = self.partial_folder / str(digest)
        with _open_locked(path) as file:
            yield Partial(self, digest, path, file)
            if self.has(digest):
                path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _present(self, digest: Digest) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise BlobMissing(digest) from None

    def settle(self, file: IO[bytes], path: Path, digest: Digest) -> None:
        """Make verified content in a file of the same filesystem durable, and visible under its digest."""
        file.flush()
        os.fchmod(file.fileno(), 0o644)
        os.fsync(file.fileno())
        target = self.path(digest)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)
        _sync_folder(target.parent)

    @contextlib.contextmanager
    def _temporary(self) -> Iterator[tuple[IO[bytes], Path]]:
        """A file in the store's own filesystem, gone at the end unless it was renamed."""
        with tempfile.NamedTemporaryFile(dir=self.folder / "blobs", prefix=_NEW, delete=False) as file:
            try:
                yield file, Path(file.name)
            finally:
                Path(file.name).unlink(missing_ok=True)

    def _create(self) -> None:
        (self.folder / "blobs" / CANONICAL_ALGORITHM).mkdir(parents=True, exist_ok=True)
        if not (self.folder / "oci-layout").exists():
            _write_atomically(self.folder / "oci-layout", _LAYOUT_FILE)

    # --- names ---

    def tag(self, reference: Reference, descriptor: Descriptor) -> None:
        """Let ``reference`` name the image. The image that had the name stays, dangling if it has no other.

        Raises:
            BlobMissing: The store does not hold the manifest.
        """
        if not self.has(descriptor.digest):
            raise BlobMissing(descriptor.digest)
        with self._changing() as entries:
            name = str(reference)
            moved = [entry for entry in entries if _name(entry) == name]
            entries[:] = [entry for entry in entries if _name(entry) != name]
            entries.append(_named(descriptor, name))
            entries.extend(_named(entry, None) for entry in moved)
            entries[:] = _tidy(entries)

    def keep(self, descriptor: Descriptor) -> None:
        """Keep an image that has no name (yet), so that ``prune`` leaves it.

        Raises:
            BlobMissing: The store does not hold the manifest.
        """
        if not self.has(descriptor.digest):
            raise BlobMissing(descriptor.digest)
        with self._changing() as entries:
            entries[:] = _tidy([*entries, _named(descriptor, None)])

    def untag(self, reference: Reference) -> Descriptor:
        """Take the name away; returns what it named. An image that loses its last name is no longer kept.

        Raises:
            ImageUnknown: There is no such name.
        """
        with self._changing() as entries:
            named = next((entry for entry in entries if _name(entry) == str(reference)), None)
            if named is None:
                raise ImageUnknown(reference.familiar())
            entries.remove(named)
        return _named(named, None)

    def remove(self, digest: Digest) -> None:
        """Take every name of the image away, and do not keep it. Its blobs go with the next ``prune``."""
        with self._changing() as entries:
            entries[:] = [entry for entry in entries if entry.digest != digest]

    def resolve(self, name: Reference | str) -> Descriptor:
        """Find an image by reference, or by a text that is a reference, an image id, or the beginning of one.

        Raises:
            ImageUnknown: There is none, or the beginning of an id fits several images.
            InvalidReference: The text is neither.
        """
        if isinstance(name, Reference):
            return self._by_reference(name)
        try:
            return self._by_reference(Reference.parse(name))
        except (ImageUnknown, InvalidReference):
            found = self._by_id(name)
            if found is None:
                raise
            return found

    def images(self) -> list[Image]:
        """Every image, oldest first, each with all its names."""
        entries = self._entries()
        digests = dict.fromkeys(entry.digest for entry in entries)
        return [_image([entry for entry in entries if entry.digest == digest]) for digest in digests]

    def image_id(self, descriptor: Descriptor) -> Digest:
        """The id that people see: the config's digest of an image, the index's own of an index."""
        return self.manifest(descriptor).config.digest if descriptor.media_type in IMAGE_TYPES else descriptor.digest

    def _by_reference(self, wanted: Reference) -> Descriptor:
        """By name, or by the repository of a name together with the digest it has."""
        for entry in self._entries():
            name = _name(entry)
            if name is None:
                continue
            reference = Reference.parse(name)
            if reference == wanted or (reference.repository == wanted.repository and entry.digest == wanted.digest):
                return _named(entry, None)
        raise ImageUnknown(wanted.familiar())

    def _by_id(self, text: str) -> Descriptor | None:
        match = _ID_PREFIX.fullmatch(text)
        if match is None:
            return None
        found = [
            image.descriptor
            for image in self.images()
            if image.descriptor.digest.encoded.startswith(match[1])
            or self.image_id(image.descriptor).encoded.startswith(match[1])
        ]
        return found[0] if len(found) == 1 else None

    # --- documents ---

    def manifest(self, descriptor: Descriptor) -> Manifest:
        """Read an image manifest.

        Raises:
            BlobMissing: It is not here.
            DocumentInvalid: It is something else, e.g. an index.
        """
        return parse_manifest(self.read(descriptor.digest))

    def children(self, descriptor: Descriptor) -> tuple[Descriptor, ...]:
        """The manifests of an index, in its order, also those that the store does not hold.

        Raises:
            BlobMissing: The index is not here.
            DocumentInvalid: It is no index.
        """
        return parse_index(self.read(descriptor.digest))

    def config(self, descriptor: Descriptor) -> dict[str, Any]:
        """The config of an image manifest, as JSON.

        Raises:
            BlobMissing: Manifest or config is not here.
            DocumentInvalid: One of them is something else.
        """
        return parse_json(self.read(self.manifest(descriptor).config.digest))

    def select(self, descriptor: Descriptor, platform: Platform) -> Descriptor:
        """The image manifest for ``platform``: an index's fitting child that is here; an image is its own.

        Raises:
            PlatformMissing: The index has none, or it was not pulled.
        """
        if descriptor.media_type not in INDEX_TYPES:
            return descriptor
        for child in self.children(descriptor):
            if child.platform and fits(child.platform, platform) and self.has(child.digest):
                return child
        raise PlatformMissing(f"no matching manifest for {platform} in the manifest list entries")

    # --- housekeeping ---

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Hold this from the first blob until the image is tagged: ``prune`` in any process then removes nothing."""
        self._create()
        with _open_locked(self.folder.with_name(f"{self.folder.name}.lease"), fcntl.LOCK_SH):
            yield

    def prune(self) -> list[Digest]:
        """Remove content that no kept image needs; returns what went. Nothing goes while any process is ``writing``."""
        self._create()
        try:
            with _open_locked(self.folder.with_name(f"{self.folder.name}.lease"), fcntl.LOCK_EX | fcntl.LOCK_NB):
                return self._sweep()
        except BlockingIOError:
            return []

    def _sweep(self) -> list[Digest]:
        with self._changing() as entries:
            kept = self._reachable(entries)
        removed = [digest for digest in self._digests() if digest not in kept]
        for digest in removed:
            self.path(digest).unlink()
        for leftover in (self.folder / "blobs").glob(f"{_NEW}*"):
            leftover.unlink()
        return removed

    def _digests(self) -> list[Digest]:
        """Digests of everything in the store, sorted."""
        return sorted(Digest(path.parent.name, path.name) for path in (self.folder / "blobs").glob("*/*"))

    def _reachable(self, entries: Iterable[Descriptor]) -> set[Digest]:
        """Digests of the entries and of everything below them; a child that is not here has nothing below it."""
        found: set[Digest] = set()
        waiting = list(entries)
        while waiting:
            descriptor = waiting.pop()
            if descriptor.digest not in found and self.has(descriptor.digest):
                waiting.extend(self._links(descriptor))
            found.add(descriptor.digest)
        return found

    def _links(self, descriptor: Descriptor) -> tuple[Descriptor, ...]:
        if descriptor.media_type in INDEX_TYPES:
            return self.children(descriptor)
        if descriptor.media_type in IMAGE_TYPES:
            manifest = self.manifest(descriptor)
            return (manifest.config, *manifest.layers)
        return ()

    # --- index.json ---

    def _entries(self) -> list[Descriptor]:
        path = self.folder / "index.json"
        try:
            return list(parse_index(path.read_bytes()))
        except FileNotFoundError:
            return []
        except DocumentInvalid as exc:
            raise StoreError(f"{path}: {exc}") from exc

    @contextlib.contextmanager
    def _changing(self) -> Iterator[list[Descriptor]]:
        """The entries, to be changed in place, locked against other processes; an exception changes nothing."""
        self._create()
        with _open_locked(self.folder.with_name(f"{self.folder.name}.lock")):
            entries = self._entries()
            before = list(entries)
            yield entries
            if entries != before:
                _write_atomically(self.folder / "index.json", format_index(entries))


class BlobWriter:
    """Takes content in and hashes it on the way."""

    def __init__(self, file: IO[bytes], algorithm: str) -> None:
        self._file = file
        self._hasher = hasher_for(algorithm)
        self._algorithm = algorithm
        self.size = 0

    def write(self, data: bytes, /) -> int:
        """Take in more content; returns its length, as files do."""
        self._hasher.update(data)
        self.size += len(data)
        self._file.write(data)
        return len(data)

    @property
    def digest(self) -> Digest:
        """Of what has come so far."""
        return Digest(self._algorithm, self._hasher.hexdigest())


class Partial:
    """An unfinished download. Only ``ImageStore.partial`` makes one; it is locked while its block runs."""

    def __init__(self, store: ImageStore, digest: Digest, path: Path, file: IO[bytes]) -> None:
        self._store = store
        self._file = file
        self.digest = digest
        self.path = path

    @property
    def size(self) -> int:
        """Bytes that are already here: where to resume."""
        return self._file.seek(0, os.SEEK_END)

    def write(self, data: bytes, /) -> int:
        """Append."""
        self._file.write(data)
        return len(data)

    def restart(self) -> None:
        """Forget what is here, e.g. because the server does not do ranges."""
        self._file.truncate(0)

    def finish(self) -> None:
        """Verify the whole content and put it into the store.

        Raises:
            DigestInvalid: It is other content; what was here is forgotten, so that the next attempt starts anew.
        """
        self._file.seek(0)
        hasher = hasher_for(self.digest.algorithm)
        while chunk := self._file.read(CHUNK_SIZE):
            hasher.update(chunk)
        try:
            _expect(Digest(self.digest.algorithm, hasher.hexdigest()), self.digest)
        except DigestInvalid:
            self.restart()
            raise
        with self._store.writing():
            self._store.settle(self._file, self.path, self.digest)


def _name(entry: Descriptor) -> str | None:
    return entry.annotations.get(REF_NAME)


def _named(descriptor: Descriptor, name: str | None) -> Descriptor:
    """The descriptor as an entry of index.json; without a name, as callers see it."""
    others = {key: value for key, value in descriptor.annotations.items() if key != REF_NAME}
    return replace(descriptor, annotations=others | ({REF_NAME: name} if name else {}))


def _tidy(entries: Iterable[Descriptor]) -> list[Descriptor]:
    """One entry a name; an entry without a name only for an image that has no other entry."""
    rows = list(entries)
    named = [entry for entry in rows if _name(entry)]
    seen = {entry.digest for entry in named}
    dangling = {entry.digest: entry for entry in rows if entry.digest not in seen}
    return [entry for entry in rows if _name(entry) or dangling.get(entry.digest) is entry]


def _image(entries: Sequence[Descriptor]) -> Image:
    """The image that these entries, all of one digest, are about."""
    names = [name for name in map(_name, entries) if name]
    return Image(_named(entries[0], None), tuple(Reference.parse(name) for name in names))


def _expect(digest: Digest, wanted: Digest) -> None:
    if digest != wanted:
        raise DigestInvalid(f"{wanted}: expected this content, got {digest}")


@contextlib.contextmanager
def _open_locked(path: Path, operation: int = fcntl.LOCK_EX) -> Iterator[IO[bytes]]:
    """Open a file for reading and appending, made if absent, and lock it; a file renamed while we waited is not it.

    Raises:
        BlockingIOError: ``operation`` has LOCK_NB and another holds the lock.
    """
    while True:
        with path.open("a+b") as file:
            fcntl.flock(file, operation)
            if path.exists() and path.stat().st_ino == os.fstat(file.fileno()).st_ino:
                yield file
                return


def _write_atomically(path: Path, content: bytes) -> None:
    """A reader sees the old content or the new, also after a crash."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
