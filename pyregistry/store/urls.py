"""A store that takes layers from elsewhere only where a policy allows their URLs (``validation.manifests.urls``)."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import ManifestInvalid
from pyregistry.spec.manifest import parse
from pyregistry.store.interface import PushedManifest, Store
from pyregistry.store.wrapping import WrappedManifests, WrappedStore


def open_with_urls(store: Store, allowed: Iterable[str], denied: Iterable[str]) -> Store:
    """``store`` with a policy.

    Args:
        store: What is wrapped.
        allowed: Regular expressions, one of which has to be found in a URL; none at all allow every URL
        denied: that none of these is found in.
    """
    return WrappedStore(
        blobs=store.blobs,
        uploads=store.uploads,
        manifests=_UrlCheckedManifests(store, [*map(re.compile, allowed)], [*map(re.compile, denied)]),
        tags=store.tags,
        repositories=store.repositories,
    )


class _UrlCheckedManifests(WrappedManifests):
    def __init__(self, store: Store, allowed: list[re.Pattern[str]], denied: list[re.Pattern[str]]) -> None:
        super().__init__(store.manifests)
        self._allowed = allowed
        self._denied = denied

    def push(self, repository: str, reference: str | Digest, media_type: str, body: bytes) -> PushedManifest:
        parts = parse(body, media_type).references()
        refused = [url for part in parts for url in part.urls if not self._allows(url)]
        if refused:
            raise ManifestInvalid(f"{refused[0][:200]!r}: expected a URL that validation.manifests.urls allows")
        return super().push(repository, reference, media_type, body)

    def _allows(self, url: str) -> bool:
        """registry:2's rules: http or https, no fragment, found by an ``allow`` and by no ``deny``."""
        return (
            _is_plain(url)
            and (not self._allowed or any(pattern.search(url) for pattern in self._allowed))
            and not any(pattern.search(url) for pattern in self._denied)
        )


def _is_plain(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and not parts.fragment
