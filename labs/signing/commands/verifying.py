"""``cosign verify`` and ``verify-attestation``: prints what was proven, and which checks it was."""

from collections.abc import Mapping, Sequence

from labs.engine.commands.console import CommandFailed
from labs.gojson import format_json
from labs.signing.attachment import Attached, Form
from labs.signing.commands import services
from labs.signing.commands.desk import Desk, Image, failing
from labs.signing.commands.keys import require_key, verifying_key
from labs.signing.commands.signing import read_annotations
from labs.signing.keys import PublicKey
from labs.signing.simplesigning import SimpleSigning
from labs.signing.statement import StatementInvalid, parse_type
from labs.signing.verification import (
    AttestationsUnmatched,
    SignaturesMissing,
    SignaturesUnmatched,
    Verified,
    verify_attestations,
    verify_signatures,
)
from pyregistry.spec.digest import Digest

UNSIGNED_CODE = 10
NO_TAG_CODE = 11
UNMATCHED_CODE = 12
"""cosign's exit codes (doc/cosign_exit_codes.md); all other faults are 1."""

_HEADER = """
Verification for {name} --
The following checks were performed on each of these signatures:"""


def verify(desk: Desk) -> None:
    """Prove that images are signed."""
    require_key(desk, "keyless-verify")
    services.require_none_to_verify(desk, "signature")
    output = _output(desk)
    key = verifying_key(desk)
    annotations = read_annotations(desk)
    for typed in desk.options.arguments:
        image = desk.image(typed)
        digest, attached = _collect(desk, image)
        verified = _verify(attached, digest, key, annotations)
        _print_header(desk, image.name, annotations=bool(annotations))
        _print(desk, image, verified, output)


def verify_attestation(desk: Desk) -> None:
    """Prove what images' attestations say."""
    require_key(desk, "keyless-verify")
    services.require_none_to_verify(desk, "attestation")
    _output(desk)
    kind = desk.options.text("type") or "custom"
    try:
        wanted = parse_type(kind)
    except StatementInvalid as exc:
        raise CommandFailed(str(exc)) from exc
    key = verifying_key(desk)
    for typed in desk.options.arguments:
        digest, attached = _collect(desk, desk.image(typed))
        try:
            verified = verify_attestations(attached, digest, key)
        except AttestationsUnmatched as exc:
            raise CommandFailed(str(exc)) from exc
        matching = [one for one in verified if one.type == wanted]
        if not matching:
            found = ",".join(one.type for one in verified)
            raise CommandFailed(f"none of the attestations matched the predicate type: {kind}, found: {found}")
        _print_header(desk, typed, annotations=False)
        for one in matching:
            desk.console.say(_envelope_text(one))


def _output(desk: Desk) -> str:
    """How what was proven is printed; cosign takes every word but ``text`` for ``json``, we do not."""
    output = desk.options.text("output") or "json"
    if output not in {"json", "text"}:
        raise CommandFailed(f'invalid output format "{output}", expected json or text')
    return output


def _collect(desk: Desk, image: Image) -> tuple[Digest, list[Attached]]:
    """The image's digest, and what lies beside it: both forms, unless ``--new-bundle-format=false`` leaves one out."""
    with failing("", "image tag not found: ", NO_TAG_CODE):
        digest = image.digest()
    with failing(""):
        attached = image.remote.fetch(digest)
    without_bundles = "new-bundle-format" in desk.options.declined
    return digest, [one for one in attached if one.form is not Form.BUNDLE or not without_bundles]


def _verify(
    attached: Sequence[Attached], digest: Digest, key: PublicKey, annotations: Mapping[str, str]
) -> list[Verified]:
    try:
        return verify_signatures(attached, digest, key, annotations)
    except SignaturesMissing as exc:
        raise CommandFailed(str(exc), UNSIGNED_CODE) from exc
    except SignaturesUnmatched as exc:
        raise CommandFailed(str(exc), UNMATCHED_CODE) from exc
    except AttestationsUnmatched as exc:
        raise CommandFailed(str(exc)) from exc


def _print_header(desk: Desk, name: str, *, annotations: bool) -> None:
    desk.console.warn(_HEADER.format(name=name))
    if annotations:
        desk.console.warn("  - The specified annotations were verified.")
    desk.console.warn("  - The cosign claims were validated")
    desk.console.warn("  - The signatures were verified against the specified public key")


def _print(desk: Desk, image: Image, verified: Sequence[Verified], output: str) -> None:
    if output == "text":
        for one in verified:
            desk.console.say(_claim_text(image, one))
    else:
        documents = b",".join(format_json(_claim(image, one)) for one in verified)
        desk.console.say(f"\n[{documents.decode()}]")


def _claim(image: Image, verified: Verified) -> Mapping[str, object]:
    """What was proven, in one shape for both forms.

    A bundle names no repository: cosign prints what was typed, and no annotations as an empty object.
    """
    is_bundle = verified.attached.form is Form.BUNDLE
    repository = image.name if verified.repository is None else verified.repository
    claim = SimpleSigning(repository, str(verified.digest), verified.annotations, verified.type).describe()
    return {**claim, "optional": dict(verified.annotations)} if is_bundle else claim


def _claim_text(image: Image, verified: Verified) -> str:
    if verified.attached.form is Form.SIGNATURE:
        return verified.attached.content.decode()
    return format_json(_claim(image, verified)).decode()


def _envelope_text(verified: Verified) -> str:
    """The envelope: as it is stored where it stands alone, out of its bundle else."""
    if verified.attached.form is Form.ATTESTATION or verified.envelope is None:
        return verified.attached.content.decode()
    return format_json(verified.envelope.describe()).decode()
