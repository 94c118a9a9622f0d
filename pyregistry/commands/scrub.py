"""``pyregistry scrub``."""

import argparse
import sys
import time
from collections import Counter
from datetime import UTC, datetime

from pyregistry.commands.arguments import add_optional_config
from pyregistry.commands.maintenance import load_for_maintenance, open_driver
from pyregistry.commands.outcomes import DONE, FAILED
from pyregistry.config import Settings
from pyregistry.config.settings import FilesystemStorage
from pyregistry.drivers.interface import DriverError
from pyregistry.store.locks import StoreInUse, StoreUnknown
from pyregistry.store.scrub import QUARANTINE, Finding, Progress, Scrub

PROGRESS_SECONDS = 1.0
"""Before the first sign of progress, and between two."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Where the configuration is."""
    parser.description = (
        f"Hash all content again, follow all links, and move damaged content to {QUARANTINE}/ beside "
        f"docker/, where a push mends it. Exit code 1 if something is damaged or missing. "
        "Registries may go on serving the store."
    )
    add_optional_config(parser)


def run(options: argparse.Namespace) -> int:
    """Read everything, say what is wrong, and put damaged content into quarantine."""
    settings = load_for_maintenance(options.config)
    ticker = _Ticker()
    scrubbing = Scrub(open_driver(settings), datetime.now(UTC), ticker.show)
    found: list[Finding] = []
    try:
        for finding in scrubbing.findings():
            found.append(finding)
            ticker.clear()
            print(_describe(finding))
    except (StoreUnknown, StoreInUse, DriverError) as exc:
        print(f"failed to scrub: {exc}", file=sys.stderr)
        return FAILED
    finally:
        ticker.clear()
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(Counter(each.kind for each in found).items()))
    print(f"{scrubbing.progress.contents} contents, {scrubbing.progress.size} bytes read: {counts or 'all whole'}")
    if any(finding.moved_to for finding in found):
        print(f"damaged content is in {_quarantine(settings)}; pushing the images again mends them")
    return FAILED if any(finding.is_damage for finding in found) else DONE


def _quarantine(settings: Settings) -> str:
    storage = settings.storage.driver
    return str(storage.root / QUARANTINE) if isinstance(storage, FilesystemStorage) else QUARANTINE


def _describe(finding: Finding) -> str:
    moved = f"; moved to {finding.moved_to}" if finding.moved_to else ""
    return f"{finding.kind} {finding.name}: {finding.message}{moved}"


class _Ticker:
    """One line of progress on a terminal, rewritten in place; nothing where nobody looks."""

    def __init__(self) -> None:
        self._is_seen = sys.stderr.isatty()
        self._shown_at = time.monotonic()

    def show(self, progress: Progress) -> None:
        """Rewrite the line, once a second."""
        if self._is_seen and time.monotonic() - self._shown_at >= PROGRESS_SECONDS:
            self._shown_at = time.monotonic()
            print(f"\r\x1b[K{progress.contents} contents, {progress.size >> 20} MiB read", end="", file=sys.stderr)
            sys.stderr.flush()

    def clear(self) -> None:
        """Leave the line to others."""
        if self._is_seen:
            print("\r\x1b[K", end="", file=sys.stderr)
            sys.stderr.flush()
