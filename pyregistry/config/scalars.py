"""Grammars of single values in the configuration. Pure; each parser raises ``ValueError`` with *wanted* and *saw*."""

import re
from pathlib import Path

from pyregistry.config.settings import TcpAddress

# duration ::= "0" | (number unit)+       number ::= [0-9]+ ("." [0-9]*)? | "." [0-9]+
# unit     ::= "ns" | "us" | "µs" | "ms" | "s" | "m" | "h"                       (Go's time.ParseDuration, unsigned)
_NUMBER = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_PART = re.compile(rf"({_NUMBER})(ns|us|µs|μs|ms|s|m|h)")
_DURATION = re.compile(rf"(?:{_NUMBER}(?:ns|us|µs|μs|ms|s|m|h))+")
MAX_SECONDS = 2**63 / 1e9
"""Go counts nanoseconds in 63 bits."""

_UNIT_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}

# address ::= host? ":" port       host ::= name | IPv4 | "[" IPv6 ("%" zone)? "]"       (Go's net.SplitHostPort)
_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+(?:%[0-9A-Za-z._~-]+)?\]|[^\[\]:]*):(?P<port>[0-9]{1,5})", re.ASCII)
MAX_PORT = 65535

# header name ::= token (RFC 9110 §5.6.2); a value is visible ASCII, blanks and obs-text, never CR, LF or NUL
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")

# external URL ::= "http" "s"? "://" host (":" port)?      registry:2 takes only its scheme and host
# It goes into headers, which are Latin-1: a name in other letters has to be written in punycode.
_EXTERNAL_URL = re.compile(r"https?://[0-9A-Za-z._~%:\[\]-]+/?", re.ASCII)

# URL ::= "http" "s"? "://" (userinfo "@")? host (":" port)? path-and-query?      for what we call ourselves
_URL = re.compile(
    r"https?://(?:[!-.0-9:-?A-~]+@)?(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._~%-]+)(?::[0-9]{1,5})?(?:[/?][!-~]*)?"
)

# path ::= ("/" segment)+       segment ::= unreserved+        (of a URL, as routes and realms hold them)
_URL_PATH = re.compile(r"(?:/[0-9A-Za-z._~-]+)+")


def parse_duration(text: str) -> float:
    """Seconds of a duration in Go's notation, e.g. ``1h30m``."""
    if text == "0":
        return 0.0
    if _DURATION.fullmatch(text) is None:
        raise ValueError(f"expected a duration such as 10s or 168h, got {text!r}")
    seconds = sum(float(number) * _UNIT_SECONDS[unit] for number, unit in _PART.findall(text))
    if seconds > MAX_SECONDS:
        raise ValueError(f"expected a duration of at most 292 years, got {text[:40]!r}")
    return seconds


def parse_address(text: str) -> TcpAddress:
    """A listening address, e.g. ``:5000`` or ``127.0.0.1:5000``."""
    match = _ADDRESS.fullmatch(text)
    if match is None or int(match["port"]) > MAX_PORT:
        raise ValueError(f"expected host:port such as :5000 or 127.0.0.1:5000, got {text!r}")
    return TcpAddress(match["host"].strip("[]"), int(match["port"]))


def parse_header_name(text: str) -> str:
    """``text`` if it can be a header's name."""
    if _HEADER_NAME.fullmatch(text) is None:
        raise ValueError(f"expected a header name such as X-Content-Type-Options, got {text!r}")
    return text


def parse_header_value(text: str) -> str:
    """``text`` if it can be a header's value."""
    if _HEADER_VALUE.fullmatch(text) is None:
        raise ValueError(f"expected one line of Latin-1 text, got {text!r}")
    return text


def parse_external_url(text: str) -> str:
    """``scheme://host[:port]`` without a slash at its end."""
    if _EXTERNAL_URL.fullmatch(text) is None:
        raise ValueError(f"expected an address such as https://registry.example.com, got {text!r}")
    return text.rstrip("/")


def parse_url(text: str) -> str:
    """A URL to call."""
    if _URL.fullmatch(text) is None:
        raise ValueError(f"expected a URL such as https://listener.example.com/events, got {_without_userinfo(text)!r}")
    return text


def parse_url_path(text: str) -> str:
    """A path on some server, without a slash at its end."""
    if _URL_PATH.fullmatch(text) is None:
        raise ValueError(f"expected a path such as /auth/token, got {text!r}")
    return text


def parse_prefix(text: str) -> str:
    """What stands before ``/v2/``; it begins and ends with a slash, the last of which is left out of the result."""
    prefix = text.removesuffix("/")
    if not text.endswith("/") or (prefix and _URL_PATH.fullmatch(prefix) is None):
        raise ValueError(f"expected a path between slashes such as /registry/, got {text!r}")
    return prefix


def parse_path(text: str) -> Path:
    """A file's or folder's path."""
    if not text:
        raise ValueError("expected a path, got ''")
    return Path(text)


def parse_pattern(text: str) -> str:
    """``text`` if it is a regular expression."""
    try:
        re.compile(text)
    except re.error as exc:
        raise ValueError(f"expected a regular expression, got {text!r}: {exc}") from exc
    return text


def _without_userinfo(url: str) -> str:
    """A mistake is printed, and a password in it is not to be."""
    return re.sub(r"//[^/]*@", "//…@", url)
