"""Reads htpasswd files: whose passwords they hold, and how well they keep them. No hash leaves this module."""

import errno
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from checker.facts import NotObserved, PasswordEntry, PasswordFile, Passwords, Presence, Source, Unavailable
from checker.probes import DEADLINE_SECONDS
from checker.probes.surroundings import LocalFile, StackFile, Surroundings

NOBODY = "nobody"
_SCHEMES: Mapping[str, re.Pattern[str]] = {
    # crypt(5): "$" id "$" …; Apache's own: $apr1$ and {SHA}; 13 characters of DES crypt, the first two its salt
    "bcrypt": re.compile(r"\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{53}"),
    "apr1": re.compile(r"\$apr1\$"),
    "sha1": re.compile(r"\{SHA\}"),
    "ssha": re.compile(r"\{SSHA\}"),
    "md5-crypt": re.compile(r"\$1\$"),
    "sha256-crypt": re.compile(r"\$5\$"),
    "sha512-crypt": re.compile(r"\$6\$"),
    "yescrypt": re.compile(r"\$g?y\$"),
    "crypt": re.compile(r"[./A-Za-z0-9]{13}\Z"),
}
_ABSENT = frozenset({os.strerror(errno.ENOENT), os.strerror(errno.ENOTDIR)})
"""How a system says that there is no such file."""
_LIKELY = ("htpasswd", "*.htpasswd", ".htpasswd")
"""How such files are called in the student's folder."""


@dataclass(frozen=True, slots=True)
class PasswordsProbe:
    """Reads those that the stack reads, and those in the student's folder that nobody does.

    Attributes:
        work: The student's folder.
    """

    stack: Surroundings
    work: Path
    deadline_seconds: float = DEADLINE_SECONDS
    source: Source = Source.PASSWORDS

    def read(self) -> Passwords | Unavailable:
        """The files, those that somebody reads first.

        Where the stack cannot be looked into, those that lie in the folder are all there is to see.

        Raises:
            NotObserved: One is there and cannot be read, or holds no text.
        """
        read = self.stack.password_files
        readers = {} if isinstance(read, Unavailable) else read
        used = [(str(kind), file) for kind, files in readers.items() for file in files]
        known = {Path(file.path).resolve() for _, file in used}
        left = [(NOBODY, LocalFile(path)) for path in self._lying_about() if path.resolve() not in known]
        if isinstance(read, Unavailable) and not left:
            return read
        return Passwords(tuple(_read(reader, file) for reader, file in (*used, *left)))

    def _lying_about(self) -> list[Path]:
        """Files in the student's folder that look like it."""
        found = {path for pattern in _LIKELY for path in self.work.rglob(pattern)}
        return sorted(path for path in found if path.is_file())


def _read(reader: str, file: StackFile) -> PasswordFile:
    """One file's entries; comments and lines without a colon are none."""
    try:
        lines = file.read().decode().splitlines()
    except NotObserved as exc:
        if presence := _presence(exc.unavailable):
            return PasswordFile(file.path, reader, (), presence)
        raise
    except UnicodeDecodeError as exc:
        raise NotObserved(Unavailable("garbage", {"source": file.path})) from exc
    rows = (line.strip().partition(":") for line in lines if ":" in line and not line.lstrip().startswith("#"))
    return PasswordFile(file.path, reader, tuple(PasswordEntry(user, scheme(kept)) for user, _, kept in rows))


def _presence(fault: Unavailable) -> Presence | None:
    """What is there instead of a file that can be read; None where nobody knows."""
    if fault.reason == "not-a-file":
        return Presence.FOLDER
    is_absent = fault.reason == "file-unreadable" and fault.params.get("error") in _ABSENT
    return Presence.NOTHING if is_absent else None


def scheme(kept: str) -> str:
    """How a password is kept; what looks like nothing known is the password itself."""
    kept = kept.partition(":")[0]  # nginx allows a comment behind a second colon
    return next((name for name, pattern in _SCHEMES.items() if pattern.match(kept)), "plain")
