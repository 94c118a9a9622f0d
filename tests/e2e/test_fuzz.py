"""Requests that nobody would send, to every endpoint of a real server: an answer in words of the spec, never a fault.

``LAB_FUZZ_REQUESTS`` says how many are tried with each registry; the default takes some seconds.
"""

import json
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from http.client import HTTPResponse
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyregistry.accounts.htpasswd import format_line
from pyregistry.api.router import PathUnknown, match
from pyregistry.spec.digest import Digest
from pyregistry.spec.endpoints import ENDPOINTS, Endpoint
from pyregistry.spec.errors import ERRORS, ErrorCode
from pyregistry.spec.media_types import MANIFEST_TYPES
from tests.conformance.contents import CONTENTS
from tests.e2e.pushes import require_sound_files
from tests.servers import ANSWER_SECONDS, Answer, RunningRegistry, running_registry

REQUESTS = int(os.environ.get("LAB_FUZZ_REQUESTS") or 400)
HOST = "fuzz.example.com"
ALICE = "Basic YWxpY2U6c2VjcmV0IHdvcmRz"  # alice:secret words
NAMES = ("acme/app", "other")
MANIFESTS = ("image", "artifact", "silent", "bare", "index", "layerless")
PUSHED = ("blob", "config", "nothing", *MANIFESTS)
"""Contents that requests name and bring; not all of them are there at first."""
API_VERSION = "docker-distribution-api-version"
"""A header of every answer that the registry itself gives."""
OPEN_STATUSES = {413, 414, 416}
"""4xx that a code may have beside its own: errors.py overrides the status."""


