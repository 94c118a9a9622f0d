"""What goes wrong while it serves: each a clear message and the right status, and nothing is lost."""

import base64
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Self

import psutil
import pytest

from pyregistry.spec.digest import Digest
from pyregistry.spec.journal import Event
from tests.e2e.conftest import Start
from tests.e2e.pushes import MANIFEST_TYPE, make_image, push, push_manifest, require_whole
from tests.servers import PROGRAM, RunningRegistry, running_registry, write_config
from tests.tools import absent, require

MIB = 1 << 20


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    """One without authentication; each test has a repository of its own."""
    with running_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


def test_a_truncated_upload_keeps_what_arrived_and_can_go_on(registry: RunningRegistry) -> None:
    """Fewer bytes than announced: the session stands where the server says, and the client goes on from there.

    That need not be all that the client sent: the HTTP server gives up a last piece that it had not handed over yet.
    """
    content = make_image("truncated").layer
    location = registry.request("POST", "/v2/truncated/blobs/uploads/").headers["location"]
    with closing(registry.connect()) as connection:
        connection.putrequest("PATCH", location.removeprefix(registry.url))
        connection.putheader("Content-Length", str(len(content)))
        connection.endheaders(content[:1_500_000])
    event = _wait_for_event(registry, "truncated", "end-5")
    received = event.bytes_in
    assert (event.status, event.aborted) == (499, True)
    assert 1_000_000 < received <= 1_500_000
    assert registry.request("GET", location).headers["range"] == f"0-{received - 1}"
    rest = {"Content-Range": f"{received}-{len(content) - 1}"}
    assert registry.request("PUT", f"{location}?digest={Digest.of(content)}", content[received:], rest).status == 201


def test_a_wrong_digest_is_refused_and_leaves_nothing(registry: RunningRegistry) -> None:
    """What was sent and what was wanted, both by digest."""
    content, wanted = b"content", Digest.of(b"other content")
    answer = registry.request("POST", f"/v2/wrong/blobs/uploads/?digest={wanted}", content)
    [error] = json.loads(answer.body)["errors"]
    assert (answer.status, error["code"]) == (400, "DIGEST_INVALID")
    assert str(wanted) in error["detail"]
    assert str(Digest.of(content)) in error["detail"]
    assert not list(registry.store.glob("docker/registry/v2/repositories/wrong/_uploads/*"))


@pytest.mark.parametrize("size", [4 * MIB + 1, 15 * MIB])
def test_an_oversized_manifest_is_413_that_the_client_can_read(registry: RunningRegistry, size: int) -> None:
    """A client that sends all of it before it reads still gets the answer, not a reset."""
    answer = registry.request("PUT", "/v2/large/manifests/1.0", bytes(size), {"Content-Type": MANIFEST_TYPE})
    [error] = json.loads(answer.body)["errors"]
    assert (answer.status, error["code"]) == (413, "MANIFEST_INVALID")
    assert error["detail"] == f"manifest: expected at most {4 * MIB} bytes, got {size}"


def test_a_manifest_of_just_the_limit_is_read(registry: RunningRegistry) -> None:
    """4 MiB is allowed; that it is no manifest is another matter."""
    answer = registry.request("PUT", "/v2/large/manifests/1.0", bytes(4 * MIB), {"Content-Type": MANIFEST_TYPE})
    assert answer.status == 400


@pytest.mark.parametrize("name", ["..", "a/../../etc", "Upper/Case", "x" * 300, "a%2f..%2fb"])
def test_a_bad_name_is_400_and_touches_no_disk(registry: RunningRegistry, name: str) -> None:
    """Over the wire as it stands: no client library has tidied the path up."""
    answer = registry.request("POST", f"/v2/{name}/blobs/uploads/")
    [error] = json.loads(answer.body)["errors"]
    assert (answer.status, error["code"]) == (400, "NAME_INVALID")
    assert error["detail"]


