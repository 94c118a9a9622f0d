"""What a driver can do, as one-verb Protocols with a union for callers.

A key is a relative POSIX path without empty, ``.`` or ``..`` segments; ``keys.parse_key`` refuses anything else where
keys are joined to paths. Every method raises ``DriverError`` when the medium fails, ``KeyUnknown`` when the key is
absent.
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol


class DriverError(Exception):
    """Our disk or network failed; the client sees 500 (or 503), the log sees the cause."""


class DriverFull(DriverError):
    """The medium has no room left (ENOSPC, EDQUOT): the client sees 503."""


Identity = tuple[int, ...]
"""Tells one state of a key's content from every other. Only ever compared; which numbers it holds is the driver's."""


class KeyUnknown(Exception):
    """No content under this key."""


class KeyLocked(Exception):
    """Another thread or process holds the lock, and the caller did not want to wait."""


@dataclass(frozen=True, slots=True)
class Stat:
    """Size in bytes and aware UTC time of the last write."""

    size: int
    modified_at: datetime


class Opener(Protocol):
    """Reads content."""

    def open(self, key: str) -> BinaryIO:
        """A seekable reader at offset 0. The caller closes it.

        It goes on reading the same content when the key is replaced or deleted meanwhile.
        """
        ...


class Writer(Protocol):
    """Writes content whole."""

    def write(self, key: str, chunks: Iterable[bytes]) -> int:
        """Replace the content under ``key`` atomically and durably; returns its size in bytes.

        A reader sees the old content or the new, never a mixture, also after a crash. When ``chunks`` raises, the old
        content stays.
        """
        ...


class Appender(Protocol):
    """Grows content in place, for upload sessions."""

    def append(self, key: str, offset: int, data: bytes) -> int:
        """Write ``data`` at ``offset``, which must be the current size; returns the new size. Makes the key.

        Durable only after ``flush``. Where it fails, the content is as before. Raises DriverError on another offset:
        callers hold a lock, so somebody else has written.
        """
        ...

    def flush(self, key: str) -> None:
        """Return when all that was appended is on the medium."""


class Statter(Protocol):
    """Tells size and age."""

    def stat(self, key: str) -> Stat:
        """Size and time of the content under ``key``."""
        ...


class Identifier(Protocol):
    """Tells whether content is still the same, without reading it."""

    def identify(self, key: str) -> Identity:
        """A value that changes whenever the content under ``key`` is written, replaced, made anew or touched."""
        ...


class FolderIdentifier(Protocol):
    """Tells whether the same names are still there, without listing them."""

    def identify_children(self, prefix: str) -> Identity | None:
        """A value that changes whenever a name directly below ``prefix`` comes or goes.

        None where the driver cannot tell: nothing is there, or the last change is so recent that the next one might
        leave the same value.
        """
        ...


class Toucher(Protocol):
    """Marks content as just used."""

    def touch(self, key: str) -> None:
        """Set the time of the last write to now, and in any case later than it was: its identity changes."""


class Lister(Protocol):
    """Walks keys."""

    def keys(self, prefix: str) -> Iterator[str]:
        """Every key below ``prefix``, in lexical order of path segments; nothing where there is none.

        The empty prefix is the root.
        """
        ...

    def children(self, prefix: str) -> Iterator[str]:
        """The names directly below ``prefix``, sorted; nothing where there is none.

        A driver with folders may also name those that hold nothing.
        """
        ...


class RemnantLister(Protocol):
    """Finds what nobody will ever finish."""

    def remnants(self, prefix: str) -> Iterator[str]:
        """Keys below ``prefix`` of temporary files, in any order; ``stat`` and ``delete`` take them, no list has them.

        One that is being written is among them: its age tells.
        """
        ...


class Mover(Protocol):
    """Renames content."""

    def move(self, source: str, target: str) -> None:
        """Rename atomically and durably, replacing ``target``."""


class Deleter(Protocol):
    """Removes content. A driver without it is a driver."""

    def delete(self, key: str) -> None:
        """Remove the key, or everything below it."""


class Pruner(Protocol):
    """Takes away what only a driver with folders has."""

    def prune(self, prefix: str) -> None:
        """Remove every folder below ``prefix`` that leads to no key, and ``prefix`` itself if it is such a one.

        Never disturbs who writes there meanwhile, but ends the locks on what it removes.
        """
        ...


class Locker(Protocol):
    """Keeps two writers apart."""

    def lock(self, prefix: str, *, wait: bool, shared: bool = False) -> AbstractContextManager[None]:
        """Exclude other holders of the same ``prefix``, threads and processes alike, until the context is left.

        Advisory: no other verb looks at it. The holder's death releases it, and so does the deletion of everything
        below ``prefix``: a lock is on what is there. It may be left in another thread than it was entered in.

        Args:
            prefix: What is locked.
            wait: Until the others are gone.
            shared: Only those are excluded who do not share.

        Raises:
            KeyLocked: On entering, when ``wait`` is False and another holds it.
        """
        ...


class Driver(
    Opener,
    Writer,
    Appender,
    Statter,
    Identifier,
    FolderIdentifier,
    Toucher,
    Lister,
    RemnantLister,
    Mover,
    Deleter,
    Pruner,
    Locker,
    Protocol,
):
    """The union that the store works on."""
