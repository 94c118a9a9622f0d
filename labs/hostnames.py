"""Host names and addresses that a certificate can be for, as people type them."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address

from labs.faults import LabError

WILDCARD = "*."
"""RFC 6125 6.4.3: stands for exactly one label, the leftmost."""

# label ::= let-dig [ *61(let-dig / "-") let-dig ]        RFC 1034 3.5 as RFC 1123 2.1 relaxes it; lower case here
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")

# url ::= [ scheme "://" ] host [ ":" port ] [ "/" … ]     what people paste instead of a name
_URL = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*://)?(?P<host>[^/:]*)(?::\d*)?(?:/.*)?")

LENGTH_LIMIT = 253
"""Characters of a whole name, RFC 1035 2.3.4."""


def parse_host(text: str) -> str:
    """A DNS name in lower case, other alphabets in their ASCII form (IDNA 2003); perhaps with ``*.`` in front.

    Raises:
        LabError: It is an address, has a scheme or a port, has its wildcard elsewhere, or is no host name at all.
    """
    if _address(text):
        raise LabError("error.host-address", name=text)
    url = _URL.fullmatch(text)
    if url and url["host"] and url["host"] != text:
        raise LabError("error.host-url", name=text, host=url["host"].lower())
    name = _ascii(text)
    host = name.removeprefix(WILDCARD)
    if "*" in host or (host != name and "." not in host):
        raise LabError("error.host-wildcard", name=text)
    if len(name) > LENGTH_LIMIT or not _HOST.fullmatch(host) or host.rpartition(".")[2].isdecimal():
        raise LabError("error.host-name", name=text)
    return name


def parse_address(text: str) -> str:
    """An IP address in its usual form. Raises LabError."""
    address = _address(text)
    if address is None:
        raise LabError("error.host-no-address", name=text)
    return str(address)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """An IP literal, with or without brackets, or None."""
    try:
        return ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None


def _ascii(text: str) -> str:
    """The name as DNS and certificates have it. Raises LabError."""
    try:
        return text.encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise LabError("error.host-name", name=text) from None
