"""The probes that knock: who is let in, plain HTTP, further ports and a large upload, at servers good and bad."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from checker.facts import Door, Fault, NotObserved, Page, Unavailable
from checker.probes import calls
from checker.probes import doors as door_probes
from checker.probes.connection import Credential
from checker.probes.doors import BackendProbe, DoorsProbe, PlainProbe
from checker.probes.guises import is_graders
from checker.probes.surroundings import Address
from checker.probes.trust import Trust
from checker.probes.upload import UPLOAD_BYTES, UploadProbe
from tests.fakes.certificates import Leaf, TestAuthority
from tests.fakes.registry import FakeRegistry
from tests.fakes.talk import Talk

NAME, REPOSITORY = "registry.example.com", "lovelace/engine/app"
OPENED = b"HTTP/1.1 202 Accepted\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n"
ELSEWHERE = "192.0.2.1"
"""Of a network that no machine has (RFC 5737)."""


def right() -> Credential:
    """What docker login left."""
    return Credential("ada", "right")


def nobody() -> None:
    """Nothing."""


@pytest.fixture
def leaf(tmp_path: Path) -> Leaf:
    """A certificate that nobody trusts."""
    return TestAuthority(tmp_path / "ca").issue(NAME)


@pytest.fixture
def registry(leaf: Leaf) -> Iterator[FakeRegistry]:
    """A registry behind TLS and a password."""
    with FakeRegistry("basic", {"ada": "right"}, tls=(leaf.certificate, leaf.key)) as fake:
        yield fake


def at(port: int, typed: int = 443, host: str = "127.0.0.1") -> Address:
    """A port of the registry's name."""
    return Address(NAME, typed, host, port)


def doors(address: Address, credential: Callable[[], Credential | None] = right) -> DoorsProbe:
    """The probe."""
    return DoorsProbe(address, Trust(), credential, "ada", REPOSITORY, "1.0")


def upload(address: Address, credential: Callable[[], Credential | None] = right) -> UploadProbe:
    """The probe."""
    return UploadProbe(address, Trust(), credential, "lovelace/engine/labcheck")


def reason(read: Callable[[], object]) -> str:
    """Why nothing was observed."""
    with pytest.raises(NotObserved) as caught:
        read()
    return caught.value.unavailable.reason


# --- who is let in


def test_each_caller_gets_its_answer(registry: FakeRegistry) -> None:
    """Nobody, a wrong password and a stranger are sent away with the challenge, the student is not."""
    found = doors(at(registry.port)).read()
    shut = Door(401, 'Basic realm="lab"')
    assert found.user == "ada"
    assert (found.anonymous, found.wrong, found.stranger) == (shut, shut, shut)
    assert found.right == Door(200)
    assert (found.anonymous_read, found.anonymous_push) == (shut, shut)
    assert set(found.anonymous_further.values()) == {shut}
    assert found.other_name == shut
    assert found.inside == Door(404)


def test_every_kind_of_door_is_tried_without_a_password(registry: FakeRegistry) -> None:
    """Each method that reads or writes, on a blob that is known, and otherwise on what nobody has."""
    probe = DoorsProbe(at(registry.port), Trust(), nobody, "ada", REPOSITORY, "1.0", lambda: f"sha256:{'a' * 64}")
    probe.read()
    asked = {line for line in registry.lines() if "/manifests/sha256:" not in line and "/uploads/" not in line}
    assert asked == {
        "GET /v2/",
        f"GET /v2/{REPOSITORY}/manifests/1.0",
        f"GET /v2/{REPOSITORY}/blobs/sha256:{'a' * 64}",
        f"GET /v2/{REPOSITORY}/tags/list",
        "GET /v2/_catalog",
    }
    others = sorted({line.partition("sha256:")[0] for line in set(registry.lines()) - asked})
    assert [line.rpartition("/")[0] for line in others] == [
        f"DELETE /v2/{REPOSITORY}/manifests",
        f"PATCH /v2/{REPOSITORY}/blobs/uploads",
        f"POST /v2/{REPOSITORY}/blobs/uploads",
        f"PUT /v2/{REPOSITORY}/blobs/uploads",
        f"PUT /v2/{REPOSITORY}/manifests",
    ]


def test_the_registry_is_called_by_its_name(registry: FakeRegistry) -> None:
    """Wherever it listens; with the port where clients type one. Once by a name that is not its own."""
    doors(at(registry.port)).read()
    hosts = [seen.headers["Host"] for seen in registry.requests]
    assert len(hosts) - hosts.count(NAME) == 1
    registry.requests.clear()
    doors(at(registry.port, typed=8443)).read()
    assert f"{NAME}:8443" in {seen.headers["Host"] for seen in registry.requests}


