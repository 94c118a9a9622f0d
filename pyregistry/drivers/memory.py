"""A driver that keeps everything in memory: the simplest right one, for tests and throw-away registries."""

import io
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import BinaryIO

from pyregistry.drivers.interface import DriverError, Identity, KeyLocked, KeyUnknown, Stat
from pyregistry.drivers.keys import parse_key

_EXCLUSIVE = -1
"""In the place of the number of those who share a lock."""


def _now() -> datetime:
    return datetime.now(UTC)


class MemoryDriver:
    """Content in a dictionary. Safe for use by many threads; "durable" means as long as the object lives.

    Args:
        clock: Aware UTC time, which content is stamped with.
    """

    def __init__(self, clock: Callable[[], datetime] = _now) -> None:
        self._clock = clock
        self._contents: dict[str, bytearray] = {}
        self._modified: dict[str, datetime] = {}
        self._versions: dict[str, int] = {}
        self._changes = count()
        self._guard = threading.RLock()
        self._holders: Counter[str] = Counter()
        self._released = threading.Condition(self._guard)

    def open(self, key: str) -> BinaryIO:
        """See ``Opener``."""
        with self._guard:
            return io.BytesIO(bytes(self._content(key)))

    def write(self, key: str, chunks: Iterable[bytes]) -> int:
        """See ``Writer``."""
        parse_key(key)
        content = bytearray().join(chunks)
        with self._guard:
            self._put(key, content)
        return len(content)

    def append(self, key: str, offset: int, data: bytes) -> int:
        """See ``Appender``."""
        parse_key(key)
        with self._guard:
            content = self._contents.get(key, bytearray())
            if len(content) != offset:
                raise DriverError(f"{key}: expected to append at {len(content)}, its size, got {offset}")
            content += data
            self._put(key, content)
            return len(content)

    def flush(self, key: str) -> None:
        """See ``Appender``."""
        with self._guard:
            self._content(key)

    def stat(self, key: str) -> Stat:
        """See ``Statter``."""
        with self._guard:
            return Stat(len(self._content(key)), self._modified[key])

    def identify(self, key: str) -> Identity:
        """See ``Identifier``."""
        with self._guard:
            self._content(key)
            return (self._versions[key],)

    def identify_children(self, prefix: str) -> Identity | None:
        """See ``FolderIdentifier``."""
        names = tuple(self.children(prefix))
        return (hash(names),) if names else None

    def touch(self, key: str) -> None:
        """See ``Toucher``."""
        with self._guard:
            self._content(key)
            self._stamp(key, max(self._clock(), self._modified[key] + timedelta.resolution))

    def keys(self, prefix: str) -> Iterator[str]:
        """See ``Lister``."""
        yield from sorted(self._below(prefix), key=lambda key: key.split("/"))

    def children(self, prefix: str) -> Iterator[str]:
        """See ``Lister``."""
        depth = len(parse_key(prefix)) if prefix else 0
        yield from sorted({key.split("/")[depth] for key in self._below(prefix)})

    def remnants(self, prefix: str) -> Iterator[str]:
        """See ``RemnantLister``. Nothing here outlives the process that wrote it."""
        parse_key(prefix)
        return iter(())

    def move(self, source: str, target: str) -> None:
        """See ``Mover``."""
        parse_key(target)
        with self._guard:
            self._put(target, self._content(source))
            if source != target:
                self._drop(source)

    def delete(self, key: str) -> None:
        """See ``Deleter``."""
        parse_key(key)
        with self._guard:
            doomed = [key] if key in self._contents else self._below(key)
            if not doomed:
                raise KeyUnknown(key)
            for each in doomed:
                self._drop(each)

    def prune(self, prefix: str) -> None:
        """See ``Pruner``. There are no folders here."""
        parse_key(prefix)

    @contextmanager
    def lock(self, prefix: str, *, wait: bool, shared: bool = False) -> Iterator[None]:
        """See ``Locker``."""
        parse_key(prefix)
        change = 1 if shared else _EXCLUSIVE
        with self._released:
            while not self._is_free(prefix, shared=shared):
                if not wait:
                    raise KeyLocked(prefix)
                self._released.wait()
            self._holders[prefix] += change
        try:
            yield
        finally:
            with self._released:
                self._holders[prefix] -= change
                self._released.notify_all()

    def _is_free(self, prefix: str, *, shared: bool) -> bool:
        holders = self._holders[prefix]
        return holders >= 0 if shared else holders == 0

    def _content(self, key: str) -> bytearray:
        parse_key(key)
        try:
            return self._contents[key]
        except KeyError:
            raise KeyUnknown(key) from None

    def _put(self, key: str, content: bytearray) -> None:
        self._contents[key] = content
        self._stamp(key, self._clock())

    def _stamp(self, key: str, modified_at: datetime) -> None:
        self._modified[key] = modified_at
        self._versions[key] = next(self._changes)

    def _drop(self, key: str) -> None:
        del self._contents[key], self._modified[key], self._versions[key]

    def _below(self, prefix: str) -> list[str]:
        start = f"{prefix}/" if prefix else ""
        with self._guard:
            return [key for key in self._contents if key.startswith(start)]
