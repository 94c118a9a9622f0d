"""How fast the registry is beside Debian's docker-registry and nginx with static files: ratios, taken in one run.

    python benchmarks/registry.py [--quick] [--only manifest,pull] [--rounds 3] [--seconds 3] [--json]

It needs the development environment (`make test` makes it), wrk, curl and nginx (Debian's wrk, curl, nginx-light) and
registry:2 (`python tests/clients/install.py` brings it). All serve the same files; ours and registry:2 have the same
configuration and both write their logs to files, and ours keeps its journal besides. The contenders take turns, their
order changes from round to round, and medians are compared. It measures and asserts nothing.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.contenders import Arena, BenchmarkError, Server
from benchmarks.content import Content, make_content
from benchmarks.loads import Void, pulled_per_second, pushed_per_second, requests_per_second
from tests.servers import throw_away_tls

OURS, THEIRS, NGINX = "pyregistry", "registry:2", "nginx"
ROUNDS, SECONDS, WORKERS = 3, 3, 2
PROFILE_HERTZ = 499
PUSHES = ("put", "patch")
"""In one request, or with a second one that closes the upload."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure: who is measured, how it serves (``http``, ``https``, ``basic``: http with a password), with what.

    ``load`` is the name of a path in the content, or one of ``PUSHES``.
    """

    program: str
    variant: str
    load: str

    @property
    def unit(self) -> str:
        """Of the figure."""
        return "MB/s" if self.load in ("large", *PUSHES) else "requests/s"


@dataclass(frozen=True, slots=True)
class Row:
    """A comparison. ``bars`` says with whom, served how, and how many times as fast we want to be; None: no bar."""

    title: str
    load: str
    variant: str
    bars: Mapping[tuple[str, str], float | None]

    @property
    def ours(self) -> Cell:
        """Our figure."""
        return Cell(OURS, self.variant, self.load)

    @property
    def others(self) -> Sequence[tuple[Cell, float | None]]:
        """With what it is compared."""
        return [(Cell(program, variant, self.load), bar) for (program, variant), bar in self.bars.items()]


_MANIFEST = {(THEIRS, "http"): 10, (NGINX, "http"): 0.25}
_BLOB = {(THEIRS, "http"): 15, (NGINX, "http"): 0.25}
_TAGS = {(THEIRS, "http"): 8}
_WITHOUT_PASSWORD = {(OURS, "http"): 0.8, (THEIRS, "basic"): None}

ROWS: Mapping[str, Row] = {
    "base": Row("GET /v2/", "base", "http", {(THEIRS, "http"): None}),
    "manifest": Row("manifest by tag", "manifest", "http", _MANIFEST),
    "blob": Row("blob of 10 kB", "small", "http", _BLOB),
    "tags": Row("list of 201 tags", "tags", "http", _TAGS),
    "basic-manifest": Row("Basic auth: manifest by tag", "manifest", "basic", _WITHOUT_PASSWORD | _MANIFEST),
    "basic-blob": Row("Basic auth: blob of 10 kB", "small", "basic", _WITHOUT_PASSWORD | _BLOB),
    "basic-tags": Row("Basic auth: list of 201 tags", "tags", "basic", _WITHOUT_PASSWORD | _TAGS),
    "pull-http": Row("512 MiB pull, http", "large", "http", {(THEIRS, "http"): None, (NGINX, "http"): 0.6}),
    "pull-https": Row("512 MiB pull, https", "large", "https", {(THEIRS, "https"): 1.4, (NGINX, "https"): None}),
    "push-http": Row("512 MiB push, http", "put", "http", {(THEIRS, "http"): 1.8}),
    "push-https": Row("512 MiB push, https", "put", "https", {(THEIRS, "https"): 1.8}),
    "patch-http": Row("512 MiB PATCH + PUT, http", "patch", "http", {(THEIRS, "http"): None}),
    "patch-https": Row("512 MiB PATCH + PUT, https", "patch", "https", {(THEIRS, "https"): None}),
}
"""By what ``--only`` calls them. The bars are the project's own."""

Figures = dict[Cell, list[float]]


