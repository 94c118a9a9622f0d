"""Push and pull against a registry that breaks on demand: what is sent, what is not, and what is left behind."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest

from labs.engine.credentials import Credential
from labs.engine.internet import Internet
from labs.engine.layout import ImageStore
from labs.engine.progress import PlainProgress, Progress, SilentProgress
from labs.engine.reference import Reference
from labs.engine.transport.client import Registry
from labs.engine.transport.faults import (
    ConnectionBroken,
    ContentWrong,
    CredentialsMissing,
    RealmForeign,
    Refusal,
    RequestFailed,
    TransportError,
)
from labs.engine.transport.origins import Origins
from labs.engine.transport.pull import Puller
from labs.engine.transport.push import Pusher
from labs.engine.transport.wire import Wire
from labs.engine.trust import Trust
from pyregistry.spec.digest import Digest
from pyregistry.spec.media_types import OCI_INDEX, OCI_MANIFEST
from tests.fakes.images import AMD64, ARM64, diff_id, make_image, make_index
from tests.fakes.registry import FakeRegistry

BOB = Credential("bob", "secret")
NOT_FOUND_BODY = r'"404 page not found\n"'
HTML_BODY = '"<html>413</html>"'
LARGE = bytes(range(256)) * 8192
"""2 MiB: more than the sockets between client and server hold, so that a cut is noticed while sending."""


class Machine:
    """One engine home with all that a transfer needs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = ImageStore(folder / "images")
        self.origins = Origins(folder)
        self.output = StringIO()
        self.pauses: list[float] = []
        self.wire = Wire(Internet(), Trust(folder), "docker/28.5 labdocker/test (linux)")

    def registry(self, fake: FakeRegistry, credential: Credential | None = None) -> Registry:
        """The fake as this machine sees it."""
        return Registry(self.wire, fake.host, credential)

    def progress(self, *, silent: bool = False) -> Progress:
        """Where transfers are told."""
        return SilentProgress() if silent else PlainProgress(self.output)

    def push(self, fake: FakeRegistry, name: str, credential: Credential | None = None) -> str:
        """Push ``name`` (without the host); returns the digest."""
        reference = Reference.parse(f"{fake.host}/{name}")
        pusher = Pusher(self.registry(fake, credential), self.store, self.origins, self.progress(), self.pauses.append)
        return str(pusher.push(reference, self.store.resolve(reference)).digest)

    def pull(
        self, fake: FakeRegistry, name: str, credential: Credential | None = None, platform: object = AMD64
    ) -> str:
        """Pull ``name`` (without the host); returns the digest."""
        puller = Puller(self.registry(fake, credential), self.store, self.origins, self.progress(), self.pauses.append)
        return str(puller.pull(Reference.parse(f"{fake.host}/{name}"), platform).descriptor.digest)

    def know_config(self, source: "Machine", name: str) -> None:
        """Have an image's config already, so that what the next pull fetches first is a layer."""
        image = source.store.resolve(name)
        self.store.add(source.store.read(source.store.manifest(image).config.digest), "config")

    def lines(self) -> list[str]:
        """What was told so far."""
        return self.output.getvalue().splitlines()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """The machine that pushes."""
    made = Machine(tmp_path / "a")
    yield made
    made.wire.close()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Machine]:
    """Another machine."""
    made = Machine(tmp_path / "b")
    yield made
    made.wire.close()


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    """An open registry."""
    with FakeRegistry() as registry:
        yield registry


def test_what_one_machine_pushes_another_pulls_byte_for_byte(
    machine: Machine, other: Machine, fake: FakeRegistry
) -> None:
    """Manifest, config and layers arrive as they were, under the same digest."""
    image = make_image(machine.store, f"{fake.host}/org/app:1.0", [b"base", LARGE])
    assert machine.push(fake, "org/app:1.0") == str(image.digest)
    assert other.pull(fake, "org/app:1.0") == str(image.digest)
    assert other.store.read(image.digest) == machine.store.read(image.digest)
    for layer in machine.store.manifest(image).layers:
        assert other.store.read(layer.digest) == machine.store.read(layer.digest)


