"""A driver on a folder, laid out as registry:2's filesystem driver lays it out.

What was written survives ``kill -9`` and a power cut: content goes to a temporary file in the same folder, is synced,
renamed, and the folder is synced. registry:2 truncates and writes in place, and leaves empty files behind a crash.
"""

import errno
import fcntl
import io
import os
import re
import shutil
import stat
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from pyregistry.drivers.interface import DriverError, DriverFull, Identity, KeyLocked, KeyUnknown, Stat
from pyregistry.drivers.keys import parse_key

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_ABSENT = (FileNotFoundError, NotADirectoryError, IsADirectoryError)

# temporary ::= name "." uuid ".tmp", where ours is 32 hex digits and registry:3's has its hyphens
_TEMPORARY = re.compile(r".+\.[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\.tmp")

_SETTLED_NANOSECONDS = 1_000_000_000
"""After which no further change can leave a folder the same time: far more than a tick of a file system's clock."""

_PORTION_BYTES = 16 << 20
"""Of an upload, written back together: a tenth of a second of a fast client, and long runs for the medium."""

_PRUNE_RACES = 16
"""Times that a folder may vanish between its making and its use, because a delete beside us prunes it, before we give
up with DriverError. Each needs another thread in a window of microseconds; two in a row were never seen."""

_KNOWN_PLACES = 4096
"""Keys whose path is remembered, since the same few are looked at with every request; some 0.5 KiB each."""


