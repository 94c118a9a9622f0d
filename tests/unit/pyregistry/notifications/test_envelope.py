"""Events in registry:2's words; the literal records were measured on registry:2.8.3."""

import json
from typing import Any

import pytest

from pyregistry.notifications.envelope import Source, encode, is_notable, records, references_of
from pyregistry.spec.journal import Event
from tests.unit.pyregistry.notifications.events import DIGEST, MANIFEST_TYPE, pull, request, tag_push

SOURCE = Source("registry.test:5000", "an-instance")


def told(event: Event, source: Source = SOURCE, **more: Any) -> dict[str, Any]:
    """The one record of the event."""
    assert is_notable(event)
    [record] = records(event, source, **more)
    return record


def target(event: Event) -> dict[str, Any]:
    """What the record is about."""
    found: dict[str, Any] = told(event)["target"]
    return found


def test_a_record_has_registry_2s_members() -> None:
    """In names, nesting and types; ids are new for every record."""
    record = told(tag_push())
    assert record.pop("id") != told(tag_push())["id"]
    assert record == {
        "timestamp": "2026-11-23T19:56:12.761725Z",
        "action": "push",
        "target": {
            "mediaType": MANIFEST_TYPE,
            "size": 604,
            "digest": DIGEST,
            "length": 604,
            "repository": "acme/app",
            "url": f"http://registry.test:5000/v2/acme/app/manifests/{DIGEST}",
            "tag": "1.0",
        },
        "request": {
            "id": "c0ffee",
            "addr": "127.0.0.1:38654",
            "host": "registry.test:5000",
            "method": "PUT",
            "useragent": "docker/28",
        },
        "actor": {},
        "source": {"addr": "registry.test:5000", "instanceID": "an-instance"},
    }


def test_an_envelope_holds_one_event() -> None:
    """As registry:2 sends them."""
    record = told(pull())
    assert json.loads(encode(record)) == {"events": [record]}


@pytest.mark.parametrize(
    ("event", "action", "path"),
    [
        (pull(), "pull", "blobs"),
        (request("GET", "end-2", 206, detail={"size": 100}), "pull", "blobs"),
        (request("GET", "end-2", 304, detail={"size": 100}), "pull", "blobs"),
        (request("GET", "end-3", 200, reference="1.0"), "pull", "manifests"),
        (request("POST", "end-4", 201), "push", "blobs"),
        (request("PUT", "end-6", 201), "push", "blobs"),
        (request("PUT", "end-7", 201, reference="1.0"), "push", "manifests"),
    ],
)
def test_what_was_pulled_and_pushed_is_told_with_its_place(event: Event, action: str, path: str) -> None:
    """Also a part of a blob, and a blob that the client had already: so registry:2 has it."""
    record = told(event)
    assert record["action"] == action
    assert record["target"]["url"] == f"http://registry.test:5000/v2/acme/app/{path}/{DIGEST}"


@pytest.mark.parametrize(
    "event",
    [
        request("HEAD", "end-2", 200),
        request("HEAD", "end-3", 200),
        request("GET", "end-2", 416),
        request("GET", "end-3", 404),
        request("GET", "end-3", 304),
        request("GET", "end-2", 200, aborted=True),
        request("POST", "end-4", 202),
        request("PATCH", "end-5", 202),
        request("PUT", "end-7", 401),
        request("GET", "end-8", 200),
        request("GET", "end-12", 200),
        Event(kind="server", at=pull().at, monotonic_ns=1, detail={"action": "server.started"}),
    ],
    ids=lambda event: f"{event.method} {event.endpoint} {event.status}",
)
def test_questions_refusals_and_halves_are_not_told(event: Event) -> None:
    """HEAD pulls nothing, a session is no blob yet, and who went away has not pulled."""
    assert not is_notable(event)


def test_a_blob_has_its_whole_size() -> None:
    """From the handler, who knows it, and not from how much of it this request moved."""
    assert target(request("GET", "end-2", 206, bytes_out=4, detail={"size": 100}))["size"] == 100
    assert target(request("PUT", "end-6", 201, bytes_in=90, detail={"size": 100}))["length"] == 100
    assert "size" not in target(request("GET", "end-2", 206, bytes_out=4))


