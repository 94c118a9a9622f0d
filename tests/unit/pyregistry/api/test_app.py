"""The whole application in this process: order of the steps, refusals, headers, and what is remembered."""

import base64
import json
from dataclasses import replace

import pytest

from pyregistry.auth.interface import AccessRequest, Guard, IssuedToken, TokenRequest
from pyregistry.config.settings import Limits
from pyregistry.drivers.interface import DriverError, DriverFull
from pyregistry.drivers.memory import MemoryDriver
from pyregistry.spec.digest import Digest
from pyregistry.spec.endpoints import Access
from pyregistry.spec.errors import Denied
from tests.fakes.pushes import an_image, described, push_blob, push_image
from tests.unit.pyregistry.api.harness import ALICE, SETTINGS, Application, Doorkeeper, OpenDoor, settings

CONTENT = b"content of a blob"
DIGEST = Digest.of(CONTENT)
AS_ALICE = {"authorization": "alice"}
NEW_UPLOAD = "/v2/org/app/blobs/uploads/"


class TiredDriver(MemoryDriver):
    """A medium that takes nothing more, and says so with ``error``."""

    def __init__(self, error: DriverError) -> None:
        super().__init__()
        self._error = error

    def append(self, key: str, offset: int, data: bytes) -> int:
        """Fails, as soon as there is content."""
        if data:
            raise self._error
        return super().append(key, offset, data)


class Issuer:
    """Issues what is asked but pushes, or refuses."""

    path = "/token"

    def __init__(self, *, refuses: bool = False) -> None:
        self.asked: list[TokenRequest] = []
        self._refuses = refuses

    def issue(self, request: TokenRequest) -> IssuedToken:
        """See the class."""
        self.asked.append(request)
        if self._refuses:
            raise Denied(message="denied", identity=ALICE)
        granted = tuple(scope.replace(",push", "") for scope in request.scopes)
        return IssuedToken("secret-token", 300, "2026-01-01T00:00:00Z", ALICE, granted, "refresh")


def test_every_answer_says_which_api_it_is_and_carries_the_configured_headers() -> None:
    """Errors and unknown paths included; a twin's headers stand beside the configuration's."""
    wanted = settings(headers={"X-Content-Type-Options": ("nosniff",)})
    application = Application(settings=wanted, guard=Guard(OpenDoor(), headers={"X-Twin": "yes"}))
    for target in ("/v2/", "/v2/UPPER/tags/list", "/nowhere"):
        headers = application.request("GET", target).headers
        assert headers["docker-distribution-api-version"] == "registry/2.0"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-twin"] == "yes"


@pytest.mark.parametrize(
    ("method", "target", "status", "code", "endpoint"),
    [
        ("GET", "/v2/", 200, None, "end-1"),
        ("GET", "/nowhere", 404, None, None),
        ("PUT", "/v2/", 405, None, None),
        ("GET", "/v2/UPPER/tags/list", 400, "NAME_INVALID", None),
        ("GET", "/v2/a/tags/list", 404, "NAME_UNKNOWN", "end-8"),
        ("GET", "/v2/a/blobs/sha256:bad", 400, "DIGEST_INVALID", None),
    ],
)
def test_every_request_is_remembered(
    method: str, target: str, status: int, code: str | None, endpoint: str | None
) -> None:
    """One event a request, also for what no endpoint answers, before the last byte of the answer leaves."""
    application = Application()
    sent = application.request(method, target, headers={"user-agent": "tests/1"})
    assert sent.events_at_end == 1
    [event] = application.journal.events
    assert (event.status, event.error_code, event.endpoint) == (status, code, endpoint)
    assert (event.method, event.path, event.host, event.user_agent) == (method, target, "registry.test", "tests/1")
    assert (event.bytes_out, event.aborted, event.peer) == (len(sent.body), False, "127.0.0.1:40000")
    assert event.request_id


def test_a_push_and_a_pull_are_remembered_with_digest_type_and_bytes() -> None:
    """What the grader reads: who, what was named, what it was, how much passed."""
    application = Application(controller=Doorkeeper())
    application.request("POST", f"{NEW_UPLOAD}?digest={DIGEST}", CONTENT, AS_ALICE)
    event = application.event
    assert (event.status, event.repository, event.digest, event.bytes_in) == (201, "org/app", str(DIGEST), len(CONTENT))
    assert (event.actor, event.credential_kind, event.credential_id) == ("alice", "pat-classic", "id-1")
    assert event.credential_scopes == ("write:packages",)
    application.request("GET", f"/v2/org/app/blobs/{DIGEST}", headers=AS_ALICE)
    event = application.event
    assert (event.endpoint, event.reference, event.bytes_out) == ("end-2", str(DIGEST), len(CONTENT))


