"""Every step of the proof refuses what it is there for, in cosign's words."""

import dataclasses
import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.gojson import format_bytes, format_json
from labs.signing.attachment import SIGNATURE_KEY, Attached, Form
from labs.signing.bundle import Bundle
from labs.signing.envelope import IN_TOTO, Envelope
from labs.signing.keys import PrivateKey
from labs.signing.simplesigning import SimpleSigning
from labs.signing.statement import SIGNATURE, STATEMENT_V0, STATEMENT_V1, Statement, Subject, sign
from labs.signing.verification import (
    AttestationsUnmatched,
    SignaturesMissing,
    SignaturesUnmatched,
    Step,
    VerificationFailed,
    verify_attestation,
    verify_attestations,
    verify_signature,
    verify_signatures,
)
from pyregistry.spec.digest import Digest
from tests.unit.labs.signing.samples import KEY, OTHER, SIGNED, attestation, bundle, envelope, holding, signature

STRANGER = PrivateKey.generate()
PAYLOAD = SimpleSigning("ghcr.io/acme/app", str(SIGNED), {"env": "prod"})
STATEMENT = sign(SIGNED, {"env": "prod"})
SIMPLE = signature(PAYLOAD)
BUNDLE = bundle(STATEMENT)
ATTESTATION = attestation(Statement("https://slsa.dev/provenance/v1", STATEMENT.subjects, {}, STATEMENT_V0))
THRESHOLD = "accepted signatures do not match threshold, Found: 0, Expected 1"
UNPROVEN = f"failed to verify signature: could not verify envelope: {THRESHOLD}"
WRONG = "invalid signature when validating ASN.1 encoded signature"


def annotated(attached: Attached, text: str | None) -> Attached:
    """The layer with another signature in its annotation."""
    annotations = {} if text is None else {SIGNATURE_KEY: text}
    return dataclasses.replace(attached, descriptor=dataclasses.replace(attached.descriptor, annotations=annotations))


def flipped(content: bytes, position: int) -> bytes:
    """One bit of one byte turned over."""
    return content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]


def with_signatures(*signatures: bytes) -> Attached:
    """The bundle with other signatures."""
    sealed = dataclasses.replace(Bundle.parse(BUNDLE.content).envelope, signatures=signatures)
    return holding(BUNDLE, Bundle(sealed, "").format())


def failure(attached: Attached, wanted: dict[str, str] | None = None, image: Digest = SIGNED) -> tuple[Step, str]:
    """How the proof ends, which must be in failure."""
    with pytest.raises(VerificationFailed) as caught:
        verify_signature(attached, image, KEY.public, wanted or {})
    return caught.value.step, str(caught.value)


SIGNED_BYTES = KEY.sign(PAYLOAD.format())
OF_BUNDLE = Bundle.parse(BUNDLE.content).envelope.signatures[0]
GOT = f'got "{Digest.of(flipped(PAYLOAD.format(), 5))}", want "{SIMPLE.descriptor.digest}"'


@pytest.mark.parametrize("attached", [SIMPLE, BUNDLE])
def test_what_is_right_holds(attached: Attached) -> None:
    """Both forms prove the same: this key's owner says that this image is signed, with this annotation."""
    verified = verify_signature(attached, SIGNED, KEY.public, {"env": "prod"})
    assert (verified.digest, verified.annotations) == (SIGNED, {"env": "prod"})


