"""A disk of a test's own, small and soon full, on which a whole lab lives."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.labs.conftest import LabUnderTest

TIMEOUT_SECONDS = 60

# The disk is gone with the last process of its namespace; nobody else ever sees it.
_RESET_WHEN_FULL = """
set -eu
slug=$2 filler=$4
mount -t tmpfs -o "size=$3" tmpfs "$1"
labstack up "$slug" >/dev/null
eval "$5" >/dev/null 2>&1
cat /dev/zero >"$LAB_HOME/$filler" 2>/dev/null || true
df "$1" >&2
labstack reset "$slug" --yes
labstack status
labstack down >/dev/null
"""


def _can_have_own_mounts() -> bool:
    """Whether this machine lets us mount in a namespace of our own."""
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return False
    command = ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


needs_a_disk = pytest.mark.skipif(
    not _can_have_own_mounts(), reason="fills a disk of its own: needs Linux, root and unshare"
)


def reset_when_full(
    lab: LabUnderTest, folder: Path, slug: str, *, size: str, filler: str, begun: str = ":", **variables: str
) -> str:
    """What ``reset`` and ``status`` print once an exercise's disk is full; the student's files were kept.

    Args:
        lab: Whose settings count; it lives on the disk.
        folder: Where the disk is mounted.
        slug: The exercise.
        size: Of the disk, as mount has it.
        filler: What takes all that is left of it, below the lab's folder.
        begun: Shell commands that come before.
        variables: For these.
    """
    disk = folder / "disk"
    disk.mkdir()
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", _RESET_WHEN_FULL, "sh", disk, slug, size, filler, begun],
        env=lab.environ | variables | {"LAB_HOME": str(disk / ".lab")},
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "100%" in done.stderr
    assert "attempt 2" in done.stdout
    assert "cp -R" in done.stdout
    return done.stdout
