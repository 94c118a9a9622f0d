"""Probes that look into an image: keys inside its layers, and signatures beside it, in a registry that listens."""

import gzip
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from checker.facts import Journal, Layers, NotObserved, Signature, Signatures, Target, Unavailable
from checker.probes import layers
from checker.probes.connection import Connection
from checker.probes.layers import LayersProbe
from checker.probes.signature import SignatureProbe
from labs.attempts import Endpoint
from labs.gojson import format_bytes
from labs.signing.attachment import (
    EMPTY_CONFIG,
    SIGNATURE_KEY,
    SIMPLE_SIGNING,
    Kind,
    fallback_tag,
    format_config,
    format_index,
    format_manifest,
    format_referrer,
    tag,
)
from labs.signing.bundle import BUNDLE, Bundle
from labs.signing.envelope import IN_TOTO, Envelope, authenticated
from labs.signing.keys import PrivateKey
from labs.signing.simplesigning import SimpleSigning
from labs.signing.statement import SIGNATURE, sign
from pyregistry.spec.descriptor import Descriptor
from pyregistry.spec.digest import Digest
from pyregistry.spec.media_types import OCI_CONFIG, OCI_INDEX, OCI_LAYER_GZIP, OCI_MANIFEST
from tests.fakes.registry import FakeRegistry
from tests.unit.checker.exercise import START, Diary, Pat

NAME = "lovelace/engine/app"
TARGET = Target(NAME, ("1.0",))
HERE = f"registry.example.com/{NAME}"
ADA = Pat("p")


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    """A registry that lets everybody in."""
    with FakeRegistry() as fake:
        yield fake


def connect(registry: FakeRegistry) -> Connection:
    """The grader's way in."""
    return Connection(Endpoint("127.0.0.1", f"http://127.0.0.1:{registry.port}"), lambda: None)


def put_image(registry: FakeRegistry, *contents: bytes, name: str | None = "1.0", **more: Any) -> str:
    """Place an image with these layers; returns its digest."""
    config = json.dumps({"config": more}).encode()
    rows = [
        {"mediaType": kind, "digest": registry.put_blob(NAME, content), "size": len(content)}
        for kind, content in ((OCI_CONFIG, config), *((OCI_LAYER_GZIP, content) for content in contents))
    ]
    body = json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": rows[0], "layers": rows[1:]}).encode()
    return registry.put_manifest(NAME, name, OCI_MANIFEST, body)


def reason(read: Callable[[], object]) -> str:
    """Why nothing was observed."""
    try:
        value = read()
    except NotObserved as caught:
        return caught.unavailable.reason
    assert isinstance(value, Unavailable)
    return value.reason


# --- layers


