"""Formats are read back as they were written, whatever is in them; strangers' bytes are refused and never crash."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.gojson import JsonInvalid, format_json, parse_json
from labs.signing.attachment import Kind, fallback_tag, form_of, format_index, format_manifest, format_referrer, tag
from labs.signing.bundle import BUNDLE, Bundle, BundleInvalid
from labs.signing.envelope import Envelope, EnvelopeInvalid, authenticated
from labs.signing.simplesigning import PayloadInvalid, SimpleSigning
from labs.signing.statement import (
    CUSTOM,
    PREDICATE_TYPES,
    STATEMENT_V0,
    STATEMENT_V1,
    Statement,
    StatementInvalid,
    Subject,
    attest,
    parse_type,
)
from pyregistry.spec.descriptor import Descriptor
from pyregistry.spec.digest import Digest
from pyregistry.spec.manifest import ImageManifest, Index, parse
from pyregistry.spec.media_types import OCI_INDEX, OCI_MANIFEST
from tests.unit.labs.signing.samples import SIGNED

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)
OBJECTS = st.dictionaries(TEXT, JSON, max_size=3)
DIGESTS = st.binary(max_size=9).map(Digest.of)
DESCRIPTORS = st.builds(
    Descriptor,
    st.sampled_from(["application/vnd.dsse.envelope.v1+json", BUNDLE]),
    DIGESTS,
    st.integers(0, 2**40),
    annotations=st.dictionaries(TEXT.filter(bool), TEXT, max_size=3),
)
SUBJECTS = st.builds(Subject, st.dictionaries(TEXT, TEXT, max_size=2), st.none() | TEXT, st.none() | OBJECTS)
STATEMENTS = st.builds(
    Statement, TEXT, st.lists(SUBJECTS, max_size=2).map(tuple), JSON, st.sampled_from([STATEMENT_V0, STATEMENT_V1])
)
ENVELOPES = st.builds(Envelope, st.binary(max_size=99), st.lists(st.binary(max_size=80), max_size=3).map(tuple), TEXT)
PAYLOADS = st.builds(SimpleSigning, TEXT, TEXT, OBJECTS, TEXT)
NOW = datetime(2026, 11, 23, 19, 30, tzinfo=UTC)


@given(OBJECTS)
def test_json_comes_back(document: dict[str, object]) -> None:
    """Go's escapes are JSON's."""
    assert parse_json(format_json(document)) == document


@given(PAYLOADS)
def test_payloads_come_back(payload: SimpleSigning) -> None:
    """Annotations of any shape included."""
    assert SimpleSigning.parse(payload.format()) == payload


def test_the_order_in_which_annotations_are_said_does_not_matter() -> None:
    """Go writes maps by key: the same claims are the same bytes, and are signed once."""
    one, other = {"b": "1", "a": "2"}, {"a": "2", "b": "1"}
    assert SimpleSigning("x", "y", one).format() == SimpleSigning("x", "y", other).format()


@given(ENVELOPES)
def test_envelopes_come_back(sealed: Envelope) -> None:
    """Alone and inside a bundle."""
    assert Envelope.parse(sealed.format()) == sealed
    assert Bundle.parse(Bundle(sealed, "hint").format()) == Bundle(sealed, "hint")


@given(STATEMENTS)
def test_statements_come_back(statement: Statement) -> None:
    """Both versions, any predicate."""
    assert Statement.parse(statement.format()) == statement


@given(st.lists(DESCRIPTORS, max_size=3))
def test_manifests_are_what_a_registry_takes(layers: list[Descriptor]) -> None:
    """The registry's own reader finds the same layers, in order, with their annotations."""
    manifest = parse(format_manifest(layers), OCI_MANIFEST)
    assert isinstance(manifest, ImageManifest)
    assert list(manifest.layers) == layers


@given(DESCRIPTORS, DESCRIPTORS, TEXT)
def test_referrers_are_what_a_registry_takes(subject: Descriptor, layer: Descriptor, predicate_type: str) -> None:
    """Subject, artifact type and layer come back; what refers is listed in an index."""
    bundle = Descriptor(BUNDLE, layer.digest, layer.size)
    content = format_referrer(subject, bundle, predicate_type, NOW)
    manifest = parse(content, OCI_MANIFEST)
    assert isinstance(manifest, ImageManifest)
    assert manifest.subject == Descriptor(subject.media_type, subject.digest, subject.size)
    assert (manifest.artifact_type, manifest.layers, form_of(manifest)) == (BUNDLE, (bundle,), "bundle")
    assert manifest.annotations["org.opencontainers.image.created"] == "2026-11-23T19:30:00Z"
    row = Descriptor(OCI_MANIFEST, Digest.of(content), len(content), artifact_type=BUNDLE)
    index = parse(format_index([row]), OCI_INDEX)
    assert isinstance(index, Index)
    assert index.children == (row,)


