"""URLs as they are called and as they may be written down."""

from base64 import b64decode

from pyregistry.spec.urls import parse_credentials, without_secrets


def test_a_url_is_shown_without_what_may_be_secret() -> None:
    """Host, port and path are what a person needs."""
    assert without_secrets("https://u:p@[::1]:8443/a/b?c=d#e") == "https://[::1]:8443/a/b"


def test_user_and_password_become_a_header() -> None:
    """Decoded, colons of the password included; the query stays with the call."""
    url, headers = parse_credentials("https://robot:pass%40wo%3Ard@example.com:8443/hook?key=1")
    assert url == "https://example.com:8443/hook?key=1"
    assert b64decode(headers["Authorization"].removeprefix("Basic ")) == b"robot:pass@wo:rd"


def test_a_url_without_credentials_is_called_as_it_is() -> None:
    """And with no header."""
    assert parse_credentials("http://example.com") == ("http://example.com", {})
