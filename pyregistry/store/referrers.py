"""Referrers: the manifests of a repository that name a given subject (distribution-spec 1.1.1, end-12).

Found by reading the repository's manifests. That is always right, also for a store that registry:2 filled, needs no
index that could lag behind, and costs one small read a manifest.
"""

import logging
from collections.abc import Iterable, Iterator

from pyregistry.spec.descriptor import Descriptor
from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import ManifestInvalid
from pyregistry.spec.manifest import Manifest, parse
from pyregistry.store.interface import StoredManifest

_LOG = logging.getLogger(__name__)


def referrers(manifests: Iterable[StoredManifest], subject: Digest) -> Iterator[Descriptor]:
    """Descriptors of those whose subject is ``subject``, as the referrers API lists them."""
    for stored in manifests:
        manifest = _parse(stored)
        if manifest and manifest.subject and manifest.subject.digest == subject:
            yield Descriptor(
                stored.descriptor.media_type,
                stored.descriptor.digest,
                stored.descriptor.size,
                annotations=manifest.annotations,
                artifact_type=manifest.referrer_type,
            )


def _parse(stored: StoredManifest) -> Manifest | None:
    """None where another registry took what we would have refused; it is served by digest, and refers to nothing."""
    try:
        return parse(stored.body, stored.descriptor.media_type)
    except ManifestInvalid as exc:
        _LOG.warning("%s: not searched for its subject: %s", stored.descriptor.digest, exc.detail)
        return None
