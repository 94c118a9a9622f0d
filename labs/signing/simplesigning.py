"""The payload that cosign 2 signs: which image, and what the signer says of it (Red Hat's "simple signing"). Pure.

    {"critical":{"identity":{"docker-reference":"ghcr.io/acme/app"},
                 "image":{"docker-manifest-digest":"sha256:…"},
                 "type":"cosign container image signature"},
     "optional":{"env":"prod"}}

Source: github.com/containers/image, docs/containers-signature.5.md; cosign, specs/SIGNATURE_SPEC.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from labs.gojson import JsonInvalid, format_json, object_in, parse_json, text_in

IMAGE_SIGNATURE = "cosign container image signature"


class PayloadInvalid(ValueError):
    """The bytes are no such payload."""


@dataclass(frozen=True, slots=True)
class SimpleSigning:
    """What a payload claims.

    Attributes:
        repository: Where the signer had the image from, ``registry/repository``. cosign does not compare it.
        digest: The image's, as text: what is not a digest is a claim all the same, and a wrong one.
        annotations: What the signer said with ``-a key=value``.
    """

    repository: str
    digest: str
    annotations: Mapping[str, object] = field(default_factory=dict)
    type: str = IMAGE_SIGNATURE

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Read a payload.

        Raises:
            PayloadInvalid: It is none.
        """
        try:
            document = parse_json(content)
            critical = object_in(document, "critical")
            return cls(
                repository=text_in(object_in(critical, "identity"), "docker-reference"),
                digest=text_in(object_in(critical, "image"), "docker-manifest-digest"),
                annotations=object_in(document, "optional") if document.get("optional") is not None else {},
                type=text_in(critical, "type"),
            )
        except JsonInvalid as exc:
            raise PayloadInvalid(str(exc)) from exc

    def describe(self) -> Mapping[str, object]:
        """The payload as a JSON object, its members in cosign's order."""
        critical = {
            "identity": {"docker-reference": self.repository},
            "image": {"docker-manifest-digest": self.digest},
            "type": self.type,
        }
        return {"critical": critical, "optional": dict(sorted(self.annotations.items())) or None}

    def format(self) -> bytes:
        """The bytes that are signed and stored: cosign's, byte for byte."""
        return format_json(self.describe())
