"""Small requests that would like to be large, and large ones: the right status, in little memory and little time."""

import gzip
import json
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import pytest

from pyregistry.spec.digest import Digest
from tests.e2e.footprint import Footprint
from tests.e2e.pushes import MANIFEST_TYPE, make_image, push
from tests.servers import Answer, RunningRegistry, running_registry

LIMIT = 4 << 20
"""Bytes of a manifest, unless configured otherwise."""
MAX_GROWTH_BYTES = 64 << 20
MAX_SECONDS = 10
CLIENTS = 16
TAGGED = "/v2/acme/app/manifests/1.0"
MANIFEST = {"Content-Type": MANIFEST_TYPE}
IMAGE = make_image("of the bombs", 5000)
BLOB = f"/v2/acme/app/blobs/{Digest.of(IMAGE.layer)}"
NOWHERE = Digest.of(b"nowhere")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    """One for all, warm, with an image."""
    with running_registry(tmp_path_factory.mktemp("bombs")) as running:
        push(running, "acme/app", IMAGE)
        running.request("PUT", TAGGED, b"{" + b" " * (LIMIT - 1), MANIFEST)  # what a full manifest takes is taken now
        yield running


@contextmanager
def unmoved(registry: RunningRegistry) -> Iterator[None]:
    """What happens inside takes little memory and little time, and the registry serves as before."""
    footprint, began = Footprint(registry), time.monotonic()
    yield
    assert time.monotonic() - began < MAX_SECONDS
    assert footprint.growth_bytes < MAX_GROWTH_BYTES
    assert registry.request("GET", "/v2/acme/app/tags/list").body == b'{"name": "acme/app", "tags": ["1.0"]}\n'


