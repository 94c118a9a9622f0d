"""A file's parsed content, read again only when the file has changed."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

Content = TypeVar("Content")


class Snapshot(Generic[Content]):
    """The content of a file as it is now. Asking costs one ``stat`` while nothing changes. Threads may share it.

    Args:
        path: The file.
        parse: Bytes → content; what it raises goes to whoever asks.
        missing: The content of a file that does not exist; None lets ``FileNotFoundError`` through.
    """

    def __init__(self, path: Path, parse: Callable[[bytes], Content], missing: Content | None = None) -> None:
        self._path = path
        self._parse = parse
        self._missing = missing
        self._held: tuple[tuple[int, ...], Content] | None = None

    def current(self) -> Content:
        """The content, at most one change behind a writer that writes in place, never behind one that replaces."""
        try:
            signature = _signature(self._path.stat())
        except FileNotFoundError:
            if self._missing is None:
                raise
            return self._missing
        held = self._held
        if held is None or held[0] != signature:
            held = (signature, self._parse(self._path.read_bytes()))
            self._held = held
        return held[1]

    def held(self) -> Content | None:
        """The content, if it is known and the file has not changed since: one ``stat``, and nothing is read."""
        held = self._held
        try:
            return held[1] if held and held[0] == _signature(self._path.stat()) else None
        except OSError:
            return None


def _signature(stat: os.stat_result) -> tuple[int, ...]:
    """What changes with a file: a replaced file has another inode even within one tick of the clock."""
    return (stat.st_mtime_ns, stat.st_size, stat.st_ino)
