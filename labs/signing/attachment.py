"""What lies beside an image in its registry, and under which names: the documents that hold signatures. Pure.

cosign 2, by a tag made of the image's digest; each signature is a layer, a further one is one more layer:

    sha256-<hex>.sig   layers application/vnd.dev.cosign.simplesigning.v1+json, the signature in an annotation
    sha256-<hex>.att   layers application/vnd.dsse.envelope.v1+json

cosign 3, as referrers of the image; each bundle is a manifest of its own, found with the referrers API, or, where the
registry has none, in an index under the fallback tag ``sha256-<hex>`` (distribution-spec 1.1.1 "Referrers Tag Schema"):

    artifactType and layer application/vnd.dev.sigstore.bundle.v0.3+json

Source: cosign, specs/SIGNATURE_SPEC.md and BUNDLE_SPEC.md, and what its versions 2.5 and 3.1 write.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from labs.gojson import format_json
from labs.signing.bundle import BUNDLE
from pyregistry.spec.descriptor import Descriptor
from pyregistry.spec.digest import Digest
from pyregistry.spec.manifest import ImageManifest
from pyregistry.spec.media_types import OCI_CONFIG, OCI_EMPTY, OCI_INDEX, OCI_MANIFEST

SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
DSSE_ENVELOPE = "application/vnd.dsse.envelope.v1+json"
REFERRING_SIGNATURES = "application/vnd.dev.cosign.artifact.sig.v1+json"
"""Config type of cosign 2's signatures in its experimental mode ``oci-1-1``: its layers, as a referrer."""
SIGNATURE_KEY = "dev.cosignproject.cosign/signature"
"""Layer annotation: the signature, base64."""
PREDICATE_KEY = "predicateType"
BUNDLE_PREDICATE_KEY = "dev.sigstore.bundle.predicateType"
EMPTY_CONFIG = b"{}"
_BUNDLE_PREFIX = "application/vnd.dev.sigstore.bundle"
_NO_TIME = "0001-01-01T00:00:00Z"
"""Go's zero time: the same signatures are the same bytes whenever they were made."""


class Kind(StrEnum):
    """What a tag of cosign 2 holds; the value is the tag's ending."""

    SIGNATURE = "sig"
    ATTESTATION = "att"
    SBOM = "sbom"


class Form(StrEnum):
    """How a signature is packed."""

    SIGNATURE = "simple signing"
    ATTESTATION = "envelope"
    BUNDLE = "bundle"


@dataclass(frozen=True, slots=True)
class Attached:
    """A signature or attestation as it lies in the registry, nothing of it proven.

    Attributes:
        descriptor: Of the layer that holds it, annotations included.
        content: What the registry sent for the layer.
        holder: Digest of the manifest whose layer it is.
    """

    form: Form
    descriptor: Descriptor
    content: bytes
    holder: Digest


def tag(image: Digest, kind: Kind) -> str:
    """Under which tag cosign 2 keeps this kind for an image."""
    return f"{fallback_tag(image)}.{kind.value}"


def fallback_tag(image: Digest) -> str:
    """Under which tag a registry without the referrers API has the index of an image's referrers."""
    return f"{image.algorithm}-{image.encoded}"


def form_of(manifest: ImageManifest) -> Form | None:
    """What a referrer of an image holds; None: nothing of ours (an SBOM, a signature of another maker)."""
    if manifest.config.media_type == REFERRING_SIGNATURES:
        return Form.SIGNATURE
    layers = manifest.layers
    return Form.BUNDLE if len(layers) == 1 and layers[0].media_type.startswith(_BUNDLE_PREFIX) else None


def format_config(layers: Sequence[Descriptor]) -> bytes:
    """The config of cosign 2's manifests: an image config that says nothing, one line of history a layer."""
    document = {
        "architecture": "",
        "created": _NO_TIME,
        "history": [{"created": _NO_TIME} for _ in layers],
        "os": "",
        "rootfs": {"type": "layers", "diff_ids": [str(layer.digest) for layer in layers]},
        "config": {},
    }
    return format_json(document)


def format_manifest(layers: Sequence[Descriptor]) -> bytes:
    """The manifest that cosign 2 tags, over the config of the same layers."""
    config = format_config(layers)
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": _describe(Descriptor(OCI_CONFIG, Digest.of(config), len(config))),
        "layers": [_describe(layer) for layer in layers],
    }
    return format_json(document)


def format_referrer(subject: Descriptor, bundle: Descriptor, predicate_type: str, created: datetime) -> bytes:
    """The manifest that refers a bundle to an image. Its config is ``EMPTY_CONFIG``."""
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": _describe(Descriptor(OCI_EMPTY, Digest.of(EMPTY_CONFIG), len(EMPTY_CONFIG))),
        "layers": [_describe(bundle)],
        "annotations": {
            "dev.sigstore.bundle.content": "dsse-envelope",
            BUNDLE_PREDICATE_KEY: predicate_type,
            "org.opencontainers.image.created": created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
        "subject": _describe(Descriptor(subject.media_type, subject.digest, subject.size)),
        "artifactType": BUNDLE,
    }
    return format_json(document)


def format_index(referrers: Sequence[Descriptor]) -> bytes:
    """The index under the fallback tag."""
    rows = [_describe(referrer) for referrer in referrers]
    return format_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": rows})


def _describe(descriptor: Descriptor) -> Mapping[str, object]:
    """A descriptor as a JSON object, its members in the order of Go's structure."""
    row = {"mediaType": descriptor.media_type, "size": descriptor.size, "digest": str(descriptor.digest)}
    optional = {"annotations": dict(descriptor.annotations), "artifactType": descriptor.artifact_type}
    return row | {name: value for name, value in optional.items() if value}
