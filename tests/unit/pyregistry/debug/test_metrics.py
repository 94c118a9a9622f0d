"""Counters in shared memory, and what Prometheus reads of them."""

import threading
import time
from dataclasses import replace

import pytest

from pyregistry.api.app import HANDLERS as API_HANDLERS
from pyregistry.debug.counters import HANDLERS, Counters
from pyregistry.debug.exposition import Family, Sample, format_families, histogram
from pyregistry.debug.metrics import health_families, notification_families, request_families
from pyregistry.notifications.endpoint import Standing
from pyregistry.spec.journal import Event
from tests.fakes.forks import fork, join
from tests.fakes.prometheus import parse, value
from tests.unit.pyregistry.notifications.events import request


def scraped(counters: Counters) -> dict[str, object]:
    """Every sample of a counter, and every ``_count`` and ``_sum``, as ``name{labels}``."""
    families = parse(format_families(request_families(counters.read())))
    return {
        f"{name}{sorted(labels)}": number
        for family in families.values()
        for (name, labels), number in family.samples.items()
        if not name.endswith("_bucket")
    }


def test_every_endpoint_of_the_api_has_a_handler() -> None:
    """A new one is not counted under ``other`` by mistake."""
    assert set(HANDLERS) == set(API_HANDLERS)


def test_a_request_is_counted_by_what_it_was() -> None:
    """Under registry:2's labels; sizes are those of the content."""
    counters = Counters()
    part = counters.part()
    began = time.monotonic_ns() - 30_000_000
    part.begin()
    part.begin()
    part.count(replace(request("PUT", "end-7", 201, bytes_in=604), monotonic_ns=began))
    read = counters.read()
    assert read.requests == {(201, "manifest", "put"): 1}
    [(labels, duration)] = read.durations.items()
    assert labels == ("manifest", "put")
    assert duration.total >= 0.03
    assert duration.buckets[:3] == (0, 0, 0)  # 5, 10 and 25 ms
    assert (read.sizes_in["manifest"].total, read.sizes_out["manifest"].total) == (604, 0)
    assert read.sizes_in["manifest"].buckets[0] == 1
    assert read.in_flight == 1


@pytest.mark.parametrize(
    ("event", "labels"),
    [
        (request("GET", "end-2", 200), (200, "blob", "get")),
        (request("GET", "end-1", 503), (503, "base", "get")),
        (replace(request("GET", "", 404), endpoint=None), (404, "other", "get")),
        (request("BREW", "end-1", 405), (405, "base", "other")),
        (replace(request("PATCH", "end-5", 202), status=None), (499, "blob_upload_chunk", "patch")),
    ],
)
def test_whatever_is_asked_is_counted(event: Event, labels: tuple[int, str, str]) -> None:
    """What no endpoint has, what HTTP does not know, and what had no answer."""
    counters = Counters()
    counters.part().count(event)
    assert counters.read().requests == {labels: 1}


def test_only_requests_are_counted() -> None:
    """A start of the server is none."""
    counters = Counters()
    counters.part().count(replace(request("GET", "end-2", 200), kind="server"))
    assert counters.read().requests == {}


@pytest.mark.parametrize(("size", "bucket"), [(0, 0), (1024, 0), (1025, 1), (2**31, 21), (2**31 + 1, 22), (2**45, 22)])
def test_a_bound_belongs_to_its_bucket(size: int, bucket: int) -> None:
    """Bounds are inclusive; above the last one there is room as well."""
    counters = Counters()
    counters.part().count(request("GET", "end-2", 200, bytes_out=size))
    assert counters.read().sizes_out["blob"].buckets.index(1) == bucket
    assert counters.read().sizes_out["blob"].total == size


def test_all_processes_are_added_up() -> None:
    """Also after one of them has ended."""
    counters = Counters(3)

    def serve(number: int) -> None:
        part = counters.part(number)
        for _ in range(100 * (number + 1)):
            part.begin()
            part.count(request("GET", "end-2", 200, bytes_out=10))
        part.begin()

    for pid in [fork(lambda number=number: serve(number)) for number in range(3)]:  # type: ignore[misc]
        assert join(pid) == 0
    assert counters.read().requests == {(200, "blob", "get"): 600}
    assert counters.read().sizes_out["blob"].total == 6000
    assert counters.read().in_flight == 3


