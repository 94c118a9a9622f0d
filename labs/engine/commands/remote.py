"""``docker manifest inspect``: a manifest as the registry has it."""

import base64
import json
from typing import Any

from labs.engine.commands.console import CommandFailed
from labs.engine.commands.flags import Options
from labs.engine.commands.machine import Machine
from labs.engine.documents import format_descriptor, parse_index, parse_json, parse_manifest
from labs.engine.reference import InvalidReference, Reference
from labs.engine.transport.client import Registry
from labs.engine.transport.faults import Refusal, RequestFailed, TransportError
from labs.engine.transport.pull import RemoteManifest, fetch_manifest
from pyregistry.spec.errors import ErrorCode
from pyregistry.spec.media_types import DOCKER_MANIFEST, INDEX_TYPES

_DESCRIPTOR_ORDER = ("mediaType", "size", "digest")


def inspect_manifest(machine: Machine, options: Options) -> None:
    """Print a manifest or index; with ``--verbose`` each image with its platform."""
    typed = options.arguments[-1]
    try:
        reference = Reference.parse(typed)
    except InvalidReference as exc:
        raise CommandFailed(str(exc)) from exc
    registry = machine.registry(reference.domain)
    try:
        manifest = fetch_manifest(registry, reference.path, str(reference.digest or reference.tag))
        document: object = parse_json(manifest.content)
        if options.on("verbose"):
            document = _verbose(registry, reference, manifest)
    except Refusal as exc:
        unknown = exc.code in {ErrorCode.MANIFEST_UNKNOWN, ErrorCode.NAME_UNKNOWN}
        raise CommandFailed(f"no such manifest: {reference.familiar()}" if unknown else str(exc)) from exc
    except RequestFailed as exc:
        raise CommandFailed(_ping_fault(exc)) from exc
    except TransportError as exc:
        raise CommandFailed(str(exc)) from exc
    machine.console.say(json.dumps(_ordered(document), indent="\t", ensure_ascii=False))


def _ping_fault(fault: RequestFailed) -> str:
    """Docker says at which step it failed when the registry is not reached at all."""
    refused = isinstance(fault.cause, TransportError)
    return str(fault) if refused else f"failed to configure transport: error pinging v2 registry: {fault}"


def _verbose(registry: Registry, reference: Reference, manifest: RemoteManifest) -> object:
    if manifest.descriptor.media_type not in INDEX_TYPES:
        return _detail(registry, reference, reference.familiar(), manifest)
    return [
        _detail(
            registry,
            reference,
            f"{reference.familiar_repository}@{child.digest}",
            fetch_manifest(registry, reference.path, str(child.digest)),
            format_descriptor(child).get("platform"),
        )
        for child in parse_index(manifest.content)
    ]


def _detail(
    registry: Registry, reference: Reference, name: str, manifest: RemoteManifest, platform: object = None
) -> dict[str, Any]:
    key = "SchemaV2Manifest" if manifest.descriptor.media_type == DOCKER_MANIFEST else "OCIManifest"
    descriptor = format_descriptor(manifest.descriptor)
    return {
        "Ref": name,
        "Descriptor": descriptor | {"platform": platform or _platform(registry, reference, manifest)},
        "Raw": base64.b64encode(manifest.content).decode(),
        key: parse_json(manifest.content),
    }


def _platform(registry: Registry, reference: Reference, manifest: RemoteManifest) -> dict[str, str]:
    """An image alone does not say its platform; its config does."""
    config = parse_manifest(manifest.content).config
    answer = registry.request("GET", f"/v2/{reference.path}/blobs/{config.digest}", repository=reference.path)
    document = parse_json(registry.read(answer))
    return {key: str(document[key]) for key in ("architecture", "os", "variant") if document.get(key)}


def _ordered(value: object) -> object:
    """Descriptors with Docker's order of fields."""
    if isinstance(value, list):
        return [_ordered(item) for item in value]
    if not isinstance(value, dict):
        return value
    first = [key for key in _DESCRIPTOR_ORDER if key in value] if "digest" in value else []
    return {key: _ordered(value[key]) for key in (*first, *(key for key in value if key not in first))}
