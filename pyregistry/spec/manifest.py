"""Manifests and indexes, OCI and Docker schema 2: bytes in, one value out, or everything that is wrong with them.

Sources: OCI image-spec 1.1.1 manifest.md, image-index.md, descriptor.md; Docker image manifest version 2, schema 2.
Bodies come from strangers: the shape is validated in full before a value exists, and a body is never written back; the
exact bytes are what has the digest.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeGuard

from pyregistry.spec.descriptor import Descriptor, Platform
from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import DigestInvalid, ManifestInvalid
from pyregistry.spec.media_types import (
    DOCKER_MANIFEST,
    DOCKER_MANIFEST_LIST,
    INDEX_TYPES,
    MANIFEST_TYPES,
    OCI_INDEX,
    OCI_MANIFEST,
)

SCHEMA_VERSION = 2
MAX_SIZE = 2**63 - 1
"""Bytes. image-spec: a descriptor's size is an int64. More is MANIFEST_INVALID."""
_MAX_ISSUES = 10
"""Issues named in one refusal. The reading stops there: a 4 MiB body has room for a million."""
_MAX_DIGITS = 20
"""Of an integer, one more than an int64 has. Python's own refusal of 4300 digits speaks to programmers."""
_MAX_JOINTS = 300_000
"""Of ``{``, ``[`` and ``,`` in a body, counted before it is read: each can cost 90 bytes of memory, so that 4 MiB of
``{},`` were 90 MiB. As many descriptors as fit into 4 MiB have half of it. More is MANIFEST_INVALID."""
_HALF_A_PAIR = re.compile("[\ud800-\udfff]")
r"""A lone surrogate (``"\ud800"``) is legal JSON, and no text: nothing that holds it could be encoded."""
_DOCKER_TYPES = frozenset({DOCKER_MANIFEST, DOCKER_MANIFEST_LIST})
_UNREADABLE = Digest.of(b"")
"""Stands in where a digest cannot be read, until the issues are raised."""


@dataclass(frozen=True, slots=True)
class ImageManifest:
    """A config and layers. ``artifact_type`` is as written; ``referrer_type`` is what the referrers API shows."""

    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    subject: Descriptor | None = None
    artifact_type: str | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def referrer_type(self) -> str | None:
        """distribution-spec 1.1.1 "Listing Referrers": the artifact type, else the config's media type."""
        return self.artifact_type or self.config.media_type

    def references(self) -> Sequence[Descriptor]:
        """What the manifest is made of: blobs. The subject is not part of it."""
        return (self.config, *self.layers)

    def manifests(self) -> Sequence[Descriptor]:
        """Those of its parts that are manifests: none."""
        return ()

    def blobs(self) -> Sequence[Descriptor]:
        """Those of its parts that are blobs: all."""
        return self.references()


@dataclass(frozen=True, slots=True)
class Index:
    """Child manifests, one a platform or an attestation of one.

    image-spec 1.1.1, image-index.md: a child MAY be of any media type, and one that is not known MUST NOT be an error.
    BuildKit keeps its build caches so: the children are layers and a configuration, pushed as blobs.
    """

    media_type: str
    children: tuple[Descriptor, ...]
    subject: Descriptor | None = None
    artifact_type: str | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def referrer_type(self) -> str | None:
        """distribution-spec 1.1.1 "Listing Referrers": the artifact type, if there is one."""
        return self.artifact_type

    def references(self) -> Sequence[Descriptor]:
        """What the index is made of. The subject is not part of it."""
        return self.children

    def manifests(self) -> Sequence[Descriptor]:
        """Those of its parts that are manifests, by their media type."""
        return [child for child in self.children if child.media_type in MANIFEST_TYPES]

    def blobs(self) -> Sequence[Descriptor]:
        """Those of its parts that are blobs: whatever is no manifest."""
        return [child for child in self.children if child.media_type not in MANIFEST_TYPES]


Manifest = ImageManifest | Index


def parse(body: bytes, media_type: str) -> Manifest:
    """Read a manifest that was sent, or is stored, as ``media_type``; parameters such as charset are ignored.

    Raises:
        ManifestInvalid: With everything that is wrong, each as *where: expected this, got that*.
    """
    kind = media_type.partition(";")[0].strip().lower()
    if kind not in MANIFEST_TYPES:
        raise ManifestInvalid(f"media type {media_type[:100]!r}: expected one of {', '.join(sorted(MANIFEST_TYPES))}")
    reading = _Reading(_load(body))
    reading.version()
    reading.media_type(kind)
    manifest = _index(reading, kind) if kind in INDEX_TYPES else _image(reading, kind)
    reading.done()
    return manifest


