"""``pyregistry garbage-collect``, with registry:2's options and words."""

import argparse
import sys
from datetime import UTC, datetime

from pyregistry.commands.arguments import add_optional_config
from pyregistry.commands.maintenance import load_for_maintenance, open_driver
from pyregistry.commands.outcomes import DONE, FAILED
from pyregistry.drivers.interface import DriverError
from pyregistry.store.configured import choose_garbage
from pyregistry.store.gc import collect
from pyregistry.store.locks import StoreInUse, StoreUnknown


def configure(parser: argparse.ArgumentParser) -> None:
    """registry:2's options."""
    parser.description = (
        "Delete what no manifest refers to, and what uploads left behind. Registries may go on serving the store: what "
        "was pushed to them, or asked of them, within twice pyregistry.gc.grace stays then."
    )
    parser.add_argument("--dry-run", "-d", action="store_true", help="only say what would be deleted")
    parser.add_argument(
        "--delete-untagged",
        "-m",
        action="store_true",
        help="also delete manifests that no tag leads to, be it through an index or as a referrer",
    )
    parser.add_argument("--quiet", "-q", action="store_true", help="print nothing on stdout")
    add_optional_config(parser)


def run(options: argparse.Namespace) -> int:
    """Delete what nobody refers to, in registry:2's words; a dry run tells and deletes nothing."""
    settings = load_for_maintenance(options.config)
    what = choose_garbage(settings, datetime.now(UTC), delete_untagged=options.delete_untagged)
    emit = _say_nothing if options.quiet else print
    try:
        plan = collect(open_driver(settings), what, emit, dry_run=options.dry_run)
    except (StoreUnknown, StoreInUse, DriverError) as exc:
        print(f"failed to garbage collect: {exc}", file=sys.stderr)
        return FAILED
    emit(f"\n{plan.summarize('would be freed' if options.dry_run else 'freed')}")
    return DONE


def _say_nothing(_: str) -> None:
    """``--quiet``."""
