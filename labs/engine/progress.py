"""How a transfer is told while it runs: plain lines, bars on a terminal, or nothing. Safe to call from threads."""

import shutil
import threading
import time
from typing import Protocol, TextIO

BAR_WIDTH = 50
"""Columns, where the terminal has room."""
_FIGURES_WIDTH = len("[]   1.234MB/1.234MB") + 1
REDRAW_SECONDS = 0.1
"""Bars are redrawn at most this often: a terminal is slower than a network."""
_UNIT_FACTOR = 1000
_SIZE_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


class Progress(Protocol):
    """What transfers say. ``item`` is the short id of a layer."""

    def message(self, text: str) -> None:
        """A line about the whole, e.g. ``Digest: sha256:…``."""

    def status(self, item: str, text: str) -> None:
        """The state of one item, e.g. ``Pushed``."""

    def transfer(self, item: str, action: str, current: int, total: int) -> None:
        """Bytes of one item so far, e.g. ``Pushing`` 10 of 20."""


class SilentProgress:
    """Says nothing: ``--quiet``."""

    def message(self, text: str) -> None:
        """Nothing."""

    def status(self, item: str, text: str) -> None:
        """Nothing."""

    def transfer(self, item: str, action: str, current: int, total: int) -> None:
        """Nothing."""


class PlainProgress:
    """One line for each new state, none for bytes: what Docker prints into a pipe."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def message(self, text: str) -> None:
        """One line."""
        with self._lock:
            self._stream.write(f"{text}\n")
            self._stream.flush()

    def status(self, item: str, text: str) -> None:
        """One line."""
        self.message(f"{item}: {text}")

    def transfer(self, item: str, action: str, current: int, total: int) -> None:
        """Nothing: a log is no place for bars."""


class TerminalProgress:
    """One line an item, redrawn in place with a bar; messages scroll above later items."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._rows: dict[str, int] = {}
        self._height = 0
        self._drawn_at: dict[str, float] = {}

    def message(self, text: str) -> None:
        """A line below everything so far."""
        with self._lock:
            self._stream.write(f"{text}\n")
            self._stream.flush()
            self._rows.clear()
            self._height = 0

    def status(self, item: str, text: str) -> None:
        """Redraw the item's line."""
        with self._lock:
            self._draw(item, f"{item}: {text}")

    def transfer(self, item: str, action: str, current: int, total: int) -> None:
        """Redraw the item's line with a bar, unless it was drawn just now."""
        with self._lock:
            now = time.monotonic()
            if current < total and now - self._drawn_at.get(item, 0) < REDRAW_SECONDS:
                return
            self._drawn_at[item] = now
            head = f"{item}: {action} "
            room = shutil.get_terminal_size().columns - len(head) - _FIGURES_WIDTH
            self._draw(item, head + format_bar(current, total, max(min(room, BAR_WIDTH), 1)))

    def _draw(self, item: str, line: str) -> None:
        if item not in self._rows:
            self._rows[item] = self._height
            self._height += 1
            self._stream.write("\n")
        up = self._height - self._rows[item]
        width = shutil.get_terminal_size().columns
        self._stream.write(f"\x1b[{up}A\r\x1b[2K{line[: width - 1]}\r\x1b[{up}B")
        self._stream.flush()


def choose_progress(stream: TextIO, *, quiet: bool = False) -> Progress:
    """What fits the stream."""
    if quiet:
        return SilentProgress()
    return TerminalProgress(stream) if stream.isatty() else PlainProgress(stream)


def format_bar(current: int, total: int, width: int = BAR_WIDTH) -> str:
    """``[=====>    ]  1.2MB/3.4MB`` as Docker draws it."""
    if total <= 0:
        return format_size(current)
    done = min(current, total) * width // total
    bar = ("=" * done + ">")[:width].ljust(width)
    return f"[{bar}] {format_size(current):>8}/{format_size(total)}"


def format_size(size: int, digits: int = 4) -> str:
    """Bytes in powers of 1000 with ``digits`` significant digits, as github.com/docker/go-units writes them."""
    value, unit = float(size), 0
    while value >= _UNIT_FACTOR and unit < len(_SIZE_UNITS) - 1:
        value, unit = value / _UNIT_FACTOR, unit + 1
    return f"{value:.{digits}g}{_SIZE_UNITS[unit]}"