def test_an_empty_link_is_a_missing_manifest_and_a_push_mends_it(registry: RunningRegistry) -> None:
    """registry:2 leaves such files behind a crash, and then answers 500 until somebody removes them."""
    image = make_image("scarred", 1000)
    push(registry, "scarred", image)
    for link in registry.store.glob("docker/registry/v2/repositories/scarred/_manifests/**/link"):
        link.write_bytes(b"")
    for reference in ("1.0", str(Digest.of(image.manifest))):
        answer = registry.request("GET", f"/v2/scarred/manifests/{reference}")
        assert (answer.status, json.loads(answer.body)["errors"][0]["code"]) == (404, "MANIFEST_UNKNOWN")
    assert registry.request("GET", "/v2/scarred/tags/list").status == 200
    assert push_manifest(registry, "scarred", image, "1.0").status == 201
    require_whole(registry, "scarred", image)


def test_a_blob_that_was_cut_off_on_disk_is_mended_by_a_push(registry: RunningRegistry) -> None:
    """registry:2 keeps what it has under a digest, whatever that is, so that its cut blobs stay cut."""
    content = make_image("cut off").layer
    digest = Digest.of(content)
    target = f"/v2/cut/blobs/uploads/?digest={digest}"
    registry.request("POST", target, content)
    [data] = registry.store.glob(f"docker/registry/v2/blobs/sha256/*/{digest.encoded}/data")
    data.write_bytes(content[:1000])
    assert registry.request("GET", f"/v2/cut/blobs/{digest}").body != content
    assert registry.request("POST", target, content).status == 201
    assert registry.request("GET", f"/v2/cut/blobs/{digest}").body == content


def test_a_client_that_leaves_a_download_is_remembered(registry: RunningRegistry) -> None:
    """Aborted, with fewer bytes than there are; the server goes on."""
    content = make_image("left", 64 * MIB).layer
    digest = Digest.of(content)
    registry.request("POST", f"/v2/left/blobs/uploads/?digest={digest}", content)
    with socket.create_connection((registry.host, registry.port)) as client:
        client.sendall(f"GET /v2/left/blobs/{digest} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert client.recv(100)
    event = _wait_for_event(registry, "left", "end-2")
    assert (event.status, event.aborted) == (200, True)
    assert event.bytes_out < len(content)
    assert registry.request("GET", f"/v2/left/blobs/{digest}").body == content


def test_memory_stays_flat_while_a_large_layer_passes(registry: RunningRegistry) -> None:
    """Up and down: 192 MiB come and go, and the process grows by a few batches."""
    size = 192
    digest = Digest.of(bytes(size * MIB))
    process = psutil.Process(registry.process.pid)
    registry.request("GET", "/v2/")
    before = process.memory_info().rss
    with _Peak(process) as peak:
        begun = registry.request("POST", "/v2/flat/blobs/uploads/")
        sent = registry.request("PATCH", begun.headers["location"], (bytes(MIB) for _ in range(size)))
        assert registry.request("PUT", f"{sent.headers['location']}?digest={digest}").status == 201
        with closing(registry.connect()) as connection:
            connection.request("GET", f"/v2/flat/blobs/{digest}")
            answer = connection.getresponse()
            assert sum(len(piece) for piece in iter(lambda: answer.read(MIB), b"")) == size * MIB
    assert peak.rss - before < 64 * MIB


def test_a_full_disk_is_503_and_nothing_is_lost(tmp_path: Path, start: Start) -> None:
    """What was there is served, what did not fit leaves nothing, and room makes pushes succeed again."""
    tools = require("unshare", "mount")
    store = tmp_path / "store"
    store.mkdir()
    script = 'mount -t tmpfs -o size=6m tmpfs "$0" && exec "$@"'
    apart = (str(tools["unshare"]), "--map-root-user", "--mount")
    if subprocess.run([*apart, "true"], check=False, capture_output=True).returncode:
        absent("a disk of its own needs a mount namespace, which this user may not make; run `make check` as root")
    alone = (*apart, "sh", "-c", script, str(store))
    registry = start(write_config(tmp_path), program=(*alone, *PROGRAM))
    kept, large, small = make_image("kept"), make_image("too large", 8 * MIB), make_image("small", 500_000)
    push(registry, "org/kept", kept)
    digest = Digest.of(large.layer)
    for body in (large.layer, iter([large.layer])):
        answer = registry.request("POST", f"/v2/org/large/blobs/uploads/?digest={digest}", body)
        [error] = json.loads(answer.body)["errors"]
        assert (answer.status, error["code"]) == (503, "UNAVAILABLE")
        assert "full" in error["detail"]
    inside = Path(f"/proc/{registry.process.pid}/root{store}/docker/registry/v2/repositories")
    assert (inside / "org/kept/_manifests").is_dir()
    assert not list(inside.glob("org/large/_uploads/*"))
    require_whole(registry, "org/kept", kept)
    push(registry, "org/small", small)
    require_whole(registry, "org/small", small)
    assert "No space left on device" in registry.log()


def test_a_token_that_was_revoked_or_expired_opens_nothing_any_more(tmp_path: Path) -> None:
    """At once, without a restart, and the journal names the access token that was tried."""
    with running_registry(tmp_path, twin=True) as registry:
        token_id, secret = registry.new_token("alice", ["write:packages"])
        bearer = _bearer(registry, secret)
        assert registry.request("POST", "/v2/alice/app/blobs/uploads/", headers=bearer).status == 202
        registry.administration().revoke_token(token_id)
        assert registry.request("POST", "/v2/alice/app/blobs/uploads/", headers=bearer).status in (401, 403)
        assert registry.request("GET", "/token", headers=_basic(secret)).status in (401, 403)
        _, expired = registry.new_token("alice", ["write:packages"], lifetime=timedelta(seconds=-1))
        refused = registry.request("GET", "/token", headers=_basic(expired))
        assert refused.status in (401, 403)
        assert json.loads(refused.body)["errors"][0]["message"]
        refusals = [event for event in registry.events() if event.status in (401, 403)]
        assert [event.endpoint for event in refusals] == ["end-4", "token", "token"]
        assert {event.actor for event in refusals} == {"alice"}
        assert token_id in {event.credential_id for event in refusals}
        assert secret not in registry.journal_path.read_text() + registry.log()


def _basic(secret: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'alice:{secret}'.encode()).decode()}"}


