"""Digests: ``algorithm:encoded``, the identity of content (OCI image-spec 1.1.1, descriptor.md "Digests")."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from pyregistry.spec.errors import DigestInvalid

# digest    ::= algorithm ":" encoded
# algorithm ::= component (separator component)*   component ::= [a-z0-9]+   separator ::= [+._-]
# encoded   ::= [a-zA-Z0-9=_-]+
_GRAMMAR = re.compile(r"(?P<algorithm>[a-z0-9]+(?:[+._-][a-z0-9]+)*):(?P<encoded>[a-zA-Z0-9=_-]+)", re.ASCII)
_LOWER_HEX = re.compile(r"[0-9a-f]+", re.ASCII)


class Hasher(Protocol):
    """The part of a hashlib object that the registry uses."""

    def update(self, data: bytes, /) -> None:
        """Take in more content."""

    def hexdigest(self) -> str:
        """Lower-case hex of all content so far."""
        ...


_HASHERS: Mapping[str, Callable[[], Hasher]] = MappingProxyType({"sha256": hashlib.sha256, "sha512": hashlib.sha512})
_HEX_LENGTH: Mapping[str, int] = MappingProxyType({"sha256": 64, "sha512": 128})

CANONICAL_ALGORITHM = "sha256"
SUPPORTED_ALGORITHMS = tuple(_HASHERS)


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A digest of a supported algorithm. Make one with ``Digest.parse`` or ``Digest.of``."""

    algorithm: str
    encoded: str

    @classmethod
    def parse(cls, text: str) -> "Digest":
        """Read ``algorithm:encoded``.

        Raises:
            DigestInvalid: Grammar, algorithm (sha256 and sha512 are registered) or length is wrong.
        """
        match = _GRAMMAR.fullmatch(text)
        if match is None:
            raise DigestInvalid(f"{text[:200]!r}: expected algorithm:hex, e.g. sha256:<64 hex digits>")
        algorithm, encoded = match["algorithm"], match["encoded"]
        if algorithm not in _HASHERS:
            raise DigestInvalid(f"{algorithm}: unsupported digest algorithm, expected {' or '.join(_HASHERS)}")
        if len(encoded) != _HEX_LENGTH[algorithm] or not _LOWER_HEX.fullmatch(encoded):
            wanted = f"{_HEX_LENGTH[algorithm]} lower-case hex digits"
            raise DigestInvalid(f"{text[:200]!r}: expected {wanted} after {algorithm}:, got {len(encoded)} characters")
        return cls(algorithm, encoded)

    @classmethod
    def of(cls, content: bytes, algorithm: str = CANONICAL_ALGORITHM) -> "Digest":
        """The digest of ``content``."""
        hasher = hasher_for(algorithm)
        hasher.update(content)
        return cls(algorithm, hasher.hexdigest())

    def __str__(self) -> str:
        """``algorithm:encoded``, as on the wire."""
        return f"{self.algorithm}:{self.encoded}"


def hasher_for(algorithm: str) -> Hasher:
    """A fresh hasher.

    Raises:
        DigestInvalid: The algorithm is not supported.
    """
    try:
        return _HASHERS[algorithm]()
    except KeyError:
        raise DigestInvalid(f"{algorithm}: unsupported digest algorithm, expected {' or '.join(_HASHERS)}") from None