def archive(**files: bytes) -> bytes:
    """A layer with these files; underscores stand for dots."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name.replace("_", "."))
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return raw.getvalue()


def pem(**more: Any) -> bytes:
    """A private key in PEM."""
    form = more.get("form", serialization.PrivateFormat.PKCS8)
    encoding = more.get("encoding", serialization.Encoding.PEM)
    kept = more.get("kept", serialization.NoEncryption())
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(encoding, form, kept)


def look(registry: FakeRegistry) -> Layers:
    """What lies in the image."""
    found = LayersProbe(connect(registry), TARGET).read()
    assert isinstance(found, Layers)
    return found


@pytest.mark.parametrize(
    "key",
    [
        pem,
        lambda: pem(form=serialization.PrivateFormat.TraditionalOpenSSL),
        lambda: pem(form=serialization.PrivateFormat.OpenSSH),
        lambda: pem(kept=serialization.BestAvailableEncryption(b"x")),
        lambda: pem(
            form=serialization.PrivateFormat.TraditionalOpenSSL, kept=serialization.BestAvailableEncryption(b"x")
        ),
        lambda: pem(encoding=serialization.Encoding.DER),
        lambda: pem(encoding=serialization.Encoding.DER, kept=serialization.BestAvailableEncryption(b"x")),
        lambda: PrivateKey.generate().format(b"secret"),
        lambda: b"certificate and key in one\n" + pem(),
    ],
    ids=["pkcs8", "sec1", "openssh", "encrypted", "encrypted-older", "der", "der-encrypted", "cosign", "within"],
)
def test_a_private_key_in_a_layer_is_found(registry: FakeRegistry, key: Callable[[], bytes]) -> None:
    """Whatever it is called and however it is kept; the layer and the path are named, nothing of the key."""
    content = key()
    put_image(registry, gzip.compress(archive(readme=b"nothing")), gzip.compress(archive(innocent_txt=content)))
    found = look(registry)
    assert [path for _, path in found.private_keys] == ["/innocent.txt"]
    assert found.private_keys[0][0].startswith("sha256:")
    assert content[-60:].decode("latin-1") not in repr(found)


@pytest.mark.parametrize(
    "content",
    [
        b"-----BEGIN PRIVATE KEY----- is how it begins\n-----END PRIVATE KEY-----",
        b"-----BEGIN PUBLIC KEY-----\n" + b"A" * 80 + b"\n-----END PUBLIC KEY-----",
        b"-----BEGIN RSA PRIVATE KEY-----\0\0" + b"A" * 80 + b"\0-----END RSA PRIVATE KEY-----",
        b"\x30\x82\x01\x00" + b"x" * 100,
    ],
)
def test_what_only_looks_like_a_key_is_none(registry: FakeRegistry, content: bytes) -> None:
    """A program that knows keys, a public one, noise in DER."""
    put_image(registry, archive(file=content))
    assert look(registry).private_keys == ()


def test_layers_are_read_packed_plain_and_in_several_pieces(registry: FakeRegistry) -> None:
    """gzip, tar, and gzip of two members, one behind the other; the largest is told as pushed."""
    raw = archive(key=pem())
    split = gzip.compress(raw[:1000]) + gzip.compress(raw[1000:])
    large = bytes(range(256)) * 8000
    put_image(registry, raw, gzip.compress(raw), split, archive(large=large))
    found = look(registry)
    assert len(found.private_keys) == 3
    assert found.largest == len(archive(large=large))


def test_every_image_of_an_index_is_looked_at(registry: FakeRegistry) -> None:
    """Its attestations are none."""
    images = [put_image(registry, archive(key=pem()), name=None), put_image(registry, b"{}", name=None, n=1)]
    rows = [{"mediaType": OCI_MANIFEST, "digest": digest, "size": 1} for digest in images]
    rows[1]["annotations"] = {"vnd.docker.reference.type": "attestation-manifest"}
    registry.put_manifest(NAME, "1.0", OCI_INDEX, json.dumps({"schemaVersion": 2, "manifests": rows}).encode())
    assert len(look(registry).private_keys) == 1


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"no archive at all" * 100, "garbage"),
        (b"", "garbage"),
        (gzip.compress(b"no archive" * 100), "garbage"),
        (gzip.compress(archive(key=pem()))[:60], "garbage"),
        (b"\x28\xb5\x2f\xfd" + b"x" * 100, "layer-zstd"),
    ],
    ids=["noise", "empty", "packed-noise", "cut", "zstd"],
)
def test_a_layer_that_cannot_be_looked_into_is_not_observed(
    registry: FakeRegistry, content: bytes, expected: str
) -> None:
    """Never "no keys"."""
    put_image(registry, content)
    assert reason(LayersProbe(connect(registry), TARGET).read) == expected


def test_a_layer_that_explodes_is_not_read_to_its_end(registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Megabytes of nothing in a few kilobytes."""
    monkeypatch.setattr(layers, "LAYER_MAX_BYTES", 1 << 20)
    put_image(registry, gzip.compress(archive(bomb=bytes(8 << 20))))
    assert reason(LayersProbe(connect(registry), TARGET).read) == "too-large"


def test_a_layer_with_other_bytes_is_not_observed(registry: FakeRegistry) -> None:
    """What came is not what the manifest names: the fault is the store's or the wire's."""
    put_image(registry, archive(readme=b"nothing"))
    registry.faults.blob_garbled = 1
    assert reason(LayersProbe(connect(registry), TARGET).read) in {"digest-differs", "garbage"}
    archived = archive(readme=b"nothing") + b"\0" * 512
    digest = put_image(registry, archived)
    blob = json.loads(registry.manifests[NAME][digest][1])["layers"][0]["digest"]
    registry.blobs[NAME][blob] = archived[:-1] + b"\1"
    assert reason(LayersProbe(connect(registry), TARGET).read) == "digest-differs"


def test_what_is_not_there_is_not_observed(registry: FakeRegistry) -> None:
    """No tag, or a layer that the registry lost."""
    assert reason(LayersProbe(connect(registry), TARGET).read) == "tag-absent"
    put_image(registry, archive(readme=b"nothing"))
    registry.blobs[NAME].clear()
    assert reason(LayersProbe(connect(registry), TARGET).read) == "layer-missing"


# --- signatures


def register(work: Path, key: PrivateKey, name: str = "cosign.pub") -> None:
    """Put a public key into the student's folder."""
    (work / name).parent.mkdir(parents=True, exist_ok=True)
    (work / name).write_bytes(key.public.format())


