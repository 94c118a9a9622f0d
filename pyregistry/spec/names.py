"""Names of repositories and tags (distribution-spec 1.1.1, "Pulling manifests")."""

import re

from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import NameInvalid, TagInvalid

REPOSITORY_MAX_LENGTH = 255
"""Characters. The spec leaves it to the host name's length; distribution and the clients refuse more: NAME_INVALID."""

# name      ::= component ("/" component)*
# component ::= [a-z0-9]+ (("." | "_" | "__" | "-"+) [a-z0-9]+)*
REPOSITORY_PATTERN = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
# tag ::= [a-zA-Z0-9_] [a-zA-Z0-9._-]{0,127}
TAG_PATTERN = r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}"

_REPOSITORY = re.compile(REPOSITORY_PATTERN, re.ASCII)
_TAG = re.compile(TAG_PATTERN, re.ASCII)


def parse_repository(text: str) -> str:
    """Return ``text`` if it is a repository name.

    Raises:
        NameInvalid: The grammar is broken, or the name is longer than 255 characters.
    """
    if len(text) > REPOSITORY_MAX_LENGTH:
        raise NameInvalid(f"{text[:40]}…: expected at most {REPOSITORY_MAX_LENGTH} characters, got {len(text)}")
    if _REPOSITORY.fullmatch(text) is None:
        raise NameInvalid(f"{text!r}: expected lower-case letters, digits and single separators . _ __ - between them")
    return text


def parse_tag(text: str) -> str:
    """Return ``text`` if it is a tag.

    Raises:
        TagInvalid: The grammar is broken or the tag is longer than 128 characters.
    """
    if _TAG.fullmatch(text) is None:
        raise TagInvalid(f"{text[:140]!r}: expected a letter, digit or _, then at most 127 letters, digits, . _ or -")
    return text


def format_fallback_tag(subject: Digest) -> str:
    """The tag under which clients list referrers where a registry does not (distribution-spec 1.1.1, "Referrers Tag").

    ``<algorithm>-<encoded>``, at most 32 and 64 characters of them, what a tag cannot hold replaced by ``-``.
    """
    return re.sub("[^a-zA-Z0-9._-]", "-", f"{subject.algorithm[:32]}-{subject.encoded[:64]}", flags=re.ASCII)


def parse_reference(text: str) -> str | Digest:
    """Read the last path element of a manifest URL: a tag (``str``) or a ``Digest``.

    Raises:
        DigestInvalid: It has a colon, so it is meant as a digest, and is none.
        TagInvalid: It is neither.
    """
    return Digest.parse(text) if ":" in text else parse_tag(text)
