"""Keeping secrets out of what is written down: logs and the journal."""

import re

REDACTED = "REDACTED"

# secret ::= GitHub token | JWT | the value of an Authorization header | the value of a secret query parameter
_SECRETS = re.compile(
    r"(?P<kept>\b(?:basic|bearer)\s+|[?&](?:password|token|access_token|refresh_token|client_secret|authorization)=)"
    r"[^\s&\"']+"
    r"|\b(?:gh[pousr]_[A-Za-z0-9]{8,}|github_pat_[A-Za-z0-9_]{8,})"
    r"|\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """``text`` with every credential in it replaced."""
    return _SECRETS.sub(lambda found: f"{found['kept'] or ''}{REDACTED}", text)
