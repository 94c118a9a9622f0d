"""What cosign itself stored in registries, read from the vectors, and signatures of our own for mutating."""

import json
from dataclasses import dataclass
from pathlib import Path

from labs.gojson import format_bytes
from labs.signing.attachment import (
    DSSE_ENVELOPE,
    SIGNATURE_KEY,
    SIMPLE_SIGNING,
    Attached,
    Form,
    form_of,
)
from labs.signing.bundle import BUNDLE, Bundle
from labs.signing.envelope import IN_TOTO, Envelope, authenticated
from labs.signing.keys import PrivateKey, PublicKey
from labs.signing.simplesigning import SimpleSigning
from labs.signing.statement import Statement
from pyregistry.spec.descriptor import Descriptor
from pyregistry.spec.digest import Digest
from pyregistry.spec.manifest import ImageManifest, parse
from pyregistry.spec.media_types import OCI_MANIFEST

VECTORS = Path(__file__).parent / "vectors"
SIGNED = Digest.parse("sha256:e6aa48a9d9dc76dfd44947334e53de59011aca19d728d4de95e023c9faf07d38")
"""The image of every vector."""
OTHER = Digest.of(b"another image")
KEY = PrivateKey.generate()


@dataclass(frozen=True)
class Vector:
    """What lay in a registry: content by digest."""

    tags: dict[str, str]
    objects: dict[str, bytes]

    def manifest(self, digest: str) -> ImageManifest:
        """A manifest among the objects."""
        manifest = parse(self.objects[digest], OCI_MANIFEST)
        assert isinstance(manifest, ImageManifest)
        return manifest

    def tagged(self, ending: str) -> str:
        """The digest under the tag of the image with this ending."""
        return self.tags[f"{SIGNED.algorithm}-{SIGNED.encoded}{ending}"]

    def attached(self, digest: str, form: Form) -> list[Attached]:
        """The layers of a manifest, with their content."""
        layers = self.manifest(digest).layers
        return [Attached(form, one, self.objects[str(one.digest)], Digest.parse(digest)) for one in layers]

    def referring(self) -> list[Attached]:
        """The layers of every manifest that the fallback tag lists."""
        rows = json.loads(self.objects[self.tagged("")])["manifests"]
        forms = {row["digest"]: form_of(self.manifest(row["digest"])) for row in rows}
        return [one for digest, form in forms.items() if form for one in self.attached(digest, form)]


def vector(name: str) -> Vector:
    """A vector by the name of its file."""
    document = json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))
    return Vector(document["tags"], {digest: text.encode() for digest, text in document["objects"].items()})


def public_key(name: str) -> PublicKey:
    """A public key by the name of its file."""
    return PublicKey.parse((VECTORS / f"{name}.pub").read_bytes())


def signature(payload: SimpleSigning | bytes, key: PrivateKey = KEY) -> Attached:
    """A payload signed in the tag form."""
    content = payload if isinstance(payload, bytes) else payload.format()
    annotations = {SIGNATURE_KEY: format_bytes(key.sign(content))}
    return _attached(Form.SIGNATURE, SIMPLE_SIGNING, content, annotations)


def attestation(statement: Statement, key: PrivateKey = KEY) -> Attached:
    """A statement signed in an envelope of its own."""
    return _attached(Form.ATTESTATION, DSSE_ENVELOPE, envelope(statement.format(), key).format())


def bundle(statement: Statement | bytes, key: PrivateKey = KEY, payload_type: str = IN_TOTO) -> Attached:
    """A statement signed in a bundle."""
    payload = statement if isinstance(statement, bytes) else statement.format()
    content = Bundle(envelope(payload, key, payload_type), key.public.hint).format()
    return _attached(Form.BUNDLE, BUNDLE, content)


def envelope(payload: bytes, key: PrivateKey = KEY, payload_type: str = IN_TOTO) -> Envelope:
    """A signed envelope."""
    return Envelope(payload, (key.sign(authenticated(payload_type, payload)),), payload_type)


def holding(attached: Attached, content: bytes) -> Attached:
    """The same place, honestly described, with other content."""
    return _attached(attached.form, attached.descriptor.media_type, content, dict(attached.descriptor.annotations))


def _attached(form: Form, media_type: str, content: bytes, annotations: dict[str, str] | None = None) -> Attached:
    descriptor = Descriptor(media_type, Digest.of(content), len(content), annotations=annotations or {})
    return Attached(form, descriptor, content, Digest.of(b"the manifest"))