def parse_media_type(body: bytes) -> str:
    """The media type of a stored body: what it says itself, else what its members tell (OCI lets it be silent).

    Raises:
        ManifestInvalid: It is no manifest of a known type.
    """
    document = _load(body)
    said = document.get("mediaType")
    if said is None:
        said = OCI_INDEX if "manifests" in document else OCI_MANIFEST
    if not isinstance(said, str) or said not in MANIFEST_TYPES:
        raise ManifestInvalid(f"mediaType: expected one of {', '.join(sorted(MANIFEST_TYPES))}, got {_shown(said)}")
    return said


def _image(reading: "_Reading", kind: str) -> ImageManifest:
    reading.absent("manifests", "an image manifest (CVE-2021-41190: it could be read as an index)")
    return ImageManifest(
        kind,
        config=reading.descriptor("config"),
        layers=reading.descriptors("layers"),
        subject=reading.optional_descriptor("subject"),
        artifact_type=reading.optional_text("artifactType"),
        annotations=reading.annotations(),
    )


def _index(reading: "_Reading", kind: str) -> Index:
    reading.absent("config", "an index (CVE-2021-41190: it could be read as an image manifest)")
    reading.absent("layers", "an index (CVE-2021-41190: it could be read as an image manifest)")
    return Index(
        kind,
        children=reading.descriptors("manifests"),
        subject=reading.optional_descriptor("subject"),
        artifact_type=reading.optional_text("artifactType"),
        annotations=reading.annotations(),
    )


class _Reading:
    """One object of the document. Reads on after a fault with a stand-in, and keeps what is wrong for ``done``."""

    def __init__(self, members: Mapping[str, object], where: str = "", issues: list[str] | None = None) -> None:
        self._members = members
        self._where = where
        self._issues: list[str] = [] if issues is None else issues

    def done(self) -> None:
        """Raise what was found to be wrong, if anything was."""
        if self._issues:
            raise ManifestInvalid("; ".join(self._issues))

    def version(self) -> None:
        """``schemaVersion`` is 2 in every manifest that is still in use."""
        found = self._members.get("schemaVersion")
        if type(found) is not int or found != SCHEMA_VERSION:
            self._wrong("schemaVersion", str(SCHEMA_VERSION), found)

    def media_type(self, kind: str) -> None:
        """The body must not contradict its Content-Type; Docker's types must say theirs, since nothing else tells."""
        found = self._members.get("mediaType")
        if found != kind and (found is not None or kind in _DOCKER_TYPES):
            self._wrong("mediaType", f"{kind}, as the Content-Type says", found)

    def absent(self, name: str, what: str) -> None:
        """Refuse a member that would make the document two things at once."""
        if self._members.get(name) is not None:
            self._issue(name, f"not expected in {what}")

    def string(self, name: str) -> str:
        """A string that is there; it may be empty."""
        found = self._members.get(name)
        if _is_text(found):
            return found
        self._wrong(name, "a string", found)
        return ""

    def text(self, name: str) -> str:
        """A string that is there and not empty."""
        found = self._members.get(name)
        if _is_text(found) and found:
            return found
        self._wrong(name, "a string that is not empty", found)
        return ""

    def optional_text(self, name: str) -> str | None:
        """A string; null and empty count as absent, as Go's encoders write them."""
        found = self._members.get(name)
        return None if found is None or found == "" else self.text(name)

    def size(self) -> int:
        """Bytes, as a plain JSON integer."""
        found = self._members.get("size")
        if type(found) is int and 0 <= found <= MAX_SIZE:
            return found
        self._wrong("size", f"an integer from 0 to {MAX_SIZE}", found)
        return 0

    def digest(self) -> Digest:
        """A digest of a supported algorithm."""
        text = self.text("digest")
        try:
            return Digest.parse(text) if text else _UNREADABLE
        except DigestInvalid as exc:
            self._issue("digest", str(exc.detail))
            return _UNREADABLE

    def descriptor(self, name: str) -> Descriptor:
        """A descriptor that must be there."""
        return self._descriptor(self._members.get(name), name)

    def optional_descriptor(self, name: str) -> Descriptor | None:
        """A descriptor; null counts as absent."""
        return self.descriptor(name) if self._members.get(name) is not None else None

    def descriptors(self, name: str) -> tuple[Descriptor, ...]:
        """A list of descriptors that must be there. Null is an empty one: so Go writes a nil slice."""
        found = self._members.get(name, ...)
        if isinstance(found, list):
            return tuple(self._descriptor(each, f"{name}[{number}]") for number, each in enumerate(found))
        if found is not None:
            self._wrong(name, "a list of descriptors", found)
        return ()

    def annotations(self) -> Mapping[str, str]:
        """Strings by strings; null counts as absent."""
        found = self._members.get("annotations")
        if found is None:
            return {}
        if isinstance(found, dict) and all(_is_text(text) for pair in found.items() for text in pair):
            return found
        self._wrong("annotations", "an object of strings", found)
        return {}

    def platform(self) -> Platform | None:
        """Null counts as absent; architecture and os may be empty, as ``docker manifest create`` leaves them."""
        found = self._members.get("platform")
        if found is None:
            return None
        if not isinstance(found, dict):
            self._wrong("platform", "an object", found)
            return None
        inner = _Reading(found, self._at("platform"), self._issues)
        return Platform(inner.string("architecture"), inner.string("os"), inner.optional_text("variant"))

    def urls(self) -> tuple[str, ...]:
        """Places from which the content can also be had."""
        found = self._members.get("urls")
        if found is None:
            return ()
        if isinstance(found, list) and all(_is_text(each) for each in found):
            return tuple(found)
        self._wrong("urls", "a list of strings", found)
        return ()

    def _descriptor(self, found: object, name: str) -> Descriptor:
        if not isinstance(found, dict):
            self._wrong(name, "a descriptor (an object)", found)
            return Descriptor("", _UNREADABLE, 0)
        inner = _Reading(found, self._at(name), self._issues)
        return Descriptor(
            inner.text("mediaType"),
            inner.digest(),
            inner.size(),
            platform=inner.platform(),
            annotations=inner.annotations(),
            artifact_type=inner.optional_text("artifactType"),
            urls=inner.urls(),
        )

    def _at(self, name: str) -> str:
        return f"{self._where}.{name}" if self._where else name

    def _wrong(self, name: str, wanted: str, found: object) -> None:
        self._issue(name, f"expected {wanted}, got {_shown(found)}")

    def _issue(self, name: str, what: str) -> None:
        self._issues.append(f"{self._at(name)}: {what}")
        if len(self._issues) == _MAX_ISSUES:
            self._issues.append("and perhaps more")
            self.done()


