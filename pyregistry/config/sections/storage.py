"""``storage``: one driver, and what stands beside it."""

from pyregistry.config.section import Section
from pyregistry.config.settings import FilesystemStorage, MemoryStorage, StorageSettings, UploadPurging

_SIDE_KEYS = frozenset({"cache", "delete", "maintenance", "redirect", "tag"})


def read_storage(root: Section) -> StorageSettings:
    """``storage``."""
    with (
        root.section("storage", word_allowed=True) as storage,
        storage.section("delete") as delete,
        storage.section("maintenance") as maintenance,
        maintenance.section("readonly") as read_only,
    ):
        _check_one_driver(storage)
        return StorageSettings(
            driver=_read_driver(storage),
            delete_enabled=delete.switch("enabled"),
            read_only=read_only.boolean("enabled", default=False),
            upload_purging=_read_upload_purging(maintenance),
        )


def _check_one_driver(storage: Section) -> None:
    drivers = [name for name in storage.names() if name not in _SIDE_KEYS]
    if not drivers:
        storage.complain("no storage configuration provided")
    elif len(drivers) > 1:
        storage.complain(f"must provide exactly one storage type. Provided: {', '.join(drivers)}")


def _read_driver(storage: Section) -> FilesystemStorage | MemoryStorage:
    with storage.section("filesystem") as filesystem, storage.section("inmemory"):
        root = filesystem.path_of("rootdirectory")
    if storage.has("inmemory"):
        return MemoryStorage()
    return FilesystemStorage(root) if root else FilesystemStorage()


def _read_upload_purging(maintenance: Section) -> UploadPurging:
    default = UploadPurging()
    with maintenance.section("uploadpurging") as purging:
        enabled = purging.boolean("enabled", default=default.enabled)
        if enabled and purging.names():
            for name in ("age", "interval", "dryrun"):
                if not purging.has(name):  # registry:2 panics here
                    purging.mistake(name, "required where upload purging is configured and enabled")
        return UploadPurging(
            enabled=enabled,
            age_seconds=purging.duration("age", default.age_seconds),
            interval_seconds=purging.duration("interval", default.interval_seconds),
            dry_run=purging.boolean("dryrun", default=default.dry_run),
        )
