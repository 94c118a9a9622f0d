"""Real registries that are watched: health, notifications, metrics and collection, over their own sockets."""

import json
import re
from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from pyregistry.spec.digest import Digest
from tests.e2e.conftest import Start
from tests.e2e.pushes import MANIFEST_TYPE, make_image, push
from tests.fakes.prometheus import Family, parse, value
from tests.fakes.sink import HANG, SLOW, running_sink, wait_until
from tests.servers import RunningRegistry, ServerEnded, running_registry, write_config

DEBUG = {"addr": "127.0.0.1:0", "prometheus": {"enabled": True}}
_DEBUG_LISTENING = re.compile(r"debug server listening 127\.0\.0\.1:([0-9]+)")


def ask(registry: RunningRegistry, method: str, target: str) -> tuple[int, bytes]:
    """Status and body of a page of its debug server."""
    found = _DEBUG_LISTENING.search(registry.log())
    assert found
    with closing(HTTPConnection("127.0.0.1", int(found[1]), timeout=20)) as connection:
        connection.request(method, target)
        answer = connection.getresponse()
        return answer.status, answer.read()


def metrics(registry: RunningRegistry) -> Mapping[str, Family]:
    """What Prometheus reads."""
    status, body = ask(registry, "GET", "/metrics")
    assert status == 200
    return parse(body.decode())


def notified(url: str, **more: Any) -> dict[str, Any]:
    """The configuration of one endpoint."""
    return {"endpoints": [{"name": "sink", "url": url, "timeout": "1s", "backoff": "20ms", **more}]}


def test_a_push_and_a_pull_are_told(tmp_path: Path) -> None:
    """What happened, in order, at the address and with the names that the client used."""
    image = make_image("told", 3000)
    with running_sink() as sink, running_registry(tmp_path, config={"notifications": notified(sink.url)}) as registry:
        push(registry, "acme/app", image)
        registry.request("HEAD", "/v2/acme/app/manifests/1.0")
        registry.request("GET", "/v2/acme/app/manifests/1.0", headers={"User-Agent": "a client"})
        events = sink.wait_for(4)
        assert [(event["action"], event["target"]["mediaType"]) for event in events] == [
            ("push", "application/octet-stream"),
            ("push", "application/octet-stream"),
            ("push", MANIFEST_TYPE),
            ("pull", MANIFEST_TYPE),
        ]
        assert [event["target"]["size"] for event in events] == [3000, len(image.config), *[len(image.manifest)] * 2]
        pulled = events[-1]
        digest = Digest.of(image.manifest)
        assert pulled["target"]["url"] == f"{registry.url}/v2/acme/app/manifests/{digest}"
        assert (pulled["target"]["tag"], pulled["request"]["useragent"]) == ("1.0", "a client")
        assert pulled["source"]["addr"].endswith(f":{registry.port}")
        assert {event["request"]["id"] for event in events} < {event.request_id for event in registry.events()}


def test_an_endpoint_that_hangs_holds_nobody_up(tmp_path: Path) -> None:
    """Neither a request nor the end of the registry, which says what is lost."""
    with (
        running_sink(afterwards=HANG) as sink,
        running_registry(tmp_path, config={"notifications": notified(sink.url, timeout="60s")}) as registry,
    ):
        push(registry, "acme/app", make_image("hung", 100))
        for _ in range(20):
            assert registry.request("GET", "/v2/acme/app/manifests/1.0").status == 200
        wait_until(lambda: bool(sink.deliveries))
        assert registry.stop() == 0
        assert "23 events are lost with the end of the registry" in registry.log()


def test_what_is_queued_is_sent_before_the_end(tmp_path: Path) -> None:
    """A deployment that restarts the registry misses no push."""
    with (
        running_sink([SLOW]) as sink,
        running_registry(tmp_path, config={"notifications": notified(sink.url, timeout="60s")}) as registry,
    ):
        push(registry, "acme/app", make_image("last", 100))
        registry.process.terminate()
        wait_until(lambda: "stopping server gracefully" in registry.log())
        sink.released.set()
        assert registry.process.wait(20) == 0
        assert [event["target"].get("tag") for event in sink.accepted] == [None, None, "1.0"]


