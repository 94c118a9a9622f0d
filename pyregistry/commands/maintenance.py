"""What the commands have in common that work on a store without serving it."""

from pathlib import Path

from pyregistry.config import Settings, load
from pyregistry.config.settings import FilesystemStorage
from pyregistry.drivers.filesystem import FilesystemDriver
from pyregistry.drivers.interface import Driver
from pyregistry.drivers.memory import MemoryDriver


def load_for_maintenance(config: Path | None) -> Settings:
    """The settings; the log is set up as the server's is."""
    from pyregistry.api import logs

    settings = load(config)
    logs.configure(settings.log)
    return settings


def open_driver(settings: Settings) -> Driver:
    """The store's driver as it is: unlike a server, maintenance makes no store where there is none."""
    storage = settings.storage.driver
    return FilesystemDriver(storage.root) if isinstance(storage, FilesystemStorage) else MemoryDriver()