def main() -> None:
    """Measure, and print the table."""
    options = _parse_options()
    rows = [row for key, row in ROWS.items() if any(key.startswith(word) for word in options.only.split(","))]
    if not rows:
        sys.exit(f"--only {options.only}: expected some of {', '.join(ROWS)}")
    try:
        with _arena(options) as arena:
            figures, voids = measure(arena, rows, options)
            document = _document(arena, rows, figures, voids, options)
    except BenchmarkError as exc:
        sys.exit(str(exc))
    print(json.dumps(document, indent=2) if options.json else _table(document))


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="", metavar="NAMES", help=f"beginnings of: {', '.join(ROWS)}")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"how often each is measured (default: {ROUNDS})")
    parser.add_argument("--seconds", type=int, default=SECONDS, help=f"of one load of requests (default: {SECONDS})")
    parser.add_argument("--quick", action="store_true", help="one round of one second: an impression, not a figure")
    parser.add_argument("--workers", type=int, default=WORKERS, help=f"ours, and nginx's (default: {WORKERS})")
    parser.add_argument("--folder", type=Path, help="where all files lie (default: the system's temporary folder)")
    parser.add_argument("--checkout", type=Path, help="measure the pyregistry of another checkout")
    parser.add_argument("--ours-only", action="store_true", help="start no other server")
    parser.add_argument("--pause", action="store_true", help="print our process ids and wait for Enter at each start")
    parser.add_argument("--profile", type=Path, metavar="FOLDER", help="record ours with py-spy, or else with perf")
    parser.add_argument("--json", action="store_true", help="print all figures as JSON")
    options = parser.parse_args()
    if options.quick:
        options.rounds = options.seconds = 1
    return options


@contextmanager
def _arena(options: argparse.Namespace) -> Iterator[Arena]:
    """A folder with the content, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="registry-benchmark-", dir=options.folder))
    try:
        _say("making the content …")
        tls = throw_away_tls(folder / "tls")
        yield Arena(folder, make_content(folder), tls, options.workers, options.checkout)
    finally:
        shutil.rmtree(folder)


def measure(arena: Arena, rows: Sequence[Row], options: argparse.Namespace) -> tuple[Figures, dict[Cell, str]]:
    """All figures of the rows, and why some of them are void."""
    cells = _cells(rows, ours_only=options.ours_only)
    figures: Figures = {cell: [] for cell in cells}
    voids: dict[Cell, str] = {}
    with ExitStack() as stack:
        servers = _start(arena, cells, stack, pause=options.pause)
        for number in range(1, options.rounds + 1):
            _say(f"round {number} of {options.rounds} …")
            for cell in cells if number % 2 else reversed(cells):
                server = servers[cell.program, cell.variant]
                try:
                    with _profiled(cell, server, options):
                        figures[cell].append(_figure(cell, server, arena.content, options.seconds))
                except Void as exc:
                    voids[cell] = str(exc)
                    _say(f"{cell.program}, {cell.variant}, {cell.load}: void: {exc}")
    return figures, voids


def _cells(rows: Sequence[Row], *, ours_only: bool) -> list[Cell]:
    """Each once, those of the same load next to each other."""
    cells = dict.fromkeys(cell for row in rows for cell in (row.ours, *(other for other, _ in row.others)))
    loads = list(dict.fromkeys(cell.load for cell in cells))
    return sorted(
        (cell for cell in cells if cell.program == OURS or not ours_only), key=lambda cell: loads.index(cell.load)
    )


def _start(arena: Arena, cells: Sequence[Cell], stack: ExitStack, *, pause: bool) -> Mapping[tuple[str, str], Server]:
    servers = {}
    for program, variant in dict.fromkeys((cell.program, cell.variant) for cell in cells):
        server = servers[program, variant] = stack.enter_context(arena.running(program, variant))
        _say(f"{program}, {variant}: {server.url}, processes {', '.join(map(str, server.pids))}")
        if pause and program == OURS:
            input("Enter goes on: ")
    return servers


def _figure(cell: Cell, server: Server, content: Content, seconds: int) -> float:
    if cell.load in PUSHES:
        return pushed_per_second(server, content, patch=cell.load == "patch")
    if cell.load == "large":
        return pulled_per_second(server, content.paths["large"])
    return requests_per_second(server, content.paths[cell.load], content.sizes.get(cell.load), seconds)


@contextmanager
def _profiled(cell: Cell, server: Server, options: argparse.Namespace) -> Iterator[None]:
    """Record what our processes do meanwhile: a flame graph of the Python code, or perf's data."""
    if options.profile is None or cell.program != OURS:
        yield
        return
    options.profile.mkdir(parents=True, exist_ok=True)
    name = f"{options.profile}/{cell.load}-{cell.variant}"
    rate = str(PROFILE_HERTZ)
    if shutil.which("py-spy"):
        command = ["py-spy", "record", "-s", "-r", rate, "-o", f"{name}.svg", "-p", str(server.process.pid)]
    else:
        command = ["perf", "record", "-g", "-F", rate, "-o", f"{name}.perf", "-p", ",".join(map(str, server.pids))]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as recorder:
        yield
        recorder.send_signal(2)