def sign_by_tag(registry: FakeRegistry, image: str, key: PrivateKey, **more: Any) -> None:
    """As cosign 2 does; ``of`` and ``repository`` are what is signed, by default the truth."""
    payload = SimpleSigning(more.get("repository", HERE), more.get("of", image)).format()
    layer = Descriptor(
        SIMPLE_SIGNING,
        Digest.of(payload),
        len(payload),
        annotations={SIGNATURE_KEY: format_bytes(key.sign(payload))},
    )
    registry.put_blob(NAME, payload)
    registry.put_blob(NAME, format_config([layer]))
    under = tag(Digest.parse(image), Kind.SIGNATURE)
    registry.put_manifest(NAME, under, OCI_MANIFEST, format_manifest([layer]))


def sign_by_bundle(
    registry: FakeRegistry, image: str, key: PrivateKey, *, api: bool, of: str | None = None, predicate: str = SIGNATURE
) -> None:
    """As cosign 3 does: found by the referrers API, or by the fallback tag."""
    digest = Digest.parse(image)
    payload = replace(sign(Digest.parse(of or image), {}), predicate_type=predicate).format()
    signature = key.sign(authenticated(IN_TOTO, payload))
    content = Bundle(Envelope(payload, (signature,), IN_TOTO), key.public.hint).format()
    registry.put_blob(NAME, content)
    registry.put_blob(NAME, EMPTY_CONFIG)
    subject = Descriptor(OCI_MANIFEST, digest, len(registry.manifests[NAME][image][1]))
    body = format_referrer(subject, Descriptor(BUNDLE, Digest.of(content), len(content)), SIGNATURE, START)
    named = registry.put_manifest(NAME, None, OCI_MANIFEST, body)
    index = format_index([Descriptor(OCI_MANIFEST, Digest.parse(named), len(body), artifact_type=BUNDLE)])
    if api:
        registry.faults.answers[f"GET /v2/{NAME}/referrers/{image}"] = (200, OCI_INDEX, index)
    else:
        registry.put_manifest(NAME, fallback_tag(digest), OCI_INDEX, index)


def prove(registry: FakeRegistry, work: Path, journal: Journal | Unavailable | None = None) -> Signatures:
    """What the probe says."""
    known = journal or Unavailable("no-journal")
    return SignatureProbe(connect(registry), TARGET, work, lambda: known).read()


def test_a_signature_by_tag_is_proved(registry: FakeRegistry, tmp_path: Path) -> None:
    """With the registered key; what it names is told."""
    key, image = PrivateKey.generate(), put_image(registry, b"layer")
    register(tmp_path, key)
    sign_by_tag(registry, image, key)
    found = prove(registry, tmp_path)
    assert found.current == (Signature("tag", image, verified=True, signed=image, repository=HERE),)
    assert found.digest == image
    assert len(found.key or "") == 64
    assert (found.earlier, found.verified_by) == ((), ())


@pytest.mark.parametrize("api", [True, False])
def test_a_bundle_is_proved(registry: FakeRegistry, tmp_path: Path, api: bool) -> None:  # noqa: FBT001  a row
    """By the referrers API, and by the fallback tag where the registry has none."""
    key, image = PrivateKey.generate(), put_image(registry, b"layer")
    register(tmp_path, key)
    sign_by_bundle(registry, image, key, api=api)
    assert prove(registry, tmp_path).current == (Signature("bundle", image, verified=True, signed=image),)


def test_nothing_signed_is_nothing(registry: FakeRegistry, tmp_path: Path) -> None:
    """An image alone; no image at all; no key."""
    register(tmp_path, PrivateKey.generate())
    assert prove(registry, tmp_path).digest is None
    image = put_image(registry, b"layer")
    assert prove(registry, tmp_path).current == ()
    (tmp_path / "cosign.pub").unlink()
    sign_by_tag(registry, image, PrivateKey.generate())
    found = prove(registry, tmp_path)
    assert found.key is None
    assert [each.verified for each in found.current] == [False]


@pytest.mark.parametrize("form", ["tag", "bundle"])
def test_another_key_proves_nothing(registry: FakeRegistry, tmp_path: Path, form: str) -> None:
    """The step says so; which other key of the student's it was, too."""
    other, image = PrivateKey.generate(), put_image(registry, b"layer")
    register(tmp_path, PrivateKey.generate())
    register(tmp_path, other, "old/cosign.pub")
    (tmp_path / "ssh.pub").write_text("ssh-ed25519 AAAA ada@here", encoding="utf-8")
    if form == "tag":
        sign_by_tag(registry, image, other)
    else:
        sign_by_bundle(registry, image, other, api=False)
    found = prove(registry, tmp_path)
    assert [(each.verified, each.step, each.signed) for each in found.current] == [(False, "signature", image)]
    assert found.verified_by == (str(tmp_path / "old" / "cosign.pub"),)


