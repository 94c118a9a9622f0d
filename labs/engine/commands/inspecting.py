"""``docker inspect`` and ``docker image inspect``."""

import json
from typing import Any

from labs.engine.commands.console import USAGE_CODE, CommandFailed
from labs.engine.commands.flags import Options
from labs.engine.commands.images import find, template_fault
from labs.engine.commands.machine import Machine
from labs.engine.commands.template import Template, TemplateFailed, TemplateInvalid, to_json
from labs.engine.layout import ImageStore, PlatformMissing
from labs.engine.platforms import InvalidPlatform, host_platform, parse_platform
from labs.engine.reference import Reference
from pyregistry.spec.descriptor import Descriptor, Platform

TEMPLATE_CODE = 64
"""Docker's exit code for a template that cannot be read."""
_TYPES = (
    "config",
    "container",
    "image",
    "network",
    "node",
    "plugin",
    "secret",
    "service",
    "task",
    "volume",
)
_CONFIG_DEFAULTS: dict[str, Any] = {
    "Cmd": None,
    "Entrypoint": None,
    "Env": None,
    "Labels": None,
    "OnBuild": None,
    "User": "",
    "Volumes": None,
    "WorkingDir": "",
}


def inspect(machine: Machine, options: Options) -> int:
    """Everything about objects; ours are images only."""
    kind = options.text("type") or "image"
    if kind not in _TYPES:
        known = ", ".join(f'"{one}"' for one in _TYPES)
        raise CommandFailed(f'unknown type: "{kind}": must be one of {known}')
    return _inspect(machine, options, object_missing=True, none=kind != "image")


def inspect_image(machine: Machine, options: Options) -> int:
    """Everything about images."""
    return _inspect(machine, options, object_missing=False, none=False)


def _inspect(machine: Machine, options: Options, *, object_missing: bool, none: bool) -> int:
    """Print what was found, then tell what was not, as Docker does."""
    template = _template(options)
    documents: list[dict[str, Any]] = []
    missing: list[str] = []
    for name in options.arguments:
        try:
            documents += [] if none else [_document(machine.store, name, options)]
        except CommandFailed as exc:
            missing.append(f"Error: No such object: {name}" if object_missing else str(exc))
        if none:
            missing.append(f"Error: No such {options.text('type')}: {name}")
    _print(machine, documents, template, options)
    for line in missing:
        machine.console.warn(line)
    return 1 if missing else 0


def _template(options: Options) -> Template | None:
    form = options.text("format")
    if not form or form == "json":
        return None
    try:
        return Template(form)
    except TemplateInvalid as exc:
        raise CommandFailed(template_fault(exc), TEMPLATE_CODE) from exc


def _print(machine: Machine, documents: list[dict[str, Any]], template: Template | None, options: Options) -> None:
    if options.text("format") == "json":
        machine.console.say(to_json(documents))
    elif template is None:
        machine.console.say(json.dumps(documents, indent=4, ensure_ascii=False))
    else:
        _print_filled(machine, documents, template)


def _print_filled(machine: Machine, documents: list[dict[str, Any]], template: Template) -> None:
    """One line a document; Docker ends the line also where the template failed or nothing was found."""
    try:
        for document in documents:
            machine.console.say(template.render(document))
    except TemplateFailed as exc:
        machine.console.say()
        raise CommandFailed(template_fault(exc)) from exc
    if not documents:
        machine.console.say()


def _document(store: ImageStore, name: str, options: Options) -> dict[str, Any]:
    descriptor = find(store, name)
    try:
        wanted = options.text("platform")
        readable = store.select(descriptor, parse_platform(wanted) if wanted else _some_platform(store, descriptor))
    except (PlatformMissing, InvalidPlatform) as exc:
        raise CommandFailed(f"Error response from daemon: {exc}", USAGE_CODE) from exc
    return describe(store, descriptor, readable)


def _some_platform(store: ImageStore, descriptor: Descriptor) -> Platform:
    """This machine's platform; another one when the index was pulled for that only."""
    try:
        store.select(descriptor, host_platform())
    except PlatformMissing:
        here = [child.platform for child in store.children(descriptor) if child.platform and store.has(child.digest)]
        return here[0] if here else host_platform()
    return host_platform()


def describe(store: ImageStore, descriptor: Descriptor, readable: Descriptor) -> dict[str, Any]:
    """What Docker's engine API says of an image.

    Args:
        store: Where it is.
        descriptor: The image as it is named, maybe an index.
        readable: The image manifest of one platform.
    """
    config, manifest = store.config(readable), store.manifest(readable)
    names = _names(store, descriptor)
    history = config.get("history") or [{}]
    settings = _CONFIG_DEFAULTS | (config.get("config") or {})
    return {
        "Id": str(store.image_id(descriptor)),
        "RepoTags": [name.familiar() for name in names if name.tag],
        "RepoDigests": sorted({f"{name.familiar_repository}@{descriptor.digest}" for name in names}),
        "Parent": "",
        "Comment": history[-1].get("comment", ""),
        "Created": config.get("created", ""),
        "DockerVersion": "",
        "Author": config.get("author", ""),
        "Architecture": config.get("architecture", ""),
        **({"Variant": config["variant"]} if config.get("variant") else {}),
        "Os": config.get("os", ""),
        "Size": manifest.config.size + sum(layer.size for layer in manifest.layers),
        "GraphDriver": {"Data": None, "Name": "oci-layout"},
        "RootFS": {"Type": "layers", "Layers": (config.get("rootfs") or {}).get("diff_ids", [])},
        "Metadata": {"LastTagTime": "0001-01-01T00:00:00Z"},
        "Descriptor": {
            "mediaType": descriptor.media_type,
            "digest": str(descriptor.digest),
            "size": descriptor.size,
        },
        "Config": {key: _sorted(value) for key, value in sorted(settings.items())},
    }


def _sorted(value: object) -> object:
    """Go prints maps by key: labels, volumes, ports."""
    return dict(sorted(value.items())) if isinstance(value, dict) else value


def _names(store: ImageStore, descriptor: Descriptor) -> list[Reference]:
    return sorted(
        (name for image in store.images() if image.descriptor.digest == descriptor.digest for name in image.references),
        key=str,
    )
