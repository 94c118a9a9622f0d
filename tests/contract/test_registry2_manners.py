"""``pyregistry.mode: registry2`` and ``http.prefix``: a real registry:2 and ours, asked the same, answer the same."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pyregistry.spec.digest import Digest
from pyregistry.spec.media_types import DOCKER_MANIFEST, DOCKER_MANIFEST_LIST, OCI_INDEX, OCI_MANIFEST
from tests.fakes.pushes import Image, an_image, an_index
from tests.servers import PROGRAM, Answer, RunningRegistry, end, start_registry, write_config
from tests.tools import require

TAGS = ("b", "a1", "Z", "m", "zz", "c", "oci")
AMD64 = {"platform": {"architecture": "amd64", "os": "linux"}}


def docker_list(image: Image) -> Image:
    """A manifest list of one image for Linux on amd64."""
    index = an_index(image, media_type=DOCKER_MANIFEST_LIST)
    document = json.loads(index.body)
    document["manifests"][0] |= AMD64
    return Image(index.media_type, json.dumps(document).encode(), index.blobs)


OCI = an_image("oci")
DOCKER = an_image("docker", DOCKER_MANIFEST)
CONTENT: Mapping[str, Image] = {
    "oci": OCI,
    "docker": DOCKER,
    "index": an_index(OCI),
    "list": docker_list(DOCKER),
}


@dataclass(frozen=True)
class Pair:
    """registry:2 and ours, with the same content; ``prefix`` stands before each path."""

    theirs: RunningRegistry
    ours: RunningRegistry
    prefix: str = ""

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[Answer, Answer]:
        """Both answers."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        target = f"{self.prefix}{path}"
        return self.theirs.request(method, target, body, fields), self.ours.request(method, target, body, fields)

    def require_same(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """Both answers say the same; ours."""
        theirs, ours = self.ask(method, path, body, **headers)
        assert facts(theirs) == facts(ours)
        return ours


def facts(answer: Answer) -> dict[str, Any]:
    """What an answer says, without what differs between any two registries."""
    content = answer.headers.get("content-type", "").partition(";")[0]
    said: Any = answer.body
    if content == "application/json":
        said = json.loads(answer.body)
        for error in said.get("errors", []):
            error.pop("detail", None)
    return {"status": answer.status, "type": content, "said": said, "link": answer.headers.get("link")}


def start_pair(folder: Path, config: dict[str, Any]) -> Iterator[Pair]:
    """Start both, with one configuration but for our own key, which registry:2 passes over; end both."""
    started = []
    try:
        for name, program in (
            ("theirs", [str(require("docker-registry")["docker-registry"])]),
            ("ours", list(PROGRAM)),
        ):
            started.append(start_registry(write_config(folder / name, config=config), program=program))
        yield Pair(*started, prefix=config.get("http", {}).get("prefix", "/")[:-1])
    finally:
        for registry in started:
            end(registry.process)


def fill(pair: Pair) -> None:
    """Push all content to both."""
    for image in CONTENT.values():
        for blob in image.blobs:
            for registry in (pair.theirs, pair.ours):
                push_blob(registry, pair.prefix, blob)
    for name, image in (*CONTENT.items(), *((tag, OCI) for tag in TAGS)):
        answers = pair.ask("PUT", f"/v2/acme/app/manifests/{name}", image.body, Content_Type=image.media_type)
        assert [answer.status for answer in answers] == [201, 201]


def push_blob(registry: RunningRegistry, prefix: str, blob: bytes) -> None:
    """One blob, by the Location that the registry gives."""
    begun = registry.request("POST", f"{prefix}/v2/acme/app/blobs/uploads/")
    location = begun.headers["location"]
    assert location.startswith(f"{registry.url}{prefix}/v2/acme/app/blobs/uploads/")
    closing = f"{location}{'&' if '?' in location else '?'}digest={Digest.of(blob)}"
    answer = registry.request("PUT", closing, blob, {"Content-Type": "application/octet-stream"})
    assert answer.status == 201
    assert answer.headers["location"] == f"{registry.url}{prefix}/v2/acme/app/blobs/{Digest.of(blob)}"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Both, filled; ours in registry:2's mode."""
    for pair in start_pair(tmp_path_factory.mktemp("mode"), {"pyregistry": {"mode": "registry2"}}):
        fill(pair)
        yield pair


ACCEPT = ("", "*/*", OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_MANIFEST_LIST, f"{DOCKER_MANIFEST};q=0.5, x/y")
SCHEMA_1 = {
    *((name, accept) for name in ("docker", "list") for accept in ("", "*/*", OCI_MANIFEST, OCI_INDEX)),
    ("docker", DOCKER_MANIFEST_LIST),
}
"""What registry:2 converts into schema 1 for clients of before 2016, where it can; we serve what was pushed."""


@pytest.mark.parametrize("accept", ACCEPT)
@pytest.mark.parametrize("name", CONTENT)
@pytest.mark.parametrize("by", ["tag", "digest"])
def test_a_manifest_is_for_clients_that_say_its_type(pair: Pair, name: str, accept: str, by: str) -> None:
    """404 in registry:2's words for OCI types; of a manifest list the image for Linux on amd64."""
    headers = {"Accept": accept} if accept else {}
    path = f"/v2/acme/app/manifests/{name if by == 'tag' else CONTENT[name].digest}"
    if by == "tag" and (name, accept) in SCHEMA_1:
        _, ours = pair.ask("GET", path, **headers)
        assert (ours.status, ours.body) == (200, CONTENT[name].body)
    else:
        pair.require_same("GET", path, **headers)
        theirs, ours = pair.ask("HEAD", path, **headers)
        assert theirs.status == ours.status


def test_tags_are_listed_all_and_in_no_order(pair: Pair) -> None:
    """``n`` and ``last`` are passed over; the order is nobody's, and the same each time."""
    theirs, ours = pair.ask("GET", "/v2/acme/app/tags/list?n=2&last=b")
    names = [json.loads(answer.body)["tags"] for answer in (theirs, ours)]
    assert sorted(names[0]) == sorted(names[1]) == sorted({*TAGS, *CONTENT})
    assert names[1] != sorted(names[1])
    assert "link" not in ours.headers
    assert json.loads(pair.ask("GET", "/v2/acme/app/tags/list")[1].body)["tags"] == names[1]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v2/UPPER-/tags/list"),
        ("GET", "/v2/acme/UPPER/tags/list"),
        ("GET", "/v2/acme/app/manifests/!!"),
        ("PUT", "/v2/acme/app/manifests/-bad"),
        ("GET", f"/v2/acme/app/manifests/{'t' * 129}"),
        ("GET", "/v2/acme/app/blobs/nonsense"),
        ("GET", "/v2/acme/app/blobs/sha256:abc"),
        ("GET", f"/v2/acme/app/referrers/{OCI.digest}"),
        ("GET", "/v2/nobody/app/tags/list"),
        ("GET", "/v2/acme/app/manifests/absent"),
        ("GET", "/v2/_catalog?n=many"),
        ("GET", "/v2/_catalog?n=-1"),
        ("DELETE", "/v2/acme/app/manifests/b"),
        ("DELETE", "/v2/acme/app/manifests/absent"),
    ],
)
def test_what_cannot_be_is_refused_alike(pair: Pair, method: str, path: str) -> None:
    """Plain 404 where the table of routes has no place, errors in JSON elsewhere, tags that cannot be deleted."""
    pair.require_same(method, path)


