r"""Appending to a journal from several threads and processes, also after one of them was killed.

An event is one ``write`` under ``flock``, seconds after which the kernel has it on disk: a killed process loses
nothing, a power cut may lose the last seconds. There is no ``fsync`` per event, which would cost milliseconds where
an append costs some 30 µs; the chain shows a loss at the end to whoever knows the last hash.
"""

import errno
import fcntl
import os
import stat
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pyregistry.spec.journal import GENESIS, Event, JournalBroken, parse_line, seal

TAIL_BYTES = 4 * 1024
"""How much of the end is read to find the last event; a longer line is found with larger steps."""


REPAIRED = "journal.repaired"
"""``detail.action`` of the event that stands where a torn line was cut off."""

CUT = "journal.cut"
"""``detail.action`` of the event that stands where somebody cut off whole lines, which leaves a chain that holds."""


class JournalError(Exception):
    """The journal cannot be opened, read or written; the cause says why."""


@dataclass(frozen=True, slots=True)
class Tail:
    """Where the chain ends: the file's size in bytes, the last event's number and its hash."""

    size: int = 0
    seq: int = 0
    hash: str = GENESIS


class NullJournal:
    """Remembers nothing: the registry runs without a journal."""

    def append(self, event: Event) -> Event:
        """Return ``event`` as it is."""
        return event

    def append_all(self, events: Sequence[Event]) -> None:
        """Forget them."""


class Journal:
    """A journal file. Made, with its folder, where there is none.

    The file may be removed under a running process (a reset): the next append begins a new chain.

    Args:
        path: The file.

    Raises:
        JournalError: The file cannot be opened, or its last line is no event.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._descriptor = -1
        self._opened_by = 0
        self._inode = 0
        self._tail = Tail()
        with self._alone():
            self._find_tail()

    def append(self, event: Event) -> Event:
        """See ``EventLog.append``.

        Raises:
            JournalError: It could not be written; nothing of it is left in the journal.
        """
        with self._alone():
            previous = self._append([event])
            return replace(event, seq=self._tail.seq, previous=previous, hash=self._tail.hash)

    def append_all(self, events: Sequence[Event]) -> None:
        """See ``EventLog.append_all``.

        Raises:
            JournalError: They could not be written; nothing of them is left in the journal.
        """
        with self._alone():
            self._append(events)

    def close(self) -> None:
        """Let go of the file; a later append opens it again."""
        with self._lock:
            self._close()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the file against other threads and processes; what goes wrong inside is a ``JournalError``."""
        with self._lock:
            try:
                self._hold()
                yield
            except OSError as exc:
                raise JournalError(f"{self.path}: {exc.strerror}") from exc
            except JournalBroken as exc:
                raise JournalError(f"{self.path}: last line: {exc.reason}") from exc
            finally:
                if self._descriptor >= 0:
                    fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def _hold(self) -> None:
        """Open and lock the file that the path names now."""
        if self._opened_by != os.getpid():  # a fork shares its parent's lock, so it needs a descriptor of its own
            self._close()
        while True:
            if self._descriptor < 0:
                self._open()
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            if self._is_current():
                return
            self._close()

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._opened_by = os.getpid()
        found = os.fstat(self._descriptor)
        if not stat.S_ISREG(found.st_mode):  # a pipe nobody reads from would stop every request
            self._close()
            raise OSError(errno.EINVAL, "not a regular file")
        self._inode = found.st_ino
        self._tail = Tail()

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _is_current(self) -> bool:
        """Whether the file has not been removed or replaced since it was opened."""
        try:
            return self.path.stat().st_ino == self._inode
        except FileNotFoundError:
            return False

    def _find_tail(self) -> int:
        """Learn where the chain ends, if another process has written; returns how many bytes of a torn line follow."""
        size = os.fstat(self._descriptor).st_size
        if size == self._tail.size:
            return 0
        line, end = self._last_line(size)
        if end:
            last = parse_line(line)
            self._tail = Tail(end, last.seq, last.hash)
        else:
            self._tail = Tail()
        return size - end

    def _last_line(self, size: int) -> tuple[str, int]:
        """The last whole line without its newline, and where it ends; ("", 0) where there is none."""
        window = TAIL_BYTES
        while True:
            start = max(0, size - window)
            data = os.pread(self._descriptor, size - start, start)
            end = data.rfind(b"\n")
            begin = data.rfind(b"\n", 0, max(end, 0))
            if start == 0 or 0 <= begin < end:
                return data[begin + 1 : max(end, 0)].decode(errors="replace"), start + end + 1
            window *= 2

    def _append(self, events: Sequence[Event]) -> str:
        """Write ``events``; returns the hash before the last one.

        What a killed writer left half-written is cut off first, which is an event too. So is a journal that has become
        shorter: that event names the last one that had been there.
        """
        before = self._tail
        torn_bytes = self._find_tail()
        if torn_bytes:
            os.ftruncate(self._descriptor, self._tail.size)
        # No writer takes back what another one has written: a file that shrank was shortened by somebody else.
        if self._tail.size < before.size:
            self._write([_beside(events[0], {"action": CUT, "seq": before.seq, "hash": before.hash})])
        elif torn_bytes:
            self._write([_beside(events[0], {"action": REPAIRED, "bytes_removed": torn_bytes})])
        return self._write(events)

    def _write(self, events: Sequence[Event]) -> str:
        hashes, lines = [self._tail.hash], []
        for seq, event in enumerate(events, start=self._tail.seq + 1):
            digest, line = seal(event, seq, hashes[-1])
            hashes.append(digest)
            lines.append(line)
        data = b"".join(lines)
        written = os.write(self._descriptor, data)
        if written < len(data):
            os.ftruncate(self._descriptor, self._tail.size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._tail = Tail(self._tail.size + written, self._tail.seq + len(events), hashes[-1])
        return hashes[-2]


def _beside(event: Event, detail: dict[str, object]) -> Event:
    """An event about the journal itself, at the time of the event that found it so."""
    return Event(kind="server", at=event.at, monotonic_ns=event.monotonic_ns, detail=detail)
