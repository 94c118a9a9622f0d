"""Every implementation that a contract suite runs over: a new one adds one line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pyregistry.drivers.filesystem import FilesystemDriver
from pyregistry.drivers.interface import Driver
from pyregistry.drivers.memory import MemoryDriver
from pyregistry.store.interface import Store
from pyregistry.store.registry import open_store

DRIVERS: dict[str, Callable[[Path], Driver]] = {
    "filesystem": FilesystemDriver,
    "memory": lambda _: MemoryDriver(),
}


@pytest.fixture(params=DRIVERS)
def driver(request: pytest.FixtureRequest, tmp_path: Path) -> Driver:
    """An empty driver of each kind."""
    return DRIVERS[request.param](tmp_path / "root")


@pytest.fixture
def store(driver: Driver) -> Store:
    """An empty store on each kind of driver."""
    return open_store(driver)
