"""What an Authorization header holds. Pure."""

import base64
import binascii
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Basic:
    """Name and password (RFC 7617)."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Bearer:
    """A bearer token (RFC 6750), unread."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A header in no form that we know: a credential was sent, and it proves nothing."""


def parse_authorization(header: str | None) -> Basic | Bearer | Unreadable | None:
    """Read a header; None when there is none."""
    if header is None:
        return None
    scheme, _, rest = header.partition(" ")
    if scheme.lower() == "bearer":
        return Bearer(rest.strip())
    if scheme.lower() == "basic":
        user, colon, password = (decode_base64(rest.strip()) or "").partition(":")
        if colon:
            return Basic(user, password)
    return Unreadable()


def decode_base64(text: str) -> str | None:
    """UTF-8 text from base64; None when it is none."""
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return None
