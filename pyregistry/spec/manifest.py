"""Manifests and indexes, OCI and Docker schema 2: bytes in, one value out, or everything that is wrong with them.

Sources: OCI image-spec 1.1.1 manifest.md, image-index.md, descriptor.md; Docker image manifest version 2, schema 2.
Bodies come from strangers: the shape is validated in full before a value exists, and a body is never written back; the
exact bytes are what has the digest.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

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
"""Issues named in one refusal; a generated body may have one a layer."""
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


@dataclass(frozen=True, slots=True)
class Index:
    """Child manifests, one a platform or an attestation of one."""

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
        """What the index is made of: manifests. The subject is not part of it."""
        return self.children


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
            more = len(self._issues) - _MAX_ISSUES
            shown = [*self._issues[:_MAX_ISSUES], *([f"and {more} more"] if more > 0 else [])]
            raise ManifestInvalid("; ".join(shown))

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
            self._issues.append(f"{self._at(name)}: not expected in {what}")

    def text(self, name: str) -> str:
        """A string that is there and not empty."""
        found = self._members.get(name)
        if self._is_text(found) and found:
            return str(found)
        self._wrong(name, "a string", found)
        return ""

    def optional_text(self, name: str) -> str | None:
        """A string; null and empty count as absent, as Go's encoders write them."""
        return self.text(name) if self._members.get(name) not in {None, ""} else None

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
            self._issues.append(f"{self._at('digest')}: {exc.detail}")
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
            return MappingProxyType({})
        if isinstance(found, dict) and all(self._is_text(text) for pair in found.items() for text in pair):
            return MappingProxyType(found)
        self._wrong("annotations", "an object of strings", found)
        return MappingProxyType({})

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

    def platform(self) -> Platform | None:
        """Null counts as absent; architecture and os may be empty, as ``docker manifest create`` leaves them."""
        found = self._members.get("platform")
        if found is None:
            return None
        parts = [found.get(name) for name in ("architecture", "os")] if isinstance(found, dict) else []
        variant = found.get("variant") or None if isinstance(found, dict) else None
        if not parts or not all(self._is_text(part) for part in (*parts, variant or "")):
            self._wrong("platform", "an object with the strings architecture and os", found)
            return None
        return Platform(str(parts[0]), str(parts[1]), variant)

    def urls(self) -> tuple[str, ...]:
        """Places from which the content can also be had."""
        found = self._members.get("urls")
        if found is None:
            return ()
        if isinstance(found, list) and all(self._is_text(each) for each in found):
            return tuple(found)
        self._wrong("urls", "a list of strings", found)
        return ()

    @staticmethod
    def _is_text(found: object) -> bool:
        r"""Half a surrogate pair (``"\ud800"``) is legal JSON, and no text: nothing could be encoded that holds it."""
        return isinstance(found, str) and not any("\ud800" <= character <= "\udfff" for character in found)

    def _at(self, name: str) -> str:
        return f"{self._where}.{name}" if self._where else name

    def _wrong(self, name: str, wanted: str, found: object) -> None:
        self._issues.append(f"{self._at(name)}: expected {wanted}, got {_shown(found)}")


def _load(body: bytes) -> Mapping[str, object]:
    """The JSON object in ``body``. Strict: UTF-8 without BOM, no duplicate members, no NaN, no bottomless nesting."""
    try:
        document = json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError:
        raise ManifestInvalid("body: expected a manifest, got JSON nested too deeply to be one") from None
    except ValueError as exc:
        raise ManifestInvalid(f"body: expected JSON, {exc}") from None
    if not isinstance(document, dict):
        raise ManifestInvalid(f"body: expected a JSON object, got {_shown(document)}")
    return document


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Two members of one name: readers disagree on which counts, so a digest would not mean one thing."""
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ManifestInvalid(f"body: expected each member once, got {twice[:100]!r} more than once")
    return members


def _no_constant(constant: str) -> object:
    raise ManifestInvalid(f"body: expected JSON, got {constant}")


def _shown(found: object) -> str:
    """A value as an error message shows it: short, and on one line."""
    if found is None or found is ...:
        return "nothing"
    if isinstance(found, dict | list):
        return f"an object of {len(found)}" if isinstance(found, dict) else f"a list of {len(found)}"
    return repr(found)[:100]
