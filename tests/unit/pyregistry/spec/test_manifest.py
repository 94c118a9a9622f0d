"""Manifests and indexes: what is read, what is refused, and how it is said."""

import copy
import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyregistry.spec.descriptor import Descriptor, Platform
from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import ManifestInvalid
from pyregistry.spec.manifest import ImageManifest, Index, Manifest, parse, parse_media_type
from pyregistry.spec.media_types import (
    DOCKER_MANIFEST,
    DOCKER_MANIFEST_LIST,
    IMAGE_TYPES,
    INDEX_TYPES,
    MANIFEST_TYPES,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
)

DIGEST = Digest.of(b"content")
DESCRIPTOR = {"mediaType": OCI_LAYER, "digest": str(DIGEST), "size": 7}
IMAGE = {
    "schemaVersion": 2,
    "mediaType": OCI_MANIFEST,
    "config": {**DESCRIPTOR, "mediaType": OCI_CONFIG},
    "layers": [DESCRIPTOR],
    "subject": {**DESCRIPTOR, "mediaType": OCI_MANIFEST},
    "artifactType": "application/vnd.example",
    "annotations": {"a": "b"},
}
INDEX = {
    "schemaVersion": 2,
    "mediaType": OCI_INDEX,
    "manifests": [
        {**DESCRIPTOR, "mediaType": OCI_MANIFEST, "platform": {"architecture": "arm", "os": "linux", "variant": "v7"}}
    ],
}


def body(document: object) -> bytes:
    """As it is sent."""
    return json.dumps(document).encode()


def refusal(document: object, media_type: str = OCI_MANIFEST) -> str:
    """What is said of a document, or of bytes."""
    with pytest.raises(ManifestInvalid) as refused:
        parse(document if isinstance(document, bytes) else body(document), media_type)
    return str(refused.value.detail)


def test_an_image_is_read() -> None:
    """Every member, the descriptors as values."""
    layer = Descriptor(OCI_LAYER, DIGEST, 7)
    assert parse(body(IMAGE), OCI_MANIFEST) == ImageManifest(
        OCI_MANIFEST,
        config=Descriptor(OCI_CONFIG, DIGEST, 7),
        layers=(layer,),
        subject=Descriptor(OCI_MANIFEST, DIGEST, 7),
        artifact_type="application/vnd.example",
        annotations={"a": "b"},
    )


def test_an_index_is_read() -> None:
    """With its platforms."""
    child = Descriptor(OCI_MANIFEST, DIGEST, 7, platform=Platform("arm", "linux", "v7"))
    assert parse(body(INDEX), OCI_INDEX) == Index(OCI_INDEX, children=(child,))


def test_references_are_what_it_is_made_of() -> None:
    """Config and layers, or children; never the subject."""
    image, index = parse(body(IMAGE), OCI_MANIFEST), parse(body(INDEX), OCI_INDEX)
    assert [part.media_type for part in image.references()] == [OCI_CONFIG, OCI_LAYER]
    assert [part.media_type for part in index.references()] == [OCI_MANIFEST]


def test_how_the_referrers_api_calls_it() -> None:
    """Its artifact type, else its config's media type; an index without one is called nothing."""
    plain = {name: member for name, member in IMAGE.items() if name != "artifactType"}
    assert parse(body(IMAGE), OCI_MANIFEST).referrer_type == "application/vnd.example"
    assert parse(body(plain), OCI_MANIFEST).referrer_type == OCI_CONFIG
    assert parse(body(INDEX), OCI_INDEX).referrer_type is None


@pytest.mark.parametrize(("kind", "document"), [(DOCKER_MANIFEST, IMAGE), (DOCKER_MANIFEST_LIST, INDEX)])
def test_dockers_types_say_theirs(kind: str, document: dict[str, Any]) -> None:
    """Without it nothing would tell, once stored, what the bytes are."""
    assert parse(body({**document, "mediaType": kind}), kind).media_type == kind
    silent = {name: member for name, member in document.items() if name != "mediaType"}
    assert refusal(silent, kind) == f"mediaType: expected {kind}, as the Content-Type says, got nothing"


@pytest.mark.parametrize("kind", [OCI_MANIFEST, "Application/VND.oci.image.manifest.v1+JSON ; charset=utf-8"])
def test_parameters_and_case_of_the_content_type_do_not_matter(kind: str) -> None:
    """RFC 9110: media types are compared without case."""
    assert parse(body(IMAGE), kind).media_type == OCI_MANIFEST