def test_nobody_can_tell_the_grader_by_its_name(registry: FakeRegistry) -> None:
    """It knocks as ordinary clients do, and knows its own requests again all the same."""
    here = at(registry.port)
    for probe in (doors(here), upload(here), BackendProbe({"nginx 8443": here})):
        probe.read()
    agents = [seen.headers["User-Agent"] for seen in registry.requests]
    assert all(is_graders(agent) for agent in agents)
    assert not any("lab" in agent for agent in agents)
    assert len({agent.partition("/")[0] for agent in agents}) > 1


def test_who_turns_away_a_crowd_is_asked_again(leaf: Leaf, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nginx's limit_req answers 503; where that goes on nobody knows who is let in."""
    monkeypatch.setattr(door_probes, "PAUSES_SECONDS", (0.0, 0.0))
    busy = b"HTTP/1.1 503 Busy\r\nServer: nginx/1.25.5\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n"
    with Talk(busy, leaf=leaf) as talk:
        assert reason(doors(at(talk.port)).read) == "throttled"
        assert reason(upload(at(talk.port)).read) == "throttled"
        assert len(talk.heard) >= 6


NGINX_404 = b"HTTP/1.1 404 Not Found\r\nServer: nginx/1.25.5\r\nContent-Type: text/html\r\n%s\r\n<html>404</html>"
VERSION = b"Docker-Distribution-Api-Version: registry/2.0\r\n"


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        (NGINX_404 % b"", Door(404, page=Page("nginx/1.25.5"))),
        (NGINX_404 % VERSION, Door(404, page=Page("nginx/1.25.5"))),
        (
            b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\n%s\r\n404 page not found" % VERSION,
            Door(404, page=Page(None, of_registry=True)),
        ),
        (b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\n\r\n404 page not found", Door(404, page=Page())),
        (b'HTTP/1.1 404 N\r\n\r\n{"errors":[{"code":"NAME_UNKNOWN","message":"x"}]}', Door(404)),
        (b"HTTP/1.1 404 N\r\n\r\n[1]", Door(404, page=Page())),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>", Door(200, page=Page())),
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}", Door(200)),
        (b"HTTP/1.1 404 N\r\nServer: <script>\r\n\r\n", Door(404, page=Page())),
        (
            b'HTTP/1.1 500 N\r\n\r\n{"errors":[{"code":"UNKNOWN","message":"unknown","detail":{"Err":28}}]}',
            Door(500, words='UNKNOWN unknown {"Err": 28}'),
        ),
    ],
)
def test_a_registrys_words_are_told_from_a_page(says: bytes, expected: Door) -> None:
    """OCI's errors are the registry's; else somebody made a page, and says who, or does not."""
    with Talk(says) as talk:
        assert PlainProbe(at(talk.port), None).read().on_tls_port == expected


def test_only_the_password_that_is_there_is_tried(registry: FakeRegistry) -> None:
    """Nobody logged in: the right door is not tried; a wrong password is, under the student's name."""
    found = doors(at(registry.port), nobody).read()
    assert (found.user, found.right, found.wrong.status) == (None, None, 401)


def test_an_open_registry_is_seen_to_be_open(leaf: Leaf) -> None:
    """It lets everybody in; the upload that nobody was to begin is taken back."""
    with FakeRegistry(tls=(leaf.certificate, leaf.key)) as registry:
        found = doors(at(registry.port)).read()
        assert [door.status for door in (found.anonymous, found.wrong, found.stranger)] == [200, 200, 200]
        assert found.anonymous_read.status == 404
        assert found.anonymous_push.status == 202
        assert {name: door.status for name, door in found.anonymous_further.items()} == {
            "anonymous-blob": 404,
            "anonymous-tags": 404,
            "anonymous-catalog": 404,
            "anonymous-patch": 404,
            "anonymous-finish": 404,
            "anonymous-put": 201,
            "anonymous-delete": 404,
        }
        assert found.other_name == Door(200)
        begun = registry.lines("POST")
        ended = [line for line in registry.lines("DELETE") if "/blobs/uploads/" in line]
    assert begun == [f"POST /v2/{REPOSITORY}/blobs/uploads/"]
    assert len(ended) == 1


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        (b"", "interrupted"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "garbage"),
        (b"HTTP/1.1 abc\r\n\r\n", "garbage"),
    ],
)
def test_an_answer_that_makes_no_sense_is_not_observed(leaf: Leaf, says: bytes, expected: str) -> None:
    """Nothing, another protocol, no status: nobody knows who is let in."""
    with Talk(says, leaf=leaf) as talk:
        assert reason(doors(at(talk.port)).read) == expected
        assert reason(upload(at(talk.port)).read) == expected


