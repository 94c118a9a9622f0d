"""Scrub: read everything, prove it, tell what is wrong, and take damaged content out of the way.

Content in quarantine is absent to every client, so the next push of it is taken and the store is whole again. In
place it would be served for ever: a registry that finds a blob under its digest asks for no second copy (registry:2).
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pyregistry.drivers.interface import Driver, DriverError, KeyUnknown
from pyregistry.spec.descriptor import Descriptor
from pyregistry.spec.digest import Digest, hasher_for
from pyregistry.spec.errors import ManifestInvalid
from pyregistry.spec.manifest import Manifest, parse, parse_media_type
from pyregistry.spec.media_types import NON_DISTRIBUTABLE_TYPES
from pyregistry.store import inventory, paths
from pyregistry.store.inventory import Link
from pyregistry.store.links import fetch_link
from pyregistry.store.locks import alone, hold_content

QUARANTINE = "quarantine"
"""Beside ``docker/``, where no registry looks: ``quarantine/<algorithm>/<hex>.<time>``."""

_READ_BYTES = 1 << 20
"""Bytes in memory at a time."""


class Kind(StrEnum):
    """What is wrong with an object. An orphan harms nobody; the others are damage."""

    DAMAGED = "damaged"
    TRUNCATED = "truncated"
    MISSING = "missing"
    ORPHAN = "orphan"


@dataclass(frozen=True, slots=True)
class Finding:
    """One object, what was wanted and what was seen; ``moved_to`` is its key in quarantine."""

    kind: Kind
    name: str
    message: str
    moved_to: str | None = None

    @property
    def is_damage(self) -> bool:
        """Whether something is lost or wrong, and not only left over."""
        return self.kind is not Kind.ORPHAN


@dataclass(slots=True)
class Progress:
    """How far a scrub has come: contents and bytes read so far."""

    contents: int = 0
    size: int = 0


class Scrub:
    """One pass over a store, links and manifests first: they tell which size a truncated blob should have.

    In memory are digests, never content. Registries may serve and take pushes meanwhile: what looks damaged is read
    again while nobody can mend it, and what looks missing is looked at again, for its manifest or tag may be gone.

    Args:
        driver: The store's.
        now: Names what goes into quarantine.
        watch: Told of every step.
    """

    def __init__(self, driver: Driver, now: datetime, watch: Callable[[Progress], None] = lambda _: None) -> None:
        self._driver = driver
        self._began_at = now
        self._stamp = now.strftime("%Y%m%dT%H%M%SZ")
        self._watch = watch
        self._linked: set[Digest] = set()
        self._wanted_sizes: dict[Digest, int] = {}
        self.progress = Progress()

    def findings(self) -> Iterator[Finding]:
        """What is wrong, as it is found.

        Raises:
            StoreInUse, StoreUnknown: See ``alone``.
        """
        with alone(self._driver):
            for repository in inventory.repositories(self._driver):
                yield from self._layers(repository)
                yield from self._revisions(repository)
                yield from self._tags(repository)
            yield from self._contents()

    def _layers(self, repository: str) -> Iterator[Finding]:
        for link in inventory.layers(self._driver, repository):
            self._linked.add(link.stored_as)
            if link.target is None:
                yield _damaged_link(link)
            elif self._size(link.target) is None:
                yield Finding(
                    Kind.ORPHAN, link.key, f"links to {link.target}, which is gone; garbage-collect removes it"
                )
            elif link.target != link.named and self._hash(link.target, link.named.algorithm) != link.named:
                yield Finding(Kind.DAMAGED, link.key, f"expected content of {link.named} behind {link.target}")

    def _revisions(self, repository: str) -> Iterator[Finding]:
        for link in inventory.revisions(self._driver, repository):
            self._linked.add(link.stored_as)
            if link.target is None:
                yield _damaged_link(link)
            if self._size(link.stored_as) is None:
                yield Finding(Kind.MISSING, f"{repository}@{link.named}", "expected a manifest, its content is gone")
            elif manifest := self._manifest(link):
                yield from self._parts(repository, link.named, manifest)

    def _tags(self, repository: str) -> Iterator[Finding]:
        for tag, target in inventory.tags(self._driver, repository):
            name = f"{repository}:{tag}"
            if target is None:
                key = paths.tag_current_link(repository, tag)
                yield Finding(Kind.DAMAGED, name, f"expected a digest in {key}")
            elif not self._exists(paths.revision_link(repository, target)) and self._leads(repository, tag, target):
                yield Finding(Kind.MISSING, name, f"points to {target}, which is no manifest of {repository}")

    def _manifest(self, link: Link) -> Manifest | None:
        """None where its content is damaged, which its hash tells later, or of a type that only others know."""
        body = inventory.manifest_body(self._driver, link)
        try:
            return None if body is None else parse(body, parse_media_type(body))
        except ManifestInvalid:
            return None

    def _parts(self, repository: str, digest: Digest, manifest: Manifest) -> Iterator[Finding]:
        links = [(paths.revision_link(repository, part.digest), part) for part in manifest.manifests()]
        links += [(paths.layer_link(repository, part.digest), part) for part in manifest.blobs()]
        for link_key, part in links:
            stored = inventory.alias(self._driver, link_key, part.digest)
            size = self._size(stored)
            if size is not None and size != part.size:
                self._wanted_sizes[stored] = part.size
            is_here = size is not None and self._exists(link_key)
            if not is_here and not _is_elsewhere(part) and self._exists(paths.revision_link(repository, digest)):
                message = f"{repository}@{digest} needs it: expected {part.size} bytes, got none"
                yield Finding(Kind.MISSING, f"{repository}@{part.digest}", message)

    def _contents(self) -> Iterator[Finding]:
        for key, digest in inventory.blobs(self._driver):
            if digest is None:
                yield Finding(Kind.ORPHAN, key, "is no place for content")
                continue
            finding = self._content(key, digest)
            if finding is not None:
                yield finding
            self.progress.contents += 1
            self._watch(self.progress)

    def _content(self, key: str, digest: Digest) -> Finding | None:
        try:
            found = self._hash(digest, digest.algorithm)
        except DriverError as exc:
            return Finding(Kind.DAMAGED, str(digest), f"expected to read it, got {exc}")
        if found != digest:
            return self._quarantine(key, digest)
        if digest not in self._linked and self._driver.stat(key).modified_at < self._began_at:
            return Finding(Kind.ORPHAN, str(digest), "no repository links to it; garbage-collect frees it")
        return None

    def _quarantine(self, key: str, digest: Digest) -> Finding | None:
        """Move the content away, unless a push has mended it since."""
        target = f"{QUARANTINE}/{digest.algorithm}/{digest.encoded}.{self._stamp}"
        with hold_content(self._driver, digest):
            found = self._hash(digest, digest.algorithm)
            if found == digest:
                return None
            size, wanted = self._driver.stat(key).size, self._wanted_sizes.get(digest)
            self._driver.move(key, target)
        if wanted is not None and size < wanted:
            return Finding(Kind.TRUNCATED, str(digest), f"expected {wanted} bytes, got {size}", target)
        return Finding(
            Kind.DAMAGED, str(digest), f"expected content of this digest, got {size} bytes of {found}", target
        )

    def _hash(self, stored: Digest, algorithm: str) -> Digest:
        hasher = hasher_for(algorithm)
        with self._driver.open(paths.blob_data(stored)) as reader:
            while data := reader.read(_READ_BYTES):
                hasher.update(data)
                self.progress.size += len(data)
                self._watch(self.progress)
        return Digest(algorithm, hasher.hexdigest())

    def _size(self, stored: Digest) -> int | None:
        with suppress(KeyUnknown):
            return self._driver.stat(paths.blob_data(stored)).size
        return None

    def _leads(self, repository: str, tag: str, target: Digest) -> bool:
        """Whether the tag still leads there."""
        return fetch_link(self._driver, paths.tag_current_link(repository, tag)) == target

    def _exists(self, key: str) -> bool:
        with suppress(KeyUnknown):
            return bool(self._driver.stat(key))
        return False


def _is_elsewhere(part: Descriptor) -> bool:
    """Whether clients fetch the part from another place, so that it need not be here."""
    return bool(part.urls) or part.media_type in NON_DISTRIBUTABLE_TYPES


def _damaged_link(link: Link) -> Finding:
    return Finding(Kind.DAMAGED, link.key, f"expected a digest, got {link.content[:80]!r}; a push of it mends the link")
