"""URLs that a configuration names: as they are called, and as they may be written down."""

import base64
from urllib.parse import unquote, urlsplit, urlunsplit


def without_secrets(url: str) -> str:
    """Scheme, host, port and path: no user, password, query or fragment, where webhooks keep their keys."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def parse_credentials(url: str) -> tuple[str, dict[str, str]]:
    """A URL without its user and password, and the header that they become when it is called (RFC 7617), if any."""
    parts = urlsplit(url)
    userinfo, _, host = parts.netloc.rpartition("@")
    bare = urlunsplit((parts.scheme, host, parts.path, parts.query, ""))
    if not userinfo:
        return bare, {}
    user, _, password = userinfo.partition(":")
    pair = f"{unquote(user)}:{unquote(password)}"
    return bare, {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