def test_silence_is_not_observed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of every probe that knocks."""
    monkeypatch.setattr(calls, "ANSWER_SECONDS", 0.05)
    with Talk(None) as talk:
        here = at(talk.port)
        assert {
            reason(probe.read)
            for probe in (doors(here), upload(here), PlainProbe(here, None), BackendProbe({"registry 5000": here}))
        } == {"timeout"}


def test_plain_http_at_the_door_is_not_observed() -> None:
    """No login goes through it."""
    with FakeRegistry() as registry:
        assert reason(doors(at(registry.port)).read) == "not-tls"
        assert reason(upload(at(registry.port)).read) == "not-tls"
        assert registry.requests == []


def test_a_door_that_is_gone_is_not_observed(leaf: Leaf) -> None:
    """Nothing listens."""
    with Talk(b"", leaf=leaf) as gone:
        here = at(gone.port)
    assert reason(doors(here).read) == "unreachable"


def test_a_login_goes_to_no_other_machine_that_proves_nothing(
    registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same server under an address that is not loopback: anonymous calls go there, the password does not."""
    real = socket.create_connection

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        return real(("127.0.0.1", address[1]), timeout)

    monkeypatch.setattr(calls, "create_connection", connect)
    assert reason(doors(at(registry.port, host=ELSEWHERE)).read) == "tls"
    assert reason(upload(at(registry.port, host=ELSEWHERE)).read) == "tls"
    assert {seen.headers["Authorization"] for seen in registry.requests} == {None}