def test_a_manifest_by_tag_is_remembered_with_the_digest_that_the_tag_named() -> None:
    """The tag may move; the journal tells what was pulled."""
    application = Application()
    application.request("POST", f"{NEW_UPLOAD}?digest={DIGEST}", CONTENT)
    body = _manifest()
    media_type = "application/vnd.oci.image.manifest.v1+json"
    application.request("PUT", "/v2/org/app/manifests/1.0", body, {"content-type": media_type})
    for method, status in (("PUT", 201), ("GET", 200), ("DELETE", 202)):
        if method != "PUT":
            application.request(method, "/v2/org/app/manifests/1.0")
        event = application.event
        assert (event.status, event.reference, event.digest) == (status, "1.0", str(Digest.of(body)))
    assert [event.media_type for event in application.journal.events[1:3]] == [media_type, media_type]


def test_nobody_touches_the_store_before_being_let_in() -> None:
    """401 for what is there and what is not there: the answer tells nothing about the store."""
    application = Application(controller=Doorkeeper())
    for target in (f"/v2/org/app/blobs/{DIGEST}", "/v2/never/seen/tags/list"):
        sent = application.request("GET", target)
        assert (sent.status, sent.codes) == (401, ["UNAUTHORIZED"])
    assert sent.headers["www-authenticate"] == 'Bearer realm="http://registry.test/token",scope="never/seen:pull"'


@pytest.mark.parametrize(
    ("method", "target", "wanted"),
    [
        ("GET", "/v2/", [("", "none")]),
        ("GET", "/v2/_catalog", [("", "catalog")]),
        ("GET", "/v2/org/app/tags/list", [("org/app", "pull")]),
        ("POST", NEW_UPLOAD, [("org/app", "pull"), ("org/app", "push")]),
        ("DELETE", "/v2/org/app/manifests/1", [("org/app", "delete")]),
    ],
)
def test_what_is_wanted_follows_from_the_endpoint(method: str, target: str, wanted: list[tuple[str, str]]) -> None:
    """Writers read as well: clients ask for ``pull,push``."""
    doorkeeper = Doorkeeper()
    Application(controller=doorkeeper).request(method, target, headers=AS_ALICE)
    assert doorkeeper.asked == [[AccessRequest(name, Access(access)) for name, access in wanted]]


def test_a_refusal_is_remembered_with_whoever_was_refused() -> None:
    """Known and not allowed is not anonymous."""
    application = Application(controller=Doorkeeper(allowed=[]))
    assert application.request("GET", "/v2/org/app/tags/list", headers=AS_ALICE).status == 403
    assert (application.event.actor, application.event.error_code) == ("alice", "DENIED")


def test_a_mount_needs_the_source_and_becomes_an_upload_without_it() -> None:
    """end-11: who may not read the source is not refused, and the journal names the source."""
    for may_read_source, status in ((True, 201), (False, 202)):
        target = [AccessRequest("org/app", Access.PULL), AccessRequest("org/app", Access.PUSH)]
        source = [AccessRequest("org/base", Access.PULL)] if may_read_source else []
        application = Application(controller=Doorkeeper(allowed=target + source))
        application.guard.controller.allowed = None  # type: ignore[attr-defined]  # while the source is filled
        application.request("POST", f"/v2/org/base/blobs/uploads/?digest={DIGEST}", CONTENT, AS_ALICE)
        application.guard.controller.allowed = target + source  # type: ignore[attr-defined]
        sent = application.request("POST", f"{NEW_UPLOAD}?mount={DIGEST}&from=org/base", headers=AS_ALICE)
        assert sent.status == status
        assert application.event.detail["from"] == "org/base"


@pytest.mark.parametrize(("may_read_holder", "status"), [(True, 201), (False, 202)])
def test_a_mount_without_a_source_takes_only_what_the_client_may_read(*, may_read_holder: bool, status: int) -> None:
    """end-11: a blob of a repository that is closed to him is not linked into his own, even if he knows its digest."""
    application = Application(controller=Doorkeeper())
    application.request("POST", f"/v2/org/base/blobs/uploads/?digest={DIGEST}", CONTENT, AS_ALICE)
    target = [AccessRequest("org/app", Access.PULL), AccessRequest("org/app", Access.PUSH)]
    holder = [AccessRequest("org/base", Access.PULL)] if may_read_holder else []
    application.guard.controller.allowed = target + holder  # type: ignore[attr-defined]
    sent = application.request("POST", f"{NEW_UPLOAD}?mount={DIGEST}", headers=AS_ALICE)
    assert sent.status == status
    assert application.store.blobs.exists("org/app", DIGEST) is may_read_holder
    assert application.event.detail.get("from") == ("org/base" if may_read_holder else None)


