"""The tables, run against a real server (distribution-spec 1.1.1 and its main branch)."""

import json
from collections.abc import Iterator
from urllib.parse import quote
from uuid import uuid4

import pytest

from pyregistry.spec.digest import Digest
from pyregistry.spec.endpoints import ENDPOINTS
from pyregistry.spec.media_types import OCI_INDEX, OCI_MANIFEST
from tests.conformance.steps import BLOB, Body, Row, Step
from tests.conformance.tables import TABLES
from tests.servers import Answer, RunningRegistry

_CONFIG = b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}'
_ROWS = [row for rows in TABLES.values() for row in rows]


def test_every_endpoint_has_rows() -> None:
    """An endpoint of the table without a row here would be an endpoint that nobody tried."""
    assert set(TABLES) == {endpoint.id for endpoint in ENDPOINTS}
    assert all(TABLES.values())


def test_row_ids_are_unique() -> None:
    """An id names one fact."""
    ids = [row.id for row in _ROWS]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row.id)
def test_row(row: Row, registry: RunningRegistry) -> None:
    """Each exchange of the row is answered as the row says."""
    world = World(registry)
    for what in row.given:
        world.push(what)
    for number, step in enumerate(row.steps, start=1):
        world.run(step, f"{row.id} step {number}: {row.fact}")


class World:
    """One row's repositories and content, and what its placeholders mean."""

    def __init__(self, registry: RunningRegistry) -> None:
        self._registry = registry
        unique = uuid4().hex
        self._content = {
            "blob": BLOB,
            "config": _CONFIG,
            "image": _image(),
            "artifact": _artifact("tests", _described(_image())),
            "second": _artifact("others", _described(_image())),
            "about512": _artifact("tests", _described(_image(), "sha512")),
            "silent": _artifact("nobody", None),
        }
        self._content["listing"] = _listing(self._content["silent"])
        self._values = {
            "url": registry.url,
            "repo": f"row/{unique}",
            "before repo": f"row/{unique[:-1]}",
            "elsewhere": f"elsewhere/{unique}",
            "location": "",
            "missing": str(Digest.of(unique.encode())),
            "empty": str(Digest.of(b"")),
            "blob512": str(Digest.of(BLOB, "sha512")),
            "image512": str(Digest.of(_image(), "sha512")),
            "fallback": f"sha256-{Digest.of(_image()).encoded}",
        }
        for name, content in self._content.items():
            digest = str(Digest.of(content))
            self._values |= {name: digest, f"{name} size": str(len(content)), f"{name} quoted": quote(digest)}

    def push(self, what: str) -> None:
        """Put in place what a row is given."""
        media_type = {"Content-Type": OCI_INDEX if what == "listing" else OCI_MANIFEST}
        for method, target, content in self._pushes(what):
            answer = self._registry.request(method, target.format_map(self._values), content, media_type)
            assert answer.status == 201, (what, target, answer)

    def run(self, step: Step, label: str) -> None:
        """Make the exchange and compare."""
        headers = {name: value.format_map(self._values) for name, value in step.headers.items()}
        chunked = headers.pop("Transfer-Encoding", None)
        target = step.target.format_map(self._values)
        sent = self._sent(step.send)
        answer = self._registry.request(step.method, target, _pieces(sent) if chunked and sent else sent, headers)
        label = f"{label}\n{step.method} {target}\n{answer}"
        assert answer.status == step.status, label
        self._compare(step, answer, label)
        if "location" in answer.headers:
            self._values["location"] = answer.headers["location"]
            if "docker-upload-uuid" in answer.headers:
                self._values["session"] = answer.headers["location"]

    def _pushes(self, what: str) -> Iterator[tuple[str, str, bytes]]:
        blob = "/v2/{repo}/blobs/uploads/?digest="
        if what == "elsewhere":
            yield "POST", "/v2/{elsewhere}/blobs/uploads/?digest={blob}", BLOB
        elif what in ("blob", "blob512"):
            yield "POST", blob + f"{{{what}}}", BLOB
        elif what == "tags":
            for tag in ("b", "a", "Latest"):
                yield "PUT", f"/v2/{{repo}}/manifests/{tag}", self._content["image"]
        elif what == "listing":
            yield "PUT", "/v2/{repo}/manifests/{fallback}", self._content["listing"]
        elif what in ("artifact", "second", "about512", "silent"):
            yield "PUT", f"/v2/{{repo}}/manifests/{{{what}}}", self._content[what]
        else:
            yield "POST", blob + "{blob}", BLOB
            yield "POST", blob + "{config}", _CONFIG
            if what != "parts":
                reference = {"image": "1.0", "image512": "{image512}"}[what]
                yield "PUT", f"/v2/{{repo}}/manifests/{reference}", self._content["image"]

    def _compare(self, step: Step, answer: Answer, label: str) -> None:
        for name, value in step.expect.items():
            wanted = None if value is None else value.format_map(self._values)
            assert answer.headers.get(name.lower()) == wanted, f"{name}, {label}"
        if step.body is not None:
            assert answer.body == self._sent(step.body), label
        if step.code:
            assert json.loads(answer.body)["errors"][0]["code"] == step.code, label
        found = json.loads(answer.body) if step.json else {}
        for name, member in step.json.items():
            assert found[name] == self._filled(member), f"{name}, {label}"

    def _sent(self, body: Body | str | None) -> bytes | None:
        if isinstance(body, Body):
            return self._content[body.name][body.start : body.end]
        return None if body is None else body.format_map(self._values).encode()

    def _filled(self, wanted: object) -> object:
        """Expected JSON with its placeholders filled in; a size is a number."""
        if isinstance(wanted, str):
            text = wanted.format_map(self._values)
            return int(text) if wanted.endswith(" size}") else text
        if isinstance(wanted, list):
            return [self._filled(item) for item in wanted]
        return {name: self._filled(value) for name, value in wanted.items()} if isinstance(wanted, dict) else wanted


def _pieces(content: bytes) -> Iterator[bytes]:
    """So that the request has no Content-Length."""
    yield content[:100]
    yield content[100:]


def _image() -> bytes:
    return _manifest({"layers": [_descriptor("application/vnd.oci.image.layer.v1.tar", BLOB)]})


def _artifact(who: str, subject: dict[str, object] | None) -> bytes:
    return _manifest(
        {
            "artifactType": "application/vnd.example.signature",
            "layers": [],
            "annotations": {"who": who},
            **({"subject": subject} if subject else {}),
        }
    )


def _listing(manifest: bytes) -> bytes:
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [_described(manifest)]}).encode()


def _manifest(members: dict[str, object]) -> bytes:
    config = _descriptor("application/vnd.oci.image.config.v1+json", _CONFIG)
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, **members}).encode()


def _described(manifest: bytes, algorithm: str = "sha256") -> dict[str, object]:
    return _descriptor(OCI_MANIFEST, manifest, algorithm)


def _descriptor(media_type: str, content: bytes, algorithm: str = "sha256") -> dict[str, object]:
    return {"mediaType": media_type, "digest": str(Digest.of(content, algorithm)), "size": len(content)}
