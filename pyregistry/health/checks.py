"""What can be looked at. Each function makes a probe that returns, or raises with registry:2's words for it."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import urllib3
from urllib3.exceptions import HTTPError, MaxRetryError

from pyregistry.config.settings import FileCheck, HealthSettings, HttpCheck, TcpAddress, TcpCheck
from pyregistry.health.state import Check
from pyregistry.spec.urls import parse_credentials, without_secrets

Probe = Callable[[], object]

_MAX_REDIRECTS = 10
"""As many as Go's client follows."""


class CheckFailed(Exception):
    """It is not so; the message says what was seen instead."""


def configured_checks(settings: HealthSettings, storage: str, probe_storage: Probe) -> Iterator[Check]:
    """The checks of a configuration, under registry:2's names.

    Args:
        settings: ``health``.
        storage: Which driver stores, as in ``filesystem``.
        probe_storage: Touches the storage, and raises where it does not answer.
    """
    if settings.storage_driver_enabled:
        yield Check(f"storagedriver_{storage}", probe_storage, settings.interval_seconds, settings.threshold)
    for file in settings.file_checks:
        yield _check(str(file.path), file_is_absent(file.path), file)
    for http in settings.http_checks:
        yield _check(without_secrets(http.url), http_answers(http), http)
    for tcp in settings.tcp_checks:
        yield _check(_shown(tcp.address), tcp_accepts(tcp), tcp)


def file_is_absent(path: Path) -> Probe:
    """Someone who wants the registry out of the way makes the file."""

    def probe() -> None:
        try:
            path.stat()
        except FileNotFoundError:
            return
        except OSError as exc:
            raise CheckFailed(f"{path}: {exc.strerror}") from exc
        raise CheckFailed("file exists")

    return probe


def http_answers(settings: HttpCheck) -> Probe:
    """A HEAD request has the wanted status. Redirects are followed, without the configured headers elsewhere."""
    pool = urllib3.PoolManager(maxsize=1)
    url, headers = parse_credentials(settings.url)
    headers |= {name.title(): ", ".join(values) for name, values in settings.headers.items()}
    retries = urllib3.Retry(
        total=_MAX_REDIRECTS, connect=0, read=0, status=0, other=0, remove_headers_on_redirect=headers
    )

    def probe() -> None:
        timeout = urllib3.Timeout(total=settings.timeout_seconds)
        try:
            status = pool.request("HEAD", url, headers=headers, timeout=timeout, retries=retries).status
        except HTTPError as exc:
            # urllib3's own words for it hold the whole URL, the reason behind them does not
            cause = exc.reason if isinstance(exc, MaxRetryError) else exc
            raise CheckFailed(f"error while checking: {without_secrets(settings.url)}") from cause
        if status != settings.status_code:
            raise CheckFailed(f"downstream service returned unexpected status: {status}")

    return probe


def tcp_accepts(settings: TcpCheck) -> Probe:
    """Somebody takes the connection, which is closed at once."""
    address = settings.address

    def probe() -> None:
        try:
            socket.create_connection((address.host, address.port), settings.timeout_seconds).close()
        except OSError as exc:
            raise CheckFailed(f"connection to {_shown(address)} failed") from exc

    return probe


def _check(name: str, probe: Probe, settings: FileCheck | HttpCheck | TcpCheck) -> Check:
    return Check(name, probe, settings.interval_seconds, settings.threshold)


def _shown(address: TcpAddress) -> str:
    return f"[{address.host}]:{address.port}" if ":" in address.host else f"{address.host}:{address.port}"
