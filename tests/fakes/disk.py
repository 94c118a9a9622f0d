"""A disk that dies, fills up or remembers: the operating system's calls, replaced for the length of a ``with``.

It stands below ``FilesystemDriver``, so that what is tested is what lies on a real file system between two calls. Syncs
are remembered and not done: a killed process leaves the same with and without them, and a real one costs milliseconds.
"""

import errno
import fcntl
import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self
from unittest.mock import patch

CHANGES = ("open", "write", "fsync", "utime", "replace", "unlink", "mkdir", "rmdir", "ftruncate")


class Died(BaseException):
    """The process was killed: nobody catches it, and nothing done afterwards reaches the disk."""


class Disk:
    """Counts what changes the disk, while its context lasts.

    Args:
        dies_at: Number of the call, from 1, that never comes back: it is not done, a write is done by half.
        room: Bytes until it is full: a write beyond takes what fits, and the next one fails with ENOSPC.
        remembers: Also keep ``calls``: each call's name and the last part of the path that it is about.
    """

    def __init__(self, *, dies_at: int | None = None, room: int | None = None, remembers: bool = False) -> None:
        self.calls: list[tuple[str, str]] = []
        self.count = 0
        self._remembers = remembers
        self.dead = False
        self._dies_at = dies_at
        self._room = room
        self._patches = ExitStack()

    def __enter__(self) -> Self:
        for name in CHANGES:
            self._patches.enter_context(patch.object(os, name, self._counted(name, getattr(os, name))))
        return self

    def __exit__(self, *_: object) -> None:
        self._patches.close()

    def _counted(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if name == "open" and not args[1] & os.O_CREAT:
                return real(*args, **kwargs)
            if self._remembers:
                self.calls.append((name, _named(args[0])))
            if name == "fsync":
                return None
            self.count += 1
            if self.dead or self.count == self._dies_at:
                self._die(name, real, args)
            return self._write(real, *args) if name == "write" else real(*args, **kwargs)

        return call

    def _die(self, name: str, real: Callable[..., Any], args: tuple[Any, ...]) -> None:
        if name == "write" and not self.dead:
            real(args[0], args[1][: len(args[1]) // 2])
        self.dead = True
        raise Died(f"call {self._dies_at}: {name}")

    def _write(self, real: Callable[..., Any], descriptor: int, data: memoryview) -> int:
        if self._room is None:
            return real(descriptor, data)
        if not self._room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = real(descriptor, data[: self._room])
        self._room -= taken
        return taken


def _named(target: object) -> str:
    """The last part of the path; of a descriptor, too."""
    if not isinstance(target, int):
        return Path(str(target)).name
    if hasattr(fcntl, "F_GETPATH"):  # macOS
        return Path(os.fsdecode(fcntl.fcntl(target, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0"))).name
    return Path(f"/proc/self/fd/{target}").readlink().name