@dataclass(frozen=True, slots=True)
class Request:
    """What goes over the wire; the length, or the lack of one, is added."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    chunked: bool

    def encode(self) -> bytes:
        """The bytes."""
        framing = "Transfer-Encoding: chunked" if self.chunked else f"Content-Length: {len(self.body)}"
        lines = [f"{self.method} {self.target} HTTP/1.1", f"Host: {HOST}", "Connection: close", framing]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        sent = b"%x\r\n%b\r\n0\r\n\r\n" % (len(self.body), self.body) if self.chunked and self.body else self.body
        ending = b"0\r\n\r\n" if self.chunked and not self.body else sent
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + ending


_junk = st.text(max_size=12)
_header_text = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=40)
_seldom = st.sampled_from([False] * 7 + [True])
_digests = st.sampled_from(
    [str(Digest.of(CONTENTS[name].body, how)) for name in PUSHED for how in ("sha256", "sha512")]
)
_wrong_digests = st.sampled_from(
    ["sha256:", "sha256:baddigeststring", "md5:" + "0" * 32, ":", "sha256:" + "A" * 64, "sha512:" + "0" * 64]
)
_wrong_names = st.sampled_from(["never/seen", "UPPER", "a//b", "../..", "a" * 256])
_wrong_tags = st.sampled_from([".", "-x", "t" * 129])


def _mostly(good: st.SearchStrategy[str], *bad: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """What fits, and now and then what does not."""
    return _seldom.flatmap(lambda wrong: st.one_of(*bad) if wrong else good)


_any_digest = _mostly(_digests, _wrong_digests, _junk)
_any_name = _mostly(st.sampled_from(NAMES), _wrong_names, _junk)
_any_tag = _mostly(st.sampled_from(["1.0", "latest"]), _wrong_tags, _junk)
_PLACES: Mapping[str, st.SearchStrategy[str]] = {
    "{name}": _any_name,
    "{reference}": st.one_of(_any_tag, _any_digest),
    "{digest}": _any_digest,
    "{session}": _mostly(st.just("{session}"), st.uuids().map(str), _junk),
}
_QUERY: Mapping[str, st.SearchStrategy[str]] = {
    "n": st.one_of(st.integers(-2, 5).map(str), st.just("9" * 30), _junk),
    "last": st.one_of(_any_tag, _any_name, _any_digest),
    "digest": _any_digest,
    "mount": _any_digest,
    "from": _any_name,
    "tag": _any_tag,
    "artifactType": _junk,
    "digest-algorithm": st.sampled_from(["sha256", "sha512", "md5", ""]),
    "_state": _junk,
    "scope": _junk,
}
_ASKED: Mapping[str, Sequence[str]] = {
    "catalog": ("n", "last"),
    "end-4": ("digest", "mount", "from", "digest-algorithm"),
    "end-6": ("digest",),
    "end-7": ("tag",),
    "end-8": ("n", "last"),
    "end-12": ("n", "last", "artifactType"),
}
"""Parameters that mean something, by endpoint."""
_HEADERS: Mapping[str, st.SearchStrategy[str]] = {
    "Content-Type": _mostly(st.sampled_from([*sorted(MANIFEST_TYPES), "text/plain"]), _header_text),
    "Content-Range": _mostly(st.builds("{}-{}".format, st.integers(0, 9), st.integers(0, 3000)), _header_text),
    "Range": _mostly(st.builds("bytes={}-{}".format, st.integers(-9, 9), st.integers(-9, 9999)), _header_text),
    "If-None-Match": _mostly(_digests.map('"{}"'.format), _header_text),
    "If-Range": _header_text,
    "Accept": _mostly(st.sampled_from(sorted(MANIFEST_TYPES)), _header_text),
    "Authorization": st.one_of(st.builds("Basic {}".format, _header_text), _header_text),
    "X-Forwarded-Proto": _header_text,
    "X-Forwarded-Host": _header_text,
    "Forwarded": _header_text,
    "User-Agent": _header_text,
    "Expect": st.just("100-continue"),
    "Content-Encoding": st.sampled_from(["gzip", "identity", ""]),
}
_METHODS = st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])


@st.composite
def _requests(draw: st.DrawFn) -> Request:
    """An endpoint, mostly by a method that it takes, with a query, headers and content that may or may not fit."""
    endpoint = draw(st.sampled_from(ENDPOINTS))
    method = draw(_METHODS) if draw(_seldom) else draw(st.sampled_from(endpoint.methods))
    headers = dict(draw(st.lists(_pairs(_HEADERS), max_size=3)))
    fitting = MANIFESTS if endpoint.id == "end-7" else PUSHED
    image, wrong = CONTENTS[draw(st.sampled_from(fitting))], draw(_seldom)
    target, body = draw(_targets(endpoint)), draw(_bodies(image.body)) if wrong else image.body
    if endpoint.id == "end-6" and not wrong:
        target = f"{target.partition('?')[0]}?digest={Digest.of(body)}"
    return Request(
        method, target, {"Authorization": ALICE, "Content-Type": image.media_type, **headers}, body, draw(_seldom)
    )


@st.composite
def _targets(draw: st.DrawFn, endpoint: Endpoint) -> str:
    """The path of an endpoint, its places filled, and a query; seldom something behind that does not belong there."""
    path = endpoint.template
    for place, values in _PLACES.items():
        path = path.replace(place, draw(values), 1) if place in endpoint.template else path
    path = quote(path, safe="/:%{}" if draw(_seldom) else "/:{}", errors="replace").replace(
        "%7Bsession%7D", "{session}"
    )
    asked = {} if draw(_seldom) else {name: _QUERY[name] for name in _ASKED.get(endpoint.id, ())}
    query = urlencode(draw(st.lists(_pairs(asked or _QUERY), max_size=3)), errors="replace")
    tail = draw(st.sampled_from(["%", "%zz", "%00", "%ff", "/", "//", "?", "#"])) if draw(_seldom) else ""
    return path + tail + (f"?{query}" if query else "")


@st.composite
def _bodies(draw: st.DrawFn, content: bytes) -> bytes:
    """A content with a part replaced, or any bytes."""
    if draw(st.booleans()):
        return draw(st.binary(max_size=60))
    start = draw(st.integers(0, len(content)))
    return content[:start] + draw(st.binary(max_size=4)) + content[start + draw(st.integers(0, 8)) :]


def _pairs(values: Mapping[str, st.SearchStrategy[str]]) -> st.SearchStrategy[tuple[str, str]]:
    return st.sampled_from(sorted(values)).flatmap(lambda name: st.tuples(st.just(name), values[name]))


@pytest.fixture(scope="module", params=["open", "guarded"])
def registry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    """With something to find; the guarded one has two workers, and lets in ``ALICE``. Afterwards all is proven."""
    folder = tmp_path_factory.mktemp(str(request.param))
    (folder / "htpasswd").write_text(f"{format_line('alice', 'secret words', 4)}\n", encoding="utf-8")
    guard = {"auth": {"htpasswd": {"realm": "fuzz", "path": str(folder / "htpasswd")}}, "pyregistry": {"workers": 2}}
    with running_registry(folder, config=guard if request.param == "guarded" else {}) as running:
        yield running
        prove(running)


def prove(registry: RunningRegistry) -> None:
    """It lives, it logged no fault, its journal is one chain of all requests, and its store is sound."""
    assert registry.process.poll() is None
    assert registry.request("GET", "/v2/", headers={"Authorization": ALICE}).status == 200
    assert [line for line in registry.log().splitlines() if "level=error" in line] == []
    assert registry.events()
    require_sound_files(registry.store)


def fill(registry: RunningRegistry) -> None:
    """Push what requests may meet."""
    login = {"Authorization": ALICE}
    for name in NAMES:
        for blob in ("blob", "config", "nothing"):
            content = CONTENTS[blob].body
            registry.request("POST", f"/v2/{name}/blobs/uploads/?digest={Digest.of(content)}", content, login)
        for manifest in ("image", "artifact"):
            headers = login | {"Content-Type": CONTENTS[manifest].media_type}
            registry.request("PUT", f"/v2/{name}/manifests/1.0", CONTENTS[manifest].body, headers)


def begin(registry: RunningRegistry) -> str:
    """An open session."""
    begun = registry.request("POST", f"/v2/{NAMES[0]}/blobs/uploads/", headers={"Authorization": ALICE})
    return begun.headers["docker-upload-uuid"]


def test_no_request_is_a_fault(registry: RunningRegistry) -> None:
    """Whatever comes in is answered, and remembered: no 5xx, errors in the specification's form."""
    fill(registry)
    session, handled = begin(registry), 0

    @settings(max_examples=REQUESTS, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(_requests())
    def ask(request: Request) -> None:
        nonlocal session, handled
        target = request.target.replace("{session}", session)
        answer = exchange(registry, replace(request, target=target))
        judge(request, target, answer)
        handled += API_VERSION in answer.headers
        if session in target and request.method in ("PUT", "DELETE"):
            session = begin(registry)
        elif request.method == "DELETE" and answer.status == 202:
            fill(registry)

    ask()
    assert sum(event.host == HOST for event in registry.events()) == handled


def exchange(registry: RunningRegistry, request: Request) -> Answer:
    """Send it as it is."""
    with closing(socket.create_connection((registry.host, registry.port), ANSWER_SECONDS)) as connection:
        connection.sendall(request.encode())
        with closing(HTTPResponse(connection, method=request.method)) as answer:
            answer.begin()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, headers, answer.read())


