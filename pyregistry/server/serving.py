"""From settings to a registry that serves, in one process or in several."""

import logging
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import uvloop

from pyregistry import __version__
from pyregistry.api import logs
from pyregistry.api.app import build_app
from pyregistry.api.call import Wiring
from pyregistry.api.housekeeping import choose_delay, collect_garbage, purge_uploads
from pyregistry.api.manners import manners_of
from pyregistry.auth.guards import guard_for
from pyregistry.auth.interface import Guard
from pyregistry.config.settings import FilesystemStorage, MemoryStorage, Mode, Settings
from pyregistry.drivers.filesystem import FilesystemDriver
from pyregistry.drivers.interface import Driver
from pyregistry.drivers.memory import MemoryDriver
from pyregistry.journal import EventLog, open_journal
from pyregistry.server import workers
from pyregistry.server.addresses import StartError, listening, reason, refusal, shown
from pyregistry.server.http import LEAST_DRAIN_SECONDS, Chore, EmbeddedServer, client_authorities, run
from pyregistry.spec.journal import Event
from pyregistry.store.configured import wrap
from pyregistry.store.interface import Store
from pyregistry.store.locks import announce_serving
from pyregistry.store.recall import MAX_AGE_SECONDS, Prover
from pyregistry.store.registry import DriverStore, open_store
from pyregistry.twins import speech_of
from pyregistry.watch import Watch

_LOG = logging.getLogger(__name__)

_GRACE_TO_KILL_SECONDS = 3.0
"""For a worker to end after the time that its requests have; then it is killed."""


def serve(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT.

    Returns:
        1, with one line in the log, where the registry cannot be started. After having served, the process ends here
        (see ``_leave``): with 0, or with 1 where a worker ended by itself.

    Raises:
        JournalError, AccountsUnreadable: What the configuration names is damaged.
    """
    logs.configure(settings.log)
    try:
        with listening(settings) as listener, client_authorities(settings.http.tls) as authorities:
            registry = _open(settings, listener, authorities)
            with announce_serving(registry.driver):
                is_well = registry.serve()
    except StartError as exc:
        _LOG.critical("%s", exc)
        return 1
    return _leave(0 if is_well else 1)


def _open(settings: Settings, listener: socket.socket, authorities: Path | None) -> "_Registry":
    """What all processes share, made before they part."""
    journal = open_journal(settings)
    driver = _open_driver(settings.storage.driver)
    store = open_store(driver, timedelta(seconds=settings.gc.grace_seconds))
    watch = _watch(settings, driver, store, shown(listener))
    return _Registry(settings, journal, driver, store, watch, guard_for(settings), listener, authorities)


@dataclass(frozen=True, slots=True)
class _Registry:
    """A registry that is ready to serve."""

    settings: Settings
    journal: EventLog
    driver: Driver
    store: DriverStore
    watch: Watch
    guard: Guard
    listener: socket.socket
    authorities: Path | None

    def serve(self) -> bool:
        """Serve until told to stop; False where that was not the reason."""
        http, count = self.settings.http, self.settings.workers
        self._remember("server.started")
        if count == 1:
            self.watch.start()
            uvloop.run(run(self._server(0), http, self._chores(), self._announce))
            is_well = True
        else:
            pids = workers.fork(count, self._work)
            self.watch.start()
            drain = max(http.drain_timeout_seconds, LEAST_DRAIN_SECONDS) + _GRACE_TO_KILL_SECONDS
            is_well = uvloop.run(workers.supervise(pids, drain, self._chores(), self._announce))
        self.watch.stop()
        self._remember("server.stopped")
        return is_well

    def _work(self, number: int, lifeline: int) -> NoReturn:
        """What a worker does."""
        uvloop.run(self._serve_part(number, lifeline))
        _leave(0)

    async def _serve_part(self, number: int, lifeline: int) -> None:
        workers.watch_parent(lifeline)
        await run(self._server(number), self.settings.http, (), _say_nothing)

    def _server(self, number: int) -> EmbeddedServer:
        """The server of one process, from 0."""
        settings = self.settings
        fed, begun = self.watch.fed(self.journal, number)
        manners = manners_of(settings.mode)
        lacking = speech_of(settings.twin).lacking_endpoints | manners.lacking_endpoints
        max_age = min(MAX_AGE_SECONDS, settings.gc.grace_seconds / 2)  # see decision record 9
        prover = Prover(self.driver, max_age) if settings.mode is Mode.OCI else None
        store = wrap(self.store, settings)
        wiring = Wiring(settings, store, self.guard, fed, lacking, self.watch.health, begun, prover, manners)
        return EmbeddedServer(build_app(wiring), self.listener, settings, self.authorities)

    def _chores(self) -> Iterator[Chore]:
        """What goes on beside serving, in one process only."""
        settings = self.settings
        if settings.storage.read_only:
            return
        if settings.storage.upload_purging.enabled:
            yield purge_uploads(self.store, settings.storage.upload_purging, choose_delay())
        if settings.gc.interval_seconds is not None:
            yield collect_garbage(self.driver, settings, settings.gc.interval_seconds)

    def _announce(self) -> None:
        _LOG.info("listening on %s%s", shown(self.listener), ", tls" if self.settings.http.tls else "")

    def _remember(self, action: str) -> None:
        address = shown(self.listener)
        detail: dict[str, object] = {"action": action, "address": address, "pid": os.getpid(), "version": __version__}
        self.journal.append(Event("server", datetime.now(UTC), time.monotonic_ns(), detail=detail))


def _watch(settings: Settings, driver: Driver, store: Store, address: str) -> Watch:
    """What goes on beside serving.

    Raises:
        StartError: The debug server's address is taken, or not ours to take.
    """
    try:
        return Watch(settings, driver, store, address, processes=settings.workers)
    except OSError as exc:
        taken = settings.http.debug
        raise StartError(
            refusal(taken.address, exc, "http.debug.addr", "the debug server") if taken else reason(exc)
        ) from exc


def _say_nothing() -> None:
    """A worker's readiness is nobody's news."""


def _open_driver(storage: FilesystemStorage | MemoryStorage) -> Driver:
    if isinstance(storage, MemoryStorage):
        return MemoryDriver()
    _check_writable(storage.root)
    return FilesystemDriver(storage.root)


def _check_writable(root: Path) -> None:
    """Prove it by writing: modes say little about read-only mounts, and nothing to root.

    Raises:
        StartError: The folder cannot be made or written to.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root):
            pass
    except OSError as exc:
        raise StartError(f"storage.filesystem.rootdirectory {root}: {reason(exc)}") from exc


def _leave(code: int) -> NoReturn:
    """End the process without the interpreter's farewell.

    Granian's threads may still want the interpreter while it is being taken down, and then abort the process (seen
    with 2.8 on Python 3.11, one stop in some ten). Nothing is left to do: what was stored and remembered is on disk.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