def test_newer_things_are_not_there(pair: Pair) -> None:
    """``?tag=`` is passed over, and a subject as well."""
    signature = an_image("signature", subject={"mediaType": OCI_MANIFEST, "digest": str(OCI.digest), "size": 1})
    for blob in signature.blobs:
        push_blob(pair.theirs, "", blob)
        push_blob(pair.ours, "", blob)
    path = f"/v2/acme/app/manifests/{signature.digest}?tag=named"
    for answer in pair.ask("PUT", path, signature.body, Content_Type=OCI_MANIFEST):
        assert answer.status == 201
        assert not {"oci-subject", "oci-tag"} & answer.headers.keys()
    pair.require_same("GET", "/v2/acme/app/manifests/named", Accept=OCI_MANIFEST)


def test_an_emptied_repository_lists_null(tmp_path: Path) -> None:
    """The nil slice of a Go program."""
    for pair in start_pair(tmp_path, {"pyregistry": {"mode": "registry2"}}):
        fill(pair)
        for image in CONTENT.values():
            pair.require_same("DELETE", f"/v2/acme/app/manifests/{image.digest}")
        answer = pair.require_same("GET", "/v2/acme/app/tags/list")
        assert json.loads(answer.body) == {"name": "acme/app", "tags": None}


def test_a_tag_cannot_be_deleted_where_nothing_can(tmp_path: Path) -> None:
    """405 as in registry:2, before the tag is looked at."""
    config = {"storage": {"delete": {"enabled": False}}, "pyregistry": {"mode": "registry2"}}
    for pair in start_pair(tmp_path, config):
        for reference in ("absent", OCI.digest):
            assert pair.require_same("DELETE", f"/v2/acme/app/manifests/{reference}").status == 405


def test_a_prefix_moves_everything(tmp_path: Path) -> None:
    """Routes, Locations, Links; the root stays, and what stands elsewhere is nowhere."""
    for pair in start_pair(tmp_path, {"http": {"prefix": "/some/where/"}}):
        fill(pair)
        pair.require_same("GET", "/v2/acme/app/manifests/oci", Accept=OCI_MANIFEST)
        pair.require_same("GET", f"/v2/acme/app/blobs/{Digest.of(OCI.blobs[0])}")
        pair.require_same("GET", "/v2/_catalog")
        theirs, ours = pair.ask("GET", "/v2")
        assert (theirs.status, theirs.headers["location"]) == (ours.status, ours.headers["location"])
        [_, paged] = pair.ask("GET", "/v2/acme/app/tags/list?n=1")
        assert paged.headers["link"].startswith("</some/where/v2/acme/app/tags/list?")
        for path in ("/", "/v2/", "/some/where/", "/some/wherever/v2/", "/some/where", "/else/v2/"):
            assert pair.theirs.request("GET", path).status == pair.ours.request("GET", path).status, path
