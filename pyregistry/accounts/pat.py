"""The text of personal access tokens: GitHub's two kinds, made, told apart, hashed.

Only SHA-256 of a secret is kept. Slow hashes (bcrypt) protect what people choose; these are 36 or more random
characters of 62, over 200 bits, which nobody can try through, and every request of a push has to hash one.
"""

import hashlib
import re
import secrets
import string
from enum import StrEnum

# classic      ::= "ghp_" base62{36}
# fine-grained ::= "github_pat_" base62{22} "_" base62{59}
_CLASSIC = re.compile(r"ghp_[0-9A-Za-z]{36}", re.ASCII)
_FINE_GRAINED = re.compile(r"github_pat_[0-9A-Za-z]{22}_[0-9A-Za-z]{59}", re.ASCII)
_BASE62 = string.digits + string.ascii_letters
_ID_BYTES = 4


class TokenKind(StrEnum):
    """The two kinds, in the journal's words."""

    CLASSIC = "pat-classic"
    FINE_GRAINED = "pat-fine-grained"


def new_secret(kind: TokenKind) -> str:
    """A fresh secret of ``kind``."""
    if kind is TokenKind.CLASSIC:
        return f"ghp_{_random(36)}"
    return f"github_pat_{_random(22)}_{_random(59)}"


def new_id() -> str:
    """A fresh public id; it says nothing about the secret."""
    return secrets.token_hex(_ID_BYTES)


def kind_of(text: str) -> TokenKind | None:
    """Which kind ``text`` is shaped like; None when it is no access token at all, e.g. a password."""
    if _CLASSIC.fullmatch(text):
        return TokenKind.CLASSIC
    return TokenKind.FINE_GRAINED if _FINE_GRAINED.fullmatch(text) else None


def hash_secret(secret: str) -> str:
    """SHA-256 in hex, what is kept of a secret."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def _random(length: int) -> str:
    return "".join(secrets.choice(_BASE62) for _ in range(length))
