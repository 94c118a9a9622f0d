"""``python -m checker`` is ``labcheck``."""

import sys

from labs.entry import start


def main() -> int:
    """Run ``labcheck``; its exit code."""
    return start("checker.cli")


if __name__ == "__main__":
    sys.exit(main())
