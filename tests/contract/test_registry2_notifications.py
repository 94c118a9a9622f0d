"""The same requests to a real registry:2 and to ours, each with an endpoint: both endpoints are told the same.

Where it is not, the difference stands here by name, and in docs/operations.md with its reason.
"""

import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from pyregistry.spec.digest import Digest
from pyregistry.spec.media_types import DOCKER_MANIFEST, MANIFEST_TYPES, OCI_MANIFEST
from tests.fakes.pushes import Image, an_image, an_index
from tests.fakes.sink import Sink, running_sink
from tests.servers import PROGRAM, Answer, RunningRegistry, end, start_registry, write_config
from tests.tools import require

REPOSITORY = "acme/app"
ACCEPT = {"Accept": ", ".join(sorted(MANIFEST_TYPES)), "User-Agent": "a client/1.0"}
LAST = "the-last-one"
"""A tag that every story ends with: once it is told, so is everything before it."""

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?Z")
_PORT = re.compile(r":[0-9]+$")

Told = dict[str, Any]


@dataclass(frozen=True)
class Client:
    """One of the two registries, and who uses it."""

    registry: RunningRegistry
    sink: Sink

    def ask(self, method: str, target: str, body: bytes = b"", **headers: str) -> Answer:
        """One request; header names with ``_`` for ``-``."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.registry.request(method, target, body or None, ACCEPT | named)

    def push_blob(self, content: bytes, repository: str = REPOSITORY) -> None:
        """In two chunks, as clients with small memories do."""
        location = self.ask("POST", f"/v2/{repository}/blobs/uploads/").headers["location"]
        sent = self.ask("PATCH", location, content[:5], Content_Type="application/octet-stream")
        location = f"{sent.headers['location']}&digest={Digest.of(content)}"
        if "?" not in sent.headers["location"]:
            location = f"{sent.headers['location']}?digest={Digest.of(content)}"
        assert self.ask("PUT", location, content[5:], Content_Type="application/octet-stream").status == 201

    def push(self, image: Image, reference: str) -> None:
        """The blobs, then the manifest."""
        for blob in image.blobs:
            self.push_blob(blob)
        target = f"/v2/{REPOSITORY}/manifests/{reference}"
        assert self.ask("PUT", target, image.body, Content_Type=image.media_type).status == 201

    def told(self) -> list[Told]:
        """Everything that the endpoint was told until now, without what differs by nature."""
        return [self._comparable(event) for event in self.await_all(LAST)]

    def await_all(self, tag: str) -> list[Told]:
        """Push an image under ``tag`` and wait until that is told, and with it all that was done before."""
        self.push(an_image(tag, DOCKER_MANIFEST), tag)
        told = self.sink.wait_for(1)
        count = 1
        while told[-1]["target"].get("tag") != tag:
            count += 1
            told = self.sink.wait_for(count)
        return told

    def _comparable(self, event: Told) -> Told:
        """Ids, times and ports replaced, after it was seen that they are what they should be."""
        assert UUID(event["id"])
        assert _TIME.fullmatch(event["timestamp"]), event["timestamp"]
        assert UUID(event["source"]["instanceID"])
        assert UUID(event["request"]["id"])
        address, request = event["source"]["addr"], event["request"]
        return event | {
            "id": "an id",
            "timestamp": "a time",
            "target": {name: self._without_port(value) for name, value in event["target"].items()},
            "request": request
            | {"id": "an id", "addr": _PORT.sub("", request["addr"]), "host": self._without_port(request["host"])},
            "source": {"addr": _PORT.sub("", address), "instanceID": "an id"},
        }

    def _without_port(self, value: object) -> object:
        return value.replace(f":{self.registry.port}", ":5000") if isinstance(value, str) else value


@dataclass(frozen=True)
class Pair:
    """Both."""

    theirs: Client
    ours: Client

    def tell(self, story: Callable[[Client], object]) -> tuple[list[Told], list[Told]]:
        """What each endpoint is told of the story."""
        story(self.theirs)
        story(self.ours)
        return self.theirs.told(), self.ours.told()


@contextmanager
def running(folder: Path, program: list[str], config: Mapping[str, Any]) -> Iterator[Client]:
    """A registry with an endpoint."""
    with running_sink() as sink:
        endpoint = {"name": "sink", "url": sink.url, "timeout": "5s"}
        notifications = {"endpoints": [endpoint | config], "events": {"includereferences": True}}
        path = write_config(folder, config={"notifications": notifications})
        registry = start_registry(path, program=program)
        try:
            yield Client(registry, sink)
        finally:
            end(registry.process)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Both, with nothing ignored."""
    with running_pair(tmp_path, {}) as both:
        yield both


