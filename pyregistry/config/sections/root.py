"""The whole file."""

from pathlib import Path

from pyregistry.config.section import Section
from pyregistry.config.sections.auth import read_auth
from pyregistry.config.sections.health import read_health
from pyregistry.config.sections.http import read_http
from pyregistry.config.sections.log import read_log
from pyregistry.config.sections.notifications import read_notifications
from pyregistry.config.sections.own import read_gc, read_immutability, read_limits, read_path, read_workers
from pyregistry.config.sections.storage import read_storage
from pyregistry.config.sections.validation import read_catalog, read_validation
from pyregistry.config.settings import MemoryStorage, Mode, Settings, Twin

VERSION = "0.1"


def read_settings(root: Section, source: Path) -> Settings:
    """Everything. The result is only good when no mistakes were found on the way."""
    with root, root.section("pyregistry") as own:
        _read_version(root)
        settings = Settings(
            source=source,
            log=read_log(root),
            storage=read_storage(root),
            http=read_http(root),
            auth=read_auth(root),
            notifications=read_notifications(root),
            health=read_health(root),
            validation=read_validation(root),
            catalog_max_entries=read_catalog(root),
            twin=own.word("twin", Twin, None),
            accounts_path=read_path(own, "accounts"),
            journal_path=read_path(own, "journal"),
            limits=read_limits(own),
            immutability=read_immutability(own),
            mode=own.word("mode", Mode, Mode.OCI),
            gc=read_gc(own),
            workers=read_workers(own),
        )
        _check_guards(own, settings)
        _check_workers(own, settings)
    return settings


def _read_version(root: Section) -> None:
    version = root.text("version", "")
    if version != VERSION:
        root.complain(f'unsupported version: "{version}", expected {VERSION}')


def _check_workers(own: Section, settings: Settings) -> None:
    """Processes share a disk, not memory."""
    if settings.workers > 1 and isinstance(settings.storage.driver, MemoryStorage):
        own.mistake("workers", "several processes cannot share storage.inmemory; leave workers out")


def _check_guards(own: Section, settings: Settings) -> None:
    """One guard at the door: a twin needs accounts, and accounts exclude ``auth``."""
    if settings.twin and settings.accounts_path is None:
        own.mistake("twin", f"{settings.twin} needs pyregistry.accounts.path")
    if settings.auth and settings.accounts_path:
        own.mistake("accounts", "auth is configured too; only one of them can guard the registry")
    if settings.twin and settings.mode is Mode.REGISTRY2:
        own.mistake("mode", f"the {settings.twin} twin has manners of its own; leave one of them out")
