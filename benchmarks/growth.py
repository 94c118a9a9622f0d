"""How time and memory grow with the size of a store: garbage collection, tag lists, catalogs. Wanted: in proportion.

    python benchmarks/growth.py [--only gc,tags,catalog] [--blobs 10000,30000,100000] [--entries 1000,3000,10000]

The stores are written straight to disk, in the layout that registry:2 knows. What the smallest store takes is measured
too and subtracted, so that the start of a program does not hide the growth. The exponent is the slope of a straight
line through the logarithms: 1 is linear. Seconds depend on what else the machine does; processor time does less. It
measures and asserts nothing.
"""

import argparse
import hashlib
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from pyregistry.spec.digest import Digest
from pyregistry.spec.media_types import OCI_CONFIG, OCI_LAYER, OCI_MANIFEST
from pyregistry.store import paths
from tests.e2e.footprint import Footprint
from tests.servers import RunningRegistry, running_registry, write_config

BLOBS = (10_000, 30_000, 100_000)
ENTRIES = (1_000, 3_000, 10_000)
LAYERS = 9
"""Of an image, which so has 11 objects: half of the images have a tag."""

MAX_EXPONENT = 1.15
"""Linear, and what two busy cores add to it."""

PAGE = 1_000
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one piece of work. ``memory`` is bytes at the peak, above what was there before."""

    seconds: float
    cpu_seconds: float
    memory: int

    def beyond(self, other: "Cost") -> "Cost":
        """What it costs more than ``other``."""
        return Cost(
            self.seconds - other.seconds, self.cpu_seconds - other.cpu_seconds, max(0, self.memory - other.memory)
        )


Series = dict[int, Cost]
Measure = Callable[[Path, int], Mapping[str, Cost]]


def main() -> None:
    """Measure, and print the table as it grows."""
    options = _parse_options()
    sizes = {"gc": options.blobs, "tags": options.entries, "catalog": options.entries}
    found: dict[str, Series] = {}
    for name in options.only:
        grown = _grow(MEASURES[name], sizes[name], options.folder)
        found |= grown
        if not options.json:
            print("\n".join(_table(grown)), flush=True)
    if options.json:
        print(json.dumps(_document(found), indent=2))


def _grow(measure: Measure, sizes: Sequence[int], parent: Path | None) -> Mapping[str, Series]:
    """What ``measure`` costs at all sizes, by what it calls its parts."""
    found: dict[str, Series] = {}
    for size in (0, *sizes):
        print(f"{measure.__name__}, {size:,} …", file=sys.stderr)
        with _folder(parent) as folder:
            for title, cost in measure(folder, size).items():
                found.setdefault(title, {})[size] = cost
    return {title: _beyond_smallest(series) for title, series in found.items()}


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    kinds = ", ".join(MEASURES)
    parser.add_argument("--only", type=_names, default=list(MEASURES), metavar="NAMES", help=f"some of: {kinds}")
    parser.add_argument("--blobs", type=_sizes, default=BLOBS, help="sizes of the stores to collect garbage in")
    parser.add_argument("--entries", type=_sizes, default=ENTRIES, help="lengths of the lists")
    parser.add_argument("--folder", type=Path, help="where the stores lie (default: the system's temporary folder)")
    parser.add_argument("--json", action="store_true", help="print all figures as JSON")
    return parser.parse_args()


def _names(text: str) -> Sequence[str]:
    names = text.split(",")
    if unknown := set(names) - set(MEASURES):
        raise argparse.ArgumentTypeError(f"expected some of {', '.join(MEASURES)}, got {', '.join(sorted(unknown))}")
    return names


def _sizes(text: str) -> Sequence[int]:
    return [int(part) for part in text.split(",")]


@contextmanager
def _folder(parent: Path | None) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="growth-benchmark-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def collect(folder: Path, blobs: int) -> Mapping[str, Cost]:
    """Garbage collection that keeps half of the images: first what it would do, then in earnest."""
    config = write_config(folder)
    images = max(1, blobs // (LAYERS + 2))
    for number in range(images):
        _write_image(folder / "store", f"acme/app-{number % 10}", str(number), tagged=number % 2 == 0)
    os.sync()
    command = [sys.executable, "-m", "pyregistry", "garbage-collect", "-m", "-q"]
    costs = {
        "garbage-collect -m -d": _run([*command, "-d", str(config)]),
        "garbage-collect -m": _run([*command, str(config)]),
    }
    left = sum(1 for _ in (folder / "store").glob(f"{paths.ROOT}/blobs/sha256/*/*/data"))
    expected = (images + 1) // 2 * (LAYERS + 2)
    if left != expected:
        raise RuntimeError(f"expected {expected} objects after the collection, found {left}")
    return costs


def list_tags(folder: Path, entries: int) -> Mapping[str, Cost]:
    """A repository's tags in one answer, as clients ask for them, and in pages."""
    repository = "acme/app"
    digest = _write_image(folder / "store", repository, "one", tagged=True)
    for number in range(entries):
        _write_tag(folder / "store", repository, f"1.{number}", digest)
    with running_registry(folder) as registry:
        return _listings(registry, f"/v2/{repository}/tags/list", "tags", entries + 1)


def list_catalog(folder: Path, entries: int) -> Mapping[str, Cost]:
    """All repositories in one answer, and in pages."""
    for number in range(entries):
        _write_image(folder / "store", f"team-{number % 20}/app-{number}", "one", tagged=True, layers=1)
    with running_registry(folder, config={"catalog": {"maxentries": max(entries, PAGE)}}) as registry:
        return _listings(registry, f"/v2/_catalog?n={max(entries, 1)}", "repositories", entries)