@contextmanager
def running_pair(folder: Path, endpoint: Mapping[str, Any]) -> Iterator[Pair]:
    """Both, with one configuration."""
    theirs = [str(require("docker-registry")["docker-registry"])]
    with (
        running(folder / "theirs", theirs, endpoint) as one,
        running(folder / "ours", list(PROGRAM), endpoint) as other,
    ):
        yield Pair(one, other)


def push_and_pull(client: Client) -> None:
    """An image by tag and by digest, its manifest and blobs in every way that a GET can."""
    image = an_image()
    client.push(image, "1.0")
    client.push(image, str(image.digest))
    for reference in ("1.0", str(image.digest)):
        assert client.ask("GET", f"/v2/{REPOSITORY}/manifests/{reference}").status == 200
    blob = Digest.of(image.blobs[0])
    target = f"/v2/{REPOSITORY}/blobs/{blob}"
    assert client.ask("GET", target).status == 200
    assert client.ask("GET", target, Range="bytes=1-3").status == 206
    assert client.ask("GET", target, If_None_Match=f'"{blob}"').status == 304
    assert client.ask("GET", f"/v2/{REPOSITORY}/manifests/1.0", If_None_Match=f'"{image.digest}"').status == 304


def push_docker_image(client: Client) -> None:
    """Docker's own media types."""
    client.push(an_image("docker", DOCKER_MANIFEST), "docker")


def push_index(client: Client) -> None:
    """An index of two images, by tag; then its pull."""
    images = [an_image(text) for text in ("one", "other")]
    for image in images:
        client.push(image, str(image.digest))
    client.push(an_index(*images), "multi")
    assert client.ask("GET", f"/v2/{REPOSITORY}/manifests/multi").status == 200


def mount(client: Client) -> None:
    """A blob from another repository, twice; then one that is not there, which begins an upload."""
    client.push_blob(b"a common blob", "acme/base")
    uploads = f"/v2/{REPOSITORY}/blobs/uploads/"
    for status, digest in (
        (201, Digest.of(b"a common blob")),
        (201, Digest.of(b"a common blob")),
        (202, Digest.of(b"x")),
    ):
        assert client.ask("POST", f"{uploads}?mount={digest}&from=acme/base").status == status


def delete_blob(client: Client) -> None:
    """Of a repository; once."""
    client.push_blob(b"not needed")
    target = f"/v2/{REPOSITORY}/blobs/{Digest.of(b'not needed')}"
    assert [client.ask("DELETE", target).status for _ in range(2)] == [202, 404]


def delete_untagged(client: Client) -> None:
    """A manifest that no tag leads to."""
    image = an_image("untagged")
    client.push(image, str(image.digest))
    client.await_all("pushed")  # what a manifest refers to is read when it is told: see docs/operations.md
    assert client.ask("DELETE", f"/v2/{REPOSITORY}/manifests/{image.digest}").status == 202


def fail(client: Client) -> None:
    """Nothing of it comes about."""
    assert client.ask("GET", f"/v2/{REPOSITORY}/manifests/none").status == 404
    assert client.ask("GET", f"/v2/{REPOSITORY}/blobs/{Digest.of(b'none')}").status == 404
    image = an_image("without its blobs")
    put = client.ask("PUT", f"/v2/{REPOSITORY}/manifests/1.0", image.body, Content_Type=image.media_type)
    assert put.status in (400, 404)
    assert client.ask("GET", "/v2/_catalog").status == 200


def come_through_a_proxy(client: Client) -> None:
    """One that says who asks, and by which name."""
    client.push(an_image("proxied"), "1.0")
    said = {"X_Forwarded_For": "192.0.2.7, 10.0.0.1", "X_Forwarded_Proto": "https", "X_Forwarded_Host": "registry.test"}
    assert client.ask("GET", f"/v2/{REPOSITORY}/manifests/1.0", **said).status == 200


