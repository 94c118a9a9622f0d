"""What the debug server answers, page by page."""

import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Protocol

from pyregistry import __version__
from pyregistry.debug import exposition
from pyregistry.debug.counters import Counters
from pyregistry.debug.listener import Answer, Query, Route, json_answer, text_answer
from pyregistry.debug.metrics import health_families, notification_families, request_families, shown
from pyregistry.health import Health
from pyregistry.notifications.endpoint import Endpoint


class CollectionRefused(Exception):
    """It cannot be collected now; the message says why."""


class Collect(Protocol):
    """Frees what nobody refers to."""

    def __call__(self, *, dry_run: bool, delete_untagged: bool) -> Mapping[str, object]:
        """Returns how many of what went; blocks until then. A dry run says what would go.

        Raises:
            CollectionRefused: Another one is running, or there is nothing to collect from.
        """
        ...


_SWITCHES = ("dry-run", "delete-untagged")
_YES = ("", "true")


def routes(
    health: Health,
    counters: Counters,
    endpoints: Iterable[Endpoint],
    metrics_path: str | None,
    collect: Collect | None = None,
) -> dict[tuple[str, str], Route]:
    """The table of the debug server.

    Args:
        health: What is watched.
        counters: Of all requests.
        endpoints: Who is notified.
        metrics_path: Where Prometheus scrapes; None has no such page.
        collect: None where this store collects otherwise.
    """
    told = tuple(endpoints)
    table: dict[tuple[str, str], Route] = {
        ("GET", "/debug/health"): lambda _: _health(health),
        ("POST", "/debug/health/down"): lambda _: _done(health.take_down),
        ("POST", "/debug/health/up"): lambda _: _done(health.bring_up),
        ("GET", "/debug/vars"): lambda _: json_answer(_variables(time.monotonic() - started, told)),
        ("GET", "/debug/pprof/"): lambda _: _no_profiler(),
    }
    started = time.monotonic()
    if metrics_path:
        table["GET", metrics_path] = lambda _: _metrics(health, counters, told)
    if collect:
        table["POST", "/debug/gc"] = partial(_collect, collect)
    return table


def _health(health: Health) -> Answer:
    failing = health.failing()
    return json_answer(failing, HTTPStatus.SERVICE_UNAVAILABLE if failing else HTTPStatus.OK)


def _done(action: Callable[[], None]) -> Answer:
    action()
    return json_answer({})


def _metrics(health: Health, counters: Counters, endpoints: Iterable[Endpoint]) -> Answer:
    families = [
        *request_families(counters.read()),
        *notification_families({endpoint.name: endpoint.standing for endpoint in endpoints}),
        *health_families(health.failing()),
    ]
    return text_answer(exposition.format_families(families), content_type=exposition.CONTENT_TYPE)


def _variables(uptime_seconds: float, endpoints: Iterable[Endpoint]) -> dict[str, object]:
    """What registry:2 tells of its notifications, without the endpoints' headers; and whose process this is."""
    notified = [
        {"name": endpoint.name, "url": endpoint.shown, "Metrics": shown(endpoint.standing)} for endpoint in endpoints
    ]
    return {
        "cmdline": sys.argv,
        "pid": os.getpid(),
        "version": __version__,
        "python": platform.python_version(),
        "uptime_seconds": round(uptime_seconds, 3),
        "registry": {"notifications": {"endpoints": notified}},
    }


def _no_profiler() -> Answer:
    text = f"pprof is Go's: there is none here. `py-spy dump --pid {os.getpid()}` shows where this process is\n"
    return text_answer(text, HTTPStatus.NOT_FOUND)


def _collect(collect: Collect, query: Query) -> Answer:
    """The summary, once it is done; 409 while another one is at it; 400 where it is not clear what is wanted."""
    if not _is_understood(query):
        wanted = f"expected no parameters but {' and '.join(_SWITCHES)}, each empty, true or false"
        return json_answer({"error": wanted}, HTTPStatus.BAD_REQUEST)
    dry_run, delete_untagged = (query.get(name, ["false"])[-1] in _YES for name in _SWITCHES)
    try:
        return json_answer(collect(dry_run=dry_run, delete_untagged=delete_untagged))
    except CollectionRefused as exc:
        return json_answer({"error": str(exc)}, HTTPStatus.CONFLICT)


def _is_understood(query: Query) -> bool:
    """A mistyped ``dry-run`` must not delete anything."""
    return set(query) <= set(_SWITCHES) and all(
        value in (*_YES, "false") for values in query.values() for value in values
    )
