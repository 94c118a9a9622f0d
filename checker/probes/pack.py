"""Reads the grader's own files, so that a changed check does not go unnoticed."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from checker.facts import PackFiles, Source, Unavailable
from checker.probes import DEADLINE_SECONDS


@dataclass(frozen=True, slots=True)
class PackProbe:
    """Hashes the check files.

    Attributes:
        recorded: The digest of this attempt's first run, or None before it.
    """

    recorded: str | None
    deadline_seconds: float = DEADLINE_SECONDS
    source: Source = Source.PACK

    def read(self) -> PackFiles | Unavailable:
        """Their digest; unavailable when it is not the recorded one."""
        digest = _digest(files("checker"))
        return PackFiles(digest) if self.recorded in {None, digest} else Unavailable("pack-changed")


def _digest(folder: Traversable) -> str:
    """SHA-256 over names and contents of all Python files below, in order of their names."""
    hasher = hashlib.sha256()
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir() and entry.name != "__pycache__":
            hasher.update(f"{entry.name}/{_digest(entry)}\n".encode())
        elif entry.name.endswith(".py"):
            hasher.update(f"{entry.name} {hashlib.sha256(entry.read_bytes()).hexdigest()}\n".encode())
    return hasher.hexdigest()
