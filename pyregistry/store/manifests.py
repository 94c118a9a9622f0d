"""Manifests: revisions of a repository, by digest or through a tag."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial

from pyregistry.drivers.interface import Driver, KeyUnknown
from pyregistry.spec.descriptor import Descriptor
from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import DigestInvalid, ManifestBlobUnknown, ManifestInvalid, ManifestUnknown
from pyregistry.spec.manifest import Manifest, parse, parse_media_type
from pyregistry.spec.media_types import NON_DISTRIBUTABLE_TYPES
from pyregistry.spec.names import format_fallback_tag
from pyregistry.store import paths
from pyregistry.store.blobs import DriverBlobs
from pyregistry.store.interface import PushedManifest, StoredManifest
from pyregistry.store.links import Renewal, fetch_link, push_link, touch_link
from pyregistry.store.locks import hold_content, hold_repository
from pyregistry.store.referrers import read_listing, referrers
from pyregistry.store.tags import DriverTags

_LOG = logging.getLogger(__name__)


class DriverManifests:
    """The ``Manifests`` of a driver.

    Pushes and deletes in one repository wait for each other: a delete reads all tags and drops those on its revision,
    and must not drop one that has just moved away; and a push names parts, none of which may go while it checks them.
    """

    def __init__(self, driver: Driver, blobs: DriverBlobs, tags: DriverTags, renewal: Renewal) -> None:
        self._driver = driver
        self._blobs = blobs
        self._tags = tags
        self._renewal = renewal

    def fetch(self, repository: str, reference: str | Digest) -> StoredManifest:
        """See ``Manifests``. What a tag leads to stays; what is only named by its digest is marked as used."""
        if isinstance(reference, str):
            return self._fetch(repository, self._tags.resolve(repository, reference))
        found = self._fetch(repository, reference)
        link = paths.revision_link(repository, reference)
        if not self._renewal.renew(self._driver, link, partial(hold_repository, self._driver, repository)):
            raise _revision_unknown(repository, reference)
        return found

    def push(self, repository: str, reference: str | Digest, media_type: str, body: bytes) -> PushedManifest:
        """See ``Manifests``. Content, then revision, then tag: whatever is named is whole."""
        manifest = parse(body, media_type)
        digest = _verified_digest(reference, body)
        self._require_parts(repository, manifest)  # before a lock makes folders for it
        with hold_repository(self._driver, repository):
            self._touch_parts(repository, manifest)
            self._require_parts(repository, manifest)
            self._push_revision(repository, digest, body)
            if isinstance(reference, str):
                self._tags.move(repository, reference, digest)
        subject = manifest.subject.digest if manifest.subject else None
        return PushedManifest(Descriptor(manifest.media_type, digest, len(body)), subject)

    def delete(self, repository: str, reference: str | Digest) -> Digest:
        """See ``Manifests``. Tags before the revision: none is left pointing at nothing."""
        self._require(repository, reference)  # before a lock makes folders for it
        with hold_repository(self._driver, repository):
            if isinstance(reference, str):
                return self._tags.delete(repository, reference)
            self._delete_revision(repository, reference)
        return reference

    def referrers(self, repository: str, subject: Digest) -> Sequence[Descriptor]:
        """See ``Manifests``."""
        return list(referrers(self._all(repository), subject, self._listed(repository, subject)))

    def _listed(self, repository: str, subject: Digest) -> frozenset[Digest]:
        """What clients listed themselves, at a registry that did not."""
        try:
            return read_listing(self.fetch(repository, format_fallback_tag(subject)))
        except ManifestUnknown:
            return frozenset()

    def _fetch(self, repository: str, digest: Digest) -> StoredManifest:
        """The registry does not store media types; the body tells."""
        body = self._body(repository, digest)
        if body is None:
            raise _revision_unknown(repository, digest)
        try:
            media_type = parse_media_type(body)
        except ManifestInvalid as exc:
            _LOG.warning("%s: a revision of %s that cannot be served: %s", digest, repository, exc.detail)
            raise _revision_unknown(repository, digest) from exc
        return StoredManifest(Descriptor(media_type, digest, len(body)), body)

    def _push_revision(self, repository: str, digest: Digest, body: bytes) -> None:
        """Content and the link to it. The touch comes last, as in ``DriverBlobs.link``."""
        with hold_content(self._driver, digest):
            self._driver.write(paths.blob_data(digest), [body])
            push_link(self._driver, paths.revision_link(repository, digest), digest)
            self._driver.touch(paths.blob_data(digest))

    def _require(self, repository: str, reference: str | Digest) -> None:
        """Refuse what the repository does not have."""
        if isinstance(reference, str):
            self._tags.resolve(repository, reference)
        elif fetch_link(self._driver, paths.revision_link(repository, reference)) is None:
            raise _revision_unknown(repository, reference)

    def _delete_revision(self, repository: str, digest: Digest) -> None:
        self._require(repository, digest)
        self._touch_named(repository, digest)
        for tag, target in self._tags.current(repository).items():
            if target == digest:
                self._tags.delete(repository, tag)
        self._driver.delete(paths.revision_link(repository, digest))

    def _touch_named(self, repository: str, digest: Digest) -> None:
        """Mark the parts of a revision as used, so that whoever is pulling it can finish."""
        with suppress(ManifestUnknown, ManifestInvalid):
            found = self._fetch(repository, digest)
            self._touch_parts(repository, parse(found.body, found.descriptor.media_type))

    def _touch_parts(self, repository: str, manifest: Manifest) -> None:
        """Mark the links to all parts as used: a collection that has not seen who names them leaves them alone."""
        for part in manifest.manifests():
            touch_link(self._driver, paths.revision_link(repository, part.digest))
        for part in manifest.blobs():
            touch_link(self._driver, paths.layer_link(repository, part.digest))

    def _body(self, repository: str, digest: Digest) -> bytes | None:
        """The revision's exact bytes, proven; None where link or content is missing or damaged.

        A body is small, so it is hashed on each read: what registry:2 left truncated in a crash is not served.
        """
        target = fetch_link(self._driver, paths.revision_link(repository, digest))
        if target is None:
            return None
        key = paths.blob_data(target)
        try:
            with self._driver.open(key) as reader:
                body = reader.read()
        except KeyUnknown:
            _LOG.warning("%s: a revision of %s, but its content is missing", digest, repository)
            return None
        if Digest.of(body, digest.algorithm) != digest:
            _LOG.warning("%s: expected content of %s; served as absent until it is pushed again", key, digest)
            return None
        return body

    def _all(self, repository: str) -> Iterator[StoredManifest]:
        """Every usable revision, in order of digests."""
        for digest in self._revisions(repository):
            try:
                yield self._fetch(repository, digest)
            except ManifestUnknown:
                continue

    def _revisions(self, repository: str) -> Iterator[Digest]:
        folder = paths.revisions(repository)
        for algorithm in self._driver.children(folder):
            for encoded in self._driver.children(f"{folder}/{algorithm}"):
                try:
                    yield Digest.parse(f"{algorithm}:{encoded}")
                except DigestInvalid:
                    _LOG.warning("%s/%s/%s: expected a digest", folder, algorithm, encoded)

    def _require_parts(self, repository: str, manifest: Manifest) -> None:
        """Refuse a manifest whose parts the repository does not hold. A subject may come later, or never."""
        revisions, blobs = (
            dict.fromkeys(part.digest for part in parts if _is_kept_here(part))
            for parts in (manifest.manifests(), manifest.blobs())
        )
        missing = [str(digest) for digest in revisions if not self._has_revision(repository, digest)]
        missing += [str(digest) for digest in blobs if not self._blobs.exists(repository, digest)]
        if missing:
            raise ManifestBlobUnknown(missing)

    def _has_revision(self, repository: str, digest: Digest) -> bool:
        return self._body(repository, digest) is not None


def _is_kept_here(part: Descriptor) -> bool:
    """Whether clients push the part. What has URLs, or must not be distributed, they fetch from elsewhere."""
    return not part.urls and part.media_type not in NON_DISTRIBUTABLE_TYPES


def _revision_unknown(repository: str, digest: Digest) -> ManifestUnknown:
    return ManifestUnknown({"Name": repository, "Revision": str(digest)})


def _verified_digest(reference: str | Digest, body: bytes) -> Digest:
    """The digest that the push is stored under: the one it names, proven, or the canonical one."""
    if isinstance(reference, str):
        return Digest.of(body)
    found = Digest.of(body, reference.algorithm)
    if found != reference:
        raise DigestInvalid(f"{reference}: expected a manifest of this digest, got {len(body)} bytes of {found}")
    return found
