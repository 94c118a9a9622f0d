"""Proof of a signature: numbered steps over bytes, the same for the command and for the grader. Pure.

The order matters: nothing that is inside a signed text is believed, or even read, before the signature over it holds.
What is returned was proven; what is raised is told in cosign's words (2.5 for the tag form, 3.1 for bundles).

A signature does not say when it was made, nor in which repository it lies: cosign compares neither, and a transparency
log, which would, does not exist in the lab.
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from labs.signing.attachment import SIGNATURE_KEY, Attached, Form
from labs.signing.bundle import Bundle, BundleInvalid
from labs.signing.envelope import IN_TOTO, Envelope, EnvelopeInvalid
from labs.signing.keys import PublicKey, SignatureWrong
from labs.signing.simplesigning import IMAGE_SIGNATURE, PayloadInvalid, SimpleSigning
from labs.signing.statement import SIGNATURE, Statement, StatementInvalid
from pyregistry.spec.digest import Digest

_THRESHOLD = "accepted signatures do not match threshold, Found: 0, Expected 1"


class Step(IntEnum):
    """The steps, in the order in which they are taken."""

    CONTENT = 1
    """The registry sent the bytes that the manifest names."""
    SHAPE = 2
    """There is one signature, and it can be decoded."""
    SIGNATURE = 3
    """The key's owner signed exactly these bytes."""
    TYPE = 4
    """The signed text is of the kind that was asked for."""
    DIGEST = 5
    """It is about this image."""
    ANNOTATIONS = 6
    """It says what the verifier wants said."""


class VerificationFailed(Exception):
    """One signature does not prove what was asked.

    Attributes:
        step: Where it ended.
    """

    def __init__(self, step: Step, message: str) -> None:
        super().__init__(message)
        self.step = step


class SignaturesMissing(Exception):
    """There is none at all."""

    def __init__(self) -> None:
        super().__init__("no signatures found")


class NothingMatches(Exception):
    """There are signatures or attestations, and none holds.

    Attributes:
        failures: Why, one for each.
    """

    failures: Sequence[VerificationFailed]

    def __init__(self, message: str, failures: Sequence[VerificationFailed]) -> None:
        super().__init__(message)
        self.failures = failures


class SignaturesUnmatched(NothingMatches):
    """No signature holds."""

    def __init__(self, failures: Sequence[VerificationFailed]) -> None:
        super().__init__("no matching signatures: " + "\n ".join(map(str, failures)), failures)


class AttestationsUnmatched(NothingMatches):
    """No attestation, or no signature in a bundle, holds. cosign 3 calls both attestations."""

    def __init__(self, failures: Sequence[VerificationFailed], separator: str = "\n ") -> None:
        super().__init__("no matching attestations: " + separator.join(map(str, failures)), failures)


@dataclass(frozen=True, slots=True)
class Verified:
    """What was proven: the key's owner said this of the image.

    Attributes:
        attached: Where it lies.
        digest: The image's.
        type: cosign's word for a signature in the tag form, else the predicate type.
        repository: Where the signer had the image from; None where the form does not say it.
        annotations: What the signer said besides.
        envelope: Of an attestation or a bundle.
        statement: Likewise.
    """

    attached: Attached
    digest: Digest
    type: str
    repository: str | None
    annotations: Mapping[str, object]
    envelope: Envelope | None = None
    statement: Statement | None = None


def verify_signatures(
    attached: Iterable[Attached], image: Digest, key: PublicKey, annotations: Mapping[str, str] | None = None
) -> list[Verified]:
    """Every signature of the image that holds. Attestations are no signatures; what cannot be read is none either.

    Args:
        attached: Whatever lies beside the image.
        image: The digest that the tag has now.
        key: Whose signature counts.
        annotations: What it must say.

    Raises:
        SignaturesMissing: There is none.
        SignaturesUnmatched: None in the tag form holds.
        AttestationsUnmatched: None holds, and all are bundles.
    """
    signatures = [one for one in attached if is_signature(one)]
    if not signatures:
        raise SignaturesMissing
    wanted = annotations or {}
    verified, failures = _sort_out(signatures, lambda one: verify_signature(one, image, key, wanted))
    if verified:
        return verified
    if all(one.form is Form.BUNDLE for one in signatures):
        raise AttestationsUnmatched(failures, "\n")
    raise SignaturesUnmatched(failures)


