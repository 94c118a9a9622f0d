"""What the requests of all processes come to, counted in memory that they share.

Each process that serves has a part of that memory in which only it writes, so that no two ever wait for each other;
whoever wants to know adds the parts up. Counting a request takes 2 µs, which is why none of it is looked up twice.
"""

import mmap
import threading
import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeVar

from pyregistry.spec.journal import Event

Key = TypeVar("Key")

DURATION_BOUNDS_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 60.0)
SIZE_BOUNDS_BYTES: Final = tuple(2**exponent for exponent in range(10, 32))
"""Upper bounds of the histograms, registry:2's; what is above the last has a bucket as well."""

OTHER: Final = "other"
"""What has no handler of its own, and the method that is none of these."""

HANDLERS: Final[Mapping[str | None, str]] = MappingProxyType(
    {
        "root": "root",
        "redirect": "base",
        "end-1": "base",
        "token": "token",
        "catalog": "catalog",
        "end-2": "blob",
        "end-10": "blob",
        "end-3": "manifest",
        "end-7": "manifest",
        "end-9": "manifest",
        "end-4": "blob_upload",
        "end-5": "blob_upload_chunk",
        "end-6": "blob_upload_chunk",
        "end-13": "blob_upload_chunk",
        "end-14": "blob_upload_chunk",
        "end-8": "tags",
        "end-12": "referrers",
        "options": OTHER,
    }
)
"""registry:2's names of its routes, and ours for what it does not have, by endpoint id."""

_HANDLER_NAMES: Final = tuple(dict.fromkeys((*HANDLERS.values(), OTHER)))
_METHOD_NAMES: Final = ("get", "head", "put", "post", "patch", "delete", "options", OTHER)
_HANDLER_NUMBERS: Final = {endpoint: _HANDLER_NAMES.index(name) for endpoint, name in HANDLERS.items()}
_METHOD_NUMBERS: Final = {name.upper(): number for number, name in enumerate(_METHOD_NAMES)}
_OTHER_HANDLER: Final = _HANDLER_NAMES.index(OTHER)
_OTHER_METHOD: Final = _METHOD_NAMES.index(OTHER)

_FIRST_STATUS: Final = 100
_STATUSES: Final = 500
_GONE_STATUS: Final = 499
_DURATION_BOUNDS_NS: Final = tuple(int(bound * 1e9) for bound in DURATION_BOUNDS_SECONDS)

# One part, in words of 64 bits; a histogram is its buckets, then the sum of what was observed:
# part ::= ended begun requests{handler, method, status} durations{handler, method} sizes-in{handler} sizes-out{handler}
_WORD_BYTES: Final = 8
_ENDED, _BEGUN = 0, 1  # read in this order, so that never more have ended than begun
_ROWS: Final = len(_HANDLER_NAMES) * len(_METHOD_NAMES)
_DURATION_WORDS: Final = len(_DURATION_BOUNDS_NS) + 2
_SIZE_WORDS: Final = len(SIZE_BOUNDS_BYTES) + 2
_REQUESTS: Final = 2
_DURATIONS: Final = _REQUESTS + _ROWS * _STATUSES
_SIZES_IN: Final = _DURATIONS + _ROWS * _DURATION_WORDS
_SIZES_OUT: Final = _SIZES_IN + len(_HANDLER_NAMES) * _SIZE_WORDS
_WORDS: Final = _SIZES_OUT + len(_HANDLER_NAMES) * _SIZE_WORDS


@dataclass(frozen=True, slots=True)
class Histogram:
    """Observations by bucket, the one above the last bound included; ``total`` is their sum."""

    buckets: tuple[int, ...]
    total: float


@dataclass(frozen=True, slots=True)
class Counts:
    """All processes added up. What never happened is not there.

    Attributes:
        in_flight: Begun and not ended.
        requests: By status, handler and method.
        durations: Seconds, by handler and method.
        sizes_in: Bytes of content received, by handler.
        sizes_out: Bytes of content sent, by handler.
    """

    in_flight: int
    requests: Mapping[tuple[int, str, str], int]
    durations: Mapping[tuple[str, str], Histogram]
    sizes_in: Mapping[str, Histogram]
    sizes_out: Mapping[str, Histogram]


class Part:
    """One process's part; its threads may count at the same time."""

    def __init__(self, words: "memoryview[int]") -> None:
        self._words = words
        self._lock = threading.Lock()

    def begin(self) -> None:
        """A request has come in."""
        with self._lock:
            self._words[_BEGUN] += 1

    def count(self, event: Event) -> None:
        """A request has been answered, or broken off: its event tells everything."""
        if event.kind != "request":
            return
        handler = _HANDLER_NUMBERS.get(event.endpoint, _OTHER_HANDLER)
        row = handler * len(_METHOD_NAMES) + _METHOD_NUMBERS.get(event.method or "", _OTHER_METHOD)
        took_ns = time.monotonic_ns() - event.monotonic_ns
        durations = _DURATIONS + row * _DURATION_WORDS
        sizes_in, sizes_out = _SIZES_IN + handler * _SIZE_WORDS, _SIZES_OUT + handler * _SIZE_WORDS
        words = self._words
        with self._lock:
            words[_ENDED] += 1
            words[_REQUESTS + row * _STATUSES + (event.status or _GONE_STATUS) - _FIRST_STATUS] += 1
            words[durations + bisect_left(_DURATION_BOUNDS_NS, took_ns)] += 1
            words[durations + _DURATION_WORDS - 1] += took_ns
            words[sizes_in + bisect_left(SIZE_BOUNDS_BYTES, event.bytes_in)] += 1
            words[sizes_in + _SIZE_WORDS - 1] += event.bytes_in
            words[sizes_out + bisect_left(SIZE_BOUNDS_BYTES, event.bytes_out)] += 1
            words[sizes_out + _SIZE_WORDS - 1] += event.bytes_out


class Counters:
    """The shared memory. Made before the processes part.

    Args:
        processes: How many will serve. Each part takes 0.4 MB, of which the system gives only what is written to.
    """

    def __init__(self, processes: int = 1) -> None:
        self._parts = [memoryview(mmap.mmap(-1, _WORDS * _WORD_BYTES)).cast("Q") for _ in range(processes)]

    def part(self, process: int = 0) -> Part:
        """The part of a process, from 0."""
        return Part(self._parts[process])

    def read(self) -> Counts:
        """Add up what has been counted so far."""
        words = [sum(column) for column in zip(*(part.tolist() for part in self._parts), strict=True)]
        rows = [(handler, method) for handler in _HANDLER_NAMES for method in _METHOD_NAMES]
        return Counts(
            in_flight=words[_BEGUN] - words[_ENDED],
            requests={
                (_FIRST_STATUS + status, *row): count
                for number, row in enumerate(rows)
                for status, count in enumerate(words[_REQUESTS + number * _STATUSES :][:_STATUSES])
                if count
            },
            durations=_histograms(words[_DURATIONS:_SIZES_IN], rows, 1e9),
            sizes_in=_histograms(words[_SIZES_IN:_SIZES_OUT], _HANDLER_NAMES, 1),
            sizes_out=_histograms(words[_SIZES_OUT:], _HANDLER_NAMES, 1),
        )


def _histograms(words: list[int], keys: Sequence[Key], unit: float) -> dict[Key, Histogram]:
    """One after the other, as long as each other; ``unit`` of what is stored is one of what is told."""
    length = len(words) // len(keys)
    stored = {key: words[number * length :][:length] for number, key in enumerate(keys)}
    return {key: Histogram(tuple(found[:-1]), found[-1] / unit) for key, found in stored.items() if any(found)}
