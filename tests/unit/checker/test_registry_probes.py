"""The registry probes against a registry that listens: login, TLS by name, trees of every kind, bad answers."""

import datetime as dt
import ipaddress
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from checker.facts import Answer, BlobState, Content, NotObserved, Target, Unavailable
from checker.probes.connection import Connection, Credential
from checker.probes.registry import AnswerProbe, ContentProbe, TagsProbe
from labs.attempts import Endpoint
from pyregistry.spec.media_types import (
    DOCKER_CONFIG,
    DOCKER_MANIFEST,
    DOCKER_MANIFEST_LIST,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER_GZIP,
    OCI_MANIFEST,
)
from tests.fakes.registry import FakeRegistry

NAME = "lovelace/engine/app"
TARGET = Target(NAME, ("1.0", "1", "latest"))
LABELS = {"lab.registry.nonce": "n0nce"}


def put(registry: FakeRegistry, tag: str | None = "1.0", **more: Any) -> dict[str, Any]:
    """Place an image; returns its descriptor."""
    media_type, config_type = more.get("media_type", OCI_MANIFEST), more.get("config_type", OCI_CONFIG)
    config = json.dumps({"config": {"Labels": more.get("labels", LABELS)}, "n": more.get("n", 0)}).encode()
    layers = more.get("layers", (b"one", b"two"))
    manifest = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": descriptor(registry, config, config_type),
        "layers": [descriptor(registry, layer, OCI_LAYER_GZIP) for layer in layers],
    }
    body = json.dumps(manifest).encode()
    digest = registry.put_manifest(NAME, tag, media_type, body)
    return {"mediaType": media_type, "digest": digest, "size": len(body)}


def put_index(registry: FakeRegistry, *children: Mapping[str, Any], media_type: str = OCI_INDEX) -> str:
    """Place an index under 1.0."""
    body = json.dumps({"schemaVersion": 2, "mediaType": media_type, "manifests": children}).encode()
    return registry.put_manifest(NAME, "1.0", media_type, body)


def descriptor(registry: FakeRegistry, content: bytes, media_type: str) -> dict[str, Any]:
    """Place a blob; returns its descriptor."""
    return {"mediaType": media_type, "digest": registry.put_blob(NAME, content), "size": len(content)}


def connect(
    registry: FakeRegistry, name: str = "127.0.0.1", ca: Path | None = None, user: str = "labcheck"
) -> Connection:
    """A connection as the grader's."""
    url = f"{registry.scheme}://127.0.0.1:{registry.port}"
    endpoint = Endpoint(name, url, str(ca) if ca else None)
    return Connection(endpoint, lambda: Credential(user, "secret"))


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    """A registry that wants a bearer token."""
    with FakeRegistry("bearer", {"labcheck": "secret"}) as fake:
        yield fake


def content(registry: FakeRegistry) -> Content:
    """What lies under 1.0."""
    return ContentProbe(connect(registry), TARGET).read()


def reason(read: Callable[[], object]) -> str:
    """Why a source could not be read."""
    try:
        value = read()
    except NotObserved as caught:
        return caught.unavailable.reason
    assert isinstance(value, Unavailable)
    return value.reason


def test_the_registry_answers(registry: FakeRegistry) -> None:
    """A challenge at /v2/ is enough: the login shows its worth later."""
    assert AnswerProbe(connect(registry)).read() == Answer(401)


def test_something_else_that_answers_is_no_registry(registry: FakeRegistry) -> None:
    """A web page on the registry's port."""
    registry.faults.answers["GET /v2/"] = (404, "text/html", b"<html>")
    assert reason(AnswerProbe(connect(registry)).read) == "not-a-registry"


@pytest.mark.parametrize(("journal", "expected"), [("j", "not-answering"), (None, "unreachable")])
def test_a_registry_that_is_gone_does_not_answer(journal: str | None, expected: str) -> None:
    """Connection refused is told at once, with the address; only the lab's own can be started again."""
    with FakeRegistry() as gone:
        endpoint = replace(connect(gone).endpoint, journal=journal)
    with pytest.raises(NotObserved) as caught:
        AnswerProbe(Connection(endpoint, lambda: None)).read()
    assert caught.value.unavailable.reason == expected
    assert caught.value.unavailable.params["url"] == endpoint.url