def verify_attestations(attached: Iterable[Attached], image: Digest, key: PublicKey) -> list[Verified]:
    """Every attestation of the image that holds, of whatever type; a signature in a bundle is one too.

    Raises:
        AttestationsUnmatched: None holds.
    """
    attestations = [one for one in attached if one.form is not Form.SIGNATURE and _is_readable(one)]
    verified, failures = _sort_out(attestations, lambda one: verify_attestation(one, image, key))
    if not verified:
        are_bundles = bool(attestations) and all(one.form is Form.BUNDLE for one in attestations)
        raise AttestationsUnmatched(failures, "\n" if are_bundles else "\n ")
    return verified


def verify_signature(attached: Attached, image: Digest, key: PublicKey, annotations: Mapping[str, str]) -> Verified:
    """Prove one signature, in either form.

    Raises:
        VerificationFailed: With the step at which it ended.
    """
    if attached.form is Form.SIGNATURE:
        return _verify_simple_signing(attached, image, key, annotations)
    verified = verify_attestation(attached, image, key)
    # Step 4 again, for a signature: cosign 3 takes any attestation for one, we do not.
    if verified.type != SIGNATURE:
        raise VerificationFailed(Step.TYPE, f"expected predicate type {SIGNATURE}, got {verified.type}")
    _check_annotations(verified.annotations, annotations)
    return verified


def _verify_simple_signing(
    attached: Attached, image: Digest, key: PublicKey, annotations: Mapping[str, str]
) -> Verified:
    # Step 1: the bytes are those that the manifest names.
    _check_content(attached)
    # Step 2: the signature is there and can be decoded.
    signature = _decode_signature(attached)
    # Step 3: the key signed these bytes.
    try:
        key.verify(signature, attached.content)
    except SignatureWrong as exc:
        raise VerificationFailed(Step.SIGNATURE, str(exc)) from exc
    # Step 4: they are a payload, and its type is that of an image's signature. cosign leaves the type unread.
    try:
        payload = SimpleSigning.parse(attached.content)
    except PayloadInvalid as exc:
        raise VerificationFailed(Step.TYPE, str(exc)) from exc
    if payload.type != IMAGE_SIGNATURE:
        raise VerificationFailed(Step.TYPE, f"expected {IMAGE_SIGNATURE}, got {payload.type}")
    # Step 5: it is about this image.
    if payload.digest != str(image):
        raise VerificationFailed(Step.DIGEST, f"invalid or missing digest in claim: {payload.digest}")
    # Step 6: it says what is wanted.
    _check_annotations(payload.annotations, annotations)
    return Verified(attached, image, payload.type, payload.repository, payload.annotations)