def test_push_tells_what_docker_tells(machine: Machine, fake: FakeRegistry) -> None:
    """Layers by the digest of their uncompressed content, the topmost first, then tag, digest and size."""
    image = make_image(machine.store, f"{fake.host}/org/app:1.0", [b"one", b"two"])
    machine.push(fake, "org/app:1.0")
    one, two = diff_id(b"one")[7:19], diff_id(b"two")[7:19]
    lines = machine.lines()
    assert lines[:2] == [f"{two}: Preparing", f"{one}: Preparing"]
    assert sorted(lines[2:4]) == sorted([f"{one}: Pushed", f"{two}: Pushed"])
    assert lines[4:] == [f"1.0: digest: {image.digest} size: {machine.store.size(image.digest)}"]


def test_pull_tells_what_docker_tells(machine: Machine, other: Machine, fake: FakeRegistry) -> None:
    """Every layer's way, then the digest; layers that are here already are said to be."""
    image = make_image(machine.store, f"{fake.host}/org/app:1.0", [b"one"])
    machine.push(fake, "org/app:1.0")
    other.pull(fake, "org/app:1.0")
    layer = str(Digest.of(b"one"))[7:19]
    assert other.lines() == [
        "1.0: Pulling from org/app",
        f"{layer}: Pulling fs layer",
        f"{layer}: Verifying Checksum",
        f"{layer}: Download complete",
        f"{layer}: Pull complete",
        f"Digest: {image.digest}",
    ]


def test_pull_of_what_is_here_costs_one_head(machine: Machine, fake: FakeRegistry) -> None:
    """A second pull asks for the tag's digest and fetches nothing."""
    make_image(machine.store, f"{fake.host}/org/app:1.0")
    machine.push(fake, "org/app:1.0")
    fake.requests.clear()
    machine.pull(fake, "org/app:1.0")
    assert fake.lines() == ["GET /v2/", "HEAD /v2/org/app/manifests/1.0"]


def test_pushed_layers_are_not_sent_again(machine: Machine, fake: FakeRegistry) -> None:
    """What the repository holds is found by HEAD, and no upload is begun."""
    make_image(machine.store, f"{fake.host}/org/app:1.0")
    machine.push(fake, "org/app:1.0")
    fake.requests.clear()
    machine.push(fake, "org/app:1.0")
    assert not fake.lines("POST")
    assert f"{diff_id(b'one')[7:19]}: Layer already exists" in machine.lines()


def test_layers_of_another_repository_are_mounted(machine: Machine, fake: FakeRegistry) -> None:
    """A blob pushed to one repository is mounted into the next instead of uploaded."""
    image = make_image(machine.store, f"{fake.host}/org/app:1.0")
    machine.store.tag(Reference.parse(f"{fake.host}/org/second:2"), image)
    machine.push(fake, "org/app:1.0")
    fake.requests.clear()
    machine.push(fake, "org/second:2")
    assert not fake.lines("PATCH")
    assert f"{diff_id(b'one')[7:19]}: Mounted from org/app" in machine.lines()


def test_pulled_layers_are_mounted_too(machine: Machine, other: Machine, fake: FakeRegistry) -> None:
    """A pull is remembered as well as a push."""
    make_image(machine.store, f"{fake.host}/org/app:1.0")
    machine.push(fake, "org/app:1.0")
    other.pull(fake, "org/app:1.0")
    image = other.store.resolve(Reference.parse(f"{fake.host}/org/app:1.0"))
    other.store.tag(Reference.parse(f"{fake.host}/mine/app:1.0"), image)
    other.push(fake, "mine/app:1.0")
    assert f"{diff_id(b'one')[7:19]}: Mounted from org/app" in other.lines()


def test_refused_mount_falls_back_to_an_upload(machine: Machine, fake: FakeRegistry) -> None:
    """A registry that answers a mount with a session gets the bytes."""
    image = make_image(machine.store, f"{fake.host}/org/app:1.0")
    machine.store.tag(Reference.parse(f"{fake.host}/org/second:2"), image)
    machine.push(fake, "org/app:1.0")
    fake.faults.unsent_mounts = True
    machine.push(fake, "org/second:2")
    assert f"{diff_id(b'one')[7:19]}: Pushed" in machine.lines()
    assert fake.blobs["org/second"] == fake.blobs["org/app"]