@pytest.mark.parametrize(
    ("attached", "step", "message"),
    [
        pytest.param(
            dataclasses.replace(SIMPLE, content=flipped(SIMPLE.content, 5)),
            Step.CONTENT,
            f"error verifying sha256 checksum after reading {len(SIMPLE.content)} bytes; {GOT}",
            id="the registry sends other bytes than the manifest names",
        ),
        pytest.param(
            annotated(SIMPLE, None),
            Step.SHAPE,
            f'signature layer {SIMPLE.descriptor.digest} is missing "{SIGNATURE_KEY}" annotation',
            id="no signature beside the payload",
        ),
        pytest.param(
            holding(SIMPLE, flipped(SIMPLE.content, 5)), Step.SIGNATURE, WRONG, id="a bit of the payload is flipped"
        ),
        pytest.param(
            annotated(SIMPLE, format_bytes(flipped(SIGNED_BYTES, -1 % len(SIGNED_BYTES)))),
            Step.SIGNATURE,
            WRONG,
            id="a bit of the signature is flipped",
        ),
        pytest.param(
            annotated(SIMPLE, format_bytes(b"\x31" + bytes(63))),
            Step.SIGNATURE,
            "invalid signature when validating IEEE_P1363 encoded signature",
            id="the signature is no DER",
        ),
        pytest.param(annotated(SIMPLE, ""), Step.SIGNATURE, "ecdsa: Invalid IEEE_P1363 encoded bytes", id="empty"),
        pytest.param(signature(PAYLOAD, STRANGER), Step.SIGNATURE, WRONG, id="somebody else signed"),
        pytest.param(
            annotated(signature(SimpleSigning("x", str(SIGNED))), format_bytes(SIGNED_BYTES)),
            Step.SIGNATURE,
            WRONG,
            id="the signature of another payload",
        ),
        pytest.param(signature(b"{}"), Step.TYPE, "expected an object under critical, got None", id="no payload"),
        pytest.param(
            signature(SimpleSigning("x", str(SIGNED), type="atomic")),
            Step.TYPE,
            "expected cosign container image signature, got atomic",
            id="another type of payload",
        ),
        pytest.param(
            signature(SimpleSigning("x", str(OTHER))),
            Step.DIGEST,
            f"invalid or missing digest in claim: {OTHER}",
            id="copied from another image",
        ),
        pytest.param(
            dataclasses.replace(BUNDLE, content=BUNDLE.content + b" "),
            Step.CONTENT,
            f"error verifying sha256 checksum after reading {len(BUNDLE.content) + 1} bytes; "
            f'got "{Digest.of(BUNDLE.content + b" ")}", want "{BUNDLE.descriptor.digest}"',
            id="bundle: other bytes",
        ),
        pytest.param(
            with_signatures(),
            Step.SHAPE,
            "failed to verify signature: exactly one signature is required",
            id="bundle: no signature",
        ),
        pytest.param(
            with_signatures(OF_BUNDLE, OF_BUNDLE),
            Step.SHAPE,
            "failed to verify signature: exactly one signature is required",
            id="bundle: two signatures",
        ),
        pytest.param(
            with_signatures(flipped(OF_BUNDLE, len(OF_BUNDLE) - 1)),
            Step.SIGNATURE,
            UNPROVEN,
            id="bundle: a bit of the signature is flipped",
        ),
        pytest.param(bundle(STATEMENT, STRANGER), Step.SIGNATURE, UNPROVEN, id="bundle: somebody else signed"),
        pytest.param(
            holding(BUNDLE, BUNDLE.content.replace(b"in-toto+json", b"in-toto+jsom")),
            Step.SIGNATURE,
            UNPROVEN,
            id="bundle: the payload's type is changed",
        ),
        pytest.param(
            bundle(STATEMENT, payload_type="text/plain"),
            Step.TYPE,
            f"invalid payloadType text/plain on envelope. Expected {IN_TOTO}",
            id="bundle: signed as another type",
        ),
        pytest.param(
            bundle(b"{}"), Step.TYPE, "expected an in-toto statement, got _type None", id="bundle: no statement"
        ),
        pytest.param(
            bundle(dataclasses.replace(STATEMENT, predicate_type="https://slsa.dev/provenance/v1")),
            Step.TYPE,
            f"expected predicate type {SIGNATURE}, got https://slsa.dev/provenance/v1",
            id="bundle: an attestation, not a signature",
        ),
        pytest.param(
            bundle(sign(OTHER, {})),
            Step.DIGEST,
            "failed to verify signature: provided artifact digest does not match any digest in statement",
            id="bundle: copied from another image",
        ),
    ],
)
def test_each_step_refuses_what_it_is_there_for(attached: Attached, step: Step, message: str) -> None:
    """A forgery ends at its step and says, in cosign's words, why."""
    assert failure(attached) == (step, message)


def test_a_signature_that_is_no_base64_is_none() -> None:
    """The annotation is text, and text may be anything."""
    step, message = failure(annotated(SIMPLE, "!!"))
    assert step is Step.SHAPE
    assert message.startswith("illegal base64 data")


@pytest.mark.parametrize("attached", [SIMPLE, BUNDLE])
@pytest.mark.parametrize("wanted", [{"env": "dev"}, {"env": "prod", "more": "x"}])
def test_an_annotation_must_say_what_is_wanted(attached: Attached, wanted: dict[str, str]) -> None:
    """Another value, or none, is refused; more than what is wanted may be there."""
    assert failure(attached, wanted) == (Step.ANNOTATIONS, "missing or incorrect annotation")


@pytest.mark.parametrize("attached", [SIMPLE, BUNDLE])
def test_a_moved_tag_leaves_its_signature_behind(attached: Attached) -> None:
    """What was signed is a digest: for the image that the tag names now, the old signature proves nothing."""
    assert failure(attached, image=OTHER)[0] is Step.DIGEST


@given(data=st.data(), attached=st.sampled_from([SIMPLE, BUNDLE, ATTESTATION]))
def test_no_changed_byte_is_proven(data: st.DataObject, attached: Attached) -> None:
    """Whatever single bit of the stored content is turned over, honestly described or not, nothing holds any more."""
    position = data.draw(st.integers(0, len(attached.content) - 1))
    bit = data.draw(st.integers(0, 7))
    content = bytearray(attached.content)
    content[position] ^= 1 << bit
    forged = holding(attached, bytes(content))
    verify: Callable[[Attached], object] = (
        (lambda one: verify_attestation(one, SIGNED, KEY.public))
        if attached.form is Form.ATTESTATION
        else (lambda one: verify_signature(one, SIGNED, KEY.public, {}))
    )
    with pytest.raises(VerificationFailed, match="checksum"):
        verify(dataclasses.replace(attached, content=bytes(content)))
    if _is_unsigned(attached, bytes(content)):
        return
    with pytest.raises(VerificationFailed):
        verify(forged)