def _listings(registry: RunningRegistry, target: str, member: str, entries: int) -> Mapping[str, Cost]:
    path = target.partition("?")[0]
    footprint = Footprint(registry)

    def measure(what: Callable[[], int]) -> Cost:
        process = psutil.Process(registry.process.pid)
        began, cpu = time.perf_counter(), _cpu_seconds(process)
        found = what()
        ended = time.perf_counter()
        if found != entries:
            raise RuntimeError(f"{path}: expected {entries} entries, got {found}")
        return Cost(ended - began, _cpu_seconds(process) - cpu, footprint.growth_bytes)

    def whole() -> int:
        return len(json.loads(registry.request("GET", target).body)[member] or ())

    def in_pages() -> int:
        count, following = 0, f"{path}?n={PAGE}"
        while following:
            answer = registry.request("GET", following)
            count += len(json.loads(answer.body)[member] or ())
            following = answer.headers.get("link", "").partition(">")[0].removeprefix("<")
        return count

    registry.request("GET", "/v2/")
    first = measure(whole)
    again = _median([measure(whole) for _ in range(ROUNDS)])
    return {
        f"{member}, first answer": first,
        f"{member}, later answers": again,
        f"{member}, pages of {PAGE}": _median([measure(in_pages) for _ in range(ROUNDS)]),
    }


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(
        statistics.median(cost.seconds for cost in costs),
        statistics.median(cost.cpu_seconds for cost in costs),
        max(cost.memory for cost in costs),
    )


def _cpu_seconds(process: psutil.Process) -> float:
    return sum(sum(one.cpu_times()[:2]) for one in (process, *process.children(recursive=True)))


def _run(command: Sequence[str]) -> Cost:
    """A command's cost. Its memory is all it had, with the interpreter."""
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        ended = time.perf_counter()
        process.returncode = os.waitstatus_to_exitcode(status)  # it was waited for here, to learn what it used
        if process.returncode:
            said.seek(0)
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{said.read()[-2000:]}")
    return Cost(ended - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def _write_image(root: Path, repository: str, seed: str, *, tagged: bool, layers: int = LAYERS) -> Digest:
    """A manifest with a config and layers of its own, and the tag of its seed where it is tagged."""
    contents = [f"{repository} {seed} {number}".encode() for number in range(layers + 1)]
    digests = [_write_blob(root, content) for content in contents]
    for digest in digests:
        _write(root / paths.layer_link(repository, digest), str(digest).encode())
    config, *others = (
        {"mediaType": OCI_LAYER if number else OCI_CONFIG, "digest": str(digest), "size": len(contents[number])}
        for number, digest in enumerate(digests)
    )
    manifest = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": others}
    digest = _write_blob(root, json.dumps(manifest).encode())
    _write(root / paths.revision_link(repository, digest), str(digest).encode())
    if tagged:
        _write_tag(root, repository, seed, digest)
    return digest


def _write_tag(root: Path, repository: str, tag: str, digest: Digest) -> None:
    for link in (paths.tag_current_link(repository, tag), paths.tag_index_link(repository, tag, digest)):
        _write(root / link, str(digest).encode())


def _write_blob(root: Path, content: bytes) -> Digest:
    digest = Digest("sha256", hashlib.sha256(content).hexdigest())
    _write(root / paths.blob_data(digest), content)
    return digest


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _beyond_smallest(series: Series) -> Series:
    smallest = series[0]
    return {size: cost.beyond(smallest) for size, cost in series.items() if size}


def exponent(points: Mapping[int, float]) -> float | None:
    """The least-squares slope of log y over log x; None where a value is too small to say."""
    if len(points) < 2 or min(points.values()) <= 0:  # noqa: PLR2004  a line has two points
        return None
    slope, _ = statistics.linear_regression(
        [math.log(size) for size in points], [math.log(value) for value in points.values()]
    )
    return slope


def _growth(series: Series) -> Mapping[str, float | None]:
    """Exponents of the three costs."""
    columns = {name: {size: asdict(cost)[name] for size, cost in series.items()} for name in Cost.__dataclass_fields__}
    return {name: exponent(points) for name, points in columns.items()}


def _document(found: Mapping[str, Series]) -> Mapping[str, object]:
    return {
        title: {"costs": {size: asdict(cost) for size, cost in series.items()}, "exponents": _growth(series)}
        for title, series in found.items()
    }


def _table(found: Mapping[str, Series]) -> Iterator[str]:
    yield f"{'':<32}{'entries':>9}{'seconds':>10}{'µs each':>9}{'cpu s':>9}{'MiB':>8}"
    for title, series in found.items():
        for size, cost in series.items():
            each = cost.seconds / size * 1e6
            figures = f"{cost.seconds:>10.3f}{each:>9.1f}{cost.cpu_seconds:>9.2f}{cost.memory / 2**20:>8.1f}"
            yield f"{title:<32}{size:>9,}{figures}"
        growth = _growth(series)
        slopes = ("?" if slope is None else f"{slope:.2f}" for slope in growth.values())
        over = (growth["seconds"] or 0) > MAX_EXPONENT
        yield "{:<41}{:>10}{:>18}{:>8}{}".format("  exponent", *slopes, f"  over {MAX_EXPONENT}" if over else "")


MEASURES: Mapping[str, Measure] = {"gc": collect, "tags": list_tags, "catalog": list_catalog}


if __name__ == "__main__":
    main()
