"""Reads a registry: whether it answers, what its tags are, and an image down to its last byte."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from checker.facts import (
    Answer,
    Blob,
    BlobState,
    Content,
    Manifest,
    NotObserved,
    Source,
    Tags,
    Target,
    Unavailable,
)
from checker.probes import DEADLINE_SECONDS
from checker.probes.connection import Connection, Reply, expect_absent, read_json
from pyregistry.spec.digest import Digest, hasher_for
from pyregistry.spec.errors import DigestInvalid
from pyregistry.spec.media_types import DOCKER_CONFIG, MANIFEST_TYPES, OCI_CONFIG

MANIFEST_MAX_BYTES = 4 << 20
"""What distribution-spec 1.1.1 (end-7) asks every registry to take at least, and registries take at most."""
CONFIG_MAX_BYTES = 8 << 20
"""A config is kept in memory to read its labels; larger ones are hashed and not read."""
INDEX_MAX_DEPTH = 4
"""An index within an index is allowed; a tower of them is an attack or a mistake."""
TAG_PAGES = 10
"""Pages of the tag list that are read; the list only explains."""
ATTESTATION_ANNOTATION = "vnd.docker.reference.type"
_OK, _UNAUTHORIZED = 200, 401
# link ::= "<" target ">" ";" SP "rel=" DQUOTE "next" DQUOTE   (distribution-spec 1.1.1, "Listing Tags")
_NEXT = re.compile(r'<(?:https?://[^/>]+)?(?P<target>/v2/[^>]+)>; ?rel="?next"?')
_IMAGE_CONFIGS = frozenset({OCI_CONFIG, DOCKER_CONFIG})


@dataclass(frozen=True, slots=True)
class AnswerProbe:
    """Asks ``/v2/``: any registry answers 200, or 401 with a challenge."""

    connection: Connection
    deadline_seconds: float = DEADLINE_SECONDS
    source: Source = Source.ANSWER

    def read(self) -> Answer | Unavailable:
        """Its status and its clock."""
        reply = self.connection.get("/v2/")
        challenged = reply.status == _UNAUTHORIZED and "www-authenticate" in reply.headers
        if reply.status != _OK and not challenged:
            return Unavailable("not-a-registry", {"url": self.connection.endpoint.url, "status": reply.status})
        return Answer(reply.status, _skew_ms(reply.headers.get("date")))


def _skew_ms(date: str | None) -> int:
    """How far the registry's clock is ahead; under its header's resolution of one second it is none."""
    try:
        skew = parsedate_to_datetime(date or "") - datetime.now(UTC)
    except (TypeError, ValueError):
        return 0
    milliseconds = int(skew.total_seconds() * 1000)
    return milliseconds if abs(milliseconds) > 1000 else 0  # noqa: PLR2004  one second


@dataclass(frozen=True, slots=True)
class TagsProbe:
    """Resolves the wanted tags, each by its manifest's own bytes."""

    connection: Connection
    target: Target
    deadline_seconds: float = DEADLINE_SECONDS
    source: Source = Source.TAGS

    def read(self) -> Tags:
        """The tags; all of them absent where there is no repository."""
        found = {tag: fetch(self.connection, self.target.repository, tag) for tag in self.target.tags}
        return Tags(self._listed(), {tag: raw.digest if raw else None for tag, raw in found.items()})

    def _listed(self) -> tuple[str, ...]:
        """All tags of the repository, as far as anybody would read them."""
        path, found = f"/v2/{self.target.repository}/tags/list", []
        for _ in range(TAG_PAGES):
            reply = self.connection.get(path)
            if reply.status != _OK:
                expect_absent(reply, path)
                break
            tags = read_json(reply.body, path).get("tags") or []
            if not isinstance(tags, list):
                raise NotObserved(Unavailable("garbage", {"source": path}))
            found += [str(tag) for tag in tags]
            more = next_page(reply)
            if more is None:
                break
            path = more
        return tuple(found)


def next_page(reply: Reply) -> str | None:
    """Where a list goes on; None at its end."""
    link = _NEXT.search(reply.headers.get("link", ""))
    return link["target"] if link else None


