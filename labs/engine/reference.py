"""Image references as Docker's client reads them (github.com/distribution/reference, v0.6.0).

Pure: a text becomes a ``Reference`` or an ``InvalidReference`` whose message is the client's, word for word.
"""

import re
from dataclasses import dataclass, replace
from typing import Self

from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import DigestInvalid

DEFAULT_DOMAIN = "docker.io"
LEGACY_DEFAULT_DOMAIN = "index.docker.io"
OFFICIAL_PREFIX = "library/"
DEFAULT_TAG = "latest"
PATH_MAX_LENGTH = 255
"""Characters of the path, without the domain: ``repository name must not be more than 255 characters``."""

# reference ::= name [":" tag] ["@" digest]
# name      ::= domain "/" path          path ::= path-component ("/" path-component)*
# path-component ::= alpha-numeric (separator alpha-numeric)*
# alpha-numeric  ::= [a-z0-9]+           separator ::= "." | "_" | "__" | "-"+
_PATH_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
# domain ::= host [":" port]             host ::= domain-name | IPv4 | "[" IPv6 "]"
# domain-name ::= domain-component ("." domain-component)*
_DOMAIN_COMPONENT = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = rf"(?:{_DOMAIN_COMPONENT}(?:\.{_DOMAIN_COMPONENT})*|\[(?:[a-fA-F0-9:]+)\])(?::[0-9]+)?"
# tag ::= [\w] [\w.-]{0,127}
_TAG = r"[\w][\w.-]{0,127}"
# digest ::= algorithm ":" hex{32,}
_DIGEST = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
_REFERENCE = re.compile(
    rf"(?P<domain>{_DOMAIN})/(?P<path>{_PATH_COMPONENT}(?:/{_PATH_COMPONENT})*)(?::(?P<tag>{_TAG}))?(?:@(?P<digest>{_DIGEST}))?",
    re.ASCII,
)
_HEX_LENGTH = {"sha256": 64, "sha512": 128}
_IDENTIFIER = re.compile(r"[a-f0-9]{64}", re.ASCII)


class InvalidReference(ValueError):
    """The text is no image reference. The message is Docker's own."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A complete image reference. Make one with ``Reference.parse``.

    Attributes:
        domain: Registry host with its port, e.g. ``ghcr.io`` or ``localhost:5000``.
        path: Repository on that registry, e.g. ``library/alpine``.
        tag: None where the reference has a digest only, or was parsed without a default.
    """

    domain: str
    path: str
    tag: str | None = None
    digest: Digest | None = None

    @classmethod
    def parse(cls, text: str, *, default_tag: str | None = DEFAULT_TAG) -> Self:
        """Read a reference as a person types it: ``alpine`` is ``docker.io/library/alpine:latest``.

        Args:
            text: What was typed.
            default_tag: The tag of a reference that names neither tag nor digest; None leaves it out.

        Raises:
            InvalidReference: In the words of Docker's client.
        """
        if _IDENTIFIER.fullmatch(text):
            raise InvalidReference(f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings")
        domain, remainder = _split_domain(text)
        _refuse_upper_case(remainder)
        match = _REFERENCE.fullmatch(f"{domain}/{remainder}")
        if match is None:
            raise InvalidReference("invalid reference format")
        if len(match["path"]) > PATH_MAX_LENGTH:
            raise InvalidReference(f"repository name must not be more than {PATH_MAX_LENGTH} characters")
        reference = cls(match["domain"], match["path"], match["tag"], _parse_digest(match["digest"]))
        return reference if reference.tag or reference.digest else replace(reference, tag=default_tag)

    @property
    def repository(self) -> str:
        """``domain/path``, without tag and digest."""
        return f"{self.domain}/{self.path}"

    @property
    def familiar_repository(self) -> str:
        """The repository as Docker prints it: without ``docker.io/`` and without ``library/``."""
        if self.domain != DEFAULT_DOMAIN:
            return self.repository
        short = self.path.removeprefix(OFFICIAL_PREFIX)
        return self.path if "/" in short else short

    def familiar(self) -> str:
        """The reference as Docker prints it: ``alpine:latest``."""
        return self.familiar_repository + self._suffix()

    def _suffix(self) -> str:
        return (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    def __str__(self) -> str:
        """The complete form: ``docker.io/library/alpine:latest``."""
        return self.repository + self._suffix()


def _split_domain(text: str) -> tuple[str, str]:
    """Split into domain and the rest, as Docker tells a registry's name from the first part of a path.

    A first part is a domain when it is ``localhost``, holds a dot or a colon, or has upper case (which no path may).
    """
    first, slash, rest = text.partition("/")
    if slash and (first == "localhost" or any(mark in first for mark in ".:") or first.lower() != first):
        domain, remainder = (DEFAULT_DOMAIN if first == LEGACY_DEFAULT_DOMAIN else first), rest
    else:
        domain, remainder = DEFAULT_DOMAIN, text
    if domain == DEFAULT_DOMAIN and "/" not in remainder:
        remainder = OFFICIAL_PREFIX + remainder
    return domain, remainder


def _refuse_upper_case(remainder: str) -> None:
    """Docker looks at everything up to the first colon, a digest's algorithm included."""
    remote = remainder.partition(":")[0]
    if remote.lower() != remote:
        raise InvalidReference(f"invalid reference format: repository name ({remote}) must be lowercase")


def _parse_digest(text: str | None) -> Digest | None:
    if text is None:
        return None
    try:
        return Digest.parse(text)
    except DigestInvalid as exc:
        raise InvalidReference(_digest_fault(text)) from exc


def _digest_fault(text: str) -> str:
    """The words of github.com/opencontainers/go-digest for a text that is no digest."""
    algorithm, _, encoded = text.partition(":")
    if algorithm not in _HEX_LENGTH:
        return "unsupported digest algorithm"
    return (
        "invalid checksum digest length" if len(encoded) != _HEX_LENGTH[algorithm] else "invalid checksum digest format"
    )