def verify_attestation(attached: Attached, image: Digest, key: PublicKey) -> Verified:
    """Prove one envelope, alone or in a bundle, of whatever predicate type.

    Raises:
        VerificationFailed: With the step at which it ended.
    """
    is_bundle = attached.form is Form.BUNDLE
    # Step 1: the bytes are those that the manifest names.
    _check_content(attached)
    # Step 2: an envelope with signatures; in a bundle exactly one.
    try:
        envelope = _read_envelope(attached)
    except (BundleInvalid, EnvelopeInvalid) as exc:
        raise VerificationFailed(Step.SHAPE, str(exc)) from exc
    if is_bundle and len(envelope.signatures) != 1:
        raise VerificationFailed(Step.SHAPE, "failed to verify signature: exactly one signature is required")
    # Step 3: the key signed type and payload.
    if not any(_holds(key, signature, envelope) for signature in envelope.signatures):
        prefix = "failed to verify signature: could not verify envelope: " if is_bundle else ""
        raise VerificationFailed(Step.SIGNATURE, prefix + _THRESHOLD)
    # Step 4: the payload is an in-toto statement.
    if envelope.payload_type != IN_TOTO:
        expected = f"invalid payloadType {envelope.payload_type} on envelope. Expected {IN_TOTO}"
        raise VerificationFailed(Step.TYPE, expected)
    try:
        statement = Statement.parse(envelope.payload)
    except StatementInvalid as exc:
        raise VerificationFailed(Step.TYPE, str(exc)) from exc
    # Step 5: it is about this image.
    subject = statement.subject_of(image)
    if subject is None:
        foreign = "provided artifact digest does not match any digest in statement"
        message = f"failed to verify signature: {foreign}" if is_bundle else "no matching subject digest found"
        raise VerificationFailed(Step.DIGEST, message)
    return Verified(
        attached, image, statement.predicate_type, subject.name, subject.annotations or {}, envelope, statement
    )


def is_signature(attached: Attached) -> bool:
    """Whether it offers itself as a signature. Nothing is believed of what a bundle says of itself but its "no"."""
    if attached.form is Form.BUNDLE:
        return _is_readable(attached) and _claimed_type(attached) in {SIGNATURE, None}
    return attached.form is Form.SIGNATURE


def _is_readable(attached: Attached) -> bool:
    """What is named a bundle and is none counts for nothing, as in cosign; other attestations are looked at."""
    try:
        _read_envelope(attached)
    except (BundleInvalid, EnvelopeInvalid):
        return attached.form is not Form.BUNDLE
    return True


def _claimed_type(attached: Attached) -> str | None:
    """The predicate type that a bundle's payload names, unproven; None where it cannot be read."""
    try:
        return Statement.parse(_read_envelope(attached).payload).predicate_type
    except StatementInvalid:
        return None


def _read_envelope(attached: Attached) -> Envelope:
    content = attached.content
    return Bundle.parse(content).envelope if attached.form is Form.BUNDLE else Envelope.parse(content)


def _sort_out(
    attached: Iterable[Attached], verify: Callable[[Attached], Verified]
) -> tuple[list[Verified], list[VerificationFailed]]:
    verified, failures = [], []
    for one in attached:
        try:
            verified.append(verify(one))
        except VerificationFailed as exc:
            failures.append(exc)
    return verified, failures


def _check_content(attached: Attached) -> None:
    wanted = attached.descriptor.digest
    got = Digest.of(attached.content, wanted.algorithm)
    if (got, len(attached.content)) != (wanted, attached.descriptor.size):
        read = f"error verifying {wanted.algorithm} checksum after reading {len(attached.content)} bytes"
        raise VerificationFailed(Step.CONTENT, f'{read}; got "{got}", want "{wanted}"')


def _decode_signature(attached: Attached) -> bytes:
    text = attached.descriptor.annotations.get(SIGNATURE_KEY)
    if text is None:
        layer = f"signature layer {attached.descriptor.digest}"
        raise VerificationFailed(Step.SHAPE, f'{layer} is missing "{SIGNATURE_KEY}" annotation')
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise VerificationFailed(Step.SHAPE, f"illegal base64 data in {SIGNATURE_KEY}: {exc}") from exc


def _holds(key: PublicKey, signature: bytes, envelope: Envelope) -> bool:
    try:
        key.verify(signature, envelope.signed_bytes)
    except SignatureWrong:
        return False
    return True


def _check_annotations(have: Mapping[str, object], wanted: Mapping[str, str]) -> None:
    if any(have.get(name) != value for name, value in wanted.items()):
        raise VerificationFailed(Step.ANNOTATIONS, "missing or incorrect annotation")