def test_the_challenge_for_a_mount_names_the_source_too() -> None:
    """So that the token that the client fetches next covers the mount."""
    sent = Application(controller=Doorkeeper()).request("POST", f"{NEW_UPLOAD}?mount={DIGEST}&from=org/base")
    assert 'scope="org/app:pull org/app:push org/base:pull"' in sent.headers["www-authenticate"]


@pytest.mark.parametrize(
    "target", ["/v2/org/app/manifests/1.0", f"/v2/org/app/manifests/{DIGEST}", f"/v2/org/app/blobs/{DIGEST}"]
)
def test_deletes_that_are_not_enabled_are_405(target: str) -> None:
    """By tag, too: CVE-2026-41888 was that one."""
    wanted = replace(SETTINGS, storage=replace(SETTINGS.storage, delete_enabled=False))
    sent = Application(settings=wanted).request("DELETE", target)
    assert (sent.status, sent.codes) == (405, ["UNSUPPORTED"])


def test_a_read_only_registry_answers_405_to_writes_and_serves_reads() -> None:
    """``storage.maintenance.readonly``."""
    wanted = replace(SETTINGS, storage=replace(SETTINGS.storage, read_only=True))
    application = Application(settings=wanted)
    assert application.request("POST", NEW_UPLOAD).status == 405
    assert application.request("GET", "/v2/").status == 200


def test_head_has_the_length_of_what_get_sends_and_no_body() -> None:
    """Errors included."""
    application = Application()
    for target in ("/v2/", "/v2/a/tags/list", "/nowhere"):
        get, head = application.request("GET", target), application.request("HEAD", target)
        assert head.headers["content-length"] == str(len(get.body))
        assert head.body == b""
        assert application.event.bytes_out == 0


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (DriverFull("/secret/path: no space left on device"), 503, "UNAVAILABLE"),
        (DriverError("/secret/path: input/output error"), 500, "UNKNOWN"),
    ],
)
def test_a_failing_medium_is_told_without_its_paths(error: DriverError, status: int, code: str) -> None:
    """The client learns that it is our fault; where our disk is, is for the log."""
    sent = Application(driver=TiredDriver(error)).request("POST", f"{NEW_UPLOAD}?digest={DIGEST}", CONTENT)
    assert (sent.status, sent.codes) == (status, [code])
    assert b"secret" not in sent.body


def test_what_nobody_thought_of_is_unknown_and_tells_nothing() -> None:
    """No traceback, no message of the exception."""

    class Broken(OpenDoor):
        def authorize(self, *_: object) -> object:  # type: ignore[override]
            raise RuntimeError("/secret/path")

        recall = authorize  # type: ignore[assignment]

    sent = Application(controller=Broken()).request("GET", "/v2/")  # type: ignore[arg-type]
    assert (sent.status, sent.codes) == (500, ["UNKNOWN"])
    assert b"secret" not in sent.body


def test_a_journal_that_cannot_be_written_keeps_nobody_from_pulling(caplog: pytest.LogCaptureFixture) -> None:
    """The log says so."""
    application = Application()
    application.journal.fails = True
    assert application.request("GET", "/v2/").status == 200
    assert "no space left" in caplog.text


def test_a_client_that_leaves_in_the_middle_of_an_upload_finds_its_bytes_later() -> None:
    """What arrived is in the session; the event says that the client went away."""
    application = Application()
    location = application.request("POST", NEW_UPLOAD).headers["location"].removeprefix("http://registry.test")
    application.request("PATCH", location, [b"first ", b"never sent"], gone_after=1)
    event = application.event
    assert (event.aborted, event.status, event.error_code, event.bytes_in) == (True, 499, None, 6)
    assert application.request("GET", location).headers["range"] == "0-5"


def test_a_client_that_leaves_in_the_middle_of_a_single_post_leaves_nothing() -> None:
    """It has no Location to come back to."""
    driver = MemoryDriver()
    application = Application(driver=driver)
    application.request("POST", f"{NEW_UPLOAD}?digest={DIGEST}", [b"first ", b"never sent"], gone_after=1)
    assert application.event.aborted
    assert not [key for key in driver.keys("docker/registry/v2") if "_uploads" in key]