def test_a_login_goes_to_another_machine_that_proves_to_be_the_registry(
    tmp_path: Path, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a CA of the student's."""
    folder = tmp_path / "certs.d" / NAME
    folder.mkdir(parents=True)
    (folder / "ca.crt").write_bytes((tmp_path / "ca" / "ca.crt").read_bytes())
    real = socket.create_connection
    monkeypatch.setattr(calls, "create_connection", lambda address, timeout: real(("127.0.0.1", address[1]), timeout))
    probe = DoorsProbe(at(registry.port, host=ELSEWHERE), Trust((tmp_path / "certs.d",)), right, "ada", REPOSITORY, "1")
    assert probe.read().right == Door(200)


# --- plain HTTP


def test_plain_http_is_answered_as_it_is_answered(registry: FakeRegistry) -> None:
    """A redirect with its target on port 80; on the TLS port this server hangs up."""
    redirect = b"HTTP/1.1 301 Moved\r\nLocation: https://registry.example.com/v2/\r\nContent-Length: 0\r\n\r\n"
    with Talk(redirect) as talk:
        found = PlainProbe(at(registry.port), at(talk.port, typed=80)).read()
        assert b"Host: registry.example.com\r\n" in talk.heard[0]
    assert found.http == Door(301, location="https://registry.example.com/v2/")
    assert found.on_tls_port.status is None
    assert found.on_tls_port.fault in {Fault.CLOSED, Fault.TLS}


@pytest.mark.parametrize(
    ("says", "expected"),
    [(b"\x15\x03\x03\x00\x02\x02\x46", Fault.TLS), (b"", Fault.CLOSED)],
)
def test_a_tls_port_that_refuses_plain_http_is_right(says: bytes, expected: Fault) -> None:
    """With an alert, or without a word."""
    with Talk(says) as talk:
        assert PlainProbe(at(talk.port), None).read().on_tls_port == Door(None, fault=expected)


def test_port_80_that_is_not_open_is_refused() -> None:
    """The stack opens none, or nothing listens there."""
    with Talk(b"") as gone:
        closed = at(gone.port, 80)
    with Talk(b"") as tls:
        assert PlainProbe(at(tls.port), None).read().http == Door(None, fault=Fault.REFUSED)
        assert PlainProbe(at(tls.port), closed).read().http == Door(None, fault=Fault.REFUSED)


def test_noise_on_plain_http_is_not_observed() -> None:
    """Neither refused nor open."""
    with Talk(b"\x00\x01\x02") as talk:
        assert reason(PlainProbe(at(talk.port), None).read) == "garbage"


# --- further ports


def test_every_further_port_is_called(registry: FakeRegistry) -> None:
    """By HTTP, and by TLS where that is spoken; without credentials."""
    with FakeRegistry() as backend, Talk(b"") as shut:
        found = BackendProbe(
            {"registry 5000": at(backend.port), "nginx 8443": at(registry.port), "other 22": at(shut.port)}
        ).read()
    assert not isinstance(found, Unavailable)
    assert found.doors["registry 5000"] == Door(200)
    assert found.doors["nginx 8443"] == Door(401, 'Basic realm="lab"')
    assert found.doors["other 22"] == Door(None, fault=Fault.CLOSED)
    assert {seen.headers["Authorization"] for seen in (*registry.requests, *backend.requests)} == {None}


def test_a_plain_port_hears_no_tls() -> None:
    """A hello of TLS would stand in its log as a line that nobody owns to."""
    with FakeRegistry() as backend:
        BackendProbe({"registry 5000": at(backend.port)}).read()
        assert set(backend.lines()) == {"GET /v2/"}


def test_a_port_is_called_by_other_names_as_well() -> None:
    """A server that knows nothing of the registry's name may let in who comes to localhost."""
    with FakeRegistry() as backend:
        BackendProbe({"nginx 9000": at(backend.port, typed=9000)}).read()
        assert [seen.headers["Host"] for seen in backend.requests] == [
            f"{NAME}:9000",
            "localhost:9000",
            "127.0.0.1:9000",
        ]


def test_a_port_that_says_nonsense_is_not_observed() -> None:
    """Never taken for a closed one."""
    with Talk(b"\x00\x01\x02") as talk:
        assert reason(BackendProbe({"registry 5000": at(talk.port)}).read) == "garbage"


def test_ports_that_cannot_be_known_are_not_observed() -> None:
    """Of a stack behind a URL."""
    unseen = Unavailable("stack-unseen", {"url": "https://x"})
    assert BackendProbe(unseen).read() is unseen
    empty = BackendProbe({}).read()
    assert not isinstance(empty, Unavailable)
    assert empty.doors == {}


# --- a large upload


def test_an_upload_passes_and_leaves_nothing(registry: FakeRegistry) -> None:
    """Begun with the login, sent whole, cancelled before its end, in a repository of the grader's own."""
    found = upload(at(registry.port)).read()
    assert (found.asked, found.size) == (f"https://{NAME}", UPLOAD_BYTES)
    assert found.opened.status == 202
    assert (found.opened.location or "").startswith("/v2/lovelace/engine/labcheck/blobs/uploads/")
    assert found.sent is not None
    assert found.sent.status == 202
    assert [seen.method for seen in registry.requests] == ["POST", "PATCH", "DELETE"]
    assert registry.requests[1].headers["Content-Length"] == str(UPLOAD_BYTES)
    assert not any(registry.blobs.values())
    assert {seen.headers["Authorization"] for seen in registry.requests} == {right().basic()}


@pytest.mark.parametrize(
    ("location", "followed"),
    [
        (f"https://{NAME}:8443/v2/x/blobs/uploads/1", True),
        (f"https://{NAME}/v2/x/blobs/uploads/1", False),
        (f"http://{NAME}:8443/v2/x/blobs/uploads/1", False),
        ("https://elsewhere.example/v2/x/blobs/uploads/1", False),
        ("/v2/x/blobs/uploads/1?_state=y", True),
    ],
)
def test_a_location_is_followed_where_it_leads(leaf: Leaf, location: str, followed: bool) -> None:  # noqa: FBT001  a row
    """Only to the door that was asked: another scheme, host or port leads a client away from it."""
    with Talk(OPENED % location.encode(), leaf=leaf) as talk:
        found = upload(at(talk.port, typed=8443)).read()
        heard = [line.split(b" ")[0] for line in talk.heard if line[:1].isalpha()]
    assert found.opened == Door(202, location=location)
    assert (found.sent is not None) is followed
    assert heard[0] == b"POST"
    assert (b"PATCH" in heard) is followed
    assert heard[-1] == b"DELETE"


def test_a_refused_upload_is_what_was_answered(registry: FakeRegistry) -> None:
    """A wrong password; nothing is sent."""
    found = upload(at(registry.port), lambda: Credential("ada", "wrong")).read()
    assert (found.opened.status, found.sent) == (401, None)
    assert [seen.method for seen in registry.requests] == ["POST"]


def test_a_failed_upload_is_told_with_the_room_that_is_left(leaf: Leaf, tmp_path: Path) -> None:
    """Of the disk that the student's folders lie on, and with the registry's own words."""
    full = b'{"errors":[{"code":"UNKNOWN","message":"unknown error","detail":"no space left on device"}]}'
    with Talk(b"HTTP/1.1 500 Oops\r\n\r\n" + full, leaf=leaf) as talk:
        found = UploadProbe(at(talk.port), Trust(), right, "x", (tmp_path, tmp_path / "gone")).read()
    assert found.opened == Door(500, words="UNKNOWN unknown error no space left on device")
    assert found.free is not None
    assert found.free > 0


def test_without_a_login_nothing_is_tried(registry: FakeRegistry) -> None:
    """The way out is named."""
    with pytest.raises(NotObserved) as caught:
        upload(at(registry.port), nobody).read()
    assert caught.value.unavailable == Unavailable("login-needed", {"url": f"https://{NAME}", "name": NAME})
    assert registry.requests == []