@pytest.mark.parametrize(
    "story",
    [push_and_pull, push_docker_image, push_index, mount, delete_blob, delete_untagged, fail, come_through_a_proxy],
    ids=lambda story: story.__name__,
)
def test_both_tell_the_same(pair: Pair, story: Callable[[Client], object]) -> None:
    """Event by event, in the same order, member by member."""
    theirs, ours = pair.tell(story)
    assert ours == theirs


@pytest.mark.parametrize(
    "ignored",
    [
        {"ignoredmediatypes": ["application/octet-stream"]},
        {"ignore": {"mediatypes": ["application/octet-stream", OCI_MANIFEST]}},
        {"ignore": {"mediatypes": ["application/octet-stream"], "actions": ["pull", "delete"]}},
    ],
)
def test_both_ignore_the_same(tmp_path: Path, ignored: Mapping[str, Any]) -> None:
    """By either spelling of media types, and by action."""

    def story(client: Client) -> None:
        push_and_pull(client)
        delete_untagged(client)

    with running_pair(tmp_path, ignored) as both:
        theirs, ours = both.tell(story)
    assert ours == theirs


def test_only_registry_2_tells_what_was_not_pulled(pair: Pair) -> None:
    """It tells a pull of a HEAD, and of a range that the blob does not have; registry:3 does so still."""

    def story(client: Client) -> None:
        image = an_image("asked for")
        client.push(image, "1.0")
        blob = f"/v2/{REPOSITORY}/blobs/{Digest.of(image.blobs[0])}"
        assert client.ask("HEAD", f"/v2/{REPOSITORY}/manifests/1.0").status == 200
        assert client.ask("HEAD", blob).status == 200
        assert client.ask("GET", blob, Range="bytes=9999-").status == 416

    theirs, ours = pair.tell(story)
    assert [event for event in theirs if event["action"] != "pull"] == ours
    assert [event["request"]["method"] for event in theirs if event["action"] == "pull"] == ["HEAD", "HEAD", "GET"]


def test_only_registry_2_tells_the_tags_that_go_with_a_manifest(pair: Pair) -> None:
    """After the deletion of the manifest, in any order."""

    def story(client: Client) -> None:
        image = an_image("tagged")
        for tag in ("1.0", "latest"):
            client.push(image, tag)
        client.await_all("pushed")
        assert client.ask("DELETE", f"/v2/{REPOSITORY}/manifests/{image.digest}").status == 202

    theirs, ours = pair.tell(story)
    beside = [event for event in theirs if event["action"] == "delete" and "tag" in event["target"]]
    assert [event for event in theirs if event not in beside] == ours
    assert {event["target"]["tag"] for event in beside} == {"1.0", "latest"}


def test_only_registry_2_believes_who_one_says_to_be(pair: Pair) -> None:
    """Without any authentication, it takes the name of Basic credentials that nobody has verified."""

    def story(client: Client) -> None:
        client.push(an_image("claimed"), "1.0")
        assert client.ask("GET", f"/v2/{REPOSITORY}/manifests/1.0", Authorization="Basic Ym9iOnB3").status == 200

    theirs, ours = pair.tell(story)
    [claimed] = [event for event in theirs if event["actor"]]
    assert claimed["actor"] == {"name": "bob"}
    assert [event | {"actor": {}} for event in theirs] == ours


def test_both_tell_the_same_of_a_client(pair: Pair) -> None:
    """A copy to another repository and a pull with crane, which mounts several blobs at a time, so in any order.

    Its questions (HEAD), which only one tells, aside.
    """
    crane = require("crane")["crane"]

    def story(client: Client) -> None:
        client.push(an_image("copied"), "1.0")
        name = f"127.0.0.1:{client.registry.port}"
        for arguments in (
            ("copy", f"{name}/{REPOSITORY}:1.0", f"{name}/acme/copy:2.0"),
            ("manifest", f"{name}/acme/copy:2.0"),
        ):
            subprocess.run([crane, *arguments], check=True, capture_output=True, timeout=60)

    theirs, ours = pair.tell(story)
    assert {event["action"] for event in ours} == {"push", "pull", "mount"}
    asked = [event for event in theirs if event["request"]["method"] == "HEAD"]
    assert sorted(map(_canonical, ours + asked)) == sorted(map(_canonical, theirs))


def _canonical(event: Told) -> str:
    return json.dumps(event, sort_keys=True)