def test_several_workers_are_one_registry(tmp_path: Path) -> None:
    """Counted together, told in order, taken down together, and at the end nothing is lost."""
    config = {"http": {"debug": DEBUG}, "pyregistry": {"workers": 2}}
    with running_sink() as sink:
        with running_registry(tmp_path, config=config | {"notifications": notified(sink.url)}) as registry:
            push(registry, "acme/app", make_image("shared", 1000))
            for number in range(40):  # each on a connection of its own, and so with either worker
                target = f"/v2/acme/app/manifests/1.0?{number}"
                assert registry.request("GET", target, headers={"User-Agent": str(number)}).status == 200
            labels = {"code": "200", "handler": "manifest", "method": "get"}
            assert value(metrics(registry), "registry_http_requests_total", **labels) == 40
            assert ask(registry, "POST", "/debug/health/down")[0] == 200
            assert {registry.request("GET", "/v2/").status for _ in range(20)} == {503}
            assert ask(registry, "POST", "/debug/health/up")[0] == 200
            assert {registry.request("GET", "/v2/").status for _ in range(20)} == {200}
            assert registry.stop() == 0
        pulls = [event["request"]["useragent"] for event in sink.accepted if event["action"] == "pull"]
    assert pulls == [str(number) for number in range(40)]


def test_metrics_count_what_is_asked(tmp_path: Path) -> None:
    """By handler, method and status, bytes and all; nothing is in flight when nobody asks."""
    image = make_image("counted", 5000)
    with running_registry(tmp_path, config={"http": {"debug": DEBUG}}) as registry:
        push(registry, "acme/app", image)
        registry.request("GET", f"/v2/acme/app/blobs/{Digest.of(image.layer)}")
        registry.request("GET", "/v2/acme/app/manifests/none")
        registry.request("GET", "/v2/UPPER/tags/list")
        families = metrics(registry)
        assert {key: count for (_, key), count in families["registry_http_requests_total"].samples.items()} == {
            frozenset({("code", code), ("handler", handler), ("method", method)}): count
            for code, handler, method, count in (
                ("202", "blob_upload", "post", 2),
                ("202", "blob_upload_chunk", "patch", 2),
                ("201", "blob_upload_chunk", "put", 2),
                ("201", "manifest", "put", 1),
                ("200", "blob", "get", 1),
                ("404", "manifest", "get", 1),
                ("400", "other", "get", 1),
            )
        }
        sent = families["registry_http_response_size_bytes"].samples
        assert sent["registry_http_response_size_bytes_sum", frozenset({("handler", "blob")})] == 5000
        received = families["registry_http_request_size_bytes"].samples
        uploaded = received["registry_http_request_size_bytes_sum", frozenset({("handler", "blob_upload_chunk")})]
        assert uploaded == 5000 + len(image.config)
        assert value(families, "registry_http_in_flight_requests") == 0


def test_a_request_that_is_under_way_is_in_flight(tmp_path: Path) -> None:
    """From its first byte until its answer is out."""
    with running_registry(tmp_path, config={"http": {"debug": DEBUG}}) as registry:
        location = registry.request("POST", "/v2/acme/app/blobs/uploads/").headers["location"]
        with closing(registry.connect()) as connection:
            connection.putrequest("PATCH", location.removeprefix(registry.url))
            connection.putheader("Content-Length", "10")
            connection.endheaders(b"half ")
            wait_until(lambda: value(metrics(registry), "registry_http_in_flight_requests") == 1)
            connection.send(b"half ")
            assert connection.getresponse().status == 202
        assert value(metrics(registry), "registry_http_in_flight_requests") == 0


def test_health_is_lost_and_found(tmp_path: Path) -> None:
    """A file that should not be there: the API refuses, the debug server says why, the log has both turns."""
    flag = tmp_path / "down"
    health = {"file": [{"file": str(flag), "interval": "10ms", "threshold": 2}]}
    with running_registry(tmp_path, config={"health": health, "http": {"debug": DEBUG}}) as registry:
        assert registry.request("GET", "/v2/").status == 200
        flag.touch()
        wait_until(lambda: registry.request("GET", "/v2/").status == 503)
        refused = registry.request("GET", "/v2/acme/app/tags/list")
        [error] = json.loads(refused.body)["errors"]
        assert (error["code"], error["detail"]) == ("UNAVAILABLE", "health check failed: please see /debug/health")
        assert ask(registry, "GET", "/debug/health") == (
            503,
            json.dumps({str(flag): "file exists"}, separators=(",", ":")).encode(),
        )
        assert value(metrics(registry), "pyregistry_health_failing_checks") == 1
        flag.unlink()
        wait_until(lambda: registry.request("GET", "/v2/").status == 200)
        assert ask(registry, "GET", "/debug/health") == (200, b"{}")
        assert f"health check failed: {flag}: file exists" in registry.log()
        assert f"health check passed again: {flag}" in registry.log()