def test_a_public_image_needs_no_login() -> None:
    """A bearer token for nobody in particular is enough."""
    with FakeRegistry("bearer", rights={None: {NAME: {"pull"}}}) as fake:
        digest = put(fake)["digest"]
        connection = Connection(connect(fake).endpoint, lambda: None)
        assert TagsProbe(connection, TARGET).read().resolved["1.0"] == digest


def test_without_a_login_the_way_out_is_named() -> None:
    """A private registry, and nobody logged in."""
    with FakeRegistry("basic", {"ada": "secret"}) as fake:
        put(fake)
        assert reason(ContentProbe(Connection(connect(fake).endpoint, lambda: None), TARGET).read) == "login-needed"


def test_tags_resolve_to_recomputed_digests(registry: FakeRegistry) -> None:
    """Each wanted tag by its own bytes; an absent one is None; all tags are listed."""
    first, second = put(registry), put(registry, "latest", n=1)
    tags = TagsProbe(connect(registry), TARGET).read()
    assert tags.resolved == {"1.0": first["digest"], "1": None, "latest": second["digest"]}
    assert set(tags.listed) >= {"1.0", "latest"}


def test_a_repository_that_does_not_exist_has_no_tags(registry: FakeRegistry) -> None:
    """The spec's own 404 is an answer."""
    assert set(TagsProbe(connect(registry), TARGET).read().resolved.values()) == {None}
    assert content(registry) == Content(None)


def test_every_byte_is_fetched_and_hashed(registry: FakeRegistry) -> None:
    """Config and layers are verified, the labels are the config's."""
    digest = put(registry)["digest"]
    root = content(registry).root
    assert root is not None
    assert (root.digest, root.labels) == (digest, LABELS)
    assert [(blob.role, blob.state) for blob in root.blobs] == [
        ("config", BlobState.VERIFIED), ("layer", BlobState.VERIFIED), ("layer", BlobState.VERIFIED)
    ]  # fmt: skip


def test_docker_types_are_images_too(registry: FakeRegistry) -> None:
    """Docker v2 schema 2, and its manifest list."""
    child = put(registry, None, media_type=DOCKER_MANIFEST, config_type=DOCKER_CONFIG)
    platform = {"os": "linux", "architecture": "arm64", "variant": "v8"}
    put_index(registry, {**child, "platform": platform}, media_type=DOCKER_MANIFEST_LIST)
    root = content(registry).root
    assert root is not None
    assert [(image.platform, image.labels) for image in root.images()] == [("linux/arm64/v8", LABELS)]


def test_attestations_are_no_platforms(registry: FakeRegistry) -> None:
    """Neither by their platform nor by their annotation; their blobs are read all the same."""
    child, note = put(registry, None), put(registry, None, n=1, layers=(b"statement",))
    mark = {"vnd.docker.reference.type": "attestation-manifest"}
    put_index(
        registry,
        {**child, "platform": {"os": "linux", "architecture": "amd64"}},
        {**note, "platform": {"os": "unknown", "architecture": "unknown"}, "annotations": mark},
    )
    root = content(registry).root
    assert root is not None
    assert [image.platform for image in root.images()] == ["linux/amd64"]
    assert len([blob for manifest in root.tree() for blob in manifest.blobs]) == 5


def test_what_is_missing_is_a_fact(registry: FakeRegistry) -> None:
    """A blob or a child that the registry says it does not have."""
    child = put(registry, None)
    put_index(registry, child, {**child, "digest": "sha256:" + "0" * 64})
    layer = next(digest for digest, body in registry.blobs[NAME].items() if body == b"one")
    del registry.blobs[NAME][layer]
    root = content(registry).root
    assert root is not None
    assert root.missing == ("sha256:" + "0" * 64,)
    assert [b.state for b in root.images()[0].blobs if b.digest == layer] == [BlobState.MISSING]