def test_a_storage_that_does_not_answer_is_503_until_it_does(tmp_path: Path) -> None:
    """``health.storagedriver``; the log has the cause."""
    health = {"storagedriver": {"enabled": True, "interval": "50ms", "threshold": 2}}
    with running_registry(tmp_path, config={"health": health}) as registry:
        away = registry.store.rename(tmp_path / "away")
        registry.store.symlink_to(registry.store)
        _wait_for_status(registry, 503)
        assert "health check failed: storagedriver" in registry.log()
        registry.store.unlink()
        away.rename(registry.store)
        _wait_for_status(registry, 200)


def _wait_for_status(registry: RunningRegistry, status: int) -> None:
    """Until the next probes have been made."""
    deadline = time.monotonic() + 20
    while (answer := registry.request("GET", "/v2/")).status != status:
        assert time.monotonic() < deadline, (answer, registry.log())
        time.sleep(0.01)


def _bearer(registry: RunningRegistry, secret: str) -> dict[str, str]:
    """What a client sends after the token dance."""
    scope = "repository:alice/app:pull,push"
    answer = registry.request("GET", f"/token?service=ghcr.io&scope={scope}", headers=_basic(secret))
    return {"Authorization": f"Bearer {json.loads(answer.body)['token']}"}


def _wait_for_event(registry: RunningRegistry, repository: str, endpoint: str) -> Event:
    """The event of a request whose client has gone: nothing tells it when it is written."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for event in registry.events():
            if (event.repository, event.endpoint) == (repository, endpoint):
                return event
        time.sleep(0.01)
    raise AssertionError(registry.log())


class _Peak:
    """The largest resident set of a process while the context lasts."""

    def __init__(self, process: psutil.Process) -> None:
        self.rss = 0
        self._process = process
        self._over = False
        self._thread = Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        self._thread.join()

    def _watch(self) -> None:
        while not self._over:
            self.rss = max(self.rss, self._process.memory_info().rss)
            time.sleep(0.005)