def _filled(opening: bytes, filling: bytes, closing_: bytes = b"") -> bytes:
    """As much filling as fits into a manifest."""
    return opening + filling * ((LIMIT - len(opening) - len(closing_)) // len(filling)) + closing_


_DESCRIPTOR = json.dumps({"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": str(NOWHERE), "size": 1})
_HEAD = b'{"schemaVersion":2,"mediaType":"' + MANIFEST_TYPE.encode() + b'","config":' + _DESCRIPTOR.encode()

BOMBS: Mapping[str, bytes] = {
    "lists in lists": _filled(b"", b"["),
    "objects in objects": _filled(b"", b'{"a":'),
    "deep and whole": b"[" * 900_000 + b"]" * 900_000,
    "an endless number": _filled(_HEAD + b',"x":', b"9", b"}"),
    "a number's endless fraction": _filled(_HEAD + b',"x":0.', b"9", b"}"),
    "an endless exponent": _filled(_HEAD + b',"x":1e', b"9", b"}"),
    "members without end": _filled(b'{"a":0', b',"":0', b"}"),
    "escapes": _filled(_HEAD + b',"x":"', rb"\u0000", b'"'),
    "half a pair": _filled(_HEAD + b',"annotations":{"x":"', rb"\ud800", b'"}}'),
    "layers that nobody has": _filled(
        _HEAD + b',"layers":[' + _DESCRIPTOR.encode(), b"," + _DESCRIPTOR.encode(), b"]}"
    ),
    "layers that are none": _filled(_HEAD + b',"layers":[0', b",0", b"]}"),
    "annotations that are none": _filled(_HEAD + b',"layers":[],"annotations":{"":0', b',"":0', b"}}"),
    "empty objects": _filled(_HEAD + b',"x":[{}', b",{}", b"]}"),
    "empty lists": _filled(_HEAD + b',"x":[[]', b",[]", b"]}"),
    "nothing but space": _filled(b"", b" "),
    "nothing but zeros": bytes(LIMIT),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_manifest_that_explodes_is_refused(registry: RunningRegistry, name: str) -> None:
    """400 in words of the spec, whatever the JSON would like to become."""
    with unmoved(registry):
        answer = registry.request("PUT", TAGGED, BOMBS[name], MANIFEST)
        assert (answer.status, _codes(answer) <= {"MANIFEST_INVALID", "MANIFEST_BLOB_UNKNOWN"}) == (400, True)


@pytest.mark.parametrize("space", [0, 28], ids=["more parts than are read", "as many as are read"])
def test_many_at_once_take_little_more_than_what_they_send(registry: RunningRegistry, space: int) -> None:
    """JSON that becomes twenty times its length in memory is refused by counting, before it is read."""
    footprint = Footprint(registry)
    body = _filled(_HEAD + b',"layers":[],"x":[{}', b",{}" + b" " * space, b"]}")
    with ThreadPoolExecutor(CLIENTS) as clients:
        asks = [clients.submit(registry.request, "PUT", TAGGED, body, MANIFEST) for _ in range(CLIENTS)]
        assert {ask.result().status for ask in asks} == {400}
    assert footprint.growth_bytes < 5 * CLIENTS * LIMIT


def test_nothing_is_decompressed(registry: RunningRegistry) -> None:
    """A gzip bomb that says what it is remains the bytes that it has."""
    with unmoved(registry):
        bomb = gzip.compress(bytes(256 << 20))
        answer = registry.request("PUT", TAGGED, bomb, {**MANIFEST, "Content-Encoding": "gzip"})
        assert (answer.status, _codes(answer)) == (400, {"MANIFEST_INVALID"})


@pytest.mark.parametrize(("size", "status"), [(LIMIT, 201), (LIMIT + 1, 413)])
def test_a_manifest_at_the_limit_is_taken_and_one_byte_more_is_not(
    registry: RunningRegistry, size: int, status: int
) -> None:
    """With a length and without one."""
    body = IMAGE.manifest[:-1] + b" " * (size - len(IMAGE.manifest)) + b"}"
    assert len(body) == size
    for sent in (body, (body[start : start + 65536] for start in range(0, size, 65536))):
        assert registry.request("PUT", "/v2/acme/limit/manifests/1.0", b"").status == 400  # the route is warm
        answer = registry.request("PUT", f"/v2/acme/app/manifests/{Digest.of(body)}", sent, MANIFEST)
        assert answer.status == status


def test_what_is_announced_too_large_is_refused_before_it_is_sent(registry: RunningRegistry) -> None:
    """A client that asks first, as curl does, sends nothing at all."""
    for length in (LIMIT + 1, 2**63 - 1):
        with unmoved(registry), closing(registry.connect()) as connection:
            connection.putrequest("PUT", TAGGED)
            for name, value in {**MANIFEST, "Content-Length": str(length), "Expect": "100-continue"}.items():
                connection.putheader(name, value)
            connection.endheaders()
            assert connection.getresponse().status == 413


@pytest.mark.parametrize("length", ["18446744073709551616", "9" * 400, "-1", "abc", "1, 2", "+5", ""])
def test_a_length_that_is_none_is_refused(registry: RunningRegistry, length: str) -> None:
    """By the HTTP server, before a handler could believe it."""
    with unmoved(registry), closing(registry.connect()) as connection:
        connection.putrequest("PUT", TAGGED)
        connection.putheader("Content-Length", length)
        connection.endheaders()
        assert connection.getresponse().status == 400


def test_thousands_of_tags_are_too_many(registry: RunningRegistry) -> None:
    """414, and none of them is made; a query that is longer than any address is 414 as well."""
    target = f"/v2/acme/app/manifests/{Digest.of(IMAGE.manifest)}?tag="
    with unmoved(registry):
        for tags in (51, 3000, 100_000):
            query = "&tag=".join(f"t{number}" for number in range(tags))
            assert registry.request("PUT", target + query, IMAGE.manifest, MANIFEST).status == 414


@pytest.mark.parametrize(("times", "status"), [(10_000, 200), (100_000, 414)])
def test_a_flood_of_parameters(registry: RunningRegistry, times: int, status: int) -> None:
    """Read as far as an address may be long, refused beyond."""
    with unmoved(registry):
        for target in ("/v2/?", "/v2/acme/app/tags/list?", "/v2/_catalog?", f"/v2/acme/app/referrers/{NOWHERE}?"):
            assert registry.request("GET", target + "x=1&" * times).status == status


@pytest.mark.parametrize(("count", "length", "status"), [(50, 1000, 200), (120, 10, 431), (5000, 100, 431)])
def test_a_flood_of_headers(registry: RunningRegistry, count: int, length: int, status: int) -> None:
    """More than anybody sends are 431."""
    with unmoved(registry):
        headers = {f"X-{number}": "y" * length for number in range(count)}
        assert registry.request("GET", "/v2/", headers=headers).status == status


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Range", "bytes=" + ",".join(["0-0"] * 15_000)),
        ("Range", "bytes=" + "9" * 60_000 + "-"),
        ("If-None-Match", ", ".join([f'"{NOWHERE}"'] * 800)),
        ("If-None-Match", "," * 60_000),
        ("Accept", ", ".join(["application/json;q=0.1"] * 2500)),
        ("Accept", "," * 60_000),
        ("Authorization", "Basic " + "A" * 60_000),
        ("X-Forwarded-Host", ",".join(["a"] * 30_000)),
        ("Forwarded", ";".join(["host=a"] * 8000)),
        ("User-Agent", "\t" * 60_000 + "x"),
    ],
)
def test_one_long_header(registry: RunningRegistry, name: str, value: str) -> None:
    """Read in a moment, and never a fault of ours."""
    with unmoved(registry):
        for target in (BLOB, TAGGED):
            assert registry.request("GET", target, headers={name: value}).status in (200, 416)


def _codes(answer: Answer) -> set[str]:
    return {entry["code"] for entry in json.loads(answer.body)["errors"]}
