"""What a configuration makes of a store: the wrappers around it, and what of it is garbage."""

from datetime import datetime, timedelta

from pyregistry.config.settings import Mode, Settings
from pyregistry.store.immutability import open_immutable
from pyregistry.store.interface import Store
from pyregistry.store.plan import Options
from pyregistry.store.readonly import open_read_only
from pyregistry.store.registry2 import open_as_registry2
from pyregistry.store.undeletable import open_undeletable
from pyregistry.store.urls import open_with_urls


def wrap(store: Store, settings: Settings) -> Store:
    """``store`` as clients may use it. The outermost refusal is the one that they hear."""
    urls = settings.validation
    if urls.enabled and (urls.allowed_urls or urls.denied_urls):
        store = open_with_urls(store, urls.allowed_urls, urls.denied_urls)
    if settings.immutability:
        store = open_immutable(store, settings.immutability)
    if settings.mode is Mode.REGISTRY2:
        store = open_as_registry2(store)
    if not settings.storage.delete_enabled:
        store = open_undeletable(store)
    if settings.storage.read_only:
        store = open_read_only(store)
    return store


def choose_garbage(settings: Settings, now: datetime, *, delete_untagged: bool) -> Options:
    """What a collection that begins at ``now`` may take."""
    return Options(
        delete_untagged=delete_untagged,
        stale_before=now - timedelta(seconds=settings.storage.upload_purging.age_seconds),
        used_since=now - 2 * timedelta(seconds=settings.gc.grace_seconds),
    )
