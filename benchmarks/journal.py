"""How many events a second the journal takes: one at a time and in batches, from one process and from several.

    python benchmarks/journal.py [--seconds 2] [--batch 32] [--processes 2]

Every request is an event, so that the first figure bounds what one worker can answer. It measures and asserts nothing,
except that the chain it wrote is whole.
"""

import argparse
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from pyregistry.journal import Journal, read
from pyregistry.spec.journal import Event


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each is measured (default: 2)")
    parser.add_argument("--batch", type=int, default=32, help="events that are appended together (default: 32)")
    parser.add_argument("--processes", type=int, default=2, help="how many write at the same time (default: 2)")
    options = parser.parse_args()
    print(f"{'processes':>9}{'batch':>7}{'events/s':>11}{'µs each':>9}")
    for processes in sorted({1, options.processes}):
        for batch in (1, options.batch):
            rate = measure(processes, batch, options.seconds)
            print(f"{processes:>9}{batch:>7}{rate:>11,.0f}{1e6 / rate:>9.1f}")


def measure(processes: int, batch: int, seconds: float) -> float:
    """Events a second of all processes together, on one journal."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="journal-benchmark-") as folder, context.Pool(processes) as pool:
        path = Path(folder) / "journal.jsonl"
        pool.map(_warm, range(processes))
        written = pool.starmap(_append, [(path, batch, seconds)] * processes, chunksize=1)
        if sum(1 for _ in read(path)) != sum(written):
            raise RuntimeError(f"{path}: events were lost")
    return sum(written) / seconds


def _warm(_number: int) -> None:
    """Nothing: the imports of this module are what takes time."""


def _append(path: Path, batch: int, seconds: float) -> int:
    journal, events, written = Journal(path), [_event()] * batch, 0
    append: Callable[[], object] = (
        (lambda: journal.append(events[0])) if batch == 1 else lambda: journal.append_all(events)
    )
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends:
        append()
        written += batch
    return written


def _event() -> Event:
    """A pull, as it is remembered."""
    return Event(
        kind="request",
        at=datetime.now(UTC),
        monotonic_ns=time.monotonic_ns(),
        actor="somebody",
        credential_kind="password",
        peer="127.0.0.1:54321",
        user_agent="docker/28.5.2 go/go1.24.9 kernel/6.12.0 os/linux arch/amd64",
        host="registry.example.com",
        method="GET",
        path="/v2/acme/app/manifests/latest",
        endpoint="end-3",
        repository="acme/app",
        reference="latest",
        digest=f"sha256:{'0123456789abcdef' * 4}",
        media_type="application/vnd.oci.image.manifest.v1+json",
        status=200,
        bytes_out=1234,
        request_id="0123456789abcdef" * 2,
    )


if __name__ == "__main__":
    main()
