"""DSSE envelopes: a payload of a named type with signatures over both. Pure.

Source: github.com/secure-systems-lab/dsse, protocol.md and envelope.md, version 1.0.2.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from labs.gojson import JsonInvalid, bytes_in, format_bytes, format_json, parse_json, text_in

IN_TOTO = "application/vnd.in-toto+json"
"""The payload is an in-toto statement."""


class EnvelopeInvalid(ValueError):
    """The document is no envelope."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload and the signatures over it, all decoded."""

    payload: bytes
    signatures: tuple[bytes, ...]
    payload_type: str = IN_TOTO

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Read an envelope from its bytes.

        Raises:
            EnvelopeInvalid: It is none.
        """
        try:
            document = parse_json(content)
        except JsonInvalid as exc:
            raise EnvelopeInvalid(str(exc)) from exc
        return cls.read(document)

    @classmethod
    def read(cls, document: Mapping[str, object]) -> Self:
        """Read an envelope that is part of a document.

        Raises:
            EnvelopeInvalid: It is none.
        """
        rows = document.get("signatures")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise EnvelopeInvalid(f"expected a list of objects under signatures, got {str(rows)[:60]}")
        try:
            signatures = tuple(bytes_in(row, "sig") for row in rows)
            return cls(bytes_in(document, "payload"), signatures, text_in(document, "payloadType"))
        except JsonInvalid as exc:
            raise EnvelopeInvalid(str(exc)) from exc

    @property
    def signed_bytes(self) -> bytes:
        """What the signatures are over: the pre-authentication encoding of type and payload (protocol.md "PAE")."""
        return authenticated(self.payload_type, self.payload)

    def format(self) -> bytes:
        """The bytes of an envelope that stands alone, its members in the order of cosign 2."""
        rows = [{"keyid": "", "sig": format_bytes(signature)} for signature in self.signatures]
        return format_json(
            {"payloadType": self.payload_type, "payload": format_bytes(self.payload), "signatures": rows}
        )

    def describe(self) -> Mapping[str, object]:
        """The envelope as a member of a bundle, its members in the order of cosign 3."""
        rows = [{"sig": format_bytes(signature)} for signature in self.signatures]
        return {"payload": format_bytes(self.payload), "payloadType": self.payload_type, "signatures": rows}


def authenticated(payload_type: str, payload: bytes) -> bytes:
    """``PAE(type, body) = "DSSEv1" SP LEN(type) SP type SP LEN(body) SP body``, lengths in bytes."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