def test_a_client_that_leaves_in_the_middle_of_a_download_is_remembered_as_gone() -> None:
    """Status 200 was sent, and yet it did not get all of it."""
    content = bytes(5 << 20)
    application = Application()
    application.request("POST", f"{NEW_UPLOAD}?digest={Digest.of(content)}", content)
    sent = application.request("GET", f"/v2/org/app/blobs/{Digest.of(content)}", gone_after=2)
    assert sent.events_at_end is None
    assert (application.event.status, application.event.aborted) == (200, True)
    assert application.event.bytes_out < len(content)


def test_a_manifest_over_the_limit_is_413_and_read_no_further() -> None:
    """Announced or not. What comes after the limit is dropped."""
    wanted = replace(SETTINGS, limits=Limits(manifest_bytes=1000))
    for body, headers in ((bytes(1001), {}), ([bytes(600), bytes(600)], {"transfer-encoding": "chunked"})):
        sent = Application(settings=wanted).request("PUT", "/v2/org/app/manifests/1.0", body, headers)
        assert (sent.status, sent.codes) == (413, ["MANIFEST_INVALID"])
        assert b"at most 1000 bytes" in sent.body


def test_a_token_may_grant_less_than_was_asked_and_the_journal_tells_both() -> None:
    """The grader reads the scopes that a login asked for."""
    issuer = Issuer()
    application = Application(guard=Guard(Doorkeeper(), issuer))
    query = "service=ghcr.io&scope=repository:a/b:pull,push&scope=repository:c:pull%20repository:d:pull&account=alice"
    sent = application.request("GET", f"/token?{query}", headers={"authorization": "Basic x"})
    assert json.loads(sent.body)["token"] == json.loads(sent.body)["access_token"] == "secret-token"
    assert issuer.asked[0].scopes == ("repository:a/b:pull,push", "repository:c:pull", "repository:d:pull")
    event = application.event
    assert (event.endpoint, event.actor, event.credential_id, event.status) == ("token", "alice", "id-1", 200)
    assert event.detail == {
        "scopes_requested": ["repository:a/b:pull,push", "repository:c:pull", "repository:d:pull"],
        "scopes_granted": ["repository:a/b:pull", "repository:c:pull", "repository:d:pull"],
    }


def test_a_refused_token_is_remembered_with_what_was_asked_and_by_whom() -> None:
    """A wrong credential at login leads here, and nowhere else."""
    application = Application(guard=Guard(Doorkeeper(), Issuer(refuses=True)))
    assert application.request("GET", "/token?scope=repository:a:push").status == 403
    event = application.event
    assert (event.actor, event.error_code, event.detail["scopes_granted"]) == ("alice", "DENIED", [])


def test_the_oauth2_form_is_read_and_its_secrets_are_not_remembered() -> None:
    """POST with a form: scopes are separated by spaces."""
    issuer = Issuer()
    application = Application(guard=Guard(Doorkeeper(), issuer))
    form = b"grant_type=password&username=alice&password=hunter2&scope=repository%3Aa%3Apull+repository%3Ab%3Apull"
    assert application.request("POST", "/token", form).status == 200
    assert issuer.asked[0].scopes == ("repository:a:pull", "repository:b:pull")
    assert issuer.asked[0].form is not None
    assert issuer.asked[0].form["password"] == "hunter2"
    assert "hunter2" not in str(application.event)


def test_secrets_in_a_path_are_not_remembered() -> None:
    """Clients put them into queries."""
    application = Application()
    application.request("GET", "/v2/?token=ghp_0123456789abcdefABCD")
    assert application.event.path == "/v2/?token=REDACTED"


def test_relative_urls_make_relative_locations() -> None:
    """``http.relativeurls``."""
    application = Application(settings=settings(relative_urls=True))
    assert application.request("POST", NEW_UPLOAD).headers["location"].startswith("/v2/org/app/blobs/uploads/")


def _manifest() -> bytes:
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": str(DIGEST), "size": len(CONTENT)}
    return json.dumps({"schemaVersion": 2, "config": config, "layers": []}).encode()


def test_the_catalog_forgets_an_emptied_repository() -> None:
    """At once; an empty catalog is an empty list."""
    application, image = Application(), an_image()
    push_image(application.store, "org/app", image)
    assert json.loads(application.request("GET", "/v2/_catalog").body) == {"repositories": ["org/app"]}
    application.request("DELETE", f"/v2/org/app/manifests/{image.digest}")
    assert json.loads(application.request("GET", "/v2/_catalog").body) == {"repositories": []}


