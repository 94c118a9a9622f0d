"""Entity tags and the conditions on them (RFC 9110 §13). Pure; what has a digest has a strong entity tag."""

from collections.abc import Mapping

from pyregistry.spec.digest import Digest


def entity_tag(digest: Digest) -> str:
    """The ETag of content."""
    return f'"{digest}"'


def is_unchanged(headers: Mapping[str, str], digest: Digest) -> bool:
    """Whether ``If-None-Match`` names the content; the answer is then 304. Clients forget the quotes, so does this."""
    named = {tag.strip().removeprefix("W/").strip('"') for tag in headers.get("if-none-match", "").split(",")}
    return str(digest) in named or "*" in named