def test_threads_of_a_process_lose_no_count() -> None:
    """Which a number in memory that several write to would."""
    counters = Counters()
    part = counters.part()
    threads = [
        threading.Thread(target=lambda: [part.count(request("GET", "end-2", 200)) for _ in range(2000)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counters.read().requests == {(200, "blob", "get"): 8000}


def test_prometheus_reads_requests_under_registry_2s_names() -> None:
    """Names and labels as registry:2.8.3 tells them; in flight, it has the handler as a label, which we do not know."""
    counters = Counters()
    part = counters.part()
    for event in (request("GET", "end-3", 200, bytes_out=604), request("GET", "end-3", 404, bytes_out=94)):
        part.begin()
        part.count(replace(event, monotonic_ns=time.monotonic_ns()))
    found = scraped(counters)
    assert {name: number for name, number in found.items() if "duration_seconds_sum" not in name} == {
        "registry_http_requests_total[('code', '200'), ('handler', 'manifest'), ('method', 'get')]": 1,
        "registry_http_requests_total[('code', '404'), ('handler', 'manifest'), ('method', 'get')]": 1,
        "registry_http_request_duration_seconds_count[('handler', 'manifest'), ('method', 'get')]": 2,
        "registry_http_request_size_bytes_sum[('handler', 'manifest')]": 0,
        "registry_http_request_size_bytes_count[('handler', 'manifest')]": 2,
        "registry_http_response_size_bytes_sum[('handler', 'manifest')]": 698,
        "registry_http_response_size_bytes_count[('handler', 'manifest')]": 2,
        "registry_http_in_flight_requests[]": 0,
    }


def test_bounds_are_spelled_as_registry_2_spells_them() -> None:
    """A bound is a label: spelled otherwise, a panel of an old dashboard would be empty."""
    counters = Counters()
    counters.part().count(request("GET", "end-3", 200))
    page = format_families(request_families(counters.read()))
    for bound in ("0.005", "0.01", "0.25", "1", "2.5", "60", "+Inf"):
        assert f'registry_http_request_duration_seconds_bucket{{handler="manifest",method="get",le="{bound}"}}' in page
    for bound in ("1024", "524288", "1.048576e+06", "1.6777216e+07", "2.147483648e+09", "+Inf"):
        assert f'registry_http_response_size_bytes_bucket{{handler="manifest",le="{bound}"}}' in page


def test_prometheus_reads_notifications_under_registry_3s_names() -> None:
    """registry:2 has them in its variables only."""
    standing = Standing(pending=1, events=5, successes=2, failures=3, errors=4, lost=6, statuses={"200 OK": 2})
    families = parse(format_families(notification_families({'a "b"\\\n': standing})))
    [label] = {dict(labels)["endpoint"] for family in families.values() for _, labels in family.samples}
    assert label == 'a \\"b\\"\\\\\\n'
    events = {
        kind: value(families, "registry_notifications_events_total", type=kind, endpoint=label)
        for kind in ("Events", "Successes", "Failures", "Errors", "Lost")
    }
    assert events == {"Events": 5, "Successes": 2, "Failures": 3, "Errors": 4, "Lost": 6}
    assert value(families, "registry_notifications_pending_total", endpoint=label) == 1
    assert value(families, "registry_notifications_status_total", code="200 OK", endpoint=label) == 2


def test_prometheus_reads_how_many_checks_fail() -> None:
    """None is a number, too: an alert needs it."""
    assert value(parse(format_families(health_families([]))), "pyregistry_health_failing_checks") == 0
    assert value(parse(format_families(health_families("ab"))), "pyregistry_health_failing_checks") == 2


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, "0"), (0.25, "0.25"), (999_999, "999999"), (1e6, "1e+06"), (2.0**31, "2.147483648e+09"), (1e-7, "1e-07")],
)
def test_numbers_are_written_as_go_writes_them(number: float, expected: str) -> None:
    """Shortest, with an exponent from a million on."""
    page = format_families([Family("a", "gauge", "b", [Sample({}, number)])])
    assert page == f"# HELP a b\n# TYPE a gauge\na {expected}\n"


def test_a_histogram_is_cumulative() -> None:
    """Its buckets are not where they come from."""
    samples = histogram({}, (1, 2), (3, 0, 4), 50)
    assert [(sample.suffix, sample.labels.get("le"), sample.value) for sample in samples] == [
        ("_bucket", "1", 3),
        ("_bucket", "2", 3),
        ("_bucket", "+Inf", 7),
        ("_sum", None, 50),
        ("_count", None, 7),
    ]


def test_what_never_happened_has_no_family() -> None:
    """A family without samples is no page that Prometheus takes."""
    assert format_families([Family("a", "counter", "b", [])]) == ""