def test_a_person_takes_the_registry_down_and_brings_it_up(tmp_path: Path) -> None:
    """From the same machine, without a restart."""
    with running_registry(tmp_path, config={"http": {"debug": DEBUG}}) as registry:
        assert ask(registry, "POST", "/debug/health/down")[0] == 200
        assert registry.request("GET", "/v2/").status == 503
        assert ask(registry, "POST", "/debug/health/up")[0] == 200
        assert registry.request("GET", "/v2/").status == 200


def test_the_storage_is_watched_beside_the_rest(tmp_path: Path) -> None:
    """A port that nobody listens on is named beside a storage that is well."""
    health = {
        "storagedriver": {"enabled": True, "interval": "10ms"},
        "tcp": [{"addr": "127.0.0.1:1", "interval": "10ms", "timeout": "1s"}],
    }
    with running_registry(tmp_path, config={"health": health, "http": {"debug": DEBUG}}) as registry:
        wait_until(lambda: registry.request("GET", "/v2/").status == 503)
        assert ask(registry, "GET", "/debug/health") == (503, b'{"127.0.0.1:1":"connection to 127.0.0.1:1 failed"}')


def test_garbage_is_collected_when_asked(tmp_path: Path) -> None:
    """While it serves: a dry run says what would go and lets it be; what is tagged stays."""
    image = make_image("kept", 1000)
    config = {"http": {"debug": DEBUG}, "pyregistry": {"gc": {"grace": "0s"}}}
    with running_registry(tmp_path, config=config) as registry:
        push(registry, "acme/app", image)
        orphan = Digest.of(b"orphan")
        assert registry.request("POST", f"/v2/acme/app/blobs/uploads/?digest={orphan}", b"orphan").status == 201
        status, body = ask(registry, "POST", "/debug/gc?dry-run")
        assert status == 200, body
        would_go = json.loads(body)
        assert registry.request("HEAD", f"/v2/acme/app/blobs/{orphan}").status == 200
        status, body = ask(registry, "POST", "/debug/gc")
        assert (status, json.loads(body)) == (200, would_go)
        assert registry.request("HEAD", f"/v2/acme/app/blobs/{orphan}").status == 404
        for content in (image.layer, image.config):
            assert registry.request("GET", f"/v2/acme/app/blobs/{Digest.of(content)}").body == content


def test_a_debug_port_that_is_taken_is_named(tmp_path: Path, start: Start) -> None:
    """With the key that moves it, before the registry takes a request."""
    with running_registry(tmp_path / "one", config={"http": {"debug": DEBUG}}) as registry:
        found = _DEBUG_LISTENING.search(registry.log())
        assert found
        taken = {"http": {"debug": {"addr": f"127.0.0.1:{found[1]}"}}}
        with pytest.raises(ServerEnded) as failed:
            start(write_config(tmp_path / "other", config=taken))
    assert failed.value.code == 1
    assert f"listen tcp 127.0.0.1:{found[1]}: bind: address already in use" in failed.value.output
    assert "http.debug.addr in the configuration moves the debug server" in failed.value.output


def test_secrets_of_endpoints_are_nowhere_to_be_read(tmp_path: Path) -> None:
    """Neither in the log, nor on the debug server, nor in the journal; the endpoint gets them."""
    with running_sink([500]) as sink:
        url = sink.url.replace("//", "//robot:swordfish@") + "?key=opensesame"
        config = {
            "notifications": notified(url, headers={"X-Key": ["shibboleth"]}),
            "http": {"debug": DEBUG},
            "health": {
                "http": [{"uri": url, "interval": "10ms", "headers": {"X-Key": ["shibboleth"]}, "threshold": 2}]
            },
        }
        with running_registry(tmp_path, config=config) as registry:
            wait_until(lambda: registry.request("GET", "/v2/").status == 503)  # the sink answers no HEAD
            pages = [ask(registry, "GET", page)[1] for page in ("/debug/vars", "/debug/health", "/metrics")]
            told = registry.log() + b"".join(pages).decode() + registry.journal_path.read_text()
        assert sink.url in told
        assert not [word for word in ("robot", "swordfish", "opensesame", "shibboleth") if word in told]