def _is_unsigned(attached: Attached, content: bytes) -> bool:
    """Whether the change is in what no signature covers and nothing is decided by: a key's hint or id, white space."""
    try:
        if attached.form is Form.BUNDLE:
            return Bundle.parse(content).envelope == Bundle.parse(attached.content).envelope
        return Envelope.parse(content) == Envelope.parse(attached.content)
    except ValueError:
        return False


def test_an_envelope_says_cosign_2_s_words() -> None:
    """Attestations in the tag form fail without the words that cosign 3 puts around them for bundles."""
    foreign = attestation(Statement("x:y", (Subject({"sha256": OTHER.encoded}),)))
    for attached, message in (
        (attestation(STATEMENT, STRANGER), THRESHOLD),
        (foreign, "no matching subject digest found"),
    ):
        with pytest.raises(VerificationFailed) as caught:
            verify_attestation(attached, SIGNED, KEY.public)
        assert str(caught.value) == message


def test_one_good_signature_is_enough() -> None:
    """Other people's signatures, copied and broken ones beside it change nothing."""
    beside = [signature(PAYLOAD, STRANGER), bundle(sign(OTHER, {})), holding(BUNDLE, b"{nope"), SIMPLE]
    assert [one.attached for one in verify_signatures(beside, SIGNED, KEY.public)] == [SIMPLE]


@pytest.mark.parametrize(
    "attached",
    [
        [],
        [ATTESTATION],
        [bundle(dataclasses.replace(STATEMENT, predicate_type="https://slsa.dev/provenance/v1"))],
        [holding(BUNDLE, b"{nope")],
        [holding(BUNDLE, BUNDLE.content.replace(b"bundle.v0.3", b"bundle.v0.9"))],
        [holding(BUNDLE, BUNDLE.content.replace(b'"verificationMaterial"', b'"more":1,"verificationMaterial"'))],
    ],
    ids=["nothing", "envelope", "attestation in a bundle", "garbage", "another version", "unknown member"],
)
def test_what_is_no_signature_is_missing(attached: list[Attached]) -> None:
    """What only looks like a signature, or says that it is something else, does not count as one that failed."""
    with pytest.raises(SignaturesMissing, match="no signatures found"):
        verify_signatures(attached, SIGNED, KEY.public)


def test_failures_are_told_one_by_one() -> None:
    """In the tag form as cosign 2 does, with a leading space; for bundles as cosign 3 does, without."""
    with pytest.raises(SignaturesUnmatched) as tagged:
        verify_signatures([signature(PAYLOAD, STRANGER), SIMPLE], OTHER, KEY.public)
    assert str(tagged.value) == f"no matching signatures: {WRONG}\n invalid or missing digest in claim: {SIGNED}"
    with pytest.raises(AttestationsUnmatched) as bundled:
        verify_signatures([bundle(STATEMENT, STRANGER)] * 2, SIGNED, KEY.public)
    assert str(bundled.value) == f"no matching attestations: {UNPROVEN}\n{UNPROVEN}"
    assert [one.step for one in bundled.value.failures] == [Step.SIGNATURE] * 2


def test_without_attestations_nothing_matches() -> None:
    """Cosign's message ends with nothing after the colon."""
    with pytest.raises(AttestationsUnmatched, match=r"^no matching attestations: $"):
        verify_attestations([SIMPLE], SIGNED, KEY.public)


def test_members_twice_are_refused() -> None:
    """Of two digests in one payload another reader might take the other one."""
    content = PAYLOAD.format().replace(b'"image":{', b'"image":{"docker-manifest-digest":"x",')
    assert json.loads(content)
    assert failure(signature(content))[0] is Step.TYPE


def test_any_signature_of_an_envelope_counts() -> None:
    """An envelope of its own may carry several signatures: one of this key is enough."""
    statement = Statement(SIGNATURE, STATEMENT.subjects, {}, STATEMENT_V1)
    both = envelope(statement.format(), STRANGER)
    both = dataclasses.replace(both, signatures=(*both.signatures, *envelope(statement.format()).signatures))
    attached = holding(ATTESTATION, both.format())
    assert verify_attestation(attached, SIGNED, KEY.public).type == SIGNATURE


def test_go_s_escapes_are_what_is_signed() -> None:
    """The bytes that are stored are those that were signed, also where JSON could be written otherwise."""
    said = SimpleSigning("x", str(SIGNED), {"a": "<&>\u2028é"})
    assert b"\\u003c\\u0026\\u003e\\u2028\xc3\xa9" in said.format()
    assert verify_signature(signature(said), SIGNED, KEY.public, {"a": "<&>\u2028é"})
    assert failure(annotated(signature(format_json({"a": "<"})), format_bytes(b"")))[0] is Step.SIGNATURE
