"""Finds the real clients for a test, or skips it by name; under ``LAB_NOTHING_SKIPPED=1`` (``make check``) it fails."""

import os
import shutil
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from tests.clients.install import SUITE_PACKAGES, TOOLS

NOTHING_SKIPPED = "LAB_NOTHING_SKIPPED"


def require(*names: str) -> dict[str, Path]:
    """Paths of real clients, by the names asked for.

    A plain name (``skopeo``) is looked for in PATH, then in the private folders of newer suites; ``sid/dockerd`` in
    that suite's folder only. Skips, or under ``LAB_NOTHING_SKIPPED=1`` fails, when one is missing.
    """
    found = {name: find(name) for name in names}
    if missing := [name for name, path in found.items() if path is None]:
        absent(f"{', '.join(missing)} not found; `make check` brings the real clients")
    return {name: path for name, path in found.items() if path}


def require_root() -> None:
    """Go on only as root: private namespaces, Docker's daemon and container storage need it."""
    if os.geteuid() != 0:
        absent("needs root (a private network namespace, a container engine); run `make check` as root")


def absent(reason: str) -> NoReturn:
    """Skip for ``reason``, or fail where nothing may be skipped."""
    if os.environ.get(NOTHING_SKIPPED) == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def find(name: str) -> Path | None:
    """Where a client is, or None."""
    suite, slash, command = name.rpartition("/")
    ours = str(Path(sys.executable).parent)  # what came with the development requirements, traefik for one
    system = [] if slash else [os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin", ours]
    suites = [suite] if slash else SUITE_PACKAGES
    private = [f"{TOOLS}/{one}/usr/{folder}" for one in suites for folder in ("bin", "sbin")]
    found = shutil.which(command, path=os.pathsep.join([*system, *private]))
    return Path(found) if found else None
