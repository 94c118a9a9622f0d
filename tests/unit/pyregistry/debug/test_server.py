"""The debug server over a real socket: what each page answers, and to whom."""

import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing
from http.client import HTTPConnection

import pytest

from pyregistry.config.settings import NotificationEndpoint, TcpAddress
from pyregistry.debug.counters import Counters
from pyregistry.debug.listener import DebugServer
from pyregistry.debug.pages import CollectionRefused, routes
from pyregistry.health import Health
from pyregistry.notifications.endpoint import Endpoint
from tests.fakes.prometheus import parse, value
from tests.unit.pyregistry.notifications.events import pull

HOOK = NotificationEndpoint("hook", "http://u:p@127.0.0.1:1/?k", headers={"X-Key": ("veiled",)})
Answered = tuple[int, str, bytes]


class Debugged:
    """A debug server, and what it tells of."""

    def __init__(self) -> None:
        self.health = Health()
        self.counters = Counters()
        self.endpoint = Endpoint(HOOK)
        self.asked: list[tuple[bool, bool]] = []
        self.refusal = ""
        table = routes(self.health, self.counters, [self.endpoint], "/metrics", self.collect)
        self.server = DebugServer(TcpAddress("127.0.0.1", 0), table | {("GET", "/broken"): lambda _: 1 // 0})  # type: ignore[return-value,dict-item]

    def collect(self, *, dry_run: bool, delete_untagged: bool) -> Mapping[str, object]:
        """A collection that does what the test wants."""
        self.asked.append((dry_run, delete_untagged))
        if self.refusal:
            raise CollectionRefused(self.refusal)
        return {"blobs": 2}

    def ask(self, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answered:
        """Status, content type and body."""
        with closing(HTTPConnection("127.0.0.1", self.server.port, timeout=10)) as connection:
            connection.request(method, target, body, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.headers["Content-Type"], answer.read()


@pytest.fixture
def debugged() -> Iterator[Debugged]:
    """A running one."""
    made = Debugged()
    made.server.start()
    yield made
    made.server.stop()


def test_health_is_told_with_its_causes(debugged: Debugged) -> None:
    """Body and type as registry:2.8.3 sends them."""
    assert debugged.ask("GET", "/debug/health") == (200, "application/json; charset=utf-8", b"{}")
    assert debugged.ask("POST", "/debug/health/down")[0] == 200
    assert debugged.health.is_failing
    assert debugged.ask("GET", "/debug/health") == (
        503,
        "application/json; charset=utf-8",
        b'{"manual_http_status":"Manually Unhealthy"}',
    )
    assert debugged.ask("POST", "/debug/health/up")[0] == 200
    assert not debugged.health.is_failing


def test_metrics_are_a_page_for_prometheus(debugged: Debugged) -> None:
    """Of requests, endpoints and health."""
    part = debugged.counters.part()
    part.begin()
    part.count(pull())
    status, content_type, body = debugged.ask("GET", "/metrics")
    assert (status, content_type) == (200, "text/plain; version=0.0.4; charset=utf-8")
    families = parse(body.decode())
    assert value(families, "registry_http_requests_total", code="200", handler="blob", method="get") == 1
    assert value(families, "registry_notifications_pending_total", endpoint="hook") == 0
    assert value(families, "pyregistry_health_failing_checks") == 0


def test_without_prometheus_there_is_no_such_page() -> None:
    """``http.debug.prometheus.enabled`` is what makes it."""
    assert ("GET", "/metrics") not in routes(Health(), Counters(), [], None)
    assert ("GET", "/here") in routes(Health(), Counters(), [], "/here")


def test_variables_tell_of_endpoints_without_their_secrets(debugged: Debugged) -> None:
    """registry:2 tells headers and passwords."""
    status, _, body = debugged.ask("GET", "/debug/vars")
    variables = json.loads(body)
    assert (status, variables["pid"]) == (200, os.getpid())
    assert variables["registry"]["notifications"]["endpoints"] == [
        {
            "name": "hook",
            "url": "http://127.0.0.1:1/",
            "Metrics": {
                "Pending": 0, "Events": 0, "Successes": 0, "Failures": 0, "Errors": 0, "Lost": 0, "Statuses": {}
            },
        }
    ]  # fmt: skip
    assert b"veiled" not in body


def test_a_collection_is_run_as_asked(debugged: Debugged) -> None:
    """And answers with its summary."""
    for query in ("", "?dry-run", "?dry-run=true&delete-untagged", "?dry-run=false"):
        assert debugged.ask("POST", f"/debug/gc{query}") == (200, "application/json; charset=utf-8", b'{"blobs":2}')
    assert debugged.asked == [(False, False), (True, False), (True, True), (False, False)]


@pytest.mark.parametrize("query", ["?dryrun", "?dry-run=yes", "?dry-run=0", "?delete-untagged&keep"])
def test_a_mistyped_wish_deletes_nothing(debugged: Debugged, query: str) -> None:
    """Above all a dry run that was not understood."""
    status, _, body = debugged.ask("POST", f"/debug/gc{query}")
    assert (status, debugged.asked) == (400, [])
    assert b"dry-run and delete-untagged" in body


def test_a_collection_that_cannot_be_is_refused(debugged: Debugged) -> None:
    """With the reason, and not for good."""
    debugged.refusal = "another one is at it"
    assert debugged.ask("POST", "/debug/gc")[::2] == (409, b'{"error":"another one is at it"}')
    debugged.refusal = ""
    assert debugged.ask("POST", "/debug/gc")[0] == 200


def test_a_store_that_collects_otherwise_has_no_such_page() -> None:
    """The page is there or it works."""
    assert ("POST", "/debug/gc") not in routes(Health(), Counters(), [], None)


def test_a_web_page_may_not_act(debugged: Debugged) -> None:
    """A browser on this machine sends its POSTs to loopback, with the page's origin."""
    for path in ("/debug/gc", "/debug/health/down"):
        assert debugged.ask("POST", path, {"Origin": "https://example.com"})[0] == 403
    assert not debugged.health.is_failing
    assert debugged.asked == []


@pytest.mark.parametrize(
    ("method", "target", "status", "said"),
    [
        ("GET", "/", 404, b"404 page not found\n"),
        ("GET", "/v2/", 404, b"404 page not found\n"),
        ("GET", "/debug/health/", 404, b"404 page not found\n"),
        ("GET", "/debug/gc", 405, b"/debug/gc: expected POST, got GET\n"),
        ("GET", "/debug/health/down", 405, b"/debug/health/down: expected POST, got GET\n"),
        ("PUT", "/debug/health", 405, b"/debug/health: expected GET, got PUT\n"),
        ("HEAD", "/debug/health", 405, b""),
        ("GET", "/debug/pprof/heap", 404, b"pprof is Go's: there is none here. `py-spy dump --pid "),
        ("GET", "/broken", 500, b"the log has the cause\n"),
    ],
)
def test_what_is_not_there_is_named(debugged: Debugged, method: str, target: str, status: int, said: bytes) -> None:
    """And a page that breaks takes nothing with it."""
    answered = debugged.ask(method, target, body=b"x" * 1000)
    assert answered[0] == status
    assert answered[2].startswith(said)
    assert debugged.ask("GET", "/debug/health")[0] == 200


def test_a_connection_that_says_nothing_holds_nobody_up(debugged: Debugged) -> None:
    """Nor one that breaks off."""
    with closing(socket.create_connection(("127.0.0.1", debugged.server.port))) as silent:
        with closing(socket.create_connection(("127.0.0.1", debugged.server.port))) as broken:
            broken.sendall(b"GET /debug/health HT")
        assert debugged.ask("GET", "/debug/health")[0] == 200
        silent.sendall(b"\x16\x03\x01 garbage\r\n\r\n")
        assert debugged.ask("GET", "/debug/health")[0] == 200


def test_an_address_that_is_taken_is_refused_at_once(debugged: Debugged) -> None:
    """Before anything else is started."""
    with pytest.raises(OSError, match="in use"):
        DebugServer(TcpAddress("127.0.0.1", debugged.server.port), {})


def test_it_speaks_ipv6_where_that_is_asked_for() -> None:
    """``[::1]:5001``; a machine that has no such address refuses it, and nothing else is taken instead."""
    if not has_ipv6():
        with pytest.raises(OSError, match=r"assign requested address|not supported"):
            DebugServer(TcpAddress("::1", 0), {})
        return
    server = DebugServer(TcpAddress("::1", 0), routes(Health(), Counters(), [], None))
    server.start()
    try:
        with closing(HTTPConnection("::1", server.port, timeout=10)) as connection:
            connection.request("GET", "/debug/health")
            assert connection.getresponse().status == 200
    finally:
        server.stop()


def has_ipv6() -> bool:
    """Whether this machine has a loopback of it."""
    try:
        with closing(socket.socket(socket.AF_INET6)) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
