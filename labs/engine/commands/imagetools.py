"""``docker buildx imagetools inspect``: what the registry has under a name, an index with all that it lists."""

from collections.abc import Iterator, Sequence

from labs.engine.commands.console import CommandFailed
from labs.engine.commands.flags import Options
from labs.engine.commands.machine import Machine
from labs.engine.documents import DocumentInvalid, parse_index
from labs.engine.reference import InvalidReference, Reference
from labs.engine.transport.faults import Refusal, RequestFailed, TransportError
from labs.engine.transport.pull import RemoteManifest, fetch_manifest
from pyregistry.spec.descriptor import Descriptor
from pyregistry.spec.errors import ErrorCode
from pyregistry.spec.media_types import INDEX_TYPES

_UNKNOWN = frozenset({ErrorCode.MANIFEST_UNKNOWN, ErrorCode.NAME_UNKNOWN})
_Rows = list[tuple[str, str]]


def inspect(machine: Machine, options: Options) -> None:
    """Print it as buildx does, or with ``--raw`` as it came."""
    try:
        reference = Reference.parse(options.arguments[0])
        manifest = _fetch(machine, reference)
        lines = [*_describe(reference, manifest)]
    except (InvalidReference, DocumentInvalid) as exc:
        raise CommandFailed(f"ERROR: {exc}") from exc
    if options.on("raw"):
        machine.console.output.write(manifest.content.decode(errors="replace"))
        return
    for line in lines:
        machine.console.say(line)


def _fetch(machine: Machine, reference: Reference) -> RemoteManifest:
    """Raises CommandFailed, in buildx's words."""
    try:
        return fetch_manifest(
            machine.registry(reference.domain), reference.path, str(reference.digest or reference.tag)
        )
    except Refusal as exc:
        fault = f"{reference}: not found" if exc.code in _UNKNOWN else str(exc)
        raise CommandFailed(f"ERROR: {fault}") from exc
    except RequestFailed as exc:
        refused = isinstance(exc.cause, TransportError)
        raise CommandFailed(f"ERROR: {exc}" if refused else f"ERROR: failed to do request: {exc}") from exc
    except TransportError as exc:
        raise CommandFailed(f"ERROR: {exc}") from exc


def _describe(reference: Reference, manifest: RemoteManifest) -> Iterator[str]:
    """The lines, in the columns of buildx's util/imagetools/printers.go: each block has a width of its own."""
    descriptor = manifest.descriptor
    yield from _aligned(
        [("Name:", str(reference)), ("MediaType:", descriptor.media_type), ("Digest:", str(descriptor.digest))]
    )
    if descriptor.media_type in INDEX_TYPES:
        yield from _aligned([("", ""), ("Manifests:", "")])
        yield from _describe_children(reference, parse_index(manifest.content))


def _describe_children(reference: Reference, children: Sequence[Descriptor]) -> Iterator[str]:
    """A block ends at annotations, and at the end."""
    block: _Rows = []
    for number, child in enumerate(children):
        block += [("", "")] if number else []
        block += [("  Name:", f"{reference}@{child.digest}"), ("  MediaType:", child.media_type)]
        if child.platform is None:
            continue
        block.append(("  Platform:", str(child.platform)))
        if child.annotations:
            yield from _aligned([*block, ("  Annotations:", "")])
            yield from _aligned([(f"    {name}:", value) for name, value in sorted(child.annotations.items())])
            block = []
    yield from _aligned(block)


def _aligned(rows: _Rows) -> list[str]:
    width = max((len(label) for label, _ in rows), default=0) + 1
    return [f"{label:{width}}{value}" for label, value in rows]