class FilesystemDriver:
    """Content in files below ``root``, which is made when first written to.

    Files are 0666 and folders 0777 less the umask, as registry:2 makes them. A delete also removes the folder that
    held only this key, and no folder above it: registry:2 knows a repository by its empty ``_manifests``.

    Identities need a file system that keeps nanoseconds, as all do that Linux and macOS install on. The kernel's own
    stamps would not do, with or without them: they stand still for some milliseconds, in which an inode that a delete
    freed may be given out again. So whatever is written here is stamped here.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._root_place = f"{root}/"
        self._place = lru_cache(maxsize=_KNOWN_PLACES)(self._join)

    def open(self, key: str) -> BinaryIO:
        """See ``Opener``."""
        with _lookup(key):
            return _Reader(self._join(key), key)

    def write(self, key: str, chunks: Iterable[bytes]) -> int:
        """See ``Writer``."""
        path = self._path(key)
        temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}.tmp")
        with _medium(key):
            try:
                size = _write_new(temporary, chunks)
                temporary.replace(path)
            except BaseException:
                with suppress(OSError):
                    temporary.unlink()
                raise
            _sync_folder(path.parent)
        return size

    def append(self, key: str, offset: int, data: bytes) -> int:
        """See ``Appender``."""
        with _medium(key), _opened(self._path(key), os.O_WRONLY | os.O_CREAT) as descriptor:
            size = os.fstat(descriptor).st_size
            if size != offset:
                raise DriverError(f"{key}: expected to append at {size}, its size, got {offset}")
            try:
                os.lseek(descriptor, offset, os.SEEK_SET)
                _write_all(descriptor, data)
                _begin_writing_back(descriptor, offset, offset + len(data))
            except OSError:
                with suppress(OSError):
                    os.ftruncate(descriptor, offset)
                raise
        return offset + len(data)

    def flush(self, key: str) -> None:
        """See ``Appender``."""
        path = self._path(key)
        with _lookup(key):
            _sync(path, os.O_RDWR)  # which no folder can be opened for
            _sync_folder(path.parent)

    def stat(self, key: str) -> Stat:
        """See ``Statter``."""
        found = self._found(key)
        return Stat(found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

    def identify(self, key: str) -> Identity:
        """See ``Identifier``. One call of the system, 2 µs: it is asked several times a request."""
        found = self._found(key)
        return found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size

    def identify_children(self, prefix: str) -> Identity | None:
        """See ``FolderIdentifier``. The folder's own times, once they can be told from the next change's."""
        try:
            found = os.stat(self._place(prefix))  # noqa: PTH116  as in ``_found``
        except OSError:
            return None
        if not stat.S_ISDIR(found.st_mode) or time.time_ns() - found.st_mtime_ns < _SETTLED_NANOSECONDS:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_ctime_ns

    def touch(self, key: str) -> None:
        """See ``Toucher``. A file that is not ours to stamp, but to write, gets the kernel's stamp."""
        found = self._found(key)
        place = self._place(key)
        later = max(time.time_ns(), found.st_mtime_ns + 1)
        with _lookup(key):
            try:
                os.utime(place, ns=(found.st_atime_ns, later))
            except PermissionError:
                os.utime(place)

    def keys(self, prefix: str) -> Iterator[str]:
        """See ``Lister``."""
        for entry in self._entries(prefix):
            key = f"{prefix}/{entry.name}" if prefix else entry.name
            if entry.is_dir():
                yield from self.keys(key)
            else:
                yield key

    def children(self, prefix: str) -> Iterator[str]:
        """See ``Lister``."""
        for entry in self._entries(prefix):
            yield entry.name

    def remnants(self, prefix: str) -> Iterator[str]:
        """See ``RemnantLister``."""
        for folder, _, names in os.walk(self._path(prefix)):
            for name in names:
                if _TEMPORARY.fullmatch(name):
                    yield Path(folder, name).relative_to(self._root).as_posix()

    def move(self, source: str, target: str) -> None:
        """See ``Mover``."""
        old, new = self._path(source), self._path(target)
        with _lookup(source):
            _replace(old, new)
            _sync_folder(new.parent)
            _sync_folder(old.parent)

    def delete(self, key: str) -> None:
        """See ``Deleter``."""
        path = self._path(key)
        with _lookup(key):
            if path.is_dir():
                shutil.rmtree(path)
                _sync_folder(path.parent)
            else:
                path.unlink()
                _prune(path.parent)

    def prune(self, prefix: str) -> None:
        """See ``Pruner``. The kernel removes no folder that holds something, so nobody's file can be hit."""
        with _medium(prefix):
            for folder, _, _ in os.walk(self._path(prefix), topdown=False):
                _remove_empty(Path(folder))

    @contextmanager
    def lock(self, prefix: str, *, wait: bool, shared: bool = False) -> Iterator[None]:
        """See ``Locker``. The kernel's lock on the folder itself, so no file is left for registry:2 to see."""
        folder = self._path(prefix)
        with _medium(prefix):
            descriptor = _lock_folder(folder, prefix, wait=wait, shared=shared)
        try:
            yield
        finally:
            try:
                if not shared or _is_last(descriptor):
                    _remove_empty(folder)  # where we made it for the lock, and nothing came of it
            finally:
                os.close(descriptor)

    def _found(self, key: str) -> os.stat_result:
        """The file's inode. Without ``_lookup``, which costs as much as the call itself."""
        try:
            found = os.stat(self._place(key))  # noqa: PTH116  a Path costs more than the call
        except OSError:
            with _lookup(key):
                raise
        if not stat.S_ISREG(found.st_mode):
            raise KeyUnknown(key)
        return found

    def _join(self, key: str) -> str:
        """Without ``Path``, which costs several times as much."""
        parse_key(key)
        return f"{self._root_place}{key}"

    def _path(self, key: str) -> Path:
        return self._root.joinpath(*parse_key(key))

    def _entries(self, prefix: str) -> list[os.DirEntry[str]]:
        folder = self._join(prefix) if prefix else self._root_place
        with _medium(prefix):
            try:
                with os.scandir(folder) as entries:
                    found = [entry for entry in entries if not (_TEMPORARY.fullmatch(entry.name) and entry.is_file())]
            except _ABSENT:
                return []
        return sorted(found, key=lambda entry: entry.name)


class _Reader(io.FileIO):
    """A file whose read errors are the driver's."""

    def __init__(self, path: str, key: str) -> None:
        super().__init__(path)
        self._key = key

    def read(self, size: int | None = -1, /) -> bytes:
        """Up to ``size`` bytes; all that is left without it."""
        with _medium(self._key):
            return super().read(size)