def test_broken_upload_goes_on_where_the_registry_stopped(machine: Machine, fake: FakeRegistry) -> None:
    """After a cut the session is asked for its Range, and only the rest is sent."""
    make_image(machine.store, f"{fake.host}/org/app:1.0", [LARGE])
    fake.faults.patch_breaks_after = 700_000
    machine.push(fake, "org/app:1.0")
    patches = [seen for seen in fake.requests if seen.method == "PATCH" and int(seen.headers["Content-Length"]) > 999]
    assert [seen.headers["Content-Range"] for seen in patches] == [None, f"700000-{len(LARGE) - 1}"]
    assert fake.blobs["org/app"][str(Digest.of(LARGE))] == LARGE
    assert f"{diff_id(LARGE)[7:19]}: Retrying in 1 second" in machine.lines()


def test_lost_upload_session_is_begun_anew(machine: Machine, fake: FakeRegistry) -> None:
    """A registry that forgot the session gets the whole blob in a new one."""
    make_image(machine.store, f"{fake.host}/org/app:1.0", [LARGE])
    fake.faults.patch_breaks_after, fake.faults.session_forgotten = 700_000, True
    machine.push(fake, "org/app:1.0")
    assert fake.blobs["org/app"][str(Digest.of(LARGE))] == LARGE


def test_session_that_is_gone_is_begun_anew(machine: Machine, fake: FakeRegistry) -> None:
    """Several replicas without a common state: the registry that is asked next does not know the session."""
    make_image(machine.store, f"{fake.host}/org/app:1.0", [b"one"])
    fake.faults.lost_sessions = 1
    machine.push(fake, "org/app:1.0")
    assert fake.blobs["org/app"][str(Digest.of(b"one"))] == b"one"


def test_blob_that_the_registry_lost_is_not_mounted_from_where_it_was(machine: Machine, fake: FakeRegistry) -> None:
    """The repository that is pushed to is no source for itself."""
    make_image(machine.store, f"{fake.host}/org/app:1.0", [b"one"])
    machine.push(fake, "org/app:1.0")
    fake.blobs.clear()
    fake.requests.clear()
    machine.push(fake, "org/app:1.0")
    assert [seen.query for seen in fake.requests if seen.method == "POST"] == [{}, {}]


def test_refusal_without_a_body_is_asked_for_again(machine: Machine, fake: FakeRegistry) -> None:
    """A HEAD carries no error; the request after it tells why."""
    make_image(machine.store, f"{fake.host}/org/app:1.0", [b"one"])
    body = b'{"errors":[{"code":"DENIED","message":"quota exceeded"}]}'
    fake.faults.answers[f"HEAD /v2/org/app/blobs/{Digest.of(b'one')}"] = (403, "application/json", b"")
    fake.faults.answers["POST /v2/org/app/blobs/uploads/"] = (403, "application/json", body)
    with pytest.raises(Refusal, match="denied: quota exceeded"):
        machine.push(fake, "org/app:1.0")


def test_blob_without_end_is_stopped(machine: Machine, other: Machine, fake: FakeRegistry) -> None:
    """More than the manifest announces is not written to the disk."""
    make_image(machine.store, f"{fake.host}/org/app:1.0", [b"one"])
    machine.push(fake, "org/app:1.0")
    fake.blobs["org/app"][str(Digest.of(b"one"))] = b"one and more"
    with pytest.raises(ContentWrong, match="expected 3 bytes, got more"):
        other.pull(fake, "org/app:1.0")


def test_broken_download_goes_on_where_it_stopped(machine: Machine, other: Machine, fake: FakeRegistry) -> None:
    """The second request asks for the rest only."""
    make_image(machine.store, f"{fake.host}/org/app:1.0", [LARGE])
    machine.push(fake, "org/app:1.0")
    other.know_config(machine, f"{fake.host}/org/app:1.0")
    fake.faults.blob_breaks_after = 900_000
    other.pull(fake, "org/app:1.0")
    ranges = [
        seen.headers["Range"] for seen in fake.requests if seen.line == f"GET /v2/org/app/blobs/{Digest.of(LARGE)}"
    ]
    assert ranges == [None, "bytes=900000-"]
    assert other.store.read(Digest.of(LARGE)) == LARGE


def test_registry_without_ranges_is_read_from_the_start(machine: Machine, other: Machine, fake: FakeRegistry) -> None:
    """A 200 to a Range request replaces what had come."""
    make_image(machine.store, f"{fake.host}/org/app:1.0", [LARGE])
    machine.push(fake, "org/app:1.0")
    other.know_config(machine, f"{fake.host}/org/app:1.0")
    fake.faults.blob_breaks_after, fake.faults.blob_ignores_range = 900_000, True
    other.pull(fake, "org/app:1.0")
    assert other.store.read(Digest.of(LARGE)) == LARGE
    assert other.pauses == [1]