@pytest.mark.parametrize("form", ["tag", "bundle"])
def test_a_signature_of_another_image_proves_nothing(registry: FakeRegistry, tmp_path: Path, form: str) -> None:
    """Copied from another repository: the right key, another digest."""
    key, image = PrivateKey.generate(), put_image(registry, b"layer")
    register(tmp_path, key)
    foreign = f"sha256:{'f' * 64}"
    if form == "tag":
        sign_by_tag(registry, image, key, of=foreign, repository="registry.example.com/other/app")
    else:
        sign_by_bundle(registry, image, key, api=False, of=foreign)
    (found,) = prove(registry, tmp_path).current
    assert (found.verified, found.step, found.signed) == (False, "digest", foreign)
    assert found.repository == ("registry.example.com/other/app" if form == "tag" else None)


def test_signatures_of_what_the_tag_was_before_are_told(registry: FakeRegistry, tmp_path: Path) -> None:
    """The tag moved after signing; the journal knows from where. What was pushed elsewhere is no past of its."""
    key = PrivateKey.generate()
    register(tmp_path, key)
    before = put_image(registry, b"before")
    elsewhere = put_image(registry, b"elsewhere", name="2.0")
    for image in (before, elsewhere):
        sign_by_tag(registry, image, key)
    now = put_image(registry, b"now")
    diary = Diary()
    diary.put(ADA, "1.0", before, NAME).put(ADA, "2.0", elsewhere, NAME).put(ADA, "1.0", now, NAME)
    sign_by_tag(registry, now, PrivateKey.generate())
    found = prove(registry, tmp_path, diary.journal())
    assert [each.verified for each in found.current] == [False]
    assert found.earlier == (Signature("tag", before, verified=True, signed=before, repository=HERE),)
    assert prove(registry, tmp_path).earlier == ()


def test_attestations_and_other_referrers_are_no_signatures(registry: FakeRegistry, tmp_path: Path) -> None:
    """Nor do they hide one; a referrer that is gone does not either."""
    key, image = PrivateKey.generate(), put_image(registry, b"layer")
    register(tmp_path, key)
    sign_by_tag(registry, image, key)
    other = put_image(registry, b"an SBOM", name=None)
    rows = [Descriptor(OCI_MANIFEST, Digest.parse(name), 1) for name in (other, f"sha256:{'e' * 64}")]
    registry.put_manifest(NAME, fallback_tag(Digest.parse(image)), OCI_INDEX, format_index(rows))
    assert [each.verified for each in prove(registry, tmp_path).current] == [True]
    sign_by_bundle(registry, image, key, api=False, predicate="https://slsa.dev/provenance/v1")
    assert [each.form for each in prove(registry, tmp_path).current] == ["tag"]


def test_a_signature_whose_bytes_are_gone_fails_alone(registry: FakeRegistry, tmp_path: Path) -> None:
    """It is there, and proves nothing."""
    key, image = PrivateKey.generate(), put_image(registry, b"layer")
    register(tmp_path, key)
    sign_by_tag(registry, image, key)
    payload = SimpleSigning(HERE, image).format()
    del registry.blobs[NAME][str(Digest.of(payload))]
    (found,) = prove(registry, tmp_path).current
    assert (found.verified, found.step, found.signed) == (False, "content", None)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((500, "text/plain", b""), "server-error"),
        ((403, "application/json", b"{}"), "grader-refused"),
        ((200, OCI_INDEX, b"<html>"), "garbage"),
        ((200, OCI_INDEX, b""), "empty"),
        ((200, "text/html", b"<html>"), "garbage"),
    ],
)
def test_a_registry_that_does_not_tell_is_not_observed(
    registry: FakeRegistry, tmp_path: Path, answer: tuple[int, str, bytes], expected: str
) -> None:
    """Never "not signed"."""
    image = put_image(registry, b"layer")
    register(tmp_path, PrivateKey.generate())
    registry.faults.answers[f"GET /v2/{NAME}/referrers/{image}"] = answer
    with pytest.raises(NotObserved) as caught:
        prove(registry, tmp_path)
    assert caught.value.unavailable.reason == expected


def test_a_key_that_is_none_is_not_observed(registry: FakeRegistry, tmp_path: Path) -> None:
    """The file is named."""
    put_image(registry, b"layer")
    (tmp_path / "cosign.pub").write_text("no key", encoding="utf-8")
    with pytest.raises(NotObserved) as caught:
        prove(registry, tmp_path)
    assert caught.value.unavailable == Unavailable("garbage", {"source": "cosign.pub"})