@dataclass(frozen=True, slots=True)
class ContentProbe:
    """Reads everything below the target's first tag, and hashes it."""

    connection: Connection
    target: Target
    deadline_seconds: float = DEADLINE_SECONDS
    source: Source = Source.CONTENT

    def read(self) -> Content:
        """The tree, or none where the tag is absent."""
        raw = fetch(self.connection, self.target.repository, self.target.tags[0])
        return Content(_Walk(self.connection, self.target.repository).manifest(raw, {}, 1) if raw else None)


@dataclass(frozen=True, slots=True)
class Raw:
    """A manifest as it came, its digest recomputed."""

    digest: str
    media_type: str
    body: bytes


def fetch(connection: Connection, repository: str, reference: str) -> Raw | None:
    """A manifest by tag or digest; None when the registry has none.

    Raises:
        NotObserved: No usable answer, or bytes that are not those that were asked for.
    """
    path = f"/v2/{repository}/manifests/{reference}"
    reply = connection.get(path, accept=sorted(MANIFEST_TYPES), limit=MANIFEST_MAX_BYTES)
    if reply.status != _OK:
        expect_absent(reply, path)
        return None
    if not reply.body:
        raise NotObserved(Unavailable("empty", {"source": path}))
    wanted = reference if ":" in reference else reply.headers.get("docker-content-digest") or None
    digest = _digest(reply.body, wanted, path)
    return Raw(digest, reply.headers.get("content-type", "").partition(";")[0].strip(), reply.body)


def image_layers(connection: Connection, repository: str, raw: Raw, depth: int = 1) -> Iterator[str]:
    """Digests of the layers of an image, or of all images of an index: its attestations have none of that kind.

    Raises:
        NotObserved: A manifest makes no sense.
    """
    values = read_json(raw.body, raw.digest)
    if depth > INDEX_MAX_DEPTH:
        raise NotObserved(Unavailable("too-large", {"what": raw.digest}))
    if "manifests" not in values:
        layers = (_descriptor(entry, raw.digest) for entry in _objects(values.get("layers"), raw.digest))
        yield from (layer.digest for layer in layers if not layer.foreign)
        return
    children = (_descriptor(entry, raw.digest) for entry in _objects(values.get("manifests"), raw.digest))
    for child in children:
        below = None if child.attestation else fetch(connection, repository, child.digest)
        if below:
            yield from image_layers(connection, repository, below, depth + 1)


def _digest(body: bytes, wanted: str | None, what: str) -> str:
    """The digest of ``body``, which must be ``wanted`` where that is known."""
    try:
        digest = str(Digest.of(body, Digest.parse(wanted).algorithm if wanted else "sha256"))
    except DigestInvalid as exc:
        raise NotObserved(Unavailable("garbage", {"source": what})) from exc
    if wanted not in {None, digest}:
        raise NotObserved(Unavailable("digest-differs", {"what": what}))
    return digest


@dataclass(frozen=True, slots=True)
class _Descriptor:
    """A descriptor as far as the walk needs it."""

    digest: str
    size: int
    media_type: str
    platform: str | None
    attestation: bool
    foreign: bool