def test_a_wrong_size_is_a_fact(registry: FakeRegistry) -> None:
    """The bytes are right, the descriptor lies."""
    config = descriptor(registry, b"{}", OCI_CONFIG)
    layer = descriptor(registry, b"one", OCI_LAYER_GZIP) | {"size": 4}
    body = json.dumps({"mediaType": OCI_MANIFEST, "config": config, "layers": [layer]}).encode()
    registry.put_manifest(NAME, "1.0", OCI_MANIFEST, body)
    root = content(registry).root
    assert root is not None
    assert root.blobs[1].state is BlobState.WRONG_SIZE


def test_foreign_layers_are_not_asked_for(registry: FakeRegistry) -> None:
    """A descriptor with URLs is not this registry's to hold."""
    config = descriptor(registry, b"{}", OCI_CONFIG)
    layer = {"mediaType": OCI_LAYER_GZIP, "digest": "sha256:" + "0" * 64, "size": 4, "urls": ["https://x/y"]}
    body = json.dumps({"mediaType": OCI_MANIFEST, "config": config, "layers": [layer]}).encode()
    registry.put_manifest(NAME, "1.0", OCI_MANIFEST, body)
    root = content(registry).root
    assert root is not None
    assert root.blobs[1].state is BlobState.FOREIGN


MANIFEST = f"GET /v2/{NAME}/manifests/1.0"
BAD_ANSWERS = {
    "no JSON": (200, OCI_MANIFEST, b"<html>"),
    "another JSON": (200, OCI_MANIFEST, b"[]"),
    "nothing": (200, OCI_MANIFEST, b""),
    "no config": (200, OCI_MANIFEST, b'{"layers": []}'),
    "no layers": (200, OCI_MANIFEST, b'{"config": {"digest": "sha256:00", "size": 2}}'),
    "no digest": (200, OCI_MANIFEST, b'{"config": {"size": 2}, "layers": []}'),
    "children that are none": (200, OCI_INDEX, b'{"manifests": [1]}'),
    "a 404 that is not the spec's": (404, "text/html", b"<html>"),
    "an empty 404": (404, "text/plain", b""),
    "a fault of its own": (500, "application/json", b"{}"),
    "a refusal": (403, "application/json", b'{"errors": [{"code": "DENIED"}]}'),
    "too many requests": (429, "application/json", b"{}"),
    "a teapot": (418, "text/plain", b"short and stout"),
    "a redirect to nowhere": (302, "text/plain", b""),
}


@pytest.mark.parametrize("answer", BAD_ANSWERS)
def test_a_bad_manifest_is_not_observed(registry: FakeRegistry, answer: str) -> None:
    """Never an absent image, never a present one."""
    put(registry)
    registry.faults.answers[MANIFEST] = BAD_ANSWERS[answer]
    with pytest.raises(NotObserved):
        content(registry)


def test_a_garbled_blob_is_not_observed(registry: FakeRegistry) -> None:
    """Bytes that no client can have pushed: the store's fault or the wire's, not the student's."""
    put(registry)
    registry.faults.blob_garbled = 1
    assert reason(lambda: content(registry)) == "digest-differs"


def test_an_interrupted_blob_is_not_observed(registry: FakeRegistry) -> None:
    """The connection breaks in the middle."""
    put(registry, layers=(b"x" * 100_000,))
    registry.faults.blob_breaks_after = 10
    assert reason(lambda: content(registry)) == "interrupted"


def test_an_empty_blob_is_not_observed(registry: FakeRegistry) -> None:
    """An answer without a body where there must be one."""
    layer = put(registry)
    digest = next(digest for digest, body in registry.blobs[NAME].items() if body == b"one")
    registry.faults.answers[f"GET /v2/{NAME}/blobs/{digest}"] = (200, "application/octet-stream", b"")
    assert layer
    assert reason(lambda: content(registry)) == "empty"


