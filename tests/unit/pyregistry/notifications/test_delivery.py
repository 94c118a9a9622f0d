"""Endpoints that fail, hang and fill up: events come in order, none is lost without a word, and nobody waits."""

import os
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from socket import socket

import pytest

from pyregistry.config.settings import NotificationEndpoint, NotificationSettings
from pyregistry.notifications.broadcaster import Broadcaster
from pyregistry.notifications.endpoint import Endpoint
from pyregistry.notifications.envelope import MEDIA_TYPE, Source
from pyregistry.notifications.funnel import Funnel
from pyregistry.spec.journal import Event
from tests.fakes.forks import fork, join
from tests.fakes.sink import CLOSE, HANG, Sink, running_sink, wait_until
from tests.servers import throw_away_tls
from tests.unit.pyregistry.notifications.events import DIGEST, pull, request, tag_push

PATIENCE_SECONDS = 5.0


def settings(sink: Sink, **more: object) -> NotificationEndpoint:
    """An endpoint that is quick to retry."""
    fast = NotificationEndpoint("sink", sink.url, timeout_seconds=0.2, threshold=3, backoff_seconds=0.02)
    return replace(fast, **more)  # type: ignore[arg-type]


def broadcaster(*endpoints: NotificationEndpoint, include_references: bool = False) -> Broadcaster:
    """A running one."""
    made = Broadcaster(
        NotificationSettings(endpoints, include_references=include_references),
        Source("registry.test:5000", "an-instance"),
        lambda repository, digest: b'{"config": {"digest": "%s"}}' % f"{repository}@{digest}".encode(),
    )
    made.start()
    return made


def tags(sink: Sink, count: int) -> list[str]:
    """The tags of the accepted events, once there are so many."""
    return [event["target"]["tag"] for event in sink.wait_for(count)]


def test_events_come_in_order_each_in_an_envelope_of_its_own() -> None:
    """With registry:2's content type and the configured headers, at every endpoint."""
    with running_sink() as one, running_sink(afterwards=302) as other:
        told = broadcaster(settings(one, headers={"X-Key": ("a", "b")}), settings(other))
        for number in range(50):
            told.offer(tag_push(str(number)))
        expected = [str(number) for number in range(50)]
        assert tags(one, 50) == tags(other, 50) == expected
        assert told.stop(PATIENCE_SECONDS) == 0
        assert [event["id"] for event in one.accepted] == [event["id"] for event in other.accepted]
    assert {len(delivery.events) for delivery in one.deliveries} == {1}
    delivery = one.deliveries[0]
    assert (delivery.path, delivery.headers["Content-Type"], delivery.headers["X-Key"]) == (
        "/events",
        MEDIA_TYPE,
        "a, b",
    )
    assert {delivery.path for delivery in other.deliveries} == {"/events"}  # 302 accepts and leads nowhere


@pytest.mark.parametrize("behaviours", [[500], [503, 404, 400], [CLOSE], [HANG], [500, CLOSE, HANG, 500, 500]], ids=str)
def test_a_failed_event_is_sent_again_before_the_next(behaviours: list[int | str]) -> None:
    """The same event with the same id, whatever the endpoint did to it, below and above the threshold."""
    with running_sink(behaviours) as sink:
        told = broadcaster(settings(sink))
        for tag in "abc":
            told.offer(tag_push(tag))
        assert tags(sink, 3) == ["a", "b", "c"]
        told.stop(PATIENCE_SECONDS)
    failed = sink.deliveries[: len(behaviours) + 1]
    assert len({delivery.events[0]["id"] for delivery in failed}) == 1
    assert len(sink.deliveries) == len(behaviours) + 3


def test_an_endpoint_is_left_alone_after_too_many_failures(caplog: pytest.LogCaptureFixture) -> None:
    """``threshold`` attempts at once, then one a ``backoff``; the log tells the first, the wait and the end."""
    caplog.set_level("INFO", "pyregistry")
    with running_sink([500] * 5) as sink:
        began = time.monotonic()
        told = broadcaster(settings(sink, backoff_seconds=0.2))
        told.offer(tag_push())
        sink.wait_for(1)
        took = time.monotonic() - began
        told.stop(PATIENCE_SECONDS)
    assert took >= 3 * 0.2  # before the 4th, the 5th and the 6th attempt
    where = f"notifications: endpoint sink ({sink.url})"
    assert [message.removeprefix(where) for message in caplog.messages if message.startswith(where)] == [
        ": 500 Internal Server Error; retrying",
        ": 500 Internal Server Error; encountered too many errors, backing off",
        " takes events again, after 5 failures",
    ]