def test_garbled_layer_is_fetched_again(machine: Machine, other: Machine, fake: FakeRegistry) -> None:
    """Content that is not its digest never gets into the store; the next attempt may bring the right one."""
    make_image(machine.store, f"{fake.host}/org/app:1.0", [b"one"])
    machine.push(fake, "org/app:1.0")
    fake.faults.blob_garbled = 1
    other.pull(fake, "org/app:1.0")
    assert other.store.read(Digest.of(b"one")) == b"one"


def test_registry_that_always_garbles_is_given_up(machine: Machine, other: Machine, fake: FakeRegistry) -> None:
    """After five waits the fault is told, and nothing is named."""
    make_image(machine.store, f"{fake.host}/org/app:1.0", [b"one"])
    machine.push(fake, "org/app:1.0")
    fake.faults.blob_garbled = 99
    with pytest.raises(ContentWrong, match="filesystem layer verification failed for digest sha256:"):
        other.pull(fake, "org/app:1.0")
    assert other.store.images() == []
    assert other.pauses[:5] == [1, 2, 4, 8, 16]


def test_manifest_that_is_not_its_digest_is_refused(other: Machine, fake: FakeRegistry) -> None:
    """A registry cannot put other content under a digest that was asked for."""
    wanted = Digest.of(b"{}")
    fake.manifests["org/app"][str(wanted)] = (OCI_MANIFEST, b'{"config": 1}')
    with pytest.raises(ContentWrong, match="manifest verification failed"):
        other.pull(fake, f"org/app@{wanted}")


def test_of_an_index_the_platform_comes(machine: Machine, other: Machine, fake: FakeRegistry) -> None:
    """The index keeps its digest, one platform's image is brought, the other's blobs are not."""
    index = make_index(machine.store, f"{fake.host}/org/app:1.0")
    machine.push(fake, "org/app:1.0")
    assert fake.manifests["org/app"]["1.0"][0] == OCI_INDEX
    other.pull(fake, "org/app:1.0", platform=ARM64)
    assert other.store.has(index.digest)
    assert other.store.has(Digest.of(b"arm64"))
    assert not other.store.has(Digest.of(b"amd64"))


def test_missing_platform_is_told_in_docker_s_words(machine: Machine, other: Machine, fake: FakeRegistry) -> None:
    """No image for the platform is no image at all."""
    make_index(machine.store, f"{fake.host}/org/app:1.0")
    machine.push(fake, "org/app:1.0")
    with pytest.raises(TransportError, match="no matching manifest for linux/s390x in the manifest list entries"):
        other.pull(fake, "org/app:1.0", platform=type(AMD64)("s390x", "linux"))


def test_all_pages_of_tags_are_read(machine: Machine, fake: FakeRegistry) -> None:
    """A tag list that comes page by page is followed to its end."""
    image = make_image(machine.store, f"{fake.host}/org/app:1.0")
    for tag in ("1.0", "1", "latest"):
        machine.store.tag(Reference.parse(f"{fake.host}/org/app:{tag}"), image)
        machine.push(fake, f"org/app:{tag}")
    puller = Puller(machine.registry(fake), machine.store, machine.origins, machine.progress(silent=True))
    assert puller.tags(Reference.parse(f"{fake.host}/org/app")) == ["1", "1.0", "latest"]


def test_unknown_tag_carries_the_registry_s_answer(other: Machine, fake: FakeRegistry) -> None:
    """The GET after the HEAD brings the error body."""
    with pytest.raises(Refusal, match=r"^manifest unknown: manifest unknown$"):
        other.pull(fake, "org/app:9")


