"""Password files as registry:2 uses them: bcrypt only, read again when the file changes, made when there is none."""

import hashlib
import hmac
import logging
import os
import secrets
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from time import monotonic

import bcrypt

from pyregistry.accounts.snapshots import Snapshot
from pyregistry.spec.htpasswd import parse_htpasswd

log = logging.getLogger(__name__)

# hash ::= "$2" ("a" | "b" | "y") "$" cost "$" salt-and-digest
BCRYPT_PREFIXES = (b"$2a$", b"$2b$", b"$2y$")
BCRYPT_MAX_BYTES = 72
"""bcrypt looks at no more of a password. The library refuses longer ones; htpasswd and registry:2 cut them."""

DEFAULT_COST = 10
MEMORY_SECONDS = 60.0
"""How long a verified password need not be hashed again: a push makes hundreds of requests, a bcrypt takes 0.1 s."""

MEMORY_ENTRIES = 1024
"""How many verified passwords are remembered; when there are more, all are forgotten."""

DEFAULT_USER = "docker"


def format_line(user: str, password: str, cost: int = DEFAULT_COST) -> str:
    """One line for ``user``, as ``htpasswd -nbB`` prints it."""
    return f"{user}:{bcrypt.hashpw(_cut(password), bcrypt.gensalt(cost)).decode()}"


class HtpasswdFile:
    """A password file that verifies names and passwords. Threads may share it.

    Args:
        path: The file.
        now: Seconds of a clock that never goes back.
    """

    def __init__(self, path: Path, now: Callable[[], float] = monotonic) -> None:
        self._hashes = Snapshot(path, parse_htpasswd)
        self._path = path
        self._now = now
        self._memory: dict[bytes, float] = {}
        self._memory_key = secrets.token_bytes(32)
        self._lock = threading.Lock()

    def provision(self) -> None:
        """Make a missing file with one user and a random password, which is logged once: registry:2 does so."""
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return
        password = secrets.token_urlsafe(32)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(format_line(DEFAULT_USER, password) + "\n")
        log.warning(
            "htpasswd is missing, provisioning with default user",
            extra={"fields": {"user": DEFAULT_USER, "password": password}},
        )

    def verify(self, user: str, password: str) -> bool:
        """Whether ``password`` is that of ``user``. A hash that is not bcrypt never matches.

        Raises:
            HtpasswdInvalid: The file has been changed into something else.
            OSError: The file cannot be read.
        """
        hashes = self._hashes.current()
        digest = hashes.get(user, b"")
        if not digest.startswith(BCRYPT_PREFIXES):
            _spend_time(hashes.values(), password)
            return False
        memory = hmac.digest(self._memory_key, b"\0".join((user.encode(), digest, password.encode())), hashlib.sha256)
        if self._remembers(memory):
            return True
        try:
            matches = bcrypt.checkpw(_cut(password), digest)
        except ValueError:  # a mutilated hash
            return False
        if matches:
            self._remember(memory)
        return matches

    def _remembers(self, memory: bytes) -> bool:
        return self._memory.get(memory, 0.0) > self._now()

    def _remember(self, memory: bytes) -> None:
        with self._lock:
            if len(self._memory) >= MEMORY_ENTRIES:
                self._memory.clear()
            self._memory[memory] = self._now() + MEMORY_SECONDS


def _spend_time(hashes: Iterable[bytes], password: str) -> None:
    """Hash as for a user who is there, or the time of the answer would say who is."""
    decoy = next((digest for digest in hashes if digest.startswith(BCRYPT_PREFIXES)), None)
    if decoy is not None:
        with suppress(ValueError):  # a mutilated hash
            bcrypt.checkpw(_cut(password), decoy)


def _cut(password: str) -> bytes:
    return password.encode()[:BCRYPT_MAX_BYTES]
