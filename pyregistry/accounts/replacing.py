"""Files that are changed whole: whoever reads them sees the old content or the new, whatever happens meanwhile."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_IMODE


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Nobody else changes ``path`` during the block; other processes wait for their turn.

    The folder is locked: the file itself is replaced, and a lock beside it would stay behind.
    """
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def replace_content(path: Path, content: bytes) -> None:
    """Put ``content`` into the file's place, durable; a new file is the owner's alone, mode 0600.

    An existing one keeps its mode, and its owner where we may give files away: the server that reads it is often
    somebody else.
    """
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            _take_after(path, descriptor)
            os.fsync(descriptor)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _take_after(path: Path, descriptor: int) -> None:
    with suppress(FileNotFoundError):
        known = path.stat()
        with suppress(PermissionError):
            os.fchown(descriptor, known.st_uid, known.st_gid)
        os.fchmod(descriptor, S_IMODE(known.st_mode))