def _document(
    arena: Arena, rows: Sequence[Row], figures: Figures, voids: Mapping[Cell, str], options: argparse.Namespace
) -> dict[str, Any]:
    """Everything that was found, as values."""
    return {
        "machine": _machine(arena),
        "settings": {name: getattr(options, name) for name in ("rounds", "seconds", "workers")},
        "rows": [
            {"title": row.title, "unit": row.ours.unit, "ours": _column(row.ours, figures, voids)}
            | {"others": [_compared(row, other, bar, figures, voids) for other, bar in row.others if other in figures]}
            for row in rows
        ],
    }


def _column(cell: Cell, figures: Figures, voids: Mapping[Cell, str]) -> dict[str, Any]:
    """A void figure has no median: one wrong round spoils it."""
    values = figures[cell]
    median = None if cell in voids or not values else statistics.median(values)
    return {"median": median, "values": values, "void": voids.get(cell)}


def _compared(row: Row, other: Cell, bar: float | None, figures: Figures, voids: Mapping[Cell, str]) -> dict[str, Any]:
    ours, theirs = _column(row.ours, figures, voids), _column(other, figures, voids)
    ratio = ours["median"] / theirs["median"] if ours["median"] and theirs["median"] else None
    reached = None if bar is None or ratio is None else ratio >= bar
    name = other.program if other.variant == row.variant else f"{other.program}, no auth"
    return {"name": name, **theirs, "ratio": ratio, "bar": bar, "reached": reached}


def _machine(arena: Arena) -> dict[str, Any]:
    mounts = [part for part in psutil.disk_partitions(all=True) if arena.folder.is_relative_to(part.mountpoint)]
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=arena.checkout or Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "filesystem": max(mounts, key=lambda part: len(part.mountpoint)).fstype,
        "load": round(os.getloadavg()[0], 2),
        "commit": commit.stdout.strip(),
    }


def _table(document: Mapping[str, Any]) -> str:
    machine, settings = document["machine"], document["settings"]
    lines = [
        ", ".join(f"{name} {value}" for name, value in {**machine, **settings}.items()),
        f"{'':<30}{'':<12}{'ours':>9}  {'beside':<20}{'theirs':>9}{'ratio':>8}{'bar':>7}",
    ]
    for row in document["rows"]:
        begin = f"{row['title']:<30}{row['unit']:<12}{_shown(row['ours']['median']):>9}  "
        for other in row["others"] or [{"name": "", "median": None, "ratio": None, "bar": None, "reached": None}]:
            ratio = "" if other["ratio"] is None else f"{other['ratio']:.2f}"
            bar = "" if other["bar"] is None else f"{other['bar']:.2f}"
            verdict = {True: "  reached", False: "  missed", None: ""}[other["reached"]]
            theirs = _shown(other["median"]) if other["name"] else ""
            lines.append(f"{begin}{other['name']:<20}{theirs:>9}{ratio:>8}{bar:>7}{verdict}")
            begin = " " * len(begin)
    return "\n".join(lines)


def _shown(figure: float | None) -> str:
    return "void" if figure is None else f"{figure:,.0f}"


def _say(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    main()