def test_token_is_asked_for_by_scope_and_used_again(machine: Machine) -> None:
    """One token for all requests of a push; the mount's source is a scope of its own."""
    with FakeRegistry("bearer", {"bob": "secret"}) as fake:
        image = make_image(machine.store, f"{fake.host}/org/app:1.0")
        machine.store.tag(Reference.parse(f"{fake.host}/org/second:1.0"), image)
        machine.push(fake, "org/app:1.0", BOB)
        assert [seen.query["scope"] for seen in fake.requests if seen.path == "/token"] == [
            ["repository:org/app:push,pull"]
        ]
        assert fake.requests[1].query["account"] == ["bob"]
        assert fake.requests[1].query["service"] == ["fake"]
        machine.push(fake, "org/second:1.0", BOB)
        assert ["repository:org/app:pull", "repository:org/second:push,pull"] in [
            seen.query["scope"] for seen in fake.requests if seen.path == "/token"
        ]


def test_refused_token_is_renewed_once(machine: Machine) -> None:
    """A token that the registry no longer takes is fetched anew, and the request goes through."""
    with FakeRegistry("bearer", {"bob": "secret"}) as fake:
        make_image(machine.store, f"{fake.host}/org/app:1.0")
        fake.faults.tokens_expire_after = 1
        machine.push(fake, "org/app:1.0", BOB)
        assert "1.0" in fake.manifests["org/app"]
        assert len([seen for seen in fake.requests if seen.path == "/token"]) == 2


def test_missing_right_is_denied(machine: Machine) -> None:
    """A token with fewer rights than asked for is no error until the registry refuses."""
    with FakeRegistry("bearer", {"bob": "secret"}, {"bob": {".*": {"pull"}}}) as fake:
        make_image(machine.store, f"{fake.host}/org/app:1.0")
        with pytest.raises(Refusal, match=r"^denied: requested access to the resource is denied$"):
            machine.push(fake, "org/app:1.0", BOB)
        assert machine.pauses == []
        assert len([seen for seen in fake.requests if seen.path == "/token"]) == 1


def test_refusal_of_the_token_server_names_the_request(machine: Machine) -> None:
    """A pull says what it was doing; the refusal itself is the cause."""
    with FakeRegistry("bearer", {"bob": "secret"}) as fake:
        fake.faults.token_refusal = (403, b'{"errors":[{"code":"DENIED","message":"denied"}]}')
        with pytest.raises(RequestFailed) as caught:
            machine.pull(fake, "org/app:1.0", BOB)
        assert str(caught.value) == f'Head "http://{fake.host}/v2/org/app/manifests/1.0": denied: denied'
        assert isinstance(caught.value.cause, Refusal)


def test_basic_registry_without_credentials_says_so(machine: Machine) -> None:
    """Docker's words for a password that is not there."""
    with FakeRegistry("basic", {"bob": "secret"}) as fake:
        with pytest.raises(RequestFailed, match="no basic auth credentials") as caught:
            machine.pull(fake, "org/app:1.0")
        assert isinstance(caught.value.cause, CredentialsMissing)


def test_basic_registry_takes_the_password(machine: Machine) -> None:
    """The same credential for every request."""
    with FakeRegistry("basic", {"bob": "secret"}) as fake:
        make_image(machine.store, f"{fake.host}/org/app:1.0")
        machine.push(fake, "org/app:1.0", BOB)
        assert "1.0" in fake.manifests["org/app"]


def test_redirected_blob_goes_without_credentials(machine: Machine, other: Machine) -> None:
    """Another origin is sent neither token nor password."""
    with FakeRegistry() as storage, FakeRegistry("bearer", {"bob": "secret"}) as fake:
        make_image(machine.store, f"{fake.host}/org/app:1.0")
        machine.push(fake, "org/app:1.0", BOB)
        storage.blobs["org/app"] = fake.blobs["org/app"]
        fake.faults.redirects_blobs_to = f"http://127.0.0.1:{storage.port}"
        other.pull(fake, "org/app:1.0", BOB)
        assert len(storage.requests) == 3
        assert [seen.headers["Authorization"] for seen in storage.requests] == [None] * 3


def test_foreign_realm_gets_no_credentials(machine: Machine) -> None:
    """A challenge that points to somebody else's token server is refused before anything is sent (CVE-2026-33540)."""
    with FakeRegistry("bearer", {"bob": "secret"}) as fake:
        fake.faults.realm = "https://tokens.attacker.example/token"
        with pytest.raises(RequestFailed) as caught:
            machine.pull(fake, "org/app:1.0", BOB)
        assert isinstance(caught.value.cause, RealmForeign)


