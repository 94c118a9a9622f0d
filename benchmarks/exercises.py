"""How long a student waits in an exercise, beside the limits of the project. It measures and asserts nothing.

    python benchmarks/exercises.py [tp1 tp2] [--runs 5]

Each run is a lab of its own in a temporary folder, on ports of its own: up, the reference solution, the grader as a
terminal shows it, reset, down. Printed are the median and the slowest run.
"""

import argparse
import os
import pty
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from labs.catalog.model import slugs

LIMITS: Mapping[str, float] = {
    "labcheck: first line": 0.3,
    "labcheck: first verdict": 1.0,
    "labcheck: all checks": 10.0,
    "labstack up": 3.0,
    "labstack reset": 2.0,
}
"""Seconds, on two cores."""

VERDICT = re.compile(rb"(PASS|FAIL|BLOCKED|INCONCLUSIVE).* TP\d-")
PORTS = 500
"""How many ports in a row a lab may take, from its base on."""


def main() -> None:
    """Measure the exercises one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("exercises", nargs="*", default=slugs(), metavar="TP", help="which (default: all)")
    parser.add_argument("--runs", type=int, default=5, help="how many labs of each to measure (default: 5)")
    chosen = parser.parse_args()
    for slug in chosen.exercises:
        report(slug, chosen.runs)


def report(slug: str, runs: int) -> None:
    """Measure an exercise so many times, and print its table."""
    rows = []
    for number in range(1, runs + 1):
        print(f"{slug}: run {number} of {runs} …", file=sys.stderr)
        rows.append(measure(slug))
    print(f"{slug + ', seconds':<26}{'limit':>8}{'median':>8}{'worst':>8}")
    for name, limit in LIMITS.items():
        times = [row[name] for row in rows]
        late = "" if statistics.median(times) <= limit else "  over the limit"
        print(f"{name:<26}{limit:>8.1f}{statistics.median(times):>8.2f}{max(times):>8.2f}{late}")


def measure(slug: str) -> Mapping[str, float]:
    """Times of one lab, by the names in ``LIMITS``."""
    with _lab() as environment:
        up = _seconds(environment, "labstack", "up", slug)
        _seconds(environment, "labstack", "solve", slug)
        first, verdict, whole = _watch(environment, "labcheck", slug)
        reset = _seconds(environment, "labstack", "reset", slug, "--yes")
    return dict(zip(LIMITS, (first, verdict, whole, up, reset), strict=True))


@contextmanager
def _lab() -> Iterator[dict[str, str]]:
    """A temporary lab, down again afterwards; the environment in which its commands run."""
    folder = Path(tempfile.mkdtemp(prefix="lab-benchmark-"))
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
    ours = {
        "LAB_DOCKER": "lab",
        "LAB_HOME": f"{folder}/.lab",
        "LAB_LANG": "en",
        "LAB_PORT_BASE": str(_free_base()),
        "LAB_WORK": f"{folder}/work",
        "PATH": path,
    }
    environment = {**os.environ, **ours}
    try:
        yield environment
    finally:
        _seconds(environment, "labstack", "down")
        shutil.rmtree(folder)


def _free_base() -> int:
    """A port base somewhere in the range that systems give to nobody by themselves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return 10_000 + port % 20_000 // PORTS * PORTS


def _seconds(environment: Mapping[str, str], *command: str) -> float:
    """How long a command takes to its end."""
    began = time.perf_counter()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return time.perf_counter() - began


def _watch(environment: Mapping[str, str], *command: str) -> tuple[float, float, float]:
    """Seconds to a command's first line, its first verdict and its end, seen on a terminal."""
    ours, theirs = pty.openpty()
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown, first, verdict = b"", None, None
    while chunk := _read(ours):
        shown += chunk
        now = time.perf_counter() - began
        first = first or (now if b"\n" in shown else None)
        verdict = verdict or (now if VERDICT.search(shown) else None)
    process.wait()
    os.close(ours)
    if first is None or verdict is None:
        raise RuntimeError(f"the grader gave no verdict: {shown.decode(errors='replace')}")
    return first, verdict, time.perf_counter() - began


def _read(terminal: int) -> bytes:
    """The next bytes; nothing at the end, which Linux reports as an error."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


if __name__ == "__main__":
    main()