def judge(request: Request, target: str, answer: Answer) -> None:
    """Hold the answer to the specification."""
    assert answer.status < 500
    if API_VERSION not in answer.headers:  # HTTP itself was broken: no handler saw it
        assert (answer.status in (400, 414, 431), answer.body) == (True, b"")
    elif request.method == "HEAD" or answer.status < 400:
        _judge_content(request, answer)
    elif answer.status == 405 and not answer.body:
        assert answer.headers["allow"]
    elif answer.headers["content-type"].startswith("text/plain"):
        assert (answer.status, answer.body) == (404, b"404 page not found\n")
        with pytest.raises(PathUnknown):
            match("GET", target.partition("?")[0].partition("#")[0])
    else:
        _judge_error(answer)


def _judge_content(request: Request, answer: Answer) -> None:
    digest = answer.headers.get("docker-content-digest")
    if request.method == "HEAD" or answer.status in (204, 304):
        assert answer.body == b""
    elif request.method == "GET" and answer.status == 200 and digest:
        assert str(Digest.of(answer.body, Digest.parse(digest).algorithm)) == digest


def _judge_error(answer: Answer) -> None:
    """distribution-spec 1.1.1 "Error Codes": one entry at least, each with a code that is known, and a message."""
    errors: list[dict[str, Any]] = json.loads(answer.body)["errors"]
    assert answer.headers["content-type"] == "application/json"
    assert errors
    assert all(set(entry) <= {"code", "message", "detail"} and isinstance(entry["message"], str) for entry in errors)
    assert answer.status in OPEN_STATUSES | {ERRORS[ErrorCode(errors[0]["code"])].status}
