"""``docker images``, ``docker tag`` and ``docker rmi``."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from labs.engine.commands.console import CommandFailed, daemon_refusal
from labs.engine.commands.flags import Options
from labs.engine.commands.machine import Machine
from labs.engine.commands.template import Template, TemplateFailed, TemplateInvalid, to_json
from labs.engine.commands.units import age, format_table, image_size, parse_time
from labs.engine.documents import DocumentInvalid
from labs.engine.layout import BlobMissing, Image, ImageStore, ImageUnknown, PlatformMissing, StoreError
from labs.engine.platforms import host_platform
from labs.engine.progress import format_size
from labs.engine.reference import InvalidReference, Reference
from pyregistry.spec.descriptor import Descriptor

NONE = "<none>"
SHORT_ID_LENGTH = 12
_ID = re.compile(r"(?:sha256:)?[0-9a-f]{3,64}")
_COLUMNS = {
    "Repository": "REPOSITORY",
    "Tag": "TAG",
    "Digest": "DIGEST",
    "ID": "IMAGE ID",
    "CreatedSince": "CREATED",
    "Size": "SIZE",
}
_HEADERS = _COLUMNS | {"CreatedAt": "CREATED AT"}
_KNOWN_FILTERS = frozenset({"reference", "dangling", "label", "before", "since", "until"})
_OUR_FILTERS = frozenset({"reference", "dangling", "label"})


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the list: an image under one of its names, or dangling."""

    image: Image
    name: Reference | None
    identity: str
    config: dict[str, Any]
    size: int


# --- docker images ---


def list_images(machine: Machine, options: Options) -> None:
    """List images, newest first, one line a name."""
    filters = _filters(options)
    rows = [row for row in _rows(machine.store) if _is_wanted(row, options, filters)]
    rows.sort(key=lambda row: parse_time(row.config.get("created")), reverse=True)
    values = [_values(row, options) for row in rows]
    for line in _lines(values, options):
        machine.console.say(line)


def _rows(store: ImageStore) -> Iterator[_Row]:
    """What is listed; an image whose parts are gone is left out rather than hiding all others."""
    for image in store.images():
        try:
            readable = store.select(image.descriptor, host_platform())
            config, size = store.config(readable), _stored_size(store, image.descriptor)
        except PlatformMissing:
            config, size = {}, image.descriptor.size
        except (BlobMissing, DocumentInvalid, StoreError):
            continue
        identity = str(store.image_id(image.descriptor))
        names: list[Reference | None] = [*sorted(image.references, key=str)]
        yield from (_Row(image, name, identity, config, size) for name in names or [None])


def _stored_size(store: ImageStore, descriptor: Descriptor) -> int:
    """Bytes that the image has in the store: config and layers of the platform that is here."""
    manifest = store.manifest(store.select(descriptor, host_platform()))
    return manifest.config.size + sum(layer.size for layer in manifest.layers)


def _filters(options: Options) -> list[tuple[str, str]]:
    pairs = [(name, value) for name, _, value in (text.partition("=") for text in options.list("filter"))]
    for name, _ in pairs:
        if name not in _KNOWN_FILTERS:
            raise daemon_refusal(f"invalid filter '{name}'")
        if name not in _OUR_FILTERS:
            raise CommandFailed(f"labdocker: docker images --filter {name}=…: only {', '.join(sorted(_OUR_FILTERS))}")
    return [*pairs, *(("reference", pattern) for pattern in options.arguments)]


def _is_wanted(row: _Row, options: Options, filters: list[tuple[str, str]]) -> bool:
    """Filters of one kind are alternatives, kinds add up; unnamed images show, as Docker shows them."""
    if options.arguments and row.name is None:
        return False
    kinds = {kind for kind, _ in filters}
    return all(any(_fits(row, kind, value) for one, value in filters if one == kind) for kind in kinds)


def _fits(row: _Row, kind: str, value: str) -> bool:
    if kind == "dangling":
        return (value in {"true", "1"}) == (row.name is None)
    if kind == "label":
        labels = (row.config.get("config") or {}).get("Labels") or {}
        name, equals, wanted = value.partition("=")
        return name in labels and (not equals or labels[name] == wanted)
    return row.name is not None and _matches(row.name, value)


def _matches(name: Reference, pattern: str) -> bool:
    """A pattern is for the familiar name; without a tag it means every tag. ``*`` stops at ``/``."""
    with_tag = ":" in pattern.rpartition("/")[2]
    candidates = {name.familiar() if with_tag else name.familiar_repository, str(name) if with_tag else name.repository}
    return any(
        candidate.count("/") == pattern.count("/")
        and all(fnmatchcase(part, one) for part, one in zip(candidate.split("/"), pattern.split("/"), strict=True))
        for candidate in candidates
    )