def test_what_go_writes_for_nothing_is_nothing() -> None:
    """Null lists, empty strings, null objects: Go's encoders leave them, and the content is what it is."""
    nothing = {"layers": None, "subject": None, "artifactType": "", "annotations": None, "manifests": None}
    found = parse(body({**IMAGE, **nothing, "config": {**DESCRIPTOR, "urls": None, "platform": None}}), OCI_MANIFEST)
    assert isinstance(found, ImageManifest)
    assert (found.layers, found.subject, found.artifact_type, found.annotations) == ((), None, None, {})


def test_members_that_nobody_knows_are_ignored() -> None:
    """image-spec: implementations must not fail on them; ``data`` is one that we do not use."""
    extended = {**IMAGE, "org.example": {"deep": [1, {}]}, "config": {**DESCRIPTOR, "data": "Y29udGVudA==", "x": 1}}
    assert parse(body(extended), OCI_MANIFEST)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schemaVersion": 1}, "schemaVersion: expected 2, got 1"),
        ({"schemaVersion": "2"}, "schemaVersion: expected 2, got '2'"),
        ({"schemaVersion": 2.0}, "schemaVersion: expected 2, got 2.0"),
        ({"schemaVersion": True}, "schemaVersion: expected 2, got True"),
        ({"mediaType": OCI_INDEX}, f"mediaType: expected {OCI_MANIFEST}, as the Content-Type says, got '{OCI_INDEX}'"),
        ({"mediaType": 5}, f"mediaType: expected {OCI_MANIFEST}, as the Content-Type says, got 5"),
        ({"config": None}, "config: expected a descriptor (an object), got nothing"),
        ({"config": "x"}, "config: expected a descriptor (an object), got 'x'"),
        ({"layers": {}}, "layers: expected a list of descriptors, got an object of 0"),
        ({"layers": [DESCRIPTOR, 7]}, "layers[1]: expected a descriptor (an object), got 7"),
        ({"annotations": {"a": 1}}, "annotations: expected an object of strings, got an object of 1"),
        ({"annotations": []}, "annotations: expected an object of strings, got a list of 0"),
        ({"artifactType": 1}, "artifactType: expected a string that is not empty, got 1"),
        ({"artifactType": []}, "artifactType: expected a string that is not empty, got a list of 0"),
        ({"subject": 1}, "subject: expected a descriptor (an object), got 1"),
        ({"annotations": {"a": "\ud800"}}, "annotations: expected an object of strings, got an object of 1"),
    ],
)
def test_a_wrong_member_is_named(change: dict[str, Any], said: str) -> None:
    """Where, what was wanted, what was seen."""
    assert refusal({**IMAGE, **change}) == said


@pytest.mark.parametrize("name", ["schemaVersion", "config", "layers"])
def test_a_missing_member_is_named(name: str) -> None:
    """What is not there at all is "nothing"."""
    document = {key: member for key, member in IMAGE.items() if key != name}
    assert refusal(document).startswith(f"{name}: expected ")
    assert refusal(document).endswith("got nothing")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mediaType": None}, "mediaType: expected a string that is not empty, got nothing"),
        ({"mediaType": ""}, "mediaType: expected a string that is not empty, got ''"),
        ({"digest": 1}, "digest: expected a string that is not empty, got 1"),
        ({"digest": "sha256:abc"}, "digest: 'sha256:abc': expected 64 lower-case hex digits after sha256:, got 3"),
        ({"digest": "md5:" + "0" * 32}, "digest: md5: unsupported digest algorithm"),
        ({"size": -1}, "size: expected an integer from 0 to 9223372036854775807, got -1"),
        ({"size": 2**63}, "size: expected an integer from 0 to 9223372036854775807, got 9223372036854775808"),
        ({"size": 7.0}, "size: expected an integer from 0 to 9223372036854775807, got 7.0"),
        ({"size": True}, "size: expected an integer from 0 to 9223372036854775807, got True"),
        ({"size": "7"}, "size: expected an integer from 0 to 9223372036854775807, got '7'"),
        ({"urls": "https://x"}, "urls: expected a list of strings, got 'https://x'"),
        ({"urls": [1]}, "urls: expected a list of strings, got a list of 1"),
        ({"platform": "linux"}, "platform: expected an object, got 'linux'"),
        ({"platform": {"os": "linux"}}, "platform.architecture: expected a string, got nothing"),
        ({"platform": {"os": 1, "architecture": ""}}, "platform.os: expected a string, got 1"),
        ({"annotations": 1}, "annotations: expected an object of strings, got 1"),
    ],
)
def test_a_wrong_member_of_a_descriptor_is_named(change: dict[str, Any], said: str) -> None:
    """With the way to it."""
    assert refusal({**IMAGE, "layers": [DESCRIPTOR, {**DESCRIPTOR, **change}]}).startswith(f"layers[1].{said}")
    child = {**INDEX["manifests"][0], **change}  # type: ignore[index]
    assert refusal({**INDEX, "manifests": [child]}, OCI_INDEX).startswith(f"manifests[0].{said}")


