"""``cosign sign``: in cosign 2's form, a layer under a tag, or in cosign 3's, a bundle that refers to the image."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime

from labs.engine.commands.console import CommandFailed
from labs.gojson import format_bytes
from labs.signing.attachment import SIGNATURE_KEY, SIMPLE_SIGNING, Attached, Kind
from labs.signing.bundle import Bundle
from labs.signing.commands import services
from labs.signing.commands.desk import Desk, Image, failing
from labs.signing.commands.keys import private_key, require_key
from labs.signing.commands.words import Refused
from labs.signing.envelope import IN_TOTO, Envelope, authenticated
from labs.signing.keys import PrivateKey
from labs.signing.simplesigning import SimpleSigning
from labs.signing.statement import Statement
from labs.signing.statement import sign as state_signature
from labs.signing.verification import VerificationFailed, verify_signature
from pyregistry.spec.descriptor import Descriptor
from pyregistry.spec.digest import Digest


def sign(desk: Desk) -> None:
    """Sign images by what their names mean now."""
    require_key(desk)
    services.require_none_to_sign(desk)
    typed = desk.options.arguments
    try:
        key = signer(desk)
        annotations = read_annotations(desk)
        for name in typed:
            _sign_image(desk, name, key, annotations)
    except Refused:
        raise
    except CommandFailed as exc:
        raise CommandFailed(f"signing [{' '.join(typed)}]: {exc}", exc.code) from exc


def signer(desk: Desk) -> PrivateKey:
    """The key that signs. Raises CommandFailed."""
    try:
        return private_key(desk)
    except Refused:
        raise
    except CommandFailed as exc:
        raise CommandFailed(f"getting signer: {exc}") from exc


def read_annotations(desk: Desk) -> dict[str, str]:
    """``-a key=value``, repeated or separated by commas.

    Raises:
        CommandFailed: One is something else.
    """
    annotations = {}
    for pair in (pair for text in desk.options.list("annotations") for pair in text.split(",")):
        name, equals, value = pair.partition("=")
        if not equals or "=" in value:
            raise CommandFailed(f"getting annotations: unable to parse annotation: {pair}")
        annotations[name] = value
    return annotations


def seal(key: PrivateKey, statement: Statement) -> Envelope:
    """Sign a statement."""
    payload = statement.format()
    return Envelope(payload, (key.sign(authenticated(IN_TOTO, payload)),))


def push_bundle(key: PrivateKey, image: Image, subject: Descriptor, statement: Statement) -> None:
    """Sign a statement and refer it, as a bundle, to the image."""
    content = Bundle(seal(key, statement), key.public.hint).format()
    image.remote.push_bundle(subject, content, statement.predicate_type, datetime.now(UTC))


def _sign_image(desk: Desk, typed: str, key: PrivateKey, annotations: Mapping[str, str]) -> None:
    image = desk.image(typed)
    desk.warn_of_tag(image, typed)
    with failing("accessing entity: ", "entity not found in registry, error: "):
        top = image.resolve()
        below = list(_below(image, top.digest)) if desk.options.on("recursive") else []
    prefix = "signing digest: " if image.named and not below else "recursively signing: signing digest: "
    for subject in (top, *below):
        desk.console.warn(f"Pushing signature to: {image.repository}")
        with failing(prefix):
            _push(desk, image, subject, key, annotations)


def _below(image: Image, digest: Digest) -> list[Descriptor]:
    """Everything under an index, level by level, each content once."""
    found = {child.digest: child for child in image.remote.children(digest)}
    for child in list(found.values()):
        found |= {grandchild.digest: grandchild for grandchild in _below(image, child.digest)}
    return list(found.values())


def _push(desk: Desk, image: Image, subject: Descriptor, key: PrivateKey, annotations: Mapping[str, str]) -> None:
    if services.wants_bundle(desk.options):
        push_bundle(key, image, subject, state_signature(subject.digest, annotations))
    else:
        _push_layer(image, subject.digest, key, annotations)


def _is_said(there: Iterable[Attached], payload: Digest, image: Digest, key: PrivateKey) -> bool:
    """Whether this key has signed this very payload there already."""
    for one in there:
        with suppress(VerificationFailed):
            if one.descriptor.digest == payload and verify_signature(one, image, key.public, {}):
                return True
    return False


def _push_layer(image: Image, digest: Digest, key: PrivateKey, annotations: Mapping[str, str]) -> None:
    """Add a layer under the tag; what this key has said there already is not said again, as in cosign."""
    payload = SimpleSigning(image.repository, str(digest), annotations).format()
    payload_digest = Digest.of(payload)
    there = image.remote.fetch_tagged(digest, Kind.SIGNATURE)
    if _is_said(there, payload_digest, digest, key):
        return
    signature = {SIGNATURE_KEY: format_bytes(key.sign(payload))}
    layer = Descriptor(SIMPLE_SIGNING, payload_digest, len(payload), annotations=signature)
    layers = [*(one.descriptor for one in there), layer]
    image.remote.push_layers(digest, Kind.SIGNATURE, layers, payload)