def test_the_standing_counts_what_happened() -> None:
    """Under registry:2's names."""
    with running_sink([500, CLOSE, 500]) as sink:
        told = broadcaster(settings(sink))
        told.offer(tag_push("a"))
        told.offer(tag_push("b"))
        sink.wait_for(2)
        [endpoint] = told.endpoints
        wait_until(lambda: endpoint.standing.pending == 0)
        told.stop(PATIENCE_SECONDS)
    standing = endpoint.standing
    assert (standing.events, standing.successes, standing.failures, standing.errors) == (2, 2, 2, 1)
    assert (standing.statuses, standing.lost) == ({"500 Internal Server Error": 2, "200 OK": 2}, 0)


def test_who_offers_never_waits() -> None:
    """For an endpoint that hangs: a thousand events are offered while the first is on its way."""
    with running_sink(afterwards=HANG) as sink:
        told = broadcaster(settings(sink, timeout_seconds=60.0))
        began = time.monotonic()
        for _ in range(1000):
            told.offer(pull())
        assert time.monotonic() - began < 1.0
        [endpoint] = told.endpoints
        wait_until(lambda: endpoint.standing.pending == 1000)
        sink.released.set()
        told.stop(0)


def test_a_full_queue_loses_the_newest_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    """Memory is bounded; what was taken in keeps its order."""
    with running_sink([HANG]) as sink:
        endpoint = Endpoint(settings(sink, timeout_seconds=60.0), max_pending_bytes=100)
        endpoint.start()
        for number in range(30):
            endpoint.offer(b'{"events":[%d]}' % number if number > 9 else b'{"events":[0%d]}' % number)
        assert (endpoint.standing.pending, endpoint.standing.lost) == (6, 24)
        sink.released.set()
        wait_until(lambda: endpoint.standing.pending == 0)
        endpoint.offer(b'{"events":[99]}')
        assert endpoint.stop(PATIENCE_SECONDS) == 0
    sent = [delivery.body for delivery in sink.deliveries if delivery.met_with == 200]
    assert sent == [b'{"events":[0%d]}' % number for number in range(6)] + [b'{"events":[99]}']
    assert sum("its queue is full" in message for message in caplog.messages) == 1


def test_what_is_to_be_ignored_is_not_sent() -> None:
    """By media type or by action, each list on its own; registry:2.8 forgets the second where the first is empty."""
    with running_sink() as sink, running_sink() as other:
        no_blobs = settings(sink, ignored_media_types=frozenset({"application/octet-stream"}))
        no_pulls = settings(other, ignored_actions=frozenset({"pull"}))
        told = broadcaster(no_blobs, no_pulls, settings(other, disabled=True))
        for event in (pull(), request("DELETE", "end-10", 202, reference=DIGEST), tag_push()):
            told.offer(event)
        assert told.stop(PATIENCE_SECONDS) == 0
        assert [event["action"] for event in sink.accepted] == ["delete", "push"]
        assert [event["action"] for event in other.accepted] == ["delete", "push"]


def test_references_are_read_where_they_are_wanted() -> None:
    """Of manifests only."""
    with running_sink() as sink:
        told = broadcaster(settings(sink), include_references=True)
        told.offer(tag_push())
        told.offer(pull())
        told.stop(PATIENCE_SECONDS)
        manifest, blob = sink.accepted
    assert manifest["target"]["references"] == [{"digest": f"acme/app@{DIGEST}"}]
    assert "references" not in blob["target"]


def test_the_end_waits_a_little_and_names_what_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    """What can be sent is sent; an endpoint that fails is not waited for, nor one that hangs longer than allowed."""
    with running_sink() as well, running_sink(afterwards=500) as ill, running_sink(afterwards=HANG) as hung:
        told = broadcaster(
            settings(well), settings(ill, backoff_seconds=60.0), settings(hung, name="hung", timeout_seconds=60.0)
        )
        for tag in "abc":
            told.offer(tag_push(tag))
        wait_until(lambda: bool(hung.deliveries) and len(ill.deliveries) == 3)
        began = time.monotonic()
        assert told.stop(0.5) == 6
        assert time.monotonic() - began < 5
        assert tags(well, 3) == ["a", "b", "c"]
    assert any("endpoint hung" in message and "3 events are lost" in message for message in caplog.messages)


