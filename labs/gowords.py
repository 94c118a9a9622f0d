"""What Go's libraries say of a fault, so that our messages are those that people search for. Pure."""

import json
import re
from collections.abc import Mapping

# What Go's JSON reader was looking at, by what Python's says it wanted there.
_LOOKING_FOR = {
    "Expecting value": "looking for beginning of value",
    "Expecting property name enclosed in double quotes": "looking for beginning of object key string",
    "Expecting ':' delimiter": "after object key",
    "Expecting ',' delimiter": "after object key:value pair",
    "Extra data": "after top-level value",
    "Illegal trailing comma before end of object": "looking for beginning of object key string",
}
_LITERALS = {"n": "null", "t": "true", "f": "false"}
_NUMBER_THEN_TEXT = re.compile(r"\s*-?\d+\s+(?P<next>\S)")


def json_fault(text: str) -> str:
    """What encoding/json says of a text that is no JSON."""
    if match := _NUMBER_THEN_TEXT.match(text):
        return f"invalid character '{match['next']}' after top-level value"
    try:
        json.loads(text)
    except json.JSONDecodeError as exc:
        seen = text[exc.pos : exc.pos + 1]
        if fault := _begun(text[exc.pos :]):
            return fault
        wanted = _LOOKING_FOR.get(exc.msg, "looking for beginning of value")
        return f"invalid character '{seen}' {wanted}" if seen else "unexpected end of JSON input"
    return "json: cannot unmarshal value into Go value"


def _begun(text: str) -> str:
    """What Go says where a literal or a number begins and does not go on; nothing where none begins."""
    literal = _LITERALS.get(text[:1], "")
    for seen, wanted in zip(text[1:], literal[1:], strict=False):
        if seen != wanted:
            return f"invalid character '{seen}' in literal {literal} (expecting '{wanted}')"
    if text[:1] == "-" and text[1:] and not text[1].isdigit():
        return f"invalid character '{text[1]}' in numeric literal"
    return ""


def go_value(value: object) -> str:
    """A value that was read from JSON, as Go's ``%v`` writes it."""
    match value:
        case None:
            return "<nil>"
        case bool():
            return str(value).lower()
        case Mapping():
            return f"map[{' '.join(f'{name}:{go_value(value[name])}' for name in sorted(value))}]"
        case list():
            return f"[{' '.join(map(go_value, value))}]"
    return str(value)


def go_kind(value: object) -> str:
    """What encoding/json calls a JSON value that does not fit, ``array`` or ``string``."""
    kinds = {list: "array", str: "string", bool: "bool", type(None): "null", dict: "object"}
    return kinds.get(type(value), "number")


def quote(text: str) -> str:
    """A text in double quotes as Go's ``%q`` writes it."""
    return json.dumps(text, ensure_ascii=False)