def _is_text(found: object) -> TypeGuard[str]:
    return isinstance(found, str) and _HALF_A_PAIR.search(found) is None


def _load(body: bytes) -> Mapping[str, object]:
    """The JSON object in ``body``. Strict: UTF-8 without BOM, no duplicate members, no NaN, no bottomless nesting."""
    joints = sum(map(body.count, (b"{", b"[", b",")))
    if joints > _MAX_JOINTS:
        raise ManifestInvalid(f"body: expected a manifest, got JSON of more than {_MAX_JOINTS} parts")
    try:
        text = body.decode("utf-8")
        document = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_int=_integer)
    except RecursionError:
        raise ManifestInvalid("body: expected a manifest, got JSON nested too deeply to be one") from None
    except ValueError as exc:
        raise ManifestInvalid(f"body: expected JSON, {exc}") from None
    if not isinstance(document, dict):
        raise ManifestInvalid(f"body: expected a JSON object, got {_shown(document)}")
    return document


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Two members of one name: readers disagree on which counts, so a digest would not mean one thing."""
    members: dict[str, object] = {}
    for name, member in pairs:
        if name in members:
            raise ManifestInvalid(f"body: expected each member once, got {name[:100]!r} more than once")
        members[name] = member
    return members


def _integer(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise ManifestInvalid(f"body: expected integers of at most {_MAX_DIGITS} digits, got one of {len(text)}")
    return int(text)


def _no_constant(constant: str) -> object:
    raise ManifestInvalid(f"body: expected JSON, got {constant}")


def _shown(found: object) -> str:
    """A value as an error message shows it: short, and on one line."""
    if found is None or found is ...:
        return "nothing"
    if isinstance(found, dict | list):
        return f"an object of {len(found)}" if isinstance(found, dict) else f"a list of {len(found)}"
    return repr(found)[:100]