@contextmanager
def _medium(key: str) -> Iterator[None]:
    """Turn the operating system's errors into the driver's."""
    try:
        yield
    except OSError as exc:
        failure = DriverFull if exc.errno in _FULL else DriverError
        raise failure(f"{key}: {exc.strerror or exc}") from exc


@contextmanager
def _lookup(key: str) -> Iterator[None]:
    """Like ``_medium``, where absence is an answer."""
    with _medium(key):
        try:
            yield
        except _ABSENT as exc:
            raise KeyUnknown(key) from exc


@contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    """A descriptor for writing, the folders above made."""
    descriptor = _open(path, flags)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _open(path: Path, flags: int) -> int:
    for _ in range(_PRUNE_RACES):
        with suppress(FileNotFoundError):
            return os.open(path, flags, 0o666)
        _make_folders(path.parent)
    return os.open(path, flags, 0o666)


def _replace(old: Path, new: Path) -> None:
    """Rename, the folders above the target made. FileNotFoundError says that ``old`` is absent."""
    for _ in range(_PRUNE_RACES):
        old.stat()
        _make_folders(new.parent)
        with suppress(FileNotFoundError):
            old.replace(new)
            return
    old.replace(new)


def _make_folders(folder: Path) -> None:
    """Make ``folder`` and those above it, durably. Stops where one vanishes meanwhile: callers try again."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    with suppress(FileNotFoundError):
        for each in reversed(missing):
            with suppress(FileExistsError):
                each.mkdir()
            _sync(each.parent)


def _write_new(path: Path, chunks: Iterable[bytes]) -> int:
    """Fill a new file and sync it; its size in bytes."""
    size = 0
    with _opened(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as descriptor:
        for chunk in chunks:
            _write_all(descriptor, chunk)
            size += len(chunk)
        now = time.time_ns()
        os.utime(descriptor, ns=(now, now))
        os.fsync(descriptor)
    return size


def _write_all(descriptor: int, data: bytes) -> None:
    """``os.write`` may take less than it is given, e.g. just before the medium is full."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _begin_writing_back(descriptor: int, start: int, end: int) -> None:
    """Have the kernel write full portions to the medium while the next ones come in, so that a flush finds little left.

    A hint, which only Linux takes so: it begins with what is dirty, and drops nothing that it has not written yet.
    """
    portions = range(start // _PORTION_BYTES, end // _PORTION_BYTES)
    if portions and hasattr(os, "posix_fadvise"):
        first, count = portions[0] * _PORTION_BYTES, len(portions) * _PORTION_BYTES
        os.posix_fadvise(descriptor, first, count, os.POSIX_FADV_DONTNEED)


def _sync(path: Path, flags: int = os.O_RDONLY) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    """Make a rename or a removal in ``folder`` durable; a folder that is gone has nothing left to keep."""
    with suppress(FileNotFoundError):
        _sync(folder)


def _prune(folder: Path) -> None:
    """Remove ``folder`` if it is empty; durably either way."""
    _sync_folder(folder.parent if _remove_empty(folder) else folder)


def _remove_empty(folder: Path) -> bool:
    """Remove ``folder`` unless something is in it."""
    try:
        folder.rmdir()
    except OSError:
        return False
    return True


def _lock_folder(folder: Path, prefix: str, *, wait: bool, shared: bool) -> int:
    """The locked descriptor of ``folder``, made where it is absent."""
    operation = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB)
    while True:
        descriptor = _open_folder(folder)
        try:
            fcntl.flock(descriptor, operation)
            if _is_at(descriptor, folder):
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            raise KeyLocked(prefix) from None
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # it was deleted while we waited, and perhaps made anew: lock that one


def _is_last(descriptor: int) -> bool:
    """Whether nobody shares the lock any more; it is exclusive then, so that nobody new does either."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _open_folder(folder: Path) -> int:
    for _ in range(_PRUNE_RACES):
        _make_folders(folder)
        with suppress(FileNotFoundError):
            return os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY)


def _is_at(descriptor: int, folder: Path) -> bool:
    """Whether the path still leads to the open folder."""
    try:
        return os.path.samestat(os.fstat(descriptor), folder.stat())
    except FileNotFoundError:
        return False
