"""Control groups that container engines leave behind."""

import contextlib
import os
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")


def remove_cgroups(name: str) -> None:
    """Remove the empty groups below ``name``, under whichever hierarchies there are (version 1, 2 or both)."""
    for group in [*ROOT.glob(f"*/{name}"), *ROOT.glob(name)]:
        for folder, _, _ in os.walk(group, topdown=False):
            with contextlib.suppress(OSError):  # a controller that is not ours to change: an empty group is harmless
                Path(folder).rmdir()
