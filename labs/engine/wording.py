"""What Go's libraries say of a fault, so that our messages are those that people search for. Pure."""

import json
import re

# What Go's JSON reader was looking at, by what Python's says it wanted there.
_LOOKING_FOR = {
    "Expecting value": "looking for beginning of value",
    "Expecting property name enclosed in double quotes": "looking for beginning of object key string",
    "Expecting ':' delimiter": "after object key",
    "Expecting ',' delimiter": "after object key:value pair",
    "Extra data": "after top-level value",
    "Illegal trailing comma before end of object": "looking for beginning of object key string",
}
_NUMBER_THEN_TEXT = re.compile(r"\s*-?\d+\s+(?P<next>\S)")


def json_fault(text: str) -> str:
    """What encoding/json says of a text that is no JSON."""
    if match := _NUMBER_THEN_TEXT.match(text):
        return f"invalid character '{match['next']}' after top-level value"
    try:
        json.loads(text)
    except json.JSONDecodeError as exc:
        seen = text[exc.pos : exc.pos + 1]
        wanted = _LOOKING_FOR.get(exc.msg, "looking for beginning of value")
        return f"invalid character '{seen}' {wanted}" if seen else "unexpected end of JSON input"
    return "json: cannot unmarshal value into Go value"


def quote(text: str) -> str:
    """A text in double quotes as Go's ``%q`` writes it."""
    return json.dumps(text, ensure_ascii=False)