def test_login_asks_for_an_identity_token(machine: Machine) -> None:
    """client_id and offline_token at login only; what the server gives is returned."""
    with FakeRegistry("bearer", {"bob": "secret"}) as fake:
        fake.identity_token = "identity"
        assert machine.registry(fake, BOB).login() == "identity"
        query = next(seen.query for seen in fake.requests if seen.path == "/token")
        assert query == {"account": ["bob"], "client_id": ["docker"], "offline_token": ["true"], "service": ["fake"]}


def test_identity_token_is_used_by_oauth2(machine: Machine) -> None:
    """An identity token goes in the body of a POST, never as a password."""
    with FakeRegistry("bearer", {}, {"identity": {".*": {"pull", "push"}}}) as fake:
        fake.identity_token = "identity"
        make_image(machine.store, f"{fake.host}/org/app:1.0")
        machine.push(fake, "org/app:1.0", Credential("<token>", "identity", is_identity_token=True))
        assert fake.lines("POST").count("POST /token") == 1


def test_wrong_password_at_a_basic_registry(machine: Machine) -> None:
    """Docker tells the status, not the body."""
    with FakeRegistry("basic", {"bob": "secret"}) as fake, pytest.raises(TransportError) as caught:
        machine.registry(fake, Credential("bob", "wrong")).login()
    assert str(caught.value) == f"login attempt to http://{fake.host}/v2/ failed with status: 401 Unauthorized"


def test_nobody_listens(machine: Machine) -> None:
    """Both https and http were tried; the last is told, as Go tells it."""
    with FakeRegistry() as fake:
        pass
    with pytest.raises(RequestFailed) as caught:
        machine.pull(fake, "org/app:1.0")
    cause = f"dial tcp 127.0.0.1:{fake.port}: connect: connection refused"
    assert str(caught.value) == f'Get "http://localhost:{fake.port}/v2/": {cause}'


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            (404, "text/plain", b"404 page not found\n"),
            "error parsing HTTP 404 response body: invalid character 'p' after top-level value: " + NOT_FOUND_BODY,
        ),
        (
            (413, "text/html", b"<html>413</html>"),
            "error parsing HTTP 413 response body: invalid character '<' looking for beginning of value: " + HTML_BODY,
        ),
        ((502, "text/html", b"<html>502</html>"), "received unexpected HTTP status: 502 Bad Gateway"),
        (
            (429, "application/json", b'{"errors":[{"code":"TOOMANYREQUESTS","message":"slow"}]}'),
            "toomanyrequests: slow",
        ),
        (
            (403, "application/json", b'{"errors":[{"code":"DENIED","message":"permission_denied: write_package"}]}'),
            "denied: permission_denied: write_package",
        ),
        ((404, "application/json", b'{"errors":[{"code":"NEW","message":"odd"}]}'), "unknown: odd"),
        (
            (404, "application/json", b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}'),
            "manifest unknown",
        ),
    ],
)
def test_answers_that_are_no_registry_s(
    machine: Machine, fake: FakeRegistry, answer: tuple[int, str, bytes], message: str
) -> None:
    """What a proxy, a web server or a limit answers is told as Docker tells it."""
    fake.faults.answers["GET /v2/org/app/manifests/1"] = answer
    with pytest.raises(TransportError) as caught:
        machine.pull(fake, "org/app:1")
    assert str(caught.value) == message


def test_broken_push_manifest_is_not_retried_silently(machine: Machine, fake: FakeRegistry) -> None:
    """A refused manifest ends the push with the registry's own words."""
    make_image(machine.store, f"{fake.host}/org/app:1.0")
    body = b'{"errors":[{"code":"TAG_INVALID","message":"The image tag is immutable."}]}'
    fake.faults.answers["PUT /v2/org/app/manifests/1.0"] = (400, "application/json", body)
    with pytest.raises(Refusal, match=r"tag invalid: The image tag is immutable\."):
        machine.push(fake, "org/app:1.0")


def test_broken_connections_are_given_up_at_last(machine: Machine, fake: FakeRegistry) -> None:
    """A registry that cuts every upload is tried six times, then the fault names the request."""
    make_image(machine.store, f"{fake.host}/org/app:1.0", [LARGE])
    fake.faults.every_patch_breaks = True
    with pytest.raises(ConnectionBroken, match=rf'^Patch "http://{fake.host}/v2/org/app/blobs/uploads/'):
        machine.push(fake, "org/app:1.0")
    assert machine.pauses == [1, 2, 4, 8, 16]
