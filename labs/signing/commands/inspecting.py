"""``cosign tree``, ``download``, ``triangulate`` and ``version``: what lies beside an image, nothing of it proven."""

from collections.abc import Callable, Iterable, Sequence

from labs.engine.commands.console import CommandFailed
from labs.engine.commands.machine import labdocker_version
from labs.gojson import format_bytes, format_json
from labs.signing.attachment import BUNDLE_PREDICATE_KEY, SIGNATURE_KEY, Attached, Form, Kind, fallback_tag, tag
from labs.signing.bundle import Bundle, BundleInvalid
from labs.signing.commands.desk import COSIGN_VERSION, Desk, Image, failing
from pyregistry.spec.descriptor import Descriptor
from pyregistry.spec.digest import Digest

_BRANCHES = {
    Kind.SIGNATURE: "🔐 Signatures for an image tag",
    Kind.SBOM: "📦 SBOMs for an image tag",
    Kind.ATTESTATION: "💾 Attestations for an image tag",
}
_NOTHING = (
    "No Supply Chain Security Related Artifacts found for image {name},\n"
    " start creating one with simply running$ cosign sign <img>"
)
_ABSENT = "entity not found in registry, error: "
_TRIANGLES: dict[str, Callable[[Digest], str]] = {
    "signature": lambda digest: tag(digest, Kind.SIGNATURE),
    "attestation": lambda digest: tag(digest, Kind.ATTESTATION),
    "sbom": lambda digest: tag(digest, Kind.SBOM),
    "digest": fallback_tag,
}


def tree(desk: Desk) -> None:
    """Print what lies beside an image, under tags and as referrers."""
    image = desk.image(desk.options.arguments[0])
    desk.console.say(f"📦 Supply Chain Security Related artifacts for an image: {image.name}")
    with failing("", _ABSENT):
        digest = image.resolve().digest
        branches = [*_tagged(image, digest), *_referring(image, digest)]
    for branch, layers in branches:
        desk.console.say(f"└── {branch}")
        for number, layer in enumerate(layers, 1):
            desk.console.say(f"   {'└' if number == len(layers) else '├'}── 🍒 {layer.digest}")
    if not branches:
        desk.console.say(_NOTHING.format(name=image.name))


def download_signature(desk: Desk) -> None:
    """Print signatures, one a line: bundles where there are any, else what is tagged."""
    image = desk.image(desk.options.arguments[0])
    attached = _fetch(image)
    lines = _bundles(attached) or [_signature_line(one) for one in attached if one.form is Form.SIGNATURE]
    if not lines:
        raise CommandFailed(f"{image.name}: no signatures associated")
    for line in lines:
        desk.console.say(line)


def download_attestation(desk: Desk) -> None:
    """Print attestations, one a line: bundles where there are any, else what is tagged."""
    attached = _fetch(desk.image(desk.options.arguments[0]))
    lines = _bundles(attached) or [one.content.decode() for one in attached if one.form is Form.ATTESTATION]
    if not lines:
        raise CommandFailed("found no attestations")
    for line in lines:
        desk.console.say(line)


def triangulate(desk: Desk) -> None:
    """Print under which tag cosign 2 keeps what belongs to an image."""
    kind = desk.options.text("type") or "signature"
    if kind not in _TRIANGLES:
        raise CommandFailed(f"unknown attachment type {kind}")
    image = desk.image(desk.options.arguments[0])
    with failing(""):
        found = _TRIANGLES[kind](image.digest())
    desk.console.say(f"{image.repository}{'@' if kind == 'digest' else ':'}{found}")


def version(desk: Desk) -> None:
    """Print who we are."""
    own = labdocker_version()
    if desk.options.on("json"):
        desk.console.say(format_json({"gitVersion": f"v{COSIGN_VERSION}-labcosign", "labcosign": own}).decode())
        return
    desk.console.say("cosign: A tool for Container Signing, Verification and Storage in an OCI registry.\n")
    desk.console.say(f"GitVersion:    v{COSIGN_VERSION}-labcosign (key pairs only: no Fulcio, no Rekor)")
    desk.console.say(f"labcosign:     {own}")


def _tagged(image: Image, digest: Digest) -> Iterable[tuple[str, Sequence[Descriptor]]]:
    for kind, branch in _BRANCHES.items():
        if layers := image.remote.layers(digest, kind):
            yield f"{branch}: {image.repository}:{tag(digest, kind)}", layers


def _referring(image: Image, digest: Digest) -> Iterable[tuple[str, Sequence[Descriptor]]]:
    for row, manifest in image.remote.referrers(digest):
        what = manifest.annotations.get(BUNDLE_PREDICATE_KEY) or manifest.referrer_type
        yield f"🔗 {what} artifacts via OCI referrer: {image.repository}@{row.digest}", manifest.layers


def _fetch(image: Image) -> list[Attached]:
    with failing("", _ABSENT):
        return image.remote.fetch(image.digest())


def _bundles(attached: Iterable[Attached]) -> list[str]:
    """Every bundle that can be read, on one line each."""
    lines = []
    for one in attached:
        if one.form is Form.BUNDLE:
            try:
                lines.append(Bundle.parse(one.content).format().decode())
            except BundleInvalid:
                continue
    return lines


def _signature_line(attached: Attached) -> str:
    document = {
        "Base64Signature": attached.descriptor.annotations.get(SIGNATURE_KEY, ""),
        "Payload": format_bytes(attached.content),
        "Cert": None,
        "Chain": None,
        "Bundle": None,
        "RFC3161Timestamp": None,
    }
    return format_json(document).decode()
