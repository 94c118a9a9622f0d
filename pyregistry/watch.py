"""What goes on beside serving, for those who look after the registry: health, notifications, metrics, debugging.

Made before the processes part. Each process that serves passes its journal through ``fed``; one process, the parent or
the only one, starts the rest and stops it.
"""

import logging
import socket
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress

from pyregistry.api.housekeeping import collect_when_asked
from pyregistry.config.settings import MemoryStorage, Settings
from pyregistry.debug.counters import Counters
from pyregistry.debug.listener import DebugServer
from pyregistry.debug.pages import CollectionRefused, routes
from pyregistry.drivers.interface import Driver, DriverError
from pyregistry.health import Health, Watcher
from pyregistry.health.checks import configured_checks
from pyregistry.journal.feeding import FedJournal, Listener
from pyregistry.notifications.broadcaster import Broadcaster
from pyregistry.notifications.envelope import Source
from pyregistry.notifications.funnel import Funnel
from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import RegistryError
from pyregistry.spec.journal import EventLog
from pyregistry.store.interface import Store
from pyregistry.store.locks import StoreInUse, StoreUnknown

_LOG = logging.getLogger(__name__)

DRAIN_SECONDS = 2.0
"""At the end, for notifications that are still to be sent; registry:2 drops them."""


class Watch:
    """Health, notifications, metrics and the debug server of one registry.

    Args:
        settings: Which of them there are.
        driver: What is looked at for ``health.storagedriver``.
        store: Where references of notifications are read.
        address: Where the registry listens, as notifications tell it.
        processes: How many serve.

    Raises:
        OSError: The debug server's address is taken, or not ours to take.
    """

    def __init__(
        self,
        settings: Settings,
        driver: Driver,
        store: Store,
        address: str,
        *,
        processes: int = 1,
    ) -> None:
        storage = "inmemory" if isinstance(settings.storage.driver, MemoryStorage) else "filesystem"
        probe = configured_checks(settings.health, storage, lambda: next(iter(driver.children("")), None))
        self.health = Health(list(probe))
        self._watcher = Watcher(self.health)
        self._counters = Counters(processes)
        self._broadcaster = Broadcaster(settings.notifications, _source(settings, address), _ManifestReader(store).read)
        self._funnel = Funnel() if processes > 1 else None
        debug = settings.http.debug
        self._metrics_path = debug.prometheus_path if debug else None
        collect, told = _Collector(driver, settings), self._broadcaster.endpoints
        table = routes(self.health, self._counters, told, self._metrics_path, collect)
        self._debug = DebugServer(debug.address, table) if debug else None

    def fed(self, journal: EventLog, process: int = 0) -> tuple[EventLog, Callable[[], None]]:
        """For a process that serves, from 0: a journal whose events reach metrics and notifications.

        Returns:
            The journal, and what to call when a request comes in.
        """
        listeners: list[Listener] = []
        part = self._counters.part(process)
        if self._metrics_path:
            listeners.append(part.count)
        if self._broadcaster.endpoints:
            listeners.append(self._funnel.offer if self._funnel else self._broadcaster.offer)
        return FedJournal(journal, listeners) if listeners else journal, part.begin

    def start(self) -> None:
        """Look, tell and answer from now on."""
        self._watcher.start()
        self._broadcaster.start()
        if self._funnel:
            self._funnel.pour_into(self._broadcaster.offer)
        if self._metrics_path:
            _LOG.info("providing prometheus metrics on %s", self._metrics_path)
        if self._debug:
            self._debug.start()

    def stop(self) -> None:
        """Send what is still to be sent, for ``DRAIN_SECONDS`` at most. Once nobody serves any more."""
        self._watcher.stop()
        if self._funnel:
            self._funnel.finish(DRAIN_SECONDS)
        self._broadcaster.stop(DRAIN_SECONDS)
        if self._debug:
            self._debug.stop()


class _Collector:
    """The store as ``POST /debug/gc`` needs it."""

    def __init__(self, driver: Driver, settings: Settings) -> None:
        self._driver = driver
        self._settings = settings

    def __call__(self, *, dry_run: bool, delete_untagged: bool) -> Mapping[str, object]:
        """See ``Collect``."""
        try:
            return collect_when_asked(self._driver, self._settings, dry_run=dry_run, delete_untagged=delete_untagged)
        except (StoreInUse, StoreUnknown) as exc:
            raise CollectionRefused(str(exc)) from exc


class _ManifestReader:
    """The store as the notifications need it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def read(self, repository: str, digest: str) -> bytes | None:
        """See ``ReadManifest``."""
        with suppress(RegistryError, DriverError):
            return self._store.manifests.fetch(repository, Digest.parse(digest)).body
        return None


def _source(settings: Settings, address: str) -> Source:
    """This registry, as registry:2 names itself: the machine's name and the port."""
    http = settings.http
    port = address.rpartition(":")[2]
    machine = socket.gethostname()
    shown = f"{machine}:{port}" if port.isdecimal() else machine
    return Source(shown, str(uuid.uuid4()), http.external_url, http.relative_urls, http.prefix)
