"""What cosign 2.5 and 3.1 stored is read, proven, and written again byte for byte."""

import json

import pytest

from labs.signing.attachment import (
    Attached,
    Form,
    Kind,
    fallback_tag,
    format_config,
    format_manifest,
    tag,
)
from labs.signing.bundle import Bundle
from labs.signing.envelope import Envelope
from labs.signing.keys import PrivateKey, PublicKey
from labs.signing.simplesigning import SimpleSigning
from labs.signing.statement import SIGNATURE, Statement
from labs.signing.verification import (
    AttestationsUnmatched,
    SignaturesMissing,
    SignaturesUnmatched,
    verify_attestations,
    verify_signatures,
)
from pyregistry.spec.digest import Digest
from tests.unit.labs.signing.samples import OTHER, SIGNED, VECTORS, public_key, vector

SLSA = "https://slsa.dev/provenance/v0.2"


def tagged(name: str, ending: str, form: Form) -> list[Attached]:
    """What a vector has under a tag of cosign 2."""
    source = vector(name)
    return source.attached(source.tagged(ending), form)


def test_both_signatures_of_a_tag_are_proven() -> None:
    """Cosign 2.5 signed twice with the same key: both hold, with what each says besides."""
    verified = verify_signatures(tagged("sign-2.5", ".sig", Form.SIGNATURE), SIGNED, public_key("2.5"))
    assert [one.annotations for one in verified] == [{"commit": "abc", "env": "prod"}, {"second": "yes"}]
    assert {one.repository for one in verified} == {"localhost:5000/cs2/annot"}


def test_an_annotation_picks_a_signature() -> None:
    """Only the signature that says so holds when ``env=prod`` is wanted; none does for ``env=dev``."""
    attached, key = tagged("sign-2.5", ".sig", Form.SIGNATURE), public_key("2.5")
    assert len(verify_signatures(attached, SIGNED, key, {"env": "prod"})) == 1
    with pytest.raises(SignaturesUnmatched, match="missing or incorrect annotation\n missing or incorrect annotation"):
        verify_signatures(attached, SIGNED, key, {"env": "dev"})


def test_a_signature_as_referrer_is_proven() -> None:
    """Cosign 2.5's experimental mode: the tag form's layer in a manifest that refers to the image."""
    verified = verify_signatures(vector("sign-2.5-referrers").referring(), SIGNED, public_key("2.5"))
    assert [one.attached.form for one in verified] == [Form.SIGNATURE]


def test_a_bundle_is_a_signature() -> None:
    """Cosign 3.1 signed and attested: both are attestations, one alone is a signature."""
    attached, key = vector("sign-3.1").referring(), public_key("3.1")
    assert [one.annotations for one in verify_signatures(attached, SIGNED, key)] == [{"env": "prod"}]
    assert [one.type for one in verify_attestations(attached, SIGNED, key)] == [SIGNATURE, SLSA]


@pytest.mark.parametrize(("name", "predicate_type"), [("attest-2.5", SLSA), ("sbom-2.5", "https://spdx.dev/Document")])
def test_an_envelope_is_proven(name: str, predicate_type: str) -> None:
    """Cosign 2.5's attestations in a tag, with the repository as the subject's name."""
    (verified,) = verify_attestations(tagged(name, ".att", Form.ATTESTATION), SIGNED, public_key("2.5"))
    assert verified.type == predicate_type
    assert verified.repository is not None
    assert verified.repository.startswith("localhost:5000/cs2/")


def test_an_attestation_in_a_bundle_is_proven_and_is_no_signature() -> None:
    """Cosign 3 would take it for a signature; signing is saying that the image is signed, and this says otherwise."""
    attached, key = vector("attest-2.5-bundle").referring(), public_key("2.5")
    assert [one.type for one in verify_attestations(attached, SIGNED, key)] == [SLSA]
    with pytest.raises(SignaturesMissing, match="no signatures found"):
        verify_signatures(attached, SIGNED, key)


def everything() -> list[tuple[str, list[Attached]]]:
    """All that the vectors have attached, by file."""
    forms = {".sig": Form.SIGNATURE, ".att": Form.ATTESTATION}
    found = []
    for path in sorted(VECTORS.glob("*.json")):
        source = vector(path.stem)
        attached = [
            one
            for ending, form in forms.items()
            if any(name.endswith(ending) for name in source.tags)
            for one in source.attached(source.tagged(ending), form)
        ]
        attached += source.referring() if fallback_tag(SIGNED) in source.tags else []
        found.append((path.stem, attached))
    return found