def test_a_child_with_other_bytes_is_not_observed(registry: FakeRegistry) -> None:
    """What is asked for by digest must have it."""
    child = put(registry, None)
    put_index(registry, child)
    registry.manifests[NAME][child["digest"]] = (OCI_MANIFEST, b"{}")
    assert reason(lambda: content(registry)) == "digest-differs"


@pytest.mark.parametrize("refusal", [(403, b"{}"), (500, b""), (200, b""), (200, b"{}"), (200, b'{"token": 1}')])
def test_a_token_endpoint_that_fails_is_not_observed(registry: FakeRegistry, refusal: tuple[int, bytes]) -> None:
    """The grader that is not let in has seen nothing."""
    put(registry)
    registry.faults.token_refusal = refusal
    with pytest.raises(NotObserved):
        content(registry)


def test_a_wrong_password_is_not_observed(registry: FakeRegistry) -> None:
    """Likewise."""
    put(registry)
    assert reason(ContentProbe(connect(registry, user="nobody"), TARGET).read) == "grader-refused"


def test_basic_authentication_works_too() -> None:
    """A private registry without a token server."""
    with FakeRegistry("basic", {"labcheck": "secret"}) as fake:
        digest = put(fake)["digest"]
        assert TagsProbe(connect(fake), TARGET).read().resolved["1.0"] == digest


def test_the_login_stays_behind_when_a_blob_lies_elsewhere(registry: FakeRegistry) -> None:
    """Hosted registries redirect to a store of theirs, which must never see the token."""
    with FakeRegistry() as elsewhere:
        put(registry)
        put(elsewhere)
        registry.faults.redirects_blobs_to = f"http://127.0.0.1:{elsewhere.port}"
        root = content(registry).root
        assert root is not None
        assert {blob.state for blob in root.blobs} == {BlobState.VERIFIED}
        assert elsewhere.requests
        assert all("Authorization" not in seen.headers for seen in elsewhere.requests)


def certificate(folder: Path, name: str) -> tuple[Path, tuple[str, str]]:
    """A CA, and a certificate of its own for ``name``: the CA's file, then chain and key."""
    now = dt.datetime.now(dt.UTC)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    subjects = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in ("test CA", name)]
    authority, leaf = (
        x509.CertificateBuilder()
        .subject_name(subjects[number])
        .issuer_name(subjects[0])
        .public_key(keys[number].public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=number == 0, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("192.0.2.1"))]),
            critical=False,
        )
        .sign(keys[0], hashes.SHA256())
        for number in range(2)
    )
    for file, data in (("ca.crt", authority), ("leaf.crt", leaf)):
        (folder / file).write_bytes(data.public_bytes(serialization.Encoding.PEM))
    key = keys[1].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "leaf.key").write_bytes(key)
    return folder / "ca.crt", (str(folder / "leaf.crt"), str(folder / "leaf.key"))


def test_tls_is_proved_for_the_registrys_name(tmp_path: Path) -> None:
    """It listens on 127.0.0.1, and must be ``ghcr.io`` all the same; the realm leads back to it."""
    ca, leaf = certificate(tmp_path, "ghcr.io")
    with FakeRegistry("bearer", {"labcheck": "secret"}, tls=leaf) as fake:
        digest = put(fake)["digest"]
        connection = connect(fake, "ghcr.io", ca)
        assert TagsProbe(connection, TARGET).read().resolved["1.0"] == digest
        assert {seen.headers["Host"] for seen in fake.requests} == {"ghcr.io"}
        assert reason(AnswerProbe(connect(fake, "docker.io", ca)).read) == "tls"


def test_an_unknown_ca_is_not_believed(tmp_path: Path) -> None:
    """The name alone proves nothing."""
    _, leaf = certificate(tmp_path, "ghcr.io")
    (tmp_path / "other").mkdir()
    other, _ = certificate(tmp_path / "other", "ghcr.io")
    with FakeRegistry(tls=leaf) as fake:
        assert reason(AnswerProbe(connect(fake, "ghcr.io", other)).read) == "tls"
