"""JSON as Go's encoding/json writes it: what Docker prints and cosign signs is compared byte for byte. Pure."""

import base64
import binascii
import json
from collections.abc import Mapping

# encoding/json escapes what would end a script element, and JavaScript's two further ends of a line
_ESCAPES = {"&": r"\u0026", "<": r"\u003c", ">": r"\u003e", "\u2028": r"\u2028", "\u2029": r"\u2029"}
_ESCAPED = str.maketrans(_ESCAPES)


class JsonInvalid(ValueError):
    """The bytes are no JSON object."""


def format_json(value: object) -> bytes:
    """Compact JSON in the order of the value's keys, with Go's escapes."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).translate(_ESCAPED).encode()


def parse_json(content: bytes) -> Mapping[str, object]:
    """Read a JSON object.

    Raises:
        JsonInvalid: It is something else, or has a member twice: two readers could take different ones for it.
    """
    try:
        document = json.loads(content, object_pairs_hook=_only_once)
    except (ValueError, RecursionError) as exc:
        raise JsonInvalid(f"expected JSON, got {content[:60]!r}: {exc}") from exc
    if not isinstance(document, dict):
        raise JsonInvalid(f"expected a JSON object, got {content[:60]!r}")
    return document


def object_in(document: Mapping[str, object], name: str) -> Mapping[str, object]:
    """A member that is an object. Raises JsonInvalid."""
    value = document.get(name)
    if not isinstance(value, dict):
        raise JsonInvalid(f"expected an object under {name}, got {str(value)[:60]}")
    return value


def text_in(document: Mapping[str, object], name: str) -> str:
    """A member that is a text. Raises JsonInvalid."""
    value = document.get(name)
    if not isinstance(value, str):
        raise JsonInvalid(f"expected a text under {name}, got {str(value)[:60]}")
    return value


def bytes_in(document: Mapping[str, object], name: str) -> bytes:
    """A member that holds bytes, in base64 as Go writes them. Raises JsonInvalid."""
    text = text_in(document, name)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise JsonInvalid(f"expected base64 under {name}: {exc}") from exc


def format_bytes(content: bytes) -> str:
    """Bytes as a member holds them."""
    return base64.b64encode(content).decode()


def _only_once(members: list[tuple[str, object]]) -> dict[str, object]:
    document = dict(members)
    if len(document) != len(members):
        raise JsonInvalid("expected each member once")
    return document