@pytest.mark.parametrize(("name", "attached"), everything(), ids=[name for name, _ in everything()])
def test_nothing_is_proven_with_another_key_or_for_another_image(name: str, attached: list[Attached]) -> None:
    """Each vector holds under its own key and for its own image only."""
    right, wrong = public_key("2.5"), public_key("3.1")
    if name.endswith("3.1"):
        right, wrong = wrong, right
    for key, image in ((wrong, SIGNED), (right, OTHER)):
        with pytest.raises((SignaturesUnmatched, AttestationsUnmatched, SignaturesMissing)):
            verify_signatures(attached, image, key)
        with pytest.raises(AttestationsUnmatched):
            verify_attestations(attached, image, key)


@pytest.mark.parametrize(
    ("name", "kind"), [("sign-2.5", Kind.SIGNATURE), ("attest-2.5", Kind.ATTESTATION), ("sbom-2.5", Kind.SBOM)]
)
def test_tagged_manifests_are_written_byte_for_byte(name: str, kind: Kind) -> None:
    """The same layers make cosign's own manifest and config, and it lies under cosign's own tag."""
    source = vector(name)
    digest = source.tags[tag(SIGNED, kind)]
    manifest = source.manifest(digest)
    assert format_manifest(manifest.layers) == source.objects[digest]
    assert format_config(manifest.layers) == source.objects[str(manifest.config.digest)]


def test_payloads_are_written_byte_for_byte() -> None:
    """What cosign 2.5 signed, and what the same claims of ours are, do not differ by a byte."""
    for name in ("sign-2.5", "sign-2.5-referrers"):
        for content in vector(name).objects.values():
            if content.startswith(b'{"critical"'):
                assert SimpleSigning.parse(content).format() == content


def test_envelopes_and_bundles_are_written_byte_for_byte() -> None:
    """Cosign 2.5's envelopes and 3.1's bundles; 2.5's bundles have protobuf's random spaces, and say the same."""
    for content in vector("attest-2.5").objects.values():
        if content.startswith(b'{"payloadType"'):
            assert Envelope.parse(content).format() == content
    for content in vector("sign-3.1").objects.values():
        if content.startswith(b'{"mediaType":"application/vnd.dev.sigstore'):
            assert Bundle.parse(content).format() == content
    (loose,) = vector("attest-2.5-bundle").referring()
    assert json.loads(Bundle.parse(loose.content).format()) == json.loads(loose.content)


def test_statements_are_written_byte_for_byte() -> None:
    """Version 1 as cosign 3.1 signs it, version 0.1 as 2.5 does; 3.1 writes 0.1 in another order of members."""
    for attached in (*vector("sign-3.1").referring()[:1], *tagged("attest-2.5", ".att", Form.ATTESTATION)):
        parse = Bundle.parse if attached.form is Form.BUNDLE else Envelope.parse
        read = parse(attached.content)
        payload = read.envelope.payload if isinstance(read, Bundle) else read.payload
        assert Statement.parse(payload).format() == payload


def test_a_bundle_names_its_key() -> None:
    """The hint of cosign's bundles is that of the key that they hold under."""
    for name, key in (("attest-2.5-bundle", "2.5"), ("sign-3.1", "3.1")):
        hints = {Bundle.parse(one.content).hint for one in vector(name).referring()}
        assert hints == {public_key(key).hint}


@pytest.mark.parametrize("name", ["2.5", "3.1"])
def test_key_files_of_both_versions_open(name: str) -> None:
    """With the right password the private key is that of the public one."""
    key = PrivateKey.parse((VECTORS / f"{name}.key").read_bytes(), b"pw")
    public = (VECTORS / f"{name}.key.pub").read_bytes()
    assert key.public.format() == public
    PublicKey.parse(public).verify(key.sign(b"text"), b"text")


def test_the_digests_of_the_vectors_are_true() -> None:
    """The vectors are what they say: each object has the digest that it is filed under."""
    for path in VECTORS.glob("*.json"):
        objects = vector(path.stem).objects
        assert all(str(Digest.of(content)) == digest for digest, content in objects.items())
