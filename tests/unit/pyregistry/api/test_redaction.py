"""Keeping secrets out of what is written down."""

import pytest

from pyregistry.api.redaction import redact


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Authorization: Basic YWxpY2U6c2VjcmV0", "Authorization: Basic REDACTED"),
        ("bearer eyJhbGciOi.eyJzdWIi.c2ln failed", "bearer REDACTED failed"),
        ("/token?account=alice&password=hunter2&service=x", "/token?account=alice&password=REDACTED&service=x"),
        ("user ghp_0123456789abcdefABCDEF", "user REDACTED"),
        ("github_pat_11AAAAAAA0123456789_abc", "REDACTED"),
        ("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln", "got REDACTED"),
        ("/v2/org/app/manifests/1.0?digest=sha256:ab", "/v2/org/app/manifests/1.0?digest=sha256:ab"),
    ],
)
def test_credentials_are_redacted_and_nothing_else(text: str, kept: str) -> None:
    """Every form in which a credential passes here."""
    assert redact(text) == kept
