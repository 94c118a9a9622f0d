"""Who the student is, and the parameters that make each attempt one's own.

Parameters follow from class secret, student, exercise and attempt by HMAC: they lie inside the artifact that is
graded, so that another student's artifact is not one's own, and an instructor who knows the secret can recompute them.
"""

import getpass
import hmac
import json
import os
import re
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from labs.home import LabHome

LOGIN_MAX_LENGTH = 39
"""Characters; GitHub's own limit for a login."""

_SECRET_BYTES = 32
_NONCE_LENGTH = 16
_SUFFIX_LENGTH = 6
_PSEUDONYM_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Student:
    """A student, by the name that they gave. Login and organisation are names as GitHub has them."""

    name: str

    @property
    def login(self) -> str:
        """The GitHub login: ``Zoé Martin`` → ``zoe-martin``. Never empty."""
        plain = unicodedata.normalize("NFKD", self.name).encode("ascii", "ignore").decode().lower()
        return re.sub(r"[^a-z0-9]+", "-", plain)[:LOGIN_MAX_LENGTH].strip("-") or "student"


def current(home: LabHome, environ: Mapping[str, str] = os.environ) -> Student:
    """``LAB_STUDENT``, else who ``whoami NAME`` said, else the name of the system's account."""
    return Student(environ.get("LAB_STUDENT") or _remembered(home) or _system_account())


def remember(home: LabHome, name: str) -> Student:
    """Set the student for the attempts to come."""
    home.state.mkdir(parents=True, exist_ok=True)
    (home.state / "student.json").write_text(json.dumps({"name": name}, ensure_ascii=False) + "\n", encoding="utf-8")
    return Student(name)


def class_secret(home: LabHome, environ: Mapping[str, str] = os.environ) -> bytes:
    """``LAB_CLASS_SECRET``, given out by the instructor, else a random one that this lab keeps (mode 0600)."""
    if environ.get("LAB_CLASS_SECRET"):
        return environ["LAB_CLASS_SECRET"].encode()
    path = home.state / "class-secret"
    if not path.exists() or not path.read_bytes():
        home.state.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(_SECRET_BYTES), encoding="ascii")
    return path.read_bytes()


def parameters(secret: bytes, student: Student, slug: str, attempt: int) -> dict[str, str]:
    """Parameters of one attempt at one exercise.

    ``user`` and ``org`` are the student's for good; ``repo`` and ``nonce`` are new with every attempt.
    """
    derive = partial(_derive, secret, student)
    return {
        "user": student.login,
        "org": f"atelier-{derive('org')[:_SUFFIX_LENGTH]}",
        "repo": f"{slug}-{derive(slug, attempt, 'repo')[:_SUFFIX_LENGTH]}",
        "nonce": derive(slug, attempt, "nonce")[:_NONCE_LENGTH],
    }


def pseudonym(secret: bytes, student: Student) -> str:
    """Stands for the student in results, in every exercise and attempt.

    Who has a list of the class finds the name behind it with the class secret, and without it not.
    """
    return _derive(secret, student, "pseudonym")[:_PSEUDONYM_LENGTH]


def _derive(secret: bytes, student: Student, *words: object) -> str:
    """What follows from secret, student and words, in hexadecimal."""
    message = "\0".join(str(word) for word in (student.login, *words))
    return hmac.digest(secret, message.encode(), "sha256").hex()


def _remembered(home: LabHome) -> str | None:
    """What ``remember`` wrote; a damaged file is as good as none, for ``whoami NAME`` mends it."""
    try:
        name = json.loads((home.state / "student.json").read_text(encoding="utf-8"))["name"]
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return name if isinstance(name, str) and name.strip() else None


def _system_account() -> str:
    """The account's name; containers sometimes have none for the user id in use."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "student"
