"""Which repositories of a registry are known to hold a blob: what a push can mount from instead of uploading.

``<engine home>/origins.json``: {"ghcr.io": {"sha256:…": ["org/app", …]}}, newest last.
A memory, never a promise: it may be lost.
"""

import contextlib
import fcntl
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from pyregistry.spec.digest import Digest

FILE_NAME = "origins.json"
REMEMBERED_REPOSITORIES = 5
"""For each blob; Docker tries four before it uploads."""

_Memory = dict[str, dict[str, list[str]]]


class Origins:
    """The memory of one engine home."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME

    def repositories(self, domain: str, digest: Digest, *, but: str) -> list[str]:
        """Repositories that held the blob, the newest first, without the one that is pushed to."""
        known = self._read().get(domain, {}).get(str(digest), [])
        return [repository for repository in reversed(known) if repository != but]

    def remember(self, domain: str, repository: str, digests: Iterable[Digest]) -> None:
        """The repository holds these blobs now."""
        with self._changing() as memory:
            blobs = memory.setdefault(domain, {})
            for digest in digests:
                others = [known for known in blobs.get(str(digest), []) if known != repository]
                blobs[str(digest)] = [*others, repository][-REMEMBERED_REPOSITORIES:]

    def _read(self) -> _Memory:
        try:
            memory: _Memory = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return memory if isinstance(memory, dict) else {}

    @contextlib.contextmanager
    def _changing(self) -> Iterator[_Memory]:
        """The memory, to be changed in place, while other processes wait."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            memory = self._read()
            yield memory
            temporary = self._path.with_suffix(".tmp")
            temporary.write_text(json.dumps(memory), encoding="utf-8")
            temporary.replace(self._path)