class _Walk:
    """Reads a tree of manifests; each blob is fetched once."""

    def __init__(self, connection: Connection, repository: str) -> None:
        self._connection = connection
        self._repository = repository
        self._seen: dict[str, tuple[BlobState, int, bytes]] = {}

    def manifest(self, raw: Raw, within: Mapping[str, object], depth: int) -> Manifest:
        """One manifest and all below it. ``within`` is its entry in the index above."""
        values = read_json(raw.body, raw.digest)
        if depth > INDEX_MAX_DEPTH:
            raise NotObserved(Unavailable("too-large", {"what": raw.digest}))
        told = _descriptor(within, raw.digest) if within else None
        node = Manifest(
            digest=raw.digest,
            media_type=str(values.get("mediaType") or raw.media_type),
            size=len(raw.body),
            platform=told.platform if told else None,
            attestation=told.attestation if told else False,
        )
        return self._index(node, values, depth) if "manifests" in values else self._image(node, values)

    def _index(self, node: Manifest, values: Mapping[str, object], depth: int) -> Manifest:
        """An index with its children."""
        children, missing = [], []
        for entry in _objects(values.get("manifests"), node.digest):
            digest = _descriptor(entry, node.digest).digest
            raw = fetch(self._connection, self._repository, digest)
            if raw is None:
                missing.append(digest)
            else:
                children.append(self.manifest(raw, entry, depth + 1))
        return replace(node, children=tuple(children), missing=tuple(missing))

    def _image(self, node: Manifest, values: Mapping[str, object]) -> Manifest:
        """A manifest with its config and layers."""
        config = _descriptor(_object(values.get("config"), node.digest), node.digest)
        layers = [_descriptor(entry, node.digest) for entry in _objects(values.get("layers"), node.digest)]
        blobs = [self._blob(config, "config"), *(self._blob(layer, "layer") for layer in layers)]
        return replace(node, blobs=tuple(blobs), labels=self._labels(config))

    def _blob(self, wanted: _Descriptor, role: str) -> Blob:
        """Fetch and hash one blob."""
        if wanted.foreign:
            return Blob(wanted.digest, wanted.size, role, BlobState.FOREIGN)
        if wanted.digest not in self._seen:
            self._seen[wanted.digest] = self._read(wanted.digest)
        state, size, _ = self._seen[wanted.digest]
        if state is BlobState.VERIFIED and size != wanted.size:
            state = BlobState.WRONG_SIZE
        return Blob(wanted.digest, wanted.size, role, state)

    def _read(self, digest: str) -> tuple[BlobState, int, bytes]:
        """Its state, its true size and, if it is small, its bytes.

        Raises:
            NotObserved: The bytes that came are not those of the digest. No client can push such a thing, so the
                fault is the store's or the wire's, never the student's.
        """
        path, size, head = f"/v2/{self._repository}/blobs/{digest}", 0, b""
        try:
            hasher = hasher_for(Digest.parse(digest).algorithm)
        except DigestInvalid as exc:
            raise NotObserved(Unavailable("garbage", {"source": digest})) from exc
        with self._connection.open(path) as chunks:
            if chunks is None:
                return BlobState.MISSING, 0, b""
            for chunk in chunks:
                hasher.update(chunk)
                size += len(chunk)
                head = head + chunk if size <= CONFIG_MAX_BYTES else b""
        if hasher.hexdigest() != digest.partition(":")[2]:
            raise NotObserved(Unavailable("digest-differs" if size else "empty", {"what": path, "source": path}))
        return BlobState.VERIFIED, size, head

    def _labels(self, config: _Descriptor) -> Mapping[str, str] | None:
        """The image's labels; None when there is no image config to hold them."""
        state, _, body = self._seen.get(config.digest, (BlobState.FOREIGN, 0, b""))
        if state is not BlobState.VERIFIED or config.media_type not in _IMAGE_CONFIGS:
            return None
        labels = _object(read_json(body, config.digest).get("config") or {}, config.digest).get("Labels") or {}
        return {str(name): str(value) for name, value in _object(labels, config.digest).items()}


def _descriptor(values: Mapping[str, object], what: str) -> _Descriptor:
    """Read a descriptor.

    Raises:
        NotObserved: Digest or size are not there.
    """
    digest, size = values.get("digest"), values.get("size")
    if not isinstance(digest, str) or not isinstance(size, int):
        raise NotObserved(Unavailable("garbage", {"source": what}))
    platform = _platform(_object(values.get("platform") or {}, what))
    annotations = _object(values.get("annotations") or {}, what)
    attestation = platform == "unknown/unknown" or annotations.get(ATTESTATION_ANNOTATION) == "attestation-manifest"
    return _Descriptor(
        digest, size, str(values.get("mediaType", "")), platform, attestation, foreign=bool(values.get("urls"))
    )


def _platform(values: Mapping[str, object]) -> str | None:
    """``os/architecture[/variant]``; None when the descriptor has no platform."""
    parts = [str(values[name]) for name in ("os", "architecture", "variant") if values.get(name)]
    return "/".join(parts) or None


def _object(value: object, what: str) -> Mapping[str, object]:
    """A JSON object, or the thing makes no sense."""
    if not isinstance(value, dict):
        raise NotObserved(Unavailable("garbage", {"source": what}))
    return value


def _objects(value: object, what: str) -> Sequence[Mapping[str, object]]:
    """A list of JSON objects, or the thing makes no sense."""
    if not isinstance(value, list):
        raise NotObserved(Unavailable("garbage", {"source": what}))
    return [_object(entry, what) for entry in value]