def test_everything_wrong_is_said_at_once() -> None:
    """One round trip to mend it all; ten issues at most."""
    assert refusal({**IMAGE, "schemaVersion": 1, "config": {**DESCRIPTOR, "size": -1}, "layers": 3}).count(";") == 2
    many = refusal({**IMAGE, "layers": [{}] * 1000})
    assert many.count("; ") == 10
    assert many.endswith("; and perhaps more")


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ({**IMAGE, "manifests": []}, OCI_MANIFEST),
        ({**INDEX, "layers": []}, OCI_INDEX),
        ({**INDEX, "config": DESCRIPTOR}, OCI_INDEX),
    ],
)
def test_one_document_is_not_two_things(document: dict[str, Any], kind: str) -> None:
    """CVE-2021-41190: which one it is must not depend on the Content-Type that it is served with."""
    assert "CVE-2021-41190" in refusal(document, kind)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"", "body: expected JSON, Expecting value"),
        (b"{", "body: expected JSON, "),
        (b"\xff\xfe", "body: expected JSON, 'utf-8' codec"),
        (b"\xef\xbb\xbf{}", "body: expected JSON, Unexpected UTF-8 BOM"),
        (b"[]", "body: expected a JSON object, got a list of 0"),
        (b"null", "body: expected a JSON object, got nothing"),
        (b'"text"', "body: expected a JSON object, got 'text'"),
        (b'{"a": NaN}', "body: expected JSON, got NaN"),
        (b'{"a": -Infinity}', "body: expected JSON, got -Infinity"),
        (b'{"a": 1, "b": 2, "a": 1}', "body: expected each member once, got 'a' more than once"),
        (b'{"x": {"a": 1, "a": 2}}', "body: expected each member once, got 'a' more than once"),
        (b'{"size": ' + b"9" * 5000 + b"}", "body: expected integers of at most 20 digits, got one of 5000"),
        (b'{"a":' * 100_000, "body: expected a manifest, got JSON nested too deeply"),
        (b"[" * 100_000 + b"]" * 100_000, "body: expected a manifest, got JSON nested too deeply"),
        (b'{"a": [' + b"{}," * 300_000 + b"0]}", "body: expected a manifest, got JSON of more than 300000 parts"),
    ],
)
def test_what_is_no_json_document_is_refused(sent: bytes, said: str) -> None:
    """Also what one parser would take, and another read otherwise."""
    assert refusal(sent).startswith(said)
    with pytest.raises(ManifestInvalid):
        parse_media_type(sent)


@pytest.mark.parametrize("kind", ["", "application/json", "application/vnd.docker.distribution.manifest.v1+prettyjws"])
def test_another_media_type_is_refused(kind: str) -> None:
    """With the ones that are taken; Docker's schema 1 is not among them any more."""
    assert all(known in refusal(IMAGE, kind) for known in MANIFEST_TYPES)


@pytest.mark.parametrize("kind", sorted(MANIFEST_TYPES))
def test_a_stored_body_says_its_type(kind: str) -> None:
    """The registry keeps no media types beside the bytes."""
    assert parse_media_type(body({"mediaType": kind})) == kind


def test_a_silent_body_is_told_by_its_members() -> None:
    """Only OCI lets it be silent."""
    assert parse_media_type(body({"schemaVersion": 2, "manifests": []})) == OCI_INDEX
    assert parse_media_type(body({"schemaVersion": 2, "config": {}, "layers": []})) == OCI_MANIFEST


@pytest.mark.parametrize("said", ["x/y", 5, [], {}])
def test_a_body_of_another_type_has_none(said: object) -> None:
    """What we cannot name we cannot serve."""
    with pytest.raises(ManifestInvalid, match="mediaType: expected one of"):
        parse_media_type(body({"mediaType": said}))