def _values(row: _Row, options: Options) -> dict[str, str]:
    """The fields of Docker's formatter."""
    created = parse_time(row.config.get("created"))
    is_long = options.on("no-trunc")
    return {
        "Containers": "N/A",
        "CreatedAt": created.astimezone().strftime("%Y-%m-%d %H:%M:%S %z %Z"),
        "CreatedSince": age(created, datetime.now(UTC)),
        "Digest": str(row.image.descriptor.digest),
        "ID": row.identity if is_long else row.identity.partition(":")[2][:SHORT_ID_LENGTH],
        "Repository": row.name.familiar_repository if row.name else NONE,
        "SharedSize": "N/A",
        "Size": image_size(row.size),
        "Tag": (row.name.tag if row.name else None) or NONE,
        "UniqueSize": "N/A",
        "VirtualSize": format_size(row.size),
    }


def _lines(values: list[dict[str, str]], options: Options) -> list[str]:
    form = options.text("format") or ""
    if options.on("quiet"):
        return list(dict.fromkeys(row["ID"] for row in values))
    if form == "json":
        return [to_json(row) for row in values]
    if form in {"", "table"}:
        columns = [name for name in _COLUMNS if name != "Digest" or options.on("digests")]
        return format_table(
            [[_COLUMNS[name] for name in columns], *([row[name] for name in columns] for row in values)]
        )
    return _fill(values, form)


def _fill(values: list[dict[str, str]], form: str) -> list[str]:
    """A template for each line; behind ``table`` its columns are aligned under their headers."""
    is_table = form.startswith("table ")
    try:
        template = Template(form.removeprefix("table ").lstrip() if is_table else form)
        lines = [template.render(row, "*formatter.imageContext") for row in values]
        header = template.render({name: _HEADERS.get(name, name.upper()) for name in _HEADERS}) if is_table else ""
    except (TemplateInvalid, TemplateFailed) as exc:
        raise CommandFailed(template_fault(exc)) from exc
    if not is_table:
        return lines
    rows = [line.split("\t") for line in (header, *lines)]
    width = max(len(row) for row in rows)
    return format_table([row + [""] * (width - len(row)) for row in rows])


def template_fault(fault: Exception) -> str:
    """A template's fault as docker/cli tells it; a parse fault has no column."""
    place = "" if isinstance(fault, TemplateFailed) else ":1: "
    return f"template parsing error: template: {place}{fault}"


# --- docker tag ---


def tag(machine: Machine, options: Options) -> None:
    """Give an image another name."""
    source, target = options.arguments
    try:
        reference = Reference.parse(target)
    except InvalidReference as exc:
        raise CommandFailed(f'Error parsing reference: "{target}" is not a valid repository/tag: {exc}') from exc
    if reference.digest:
        raise CommandFailed("refusing to create a tag with a digest reference")
    if reference.familiar_repository == "sha256":
        raise daemon_refusal("refusing to create an ambiguous tag using digest algorithm as name")
    machine.store.tag(reference, find(machine.store, source))


def find(store: ImageStore, name: str) -> Descriptor:
    """An image by name or id.

    Raises:
        CommandFailed: In the daemon's words.
    """
    try:
        return store.resolve(name)
    except ImageUnknown as exc:
        raise daemon_refusal(exc) from exc
    except InvalidReference as exc:
        if re.fullmatch(r"(?:sha256:)?[0-9a-f]{64}", name):
            raise daemon_refusal(f"No such image: {name}") from exc
        raise daemon_refusal(exc) from exc


# --- docker rmi ---


def remove(machine: Machine, options: Options) -> int:
    """Take names away; an image without names goes with what only it needs. Every argument is tried."""
    code = 0
    for name in options.arguments:
        try:
            for line in _remove_one(machine.store, name, force=options.on("force")):
                machine.console.say(line)
        except CommandFailed as exc:
            if options.on("force") and "No such image" in str(exc):
                continue
            machine.console.warn(str(exc))
            code = 1
    return code


def _remove_one(store: ImageStore, name: str, *, force: bool) -> Iterator[str]:
    descriptor = find(store, name)
    identity = store.image_id(descriptor)
    image = next(one for one in store.images() if one.descriptor.digest == descriptor.digest)
    typed = _typed_name(image, name)
    gone = [typed] if typed else sorted(image.references, key=str)
    if not typed and len({one.repository for one in gone}) > 1 and not force:
        short = name.removeprefix("sha256:")
        why = "image is referenced in multiple repositories"
        raise daemon_refusal(f"conflict: unable to delete {short} (must be forced) - {why}")
    for one in gone:
        yield from _untag(store, one, descriptor, image)
    if len(gone) == len(image.references):
        store.remove(descriptor.digest)
        yield f"Deleted: {identity}"
        yield from (f"Deleted: {digest}" for digest in store.prune() if digest not in {identity, descriptor.digest})


def _typed_name(image: Image, name: str) -> Reference | None:
    """The image's name that was typed; None when it was an id."""
    try:
        typed = Reference.parse(name)
    except InvalidReference:
        return None
    return typed if typed in image.references else None


def _untag(store: ImageStore, name: Reference, descriptor: Descriptor, image: Image) -> Iterator[str]:
    """Docker tells the digest's name too, when the last tag of its repository goes."""
    store.untag(name)
    yield f"Untagged: {name.familiar()}"
    left = [one for one in store.images() if one.descriptor.digest == descriptor.digest]
    if name.tag and not any(one.repository == name.repository for other in left for one in other.references):
        yield f"Untagged: {name.familiar_repository}@{image.descriptor.digest}"
