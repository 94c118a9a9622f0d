"""Names of users and organizations."""

import re

MAX_LENGTH = 39
"""Characters; GitHub's limit."""

# name ::= alphanumeric+ (("-" | "_" | ".") alphanumeric+)*     GitHub's own grammar has only "-" between
_NAME = re.compile(r"[0-9A-Za-z]+(?:[-_.][0-9A-Za-z]+)*", re.ASCII)


class AccountNameInvalid(ValueError):
    """The text cannot be a user's or an organization's name."""


def parse_name(text: str) -> str:
    """Return ``text`` if it can be a user's or an organization's name.

    Raises:
        AccountNameInvalid: The grammar is broken or the name is too long.
    """
    if len(text) > MAX_LENGTH or _NAME.fullmatch(text) is None:
        wanted = f"letters and digits, single - _ . between them, at most {MAX_LENGTH} characters"
        raise AccountNameInvalid(f"{text[:60]!r}: expected {wanted}")
    return text