@pytest.mark.parametrize(
    "sent",
    [
        body({**IMAGE, "annotations": {str(number): "x" * 30 for number in range(80_000)}}),
        body({**IMAGE, "layers": [{}] * 1_000_000}),
        body({**IMAGE, "layers": [DESCRIPTOR] * 25_000}),
        b"{" + b",".join(b'"%d":0' % number for number in range(300_000)) + b',"0":0}',
        b'{"a":"' + b"\\ud800" * 600_000 + b'"}',
    ],
    ids=["annotations", "issues", "layers", "members", "surrogates"],
)
def test_four_megabytes_are_read_in_a_moment(sent: bytes) -> None:
    """No shape of the largest body that the API lets in makes the parser quadratic."""
    before = time.process_time()
    with suppress(ManifestInvalid):
        parse(sent, OCI_MANIFEST)
    assert time.process_time() - before < 5


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
digests = st.builds(
    Digest.of,
    st.binary(max_size=4),
    st.sampled_from(["sha256", "sha512"]),
)
platforms = st.builds(Platform, texts, texts, st.none() | texts.filter(bool))
descriptors = st.builds(
    Descriptor,
    texts.filter(bool),
    digests,
    st.integers(0, 2**63 - 1),
    platform=st.none() | platforms,
    annotations=st.dictionaries(texts, texts, max_size=3),
    artifact_type=st.none() | texts.filter(bool),
    urls=st.lists(texts, max_size=2).map(tuple),
)
common = {
    "subject": st.none() | descriptors,
    "artifact_type": st.none() | texts.filter(bool),
    "annotations": st.dictionaries(texts, texts, max_size=3),
}
lists = st.lists(descriptors, max_size=4).map(tuple)
images = st.builds(ImageManifest, st.sampled_from(sorted(IMAGE_TYPES)), descriptors, lists, **common)
indexes = st.builds(Index, st.sampled_from(sorted(INDEX_TYPES)), lists, **common)


def written(found: object) -> Any:
    """A value as a client would write it."""
    match found:
        case Descriptor():
            platform = found.platform and {
                "architecture": found.platform.architecture,
                "os": found.platform.os,
                "variant": found.platform.variant,
            }
            return {
                "mediaType": found.media_type,
                "digest": str(found.digest),
                "size": found.size,
                "platform": platform,
                "annotations": dict(found.annotations),
                "artifactType": found.artifact_type,
                "urls": list(found.urls),
            }
        case ImageManifest():
            own = {"config": written(found.config), "layers": [written(layer) for layer in found.layers]}
        case Index():
            own = {"manifests": [written(child) for child in found.children]}
        case _:
            return None
    return own | {
        "schemaVersion": 2,
        "mediaType": found.media_type,
        "subject": written(found.subject),
        "artifactType": found.artifact_type,
        "annotations": dict(found.annotations),
    }


@given(images | indexes)
def test_what_was_written_is_read(manifest: Manifest) -> None:
    """Any manifest comes back as the same value, and its body tells its type."""
    sent = body(written(manifest))
    assert parse(sent, manifest.media_type) == manifest
    assert parse_media_type(sent) == manifest.media_type


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(manifest=images | indexes, replacement=junk, data=st.data())
def test_any_member_may_be_junk(manifest: Manifest, replacement: object, data: st.DataObject) -> None:
    """A value or a refusal that says something, never another exception."""
    document = copy.deepcopy(written(manifest))
    place: Any = document
    while True:
        key = data.draw(st.sampled_from(list(place) if isinstance(place, dict) else list(range(len(place)))))
        if isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
            place = place[key]
            continue
        place[key] = replacement
        break
    read_or_refused(body(document), manifest.media_type)


@given(manifest=images | indexes, data=st.data(), bytes_=st.binary(max_size=4))
def test_any_byte_may_be_junk(manifest: Manifest, data: st.DataObject, bytes_: bytes) -> None:
    """Cut out, put in, written over."""
    sent = body(written(manifest))
    start = data.draw(st.integers(0, len(sent)))
    end = data.draw(st.integers(start, len(sent)))
    read_or_refused(sent[:start] + bytes_ + sent[end:], manifest.media_type)


def read_or_refused(sent: bytes, kind: str) -> None:
    """The parser's whole promise."""
    try:
        found = parse(sent, kind)
    except ManifestInvalid as exc:
        said = exc.detail
    else:
        assert found.media_type == parse_media_type(sent) or b'"mediaType"' not in sent
        assert json.dumps(written(found)).encode("ascii")
        return
    assert isinstance(said, str)
    assert said
    assert said.encode()
