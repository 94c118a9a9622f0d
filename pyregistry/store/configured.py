"""Which wrappers a configuration puts around a store."""

from pyregistry.config.settings import Settings
from pyregistry.store.immutability import open_immutable
from pyregistry.store.interface import Store
from pyregistry.store.readonly import open_read_only
from pyregistry.store.undeletable import open_undeletable
from pyregistry.store.urls import open_with_urls


def wrap(store: Store, settings: Settings) -> Store:
    """``store`` as clients may use it. The outermost refusal is the one that they hear."""
    urls = settings.validation
    if urls.enabled and (urls.allowed_urls or urls.denied_urls):
        store = open_with_urls(store, urls.allowed_urls, urls.denied_urls)
    if settings.immutability:
        store = open_immutable(store, settings.immutability)
    if not settings.storage.delete_enabled:
        store = open_undeletable(store)
    if settings.storage.read_only:
        store = open_read_only(store)
    return store