def test_a_mount_names_where_from() -> None:
    """But a mount that became an upload of the same request is a push."""
    mounted = f"/v2/acme/app/blobs/uploads/?mount={DIGEST}&from=acme/base"
    record = told(request("POST", "end-4", 201, path=mounted, detail={"from": "acme/base", "size": 100}))
    assert (record["action"], record["target"]["fromRepository"], record["target"]["size"]) == (
        "mount",
        "acme/base",
        100,
    )
    other = f"/v2/acme/app/blobs/uploads/?mount=sha256:{'cd' * 32}&from=acme/base&digest={DIGEST}"
    record = told(request("POST", "end-4", 201, path=other, detail={"from": "acme/base"}))
    assert record["action"] == "push"
    assert "fromRepository" not in record["target"]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (request("DELETE", "end-9", 202, reference=DIGEST), {"digest": DIGEST, "repository": "acme/app"}),
        (request("DELETE", "end-9", 202, reference="1.0"), {"tag": "1.0", "repository": "acme/app"}),
        (request("DELETE", "end-10", 202, reference=DIGEST), {"digest": DIGEST, "repository": "acme/app"}),
    ],
)
def test_a_deletion_names_what_is_gone_and_no_more(event: Event, expected: dict[str, str]) -> None:
    """A tag's manifest is still there, so that its digest is not told."""
    assert told(event)["action"] == "delete"
    assert target(event) == expected


def test_each_tag_of_a_push_by_digest_is_told() -> None:
    """Whoever deploys on a pushed tag sees it; registry:2 does not know ``?tag=``."""
    event = request("PUT", "end-7", 201, reference=DIGEST, detail={"tags": ["1", "2"]})
    assert [record["target"]["tag"] for record in records(event, SOURCE)] == ["1", "2"]
    event = request("PUT", "end-7", 201, reference=DIGEST, path=f"/v2/acme/app/manifests/{DIGEST}")
    assert "tag" not in target(event)


@pytest.mark.parametrize(
    ("source", "event", "expected"),
    [
        (Source("", "", external_url="https://registry.example.com"), pull(), "https://registry.example.com/v2/"),
        (Source("", "", prefix="/under"), pull(), "http://registry.test:5000/under/v2/"),
        (Source("", "", relative_urls=True), pull(), "/v2/"),
        (SOURCE, request("GET", "end-2", 200, tls_version="TLSv1.3"), "https://registry.test:5000/v2/"),
        (SOURCE, request("GET", "end-2", 200, detail={"base_url": "https://proxy.test"}), "https://proxy.test/v2/"),
    ],
)
def test_the_url_leads_back_to_us(source: Source, event: Event, expected: str) -> None:
    """By the name that the configuration gives us, else the one by which the client called."""
    assert told(event, source)["target"]["url"] == f"{expected}acme/app/blobs/{DIGEST}"


def test_the_actor_is_who_proved_it() -> None:
    """And the address is the client's, where a proxy in between tells it."""
    record = told(request("GET", "end-2", 200, actor="alice", detail={"client": "192.0.2.7"}))
    assert record["actor"] == {"name": "alice"}
    assert record["request"]["addr"] == "192.0.2.7"


def test_references_are_what_a_manifest_names() -> None:
    """Config, then layers, with the members that registry:2 tells; a subject is none of them."""
    layer = {"mediaType": "l", "size": 2, "digest": "sha256:2", "annotations": {"a": "b"}, "platform": {"os": "linux"}}
    config = {"mediaType": "c", "size": 1, "digest": "sha256:1"}
    manifest = json.dumps({"config": config, "layers": [layer], "subject": config}).encode()
    references = references_of(manifest)
    assert references == [config, {name: layer[name] for name in layer if name != "platform"}]
    assert told(tag_push(), references=references)["target"]["references"] == references
    assert references_of(json.dumps({"manifests": [config]}).encode()) == [config]


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b'{"layers": 1}', b'{"layers": ["x"]}'])
def test_what_is_no_manifest_has_no_references(content: bytes) -> None:
    """A damaged file in the store stops no notification."""
    assert references_of(content) == []
