"""``cosign attest``: something is said of an image, in a signed envelope."""

from collections.abc import Iterable
from datetime import UTC, datetime

from labs.engine.commands.console import CommandFailed
from labs.signing.attachment import DSSE_ENVELOPE, PREDICATE_KEY, SIGNATURE_KEY, Kind
from labs.signing.commands import services
from labs.signing.commands.desk import Desk, Image, failing, read_file
from labs.signing.commands.keys import require_key
from labs.signing.commands.signing import push_bundle, seal, signer
from labs.signing.commands.words import Refused
from labs.signing.keys import PrivateKey
from labs.signing.statement import Statement, StatementInvalid, parse_type
from labs.signing.statement import attest as state
from pyregistry.spec.descriptor import Descriptor
from pyregistry.spec.digest import Digest


def attest(desk: Desk) -> None:
    """Attest a predicate of one image."""
    typed = desk.options.arguments[0]
    require_key(desk)
    services.require_none_to_sign(desk)
    try:
        _attest(desk, typed)
    except Refused:
        raise
    except CommandFailed as exc:
        raise CommandFailed(f"signing {typed}: {exc}", exc.code) from exc


def _attest(desk: Desk, typed: str) -> None:
    kind = desk.options.text("type") or "custom"
    try:
        parse_type(kind)
    except StatementInvalid as exc:
        raise CommandFailed(str(exc)) from exc
    path = desk.options.text("predicate")
    if not path:
        raise CommandFailed("predicate cannot be empty")
    image = desk.image(typed)
    desk.warn_of_tag(image, typed)
    with failing(""):
        subject = image.resolve()
    key = signer(desk)
    desk.console.warn(f"Using payload from: {path}")
    content = read_file(path, "getting predicate reader: ")
    try:
        statement = state(image.repository, subject.digest, kind, content, datetime.now(UTC))
    except StatementInvalid as exc:
        raise CommandFailed(str(exc)) from exc
    _hand_over(desk, image, subject, statement, key)


def _hand_over(desk: Desk, image: Image, subject: Descriptor, statement: Statement, key: PrivateKey) -> None:
    if desk.options.on("no-upload"):
        desk.console.say(seal(key, statement).format().decode())
        return
    with failing(""):
        if services.wants_bundle(desk.options):
            push_bundle(key, image, subject, statement)
        else:
            _push_layer(desk, image, subject.digest, statement, key)


def _push_layer(desk: Desk, image: Image, digest: Digest, statement: Statement, key: PrivateKey) -> None:
    content = seal(key, statement).format()
    annotations = {SIGNATURE_KEY: "", PREDICATE_KEY: statement.predicate_type}
    layer = Descriptor(DSSE_ENVELOPE, Digest.of(content), len(content), annotations=annotations)
    there = image.remote.layers(digest, Kind.ATTESTATION)
    kept = _others(there, statement.predicate_type) if desk.options.on("replace") else there
    image.remote.push_layers(digest, Kind.ATTESTATION, [*kept, layer], content)


def _others(layers: Iterable[Descriptor], predicate_type: str) -> list[Descriptor]:
    """Attestations of other types, as far as their layers say it."""
    return [layer for layer in layers if layer.annotations.get(PREDICATE_KEY) != predicate_type]
