"""Referrers: the manifests of a repository that name a given subject (distribution-spec 1.1.1, end-12).

Found by reading the repository's manifests. That is always right, also for a store that registry:2 filled, needs no
index that could lag behind, and costs one small read a manifest.
"""

from collections.abc import Iterable, Iterator

from pyregistry.spec.descriptor import Descriptor
from pyregistry.spec.digest import Digest
from pyregistry.spec.manifest import parse
from pyregistry.store.interface import StoredManifest


def referrers(manifests: Iterable[StoredManifest], subject: Digest) -> Iterator[Descriptor]:
    """Descriptors of those whose subject is ``subject``, as the referrers API lists them."""
    for stored in manifests:
        manifest = parse(stored.body, stored.descriptor.media_type)
        if manifest.subject is not None and manifest.subject.digest == subject:
            yield Descriptor(
                stored.descriptor.media_type,
                stored.descriptor.digest,
                stored.descriptor.size,
                annotations=manifest.annotations,
                artifact_type=manifest.referrer_type,
            )