PARSERS = (
    (SimpleSigning.parse, PayloadInvalid),
    (Envelope.parse, EnvelopeInvalid),
    (Bundle.parse, BundleInvalid),
    (Statement.parse, StatementInvalid),
    (parse_json, JsonInvalid),
)


@given(st.sampled_from(PARSERS), st.binary(max_size=60) | JSON.map(format_json))
def test_strangers_bytes_are_refused_by_name(parser: tuple[object, type[Exception]], content: bytes) -> None:
    """Any bytes are read or refused with the format's own exception, never with another."""
    read, refusal = parser
    assert callable(read)
    try:
        read(content)
    except refusal:
        return


@pytest.mark.parametrize(("read", "refusal"), PARSERS)
def test_deep_nesting_is_refused(read: object, refusal: type[Exception]) -> None:
    """A document that is all brackets exhausts no stack."""
    assert callable(read)
    with pytest.raises(refusal):
        read(b'{"a":' * 100_000)


def test_the_encoding_is_that_of_the_specification() -> None:
    """The example of protocol.md: lengths are of bytes, not of characters."""
    assert authenticated("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    assert authenticated("é", "é".encode()) == b"DSSEv1 2 \xc3\xa9 2 \xc3\xa9"


def test_tags_are_made_of_the_digest() -> None:
    """Colons are no part of a tag."""
    assert fallback_tag(SIGNED) == f"sha256-{SIGNED.encoded}"
    assert [tag(SIGNED, kind).rpartition(".")[2] for kind in Kind] == ["sig", "att", "sbom"]


@pytest.mark.parametrize("kind", [*PREDICATE_TYPES, "https://example.com/Own/v1"])
def test_every_type_of_predicate_becomes_a_statement(kind: str) -> None:
    """Short names and URIs; the subject is the image, by the name of its repository."""
    members = ["builder", "buildType", "buildDefinition", "runDetails", "_type", "name", "materials", "products"]
    content = format_json(dict.fromkeys([*members, "byproducts", "command", "environment"], ""))
    statement = attest("ghcr.io/acme/app", SIGNED, kind, content, NOW)
    assert statement.predicate_type == PREDICATE_TYPES.get(kind, kind)
    assert statement.subject_of(SIGNED) == Subject({"sha256": SIGNED.encoded}, "ghcr.io/acme/app")
    assert Statement.parse(statement.format()) == statement


def test_a_custom_predicate_holds_the_file_and_the_time() -> None:
    """Cosign's own type, and what it puts around a file of any kind."""
    statement = attest("x", SIGNED, "custom", b"anything\n", NOW)
    assert statement.predicate_type == CUSTOM
    assert statement.predicate == {"Data": "anything\n", "Timestamp": "2026-11-23T19:30:00Z"}


@pytest.mark.parametrize("kind", ["spdxjson", "cyclonedx", "openvex"])
def test_documents_of_others_may_be_any_json(kind: str) -> None:
    """Nobody looks into them before they are signed."""
    assert attest("x", SIGNED, kind, b"[1]", NOW).predicate == [1]


@pytest.mark.parametrize(
    ("kind", "content", "message"),
    [
        ("foo", b"{}", "invalid predicate type: foo"),
        ("slsaprovenance", b"{}", "provenance predicate: required field builder missing"),
        ("slsaprovenance1", b"{}", "provenance predicate: required field buildDefinition missing"),
        ("link", b"{}", "link statement: required field _type missing"),
        ("slsaprovenance", b"not json", "provenance predicate: invalid character 'o' in literal null (expecting 'u')"),
        ("link", b"", "link statement: unexpected end of JSON input"),
        ("spdxjson", b"[", "unexpected end of JSON input"),
        ("vuln", b"[1]", "json: cannot unmarshal array into Go value of type attestation.CosignVulnPredicate"),
        ("https://example.com/x", b"-x", "invalid JSON payload for predicate type https://example.com/x: invalid cha"),
        ("custom", b"\xff", "expected a text as predicate: "),
    ],
)
def test_other_predicates_are_refused(kind: str, content: bytes, message: str) -> None:
    """In cosign's words where it has some."""
    with pytest.raises(StatementInvalid) as caught:
        attest("x", SIGNED, kind, content, NOW)
    assert str(caught.value).startswith(message)
    if kind != "foo":
        assert parse_type(kind)
