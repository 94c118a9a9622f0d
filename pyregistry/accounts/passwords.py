"""Changing a password file, one user at a time, as ``htpasswd -B`` does."""

from pathlib import Path

from pyregistry.accounts.htpasswd import BCRYPT_MAX_BYTES, format_line
from pyregistry.accounts.replacing import alone, replace_content
from pyregistry.spec.htpasswd import HtpasswdInvalid, parse_htpasswd

MAX_NAME_BYTES = 255
"""Apache's limit."""


class UserInvalid(ValueError):
    """The name cannot stand in a password file."""


class PasswordInvalid(ValueError):
    """Nobody should have this password."""


def parse_user(text: str) -> str:
    """``text``, if it can be a user's name.

    Raises:
        UserInvalid: The file's grammar has no place for it, or a reader would take it for something else.
    """
    if not text or not text.isprintable() or ":" in text or text.startswith("#") or text != text.strip():
        raise UserInvalid(f"{text!r}: expected a name without ':', blanks around it, or '#' before it")
    if len(text.encode()) > MAX_NAME_BYTES:
        raise UserInvalid(f"{text[:40]!r}…: expected a name of at most {MAX_NAME_BYTES} bytes")
    return text


def check_password(text: str) -> None:
    """Refuse a password that would not be what it seems.

    Raises:
        PasswordInvalid: It is empty, too long for bcrypt, or holds a NUL.
    """
    if not text:
        raise PasswordInvalid("the password is empty")
    if "\0" in text:
        raise PasswordInvalid("the password holds a NUL, at which some programs end it")
    if len(text.encode()) > BCRYPT_MAX_BYTES:
        raise PasswordInvalid(f"the password has more than {BCRYPT_MAX_BYTES} bytes; bcrypt would drop the rest")


def set_password(path: Path, user: str, password: str) -> bool:
    """Add ``user``, or give them another password; every other line stays as it is. False where they were there.

    The file is made where there is none, and a symbolic link is followed.

    Raises:
        UserInvalid, PasswordInvalid: Nothing was changed.
        HtpasswdInvalid: The file is damaged, and left as it is.
        OSError: It cannot be read or written.
    """
    parse_user(user)
    check_password(password)
    line = format_line(user, password).encode() + b"\n"
    target = path.resolve()
    with alone(target):
        content = target.read_bytes() if target.exists() else b""
        try:
            is_new = user not in parse_htpasswd(content)
        except HtpasswdInvalid as exc:
            raise HtpasswdInvalid(f"{path}: {exc}; mend or remove that line first") from exc
        replace_content(target, _with_line(content, user, line))
    return is_new


def _with_line(content: bytes, user: str, line: bytes) -> bytes:
    """``content`` with the user's line in the place of the old one, else at the end; older doubles are dropped."""
    lines, place = list[bytes](), None
    for each in content.splitlines(keepends=True):
        if each.strip().partition(b":")[0] != user.encode():
            lines.append(each if each.endswith((b"\n", b"\r")) else each + b"\n")
        elif place is None:
            place = len(lines)
    lines.insert(len(lines) if place is None else place, line)
    return b"".join(lines)
