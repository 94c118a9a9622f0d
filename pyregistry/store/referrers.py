"""Referrers: the manifests of a repository that name a given subject (distribution-spec 1.1.1, end-12).

A registry that comes to know referrers has to list those, too, that clients wrote under a fallback tag before it did.

Found by reading the repository's manifests. That is always right, also for a store that registry:2 filled, needs no
index that could lag behind, and costs one small read a manifest.
"""

import logging
from collections.abc import Collection, Iterable, Iterator

from pyregistry.spec.descriptor import Descriptor
from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import ManifestInvalid
from pyregistry.spec.manifest import Index, Manifest, parse
from pyregistry.store.interface import StoredManifest

_LOG = logging.getLogger(__name__)


def referrers(
    manifests: Iterable[StoredManifest], subject: Digest, listed: Collection[Digest] = ()
) -> Iterator[Descriptor]:
    """Descriptors of those that refer to ``subject``, as the referrers API lists them.

    Args:
        manifests: Of the repository.
        subject: The subject that they name themselves,
        listed: or what a client listed as its referrers, see ``read_listing``.
    """
    for stored in manifests:
        manifest = _parse(stored)
        if manifest and (stored.descriptor.digest in listed or _names(manifest, subject)):
            yield Descriptor(
                stored.descriptor.media_type,
                stored.descriptor.digest,
                stored.descriptor.size,
                annotations=manifest.annotations,
                artifact_type=manifest.referrer_type,
            )


def read_listing(stored: StoredManifest) -> frozenset[Digest]:
    """What the index at a subject's fallback tag lists; nothing where there is something else at that tag."""
    manifest = _parse(stored)
    return frozenset(child.digest for child in manifest.children) if isinstance(manifest, Index) else frozenset()


def _names(manifest: Manifest, subject: Digest) -> bool:
    return manifest.subject is not None and manifest.subject.digest == subject


def _parse(stored: StoredManifest) -> Manifest | None:
    """None where another registry took what we would have refused; it is served by digest, and refers to nothing."""
    try:
        return parse(stored.body, stored.descriptor.media_type)
    except ManifestInvalid as exc:
        _LOG.warning("%s: not searched for its subject: %s", stored.descriptor.digest, exc.detail)
        return None
