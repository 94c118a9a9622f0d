"""Sigstore bundles, version 0.3: an envelope and what it takes to verify it, in one document. Pure.

Only bundles that were made with a key are read and made: those of certificates need Fulcio's root, which no lab has.
Source: github.com/sigstore/protobuf-specs, protos/sigstore_bundle.proto.
"""

from dataclasses import dataclass
from typing import Self

from labs.gojson import JsonInvalid, format_json, object_in, parse_json
from labs.signing.envelope import Envelope, EnvelopeInvalid

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_MEMBERS = frozenset({"mediaType", "verificationMaterial", "dsseEnvelope"})


class BundleInvalid(ValueError):
    """The bytes are no bundle of this version with a key and an envelope."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """An envelope, and the hint which key it was signed with. The hint is not signed: it proves nothing."""

    envelope: Envelope
    hint: str

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Read a bundle. Members that we do not know make it invalid, as protobuf's JSON has it.

        Raises:
            BundleInvalid: It is none.
        """
        try:
            document = parse_json(content)
            unknown = document.keys() - _MEMBERS
            if document.get("mediaType") != BUNDLE or unknown:
                saw = f"unknown members {sorted(unknown)}" if unknown else str(document.get("mediaType"))[:60]
                raise BundleInvalid(f"expected {BUNDLE}, got {saw}")
            hint = object_in(object_in(document, "verificationMaterial"), "publicKey").get("hint", "")
            return cls(Envelope.read(object_in(document, "dsseEnvelope")), str(hint))
        except (JsonInvalid, EnvelopeInvalid) as exc:
            raise BundleInvalid(str(exc)) from exc

    def format(self) -> bytes:
        """The bytes as cosign 3 writes them."""
        material = {"publicKey": {"hint": self.hint}}
        envelope = self.envelope.describe()
        return format_json({"mediaType": BUNDLE, "verificationMaterial": material, "dsseEnvelope": envelope})
