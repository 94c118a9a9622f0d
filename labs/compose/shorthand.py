"""The short syntaxes of a compose file. Pure; faults are in Compose's words.

port   ::= [[address ":"] [ports] ":"] ports ["/" protocol]       ports ::= number ["-" number]
volume ::= target | source ":" target [":" option ("," option)*]
"""

import ipaddress
import re
from dataclasses import dataclass

_PORT_LIMIT = 2**16
_PORT = re.compile(
    r"(?:(?:(?P<address>\[.*\]|.*):)?(?P<host>[^:]*):)?(?P<container>[^:/]*)(?:/(?P<protocol>.*))?", re.ASCII
)


class ShorthandInvalid(ValueError):
    """It is outside the grammar."""


@dataclass(frozen=True, slots=True)
class Port:
    """One published port; ``host`` 0 where any is meant."""

    host: int
    container: int
    address: str | None = None
    protocol: str = "tcp"


@dataclass(frozen=True, slots=True)
class Volume:
    """One mount. ``source`` None: an anonymous volume; a name without a slash: a named one."""

    source: str | None
    target: str
    options: tuple[str, ...] = ()

    @property
    def is_named(self) -> bool:
        """Whether the source is a volume's name and no path."""
        return self.source is not None and not self.source.startswith((".", "/", "~"))


def parse_port(text: str) -> tuple[Port, ...]:
    """Read a row of ``ports``; a range is several. Raises ShorthandInvalid."""
    found = _PORT.fullmatch(text)
    if found is None or not found["container"]:
        raise ShorthandInvalid(f"No port specified: {text}<empty>")
    address = _address(found["address"])
    protocol = (found["protocol"] or "tcp").lower()
    if protocol not in {"tcp", "udp", "sctp"}:
        raise ShorthandInvalid(f"Invalid proto: {found['protocol']}")
    containers = _range(found["container"], "containerPort")
    hosts = _range(found["host"], "hostPort") if found["host"] else range(0)
    if hosts and len(hosts) != len(containers):
        raise ShorthandInvalid(
            f"Invalid ranges specified for container and host Ports: {found['container']} and {found['host']}"
        )
    pairs = zip(hosts or [0] * len(containers), containers, strict=True)
    return tuple(Port(host, container, address, protocol) for host, container in pairs)


def parse_volume(text: str) -> Volume:
    """Read a row of ``volumes``. Raises ShorthandInvalid."""
    if not text:
        raise ShorthandInvalid("invalid empty volume spec")
    source, colon, rest = text.partition(":")
    if not colon:
        return Volume(None, text)
    target, _, options = rest.partition(":")
    if not source or not target:
        raise ShorthandInvalid(f"invalid spec: {text}: empty section between colons")
    return Volume(source, target, tuple(options.split(",")) if options else ())


def _address(text: str | None) -> str | None:
    if not text:
        return None
    bare = text.strip("[]")
    try:
        ipaddress.ip_address(bare)
    except ValueError as exc:
        # Go's library is asked for a port first, which is how it sees a colon too many.
        reason = f" {text}: address {text}:: too many colons in address" if ":" in text else f": {text}"
        raise ShorthandInvalid(f"Invalid ip address{reason}") from exc
    return bare


def _range(text: str, what: str) -> range:
    first, dash, last = text.partition("-")
    numbers = [first, last] if dash else [first, first]
    if not all(number.isdecimal() and 0 < int(number) < _PORT_LIMIT for number in numbers):
        raise ShorthandInvalid(f"Invalid {what}: {text}")
    if int(numbers[1]) < int(numbers[0]):
        raise ShorthandInvalid(f"Invalid {what}: {text}")
    return range(int(numbers[0]), int(numbers[1]) + 1)
