"""Password files as registry:2 uses them: bcrypt only, read again when the file changes, made when there is none."""

import logging
import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from time import monotonic

import bcrypt

from pyregistry.accounts.remembered import Remembered
from pyregistry.accounts.snapshots import Snapshot
from pyregistry.spec.htpasswd import HtpasswdInvalid, parse_htpasswd

log = logging.getLogger(__name__)

# hash ::= "$2" ("a" | "b" | "y") "$" cost "$" salt-and-digest
BCRYPT_PREFIXES = (b"$2a$", b"$2b$", b"$2y$")
BCRYPT_MAX_BYTES = 72
"""bcrypt looks at no more of a password. The library refuses longer ones; htpasswd and registry:2 cut them."""

DEFAULT_COST = 10
MEMORY_SECONDS = 60.0
"""How long a verified password need not be hashed again: a push makes hundreds of requests, a bcrypt takes 0.1 s."""

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
        self._hashes = Snapshot(path, self._parse)
        self._path = path
        self._now = now
        self._verified: Remembered[bytes] = Remembered()  # the hash that a password was verified with

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
        if self._remembers(user, password, digest):
            return True
        try:
            matches = bcrypt.checkpw(_cut(password), digest)
        except ValueError:  # a mutilated hash
            return False
        if matches:
            self._verified.remember(_joined(user, password), digest, self._now() + MEMORY_SECONDS)
        return matches

    def recall(self, user: str, password: str) -> bool:
        """Whether that is known without hashing or reading anything; False asks for ``verify``."""
        hashes = self._hashes.held()
        return hashes is not None and self._remembers(user, password, hashes.get(user))

    def _parse(self, content: bytes) -> Mapping[str, bytes]:
        try:
            return parse_htpasswd(content)
        except HtpasswdInvalid as exc:
            raise HtpasswdInvalid(f"{self._path}: {exc}") from exc

    def _remembers(self, user: str, password: str, digest: bytes | None) -> bool:
        """Whether the password was verified with the hash that the file holds now."""
        return digest is not None and self._verified.recall(_joined(user, password), self._now()) == digest


def _spend_time(hashes: Iterable[bytes], password: str) -> None:
    """Hash as for a user who is there, or the time of the answer would say who is."""
    decoy = next((digest for digest in hashes if digest.startswith(BCRYPT_PREFIXES)), None)
    if decoy is not None:
        with suppress(ValueError):  # a mutilated hash
            bcrypt.checkpw(_cut(password), decoy)


def _joined(user: str, password: str) -> bytes:
    return f"{user}:{password}".encode()  # no name holds a colon


def _cut(password: str) -> bytes:
    return password.encode()[:BCRYPT_MAX_BYTES]
