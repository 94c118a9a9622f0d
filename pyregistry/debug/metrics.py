"""What Prometheus is told, under registry:2's names where it has one (registry:3's for notifications). Pure."""

from collections.abc import Iterable, Iterator, Mapping

from pyregistry.debug.counters import DURATION_BOUNDS_SECONDS, SIZE_BOUNDS_BYTES, Counts, Histogram
from pyregistry.debug.exposition import Family, Sample, histogram
from pyregistry.notifications.endpoint import Standing


def request_families(counts: Counts) -> Iterator[Family]:
    """Requests of all processes."""
    yield Family(
        "registry_http_requests_total",
        "counter",
        "Total number of HTTP requests made.",
        [
            Sample({"code": str(status), "handler": handler, "method": method}, count)
            for (status, handler, method), count in sorted(counts.requests.items())
        ],
    )
    yield Family(
        "registry_http_request_duration_seconds",
        "histogram",
        "The HTTP request latencies in seconds.",
        [
            sample
            for (handler, method), found in sorted(counts.durations.items())
            for sample in histogram(
                {"handler": handler, "method": method}, DURATION_BOUNDS_SECONDS, found.buckets, found.total
            )
        ],
    )
    yield _sizes("registry_http_request_size_bytes", "The HTTP request sizes in bytes.", counts.sizes_in)
    yield _sizes("registry_http_response_size_bytes", "The HTTP response sizes in bytes.", counts.sizes_out)
    in_flight = [Sample({}, counts.in_flight)]
    yield Family("registry_http_in_flight_requests", "gauge", "The in-flight HTTP requests", in_flight)


def notification_families(standings: Mapping[str, Standing]) -> Iterator[Family]:
    """How the endpoints fare, by their names."""
    yield Family(
        "registry_notifications_events_total",
        "counter",
        "The number of total events",
        [
            Sample({"type": kind, "endpoint": name}, count)
            for name, found in standings.items()
            for kind, count in shown(found).items()
            if isinstance(count, int) and kind != "Pending"
        ],
    )
    yield Family(
        "registry_notifications_pending_total",
        "gauge",
        "The gauge of pending events in queue",
        [Sample({"endpoint": name}, found.pending) for name, found in standings.items()],
    )
    yield Family(
        "registry_notifications_status_total",
        "counter",
        "The number of status code",
        [
            Sample({"code": status, "endpoint": name}, count)
            for name, found in standings.items()
            for status, count in found.statuses.items()
        ],
    )


def health_families(failing: Iterable[str]) -> Iterator[Family]:
    """Which checks fail; registry:2 has no metric for it."""
    names = list(failing)
    help_text = "Health checks that fail; while there are any, every request is refused"
    yield Family("pyregistry_health_failing_checks", "gauge", help_text, [Sample({}, len(names))])


def shown(standing: Standing) -> dict[str, object]:
    """A standing as registry:2's variables name it."""
    return {
        "Pending": standing.pending,
        "Events": standing.events,
        "Successes": standing.successes,
        "Failures": standing.failures,
        "Errors": standing.errors,
        "Lost": standing.lost,
        "Statuses": dict(standing.statuses),
    }


def _sizes(name: str, help_text: str, sizes: Mapping[str, Histogram]) -> Family:
    samples = [
        sample
        for handler, found in sorted(sizes.items())
        for sample in histogram({"handler": handler}, SIZE_BOUNDS_BYTES, found.buckets, found.total)
    ]
    return Family(name, "histogram", help_text, samples)