def test_secrets_stay_out_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """The URL's user, password and query, and the headers' values; the endpoint gets them."""
    caplog.set_level("DEBUG", "pyregistry")
    with running_sink([CLOSE, HANG, 500, 500]) as sink:
        url = f"http://robot:pass%40word@127.0.0.1:{sink.port}/hook?key=hidden"
        told = broadcaster(settings(sink, url=url, headers={"X-Secret": ("veiled",)}))
        told.offer(tag_push())
        sink.wait_for(1)
        told.stop(PATIENCE_SECONDS)
    delivery = sink.deliveries[0]
    assert (delivery.basic, delivery.path, delivery.headers["X-Secret"]) == (
        "robot:pass@word",
        "/hook?key=hidden",
        "veiled",
    )
    assert f"http://127.0.0.1:{sink.port}/hook" in caplog.text
    assert not [word for word in ("robot", "pass%40word", "pass@word", "hidden", "veiled") if word in caplog.text]


def test_a_server_that_cannot_prove_who_it_is_gets_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Over https: the certificate has to be one that this machine trusts; the log says that it is not."""
    tls = throw_away_tls(tmp_path)
    with running_sink(tls=tls) as sink:
        told = broadcaster(settings(sink, timeout_seconds=5.0))
        told.offer(tag_push())
        wait_until(lambda: told.endpoints[0].standing.errors > 0)
        assert told.stop(PATIENCE_SECONDS) == 1
        assert sink.deliveries == []
        assert "certificate verify failed" in caplog.text
        monkeypatch.setenv("SSL_CERT_FILE", str(tls.ca))
        told = broadcaster(settings(sink, timeout_seconds=5.0))
        told.offer(tag_push())
        assert tags(sink, 1) == ["1.0"]
        told.stop(PATIENCE_SECONDS)


def test_nobody_at_the_other_end_is_a_failure_like_any_other(caplog: pytest.LogCaptureFixture) -> None:
    """The log says why."""
    with closing(socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        endpoint = NotificationEndpoint("sink", f"http://127.0.0.1:{probe.getsockname()[1]}/", backoff_seconds=0.02)
        told = broadcaster(endpoint)
        told.offer(tag_push())
        wait_until(lambda: told.endpoints[0].standing.errors > endpoint.threshold)
        assert told.stop(PATIENCE_SECONDS) == 1
    assert "Connection refused; retrying" in caplog.text


def test_events_of_several_processes_come_through_the_funnel() -> None:
    """Whole, each process's in its order, and only those that there is something to tell of."""
    funnel = Funnel()

    def serve() -> None:
        for number in range(200):
            funnel.offer(request("HEAD", "end-2", 200))
            funnel.offer(tag_push(f"{os.getpid()}-{number}"))

    arrived: list[Event] = []
    pids = [fork(serve) for _ in range(3)]
    funnel.pour_into(arrived.append)
    assert [join(pid) for pid in pids] == [0, 0, 0]
    wait_until(lambda: len(arrived) == 600)
    for pid in pids:
        own = [event.reference for event in arrived if (event.reference or "").startswith(f"{pid}-")]
        assert own == [f"{pid}-{number}" for number in range(200)]
    assert {event.media_type for event in arrived} == {tag_push().media_type}
    funnel.finish(PATIENCE_SECONDS)


def test_what_is_in_the_funnel_at_the_end_is_handed_over() -> None:
    """Those who served are gone; what they said last is not."""
    funnel, arrived = Funnel(), list[Event]()
    for number in range(50):
        funnel.offer(tag_push(str(number)))
    funnel.pour_into(arrived.append)
    funnel.finish(PATIENCE_SECONDS)
    assert [event.reference for event in arrived] == [str(number) for number in range(50)]


def test_a_funnel_that_nobody_empties_holds_nobody_up(caplog: pytest.LogCaptureFixture) -> None:
    """It waits once, says so once, and works again when it is emptied."""
    funnel = Funnel(wait_seconds=0.05)
    began = time.monotonic()
    for number in range(3000):
        funnel.offer(tag_push(str(number)))
    assert time.monotonic() - began < PATIENCE_SECONDS
    assert sum("lost on the way" in message for message in caplog.messages) == 1
    arrived: list[Event] = []
    funnel.pour_into(arrived.append)
    wait_until(lambda: len(arrived) > 0)
    funnel.offer(tag_push("last"))
    wait_until(lambda: arrived[-1].reference == "last")
    funnel.finish(PATIENCE_SECONDS)