def test_referrers_come_in_pages_that_a_client_can_read() -> None:
    """No answer is longer than a manifest may be, unless a single referrer is; the pages are all there is."""
    subject = an_image("subject")
    about = described(subject.body, subject.media_type)
    signatures = [an_image(f"signature {n}", subject=about, annotations={"n": "x" * 400}) for n in range(5)]
    for most_bytes, pages in ((1500, 3), (1, 5)):
        application = Application(settings=replace(SETTINGS, limits=Limits(manifest_bytes=most_bytes)))
        for image in signatures:
            push_image(application.store, "org/app", image, image.digest)
        found, target = [], f"/v2/org/app/referrers/{subject.digest}"
        for _ in range(pages):
            sent = application.request("GET", target)
            found += [row["digest"] for row in json.loads(sent.body)["manifests"]]
            target = sent.headers.get("link", "<>").partition(">")[0][1:]
        assert target == ""
        assert found == sorted(str(image.digest) for image in signatures)


def test_a_registry_without_referrers_does_not_say_that_it_understood_a_subject() -> None:
    """Clients take OCI-Subject for a promise, and would not list the referrer under a tag."""
    subject = an_image("subject")
    signature = an_image("signature", subject=described(subject.body, subject.media_type))
    for lacking, promised in ((frozenset[str](), str(subject.digest)), (frozenset({"end-12"}), None)):
        application = Application(lacking_endpoints=lacking)
        for blob in signature.blobs:
            push_blob(application.store, "org/app", blob)
        target, kind = f"/v2/org/app/manifests/{signature.digest}", {"content-type": signature.media_type}
        assert application.request("PUT", target, signature.body, kind).headers.get("oci-subject") == promised
        listing = application.request("GET", f"/v2/org/app/referrers/{subject.digest}")
        assert listing.status == (200 if promised else 404)


def basic(text: str) -> dict[str, str]:
    """A header of that name and password."""
    return {"authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}


@pytest.mark.parametrize("target", ["/v2/", "/v2/org/app/tags/list", "/v2/UPPER/tags/list", "/nowhere"])
def test_the_journal_has_the_name_that_nobody_asked_for(target: str) -> None:
    """A proxy in front asks for passwords: its log and our journal can be held against each other, refusals as well."""
    application = Application(guard=Guard(OpenDoor(), asks=False))
    application.request("GET", target, headers=basic("adélaïde:motdepasse:fort"))
    assert application.event.detail["claimed_user"] == "adélaïde"
    assert application.event.actor is None
    assert "motdepasse" not in repr(application.event)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic !!!",
        "Basic YWRh",
        "Bearer YWRhOnB3",
        basic(":no name")["authorization"],
        basic("ada\x1b[2J:x")["authorization"],
        "Basic /w==",
    ],
    ids=["empty", "nothing", "no base64", "no colon", "bearer", "no name", "control characters", "no UTF-8"],
)
def test_what_is_no_name_is_not_noted(header: str) -> None:
    """Neither is any of it kept as it came."""
    application = Application(guard=Guard(OpenDoor(), asks=False))
    application.request("GET", "/v2/", headers={"authorization": header})
    assert application.event.detail == {}


def test_a_name_is_noted_at_a_length_that_a_journal_can_bear() -> None:
    """And without an access token that slipped into its place."""
    application = Application(guard=Guard(OpenDoor(), asks=False))
    application.request("GET", "/v2/", headers=basic("a" * 100_000 + ":x"))
    assert application.event.detail == {"claimed_user": "a" * 1024}
    application.request("GET", "/v2/", headers=basic("ghp_0123456789abcdef:x"))
    assert application.event.detail == {"claimed_user": "REDACTED"}


def test_who_is_asked_claims_nothing() -> None:
    """Where passwords or tokens are verified, the actor says who it was."""
    application = Application(controller=Doorkeeper())
    application.request("GET", "/v2/", headers=basic("ada:motdepasse"))
    assert application.event.detail == {}


def test_the_journal_has_what_a_proxy_says() -> None:
    """Who asks, and by which name; without a proxy there is nothing to tell."""
    application = Application()
    application.request("GET", "/v2/", headers={"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"})
    assert application.event.detail == {"client": "192.0.2.7", "base_url": "https://registry.test"}
    application.request("GET", "/v2/")
    assert application.event.detail == {}
