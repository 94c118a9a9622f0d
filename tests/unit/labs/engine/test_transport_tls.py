"""Whom TLS trusts: every name is verified but loopback; the lab's CA counts for its twins only."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from labs.engine.internet import TWIN, Internet
from labs.engine.transport.alerts import in_gos_words
from labs.engine.transport.client import Registry
from labs.engine.transport.faults import RequestFailed, TransportError
from labs.engine.transport.wire import Wire
from labs.engine.trust import Trust
from tests.fakes.certificates import Leaf, TestAuthority
from tests.fakes.registry import FakeRegistry
from tests.fakes.talk import Talk

NAME = "registry.example.com"


class Client:
    """A machine that reaches ``NAME`` (port 443) at some fake registry."""

    def __init__(self, folder: Path, authority: TestAuthority) -> None:
        self.folder = folder
        self.authority = authority
        self._resources = ExitStack()

    def serve(self, leaf: Leaf | None) -> FakeRegistry:
        """A registry with this certificate, or plain http."""
        return self._resources.enter_context(FakeRegistry(tls=(leaf.certificate, leaf.key) if leaf else None))

    def connect(self, fake: FakeRegistry, name: str = NAME, trusted: Path | None = None) -> str:
        """Ping; returns the origin."""
        internet = Internet(TWIN, {NAME: f"127.0.0.1:{fake.port}"}, trusted)
        wire = self._resources.enter_context(Wire(internet, Trust(self.folder), "test"))
        return Registry(wire, name).connect()

    def refusal(self, leaf: Leaf | None, trusted: Path | None = None) -> str:
        """Why the ping fails."""
        with pytest.raises(RequestFailed) as caught:
            self.connect(self.serve(leaf), trusted=trusted)
        prefix = f'Get "https://{NAME}/v2/": '
        assert str(caught.value).startswith(prefix)
        return str(caught.value).removeprefix(prefix)

    def connect_private(self, port: int, name: str = NAME) -> str:
        """Ping a registry that the student built, whose ports 443 and 80 are on ``port``; returns the origin."""
        internet = Internet(TWIN, private={NAME: {443: port, 80: port}})
        wire = self._resources.enter_context(Wire(internet, Trust(self.folder), "test"))
        return Registry(wire, name).connect()

    def trust(self, authority: TestAuthority, name: str = NAME) -> None:
        """Put a CA where the student puts theirs."""
        folder = self.folder / "certs.d" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "ca.crt").write_bytes(authority.path.read_bytes())

    def close(self) -> None:
        """Stop everything."""
        self._resources.close()


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    """A client with a CA that nobody trusts yet."""
    made = Client(tmp_path / "engine", TestAuthority(tmp_path / "ca"))
    yield made
    made.close()


def test_name_of_the_lab_reaches_its_twin_under_the_lab_s_ca(client: Client) -> None:
    """The twin's certificate is for the name that was typed, and the Host header says that name too."""
    fake = client.serve(client.authority.issue(NAME))
    assert client.connect(fake, trusted=client.authority.path) == f"https://{NAME}"
    assert fake.requests[0].headers["Host"] == NAME


def test_unknown_authority(client: Client) -> None:
    """Docker's words, which students search for."""
    wanted = "tls: failed to verify certificate: x509: certificate signed by unknown authority"
    assert client.refusal(client.authority.issue(NAME)) == wanted


def test_certificate_of_another_name(client: Client) -> None:
    """The names that it is for, and the one that was asked for."""
    wanted = (
        f"tls: failed to verify certificate: x509: certificate is valid for a.example.com, b.example.com, not {NAME}"
    )
    leaf = client.authority.issue("a.example.com", "b.example.com")
    assert client.refusal(leaf, trusted=client.authority.path) == wanted


@pytest.mark.parametrize(("starts", "ends", "order"), [(-9, -2, "after"), (2, 9, "before")])
def test_certificate_out_of_its_time(client: Client, starts: int, ends: int, order: str) -> None:
    """Expired and not yet valid are one message with two ends."""
    reason = client.refusal(client.authority.issue(NAME, starts=starts, ends=ends), trusted=client.authority.path)
    head = "tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2"
    assert reason.startswith(head)
    assert f"Z is {order} 2" in reason


def test_common_name_does_not_count(client: Client) -> None:
    """A certificate without subject alternative names is refused even from a trusted CA, as Go refuses it."""
    reason = client.refusal(client.authority.issue(common_name=NAME), trusted=client.authority.path)
    assert reason.endswith("x509: certificate relies on legacy Common Name field, use SANs instead")


def test_a_server_of_old_tls_alone_is_refused_in_gos_words(client: Client) -> None:
    """By the server, with an alert: it speaks nothing that it was offered."""
    alert = b"\x15\x03\x01\x00\x02\x02\x46"
    with Talk(alert) as talk:
        internet = Internet(TWIN, {NAME: f"127.0.0.1:{talk.port}"}, None)
        with Wire(internet, Trust(client.folder), "test") as wire, pytest.raises(RequestFailed) as caught:
            Registry(wire, NAME).connect()
    assert str(caught.value) == f'Get "https://{NAME}/v2/": remote error: tls: protocol version not supported'


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", "handshake failure"),
        ("TLSV1_UNRECOGNIZED_NAME", "unrecognized name"),
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "certificate required"),
        ("UNSUPPORTED_PROTOCOL", "UNSUPPORTED_PROTOCOL"),
        ("NO_HANDSHAKE_FAILURE", "NO_HANDSHAKE_FAILURE"),
    ],
)
def test_alerts_are_told_as_go_tells_them(reason: str, words: str) -> None:
    """What is no alert stays as OpenSSL has it."""
    assert in_gos_words(reason) == words


def test_plain_http_behind_a_verified_name(client: Client) -> None:
    """A name is never spoken to in the clear."""
    assert client.refusal(None) == "http: server gave HTTP response to HTTPS client"


def test_certs_d_is_trusted_for_its_name_only(client: Client) -> None:
    """A CA under certs.d/<name> counts for that name; under another it does not."""
    fake = client.serve(client.authority.issue(NAME))
    folder = client.folder / "certs.d" / NAME
    folder.mkdir(parents=True)
    (folder / "ca.crt").write_bytes(client.authority.path.read_bytes())
    assert client.connect(fake) == f"https://{NAME}"
    folder.rename(folder.with_name("other.example.com"))
    with pytest.raises(RequestFailed, match="unknown authority"):
        client.connect(fake)


def test_a_private_name_is_trusted_by_certs_d_and_by_nothing_else(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For the student's registry not even the system's CAs count, only what lies in certs.d for exactly that name."""
    fake = client.serve(client.authority.issue(NAME))
    monkeypatch.setenv("SSL_CERT_FILE", str(client.authority.path))
    client.trust(client.authority, f"{NAME}:8443")
    with pytest.raises(RequestFailed, match=r"x509: certificate signed by unknown authority$"):
        client.connect_private(fake.port)
    client.trust(client.authority)
    assert client.connect_private(fake.port) == f"https://{NAME}"
    assert fake.requests[0].headers["Host"] == NAME


def test_a_private_name_is_never_spoken_to_in_the_clear_unless_it_is_listed(client: Client) -> None:
    """Plain http answers there, and is taken only where daemon.json names the registry."""
    fake = client.serve(None)
    with pytest.raises(RequestFailed, match="server gave HTTP response to HTTPS client"):
        client.connect_private(fake.port)
    client.folder.mkdir(exist_ok=True)
    (client.folder / "daemon.json").write_text(json.dumps({"insecure-registries": [NAME]}))
    assert client.connect_private(fake.port) == f"http://{NAME}"


@pytest.mark.parametrize(("typed", "told"), [(NAME, 443), (f"{NAME}:8443", 8443)])
def test_a_port_of_a_private_name_where_nothing_listens(client: Client, typed: str, told: int) -> None:
    """Refused in Docker's words, with the port that was typed: killed behind its port, or never published."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        gone = int(server.getsockname()[1])
    with pytest.raises(RequestFailed) as caught:
        client.connect_private(gone, typed)
    assert str(caught.value) == f'Get "https://{typed}/v2/": dial tcp 127.0.0.1:{told}: connect: connection refused'


def test_what_is_trusted_ends_a_chain(client: Client) -> None:
    """As Go has it, the server's own certificate in certs.d is trusted, though a CA that nobody knows signed it."""
    leaf = client.authority.issue(NAME)
    client.trust(client.authority)
    (client.folder / "certs.d" / NAME / "ca.crt").write_bytes(Path(leaf.certificate).read_bytes())
    assert client.connect_private(client.serve(leaf).port) == f"https://{NAME}"


def test_a_ca_that_was_made_anew(client: Client, tmp_path: Path) -> None:
    """The right name and another key, which happens to everybody: Go says which CA it tried."""
    client.trust(TestAuthority(tmp_path / "anew"))
    with pytest.raises(RequestFailed) as caught:
        client.connect_private(client.serve(client.authority.issue(NAME)).port)
    assert str(caught.value).endswith(
        'x509: certificate signed by unknown authority (possibly because of "x509: ECDSA verification failure" '
        'while trying to verify candidate authority certificate "Test CA")'
    )


def test_a_ca_whose_time_is_over(client: Client, tmp_path: Path) -> None:
    """The server's certificate is good, the CA's is not: Go says so of the candidate."""
    expired = TestAuthority(tmp_path / "expired", starts=-9, ends=-2)
    client.trust(expired)
    with pytest.raises(RequestFailed) as caught:
        client.connect_private(client.serve(expired.issue(NAME)).port)
    assert "tls: failed to verify certificate: x509: certificate has expired or is not yet valid" in str(caught.value)


def test_a_ca_file_without_a_certificate_vouches_for_nobody(client: Client) -> None:
    """Docker passes over it without a word: what it says is that nobody vouches for the registry."""
    folder = client.folder / "certs.d" / NAME
    folder.mkdir(parents=True)
    (folder / "ca.crt").write_text("no certificate")
    words = "tls: failed to verify certificate: x509: certificate signed by unknown authority"
    assert client.refusal(client.authority.issue(NAME)).endswith(words)


def test_a_folder_that_docker_refuses_is_told_before_anything_is_asked(client: Client) -> None:
    """In Docker's words, without an address: a CA that is called ``ca.cert`` is taken for half of a key pair."""
    client.trust(client.authority)
    (client.folder / "certs.d" / NAME / "ca.cert").write_bytes(client.authority.path.read_bytes())
    with pytest.raises(TransportError) as caught:
        client.connect(client.serve(client.authority.issue(NAME)))
    words = "missing key ca.key for client certificate ca.cert. CA certificates must use the extension .crt"
    assert str(caught.value) == words


def test_loopback_is_spoken_to_whatever_it_shows(client: Client) -> None:
    """For localhost an unverified certificate does, and without TLS plain http is taken."""
    tls, plain = client.serve(client.authority.issue(NAME)), client.serve(None)
    assert client.connect(tls, f"localhost:{tls.port}") == f"https://localhost:{tls.port}"
    assert client.connect(plain, f"127.0.0.1:{plain.port}") == f"http://127.0.0.1:{plain.port}"


def test_insecure_registries_of_daemon_json(client: Client) -> None:
    """A name that is listed is spoken to without verification."""
    client.folder.mkdir()
    (client.folder / "daemon.json").write_text(json.dumps({"insecure-registries": [NAME]}))
    assert client.connect(client.serve(client.authority.issue("other.example.com"))) == f"https://{NAME}"


def test_broken_daemon_json_is_named(client: Client) -> None:
    """Nothing is guessed about a file that decides on trust."""
    client.folder.mkdir()
    (client.folder / "daemon.json").write_text("{")
    assert "daemon.json" in client.refusal(client.authority.issue(NAME))


@pytest.mark.parametrize(
    ("entry", "covered"), [("198.51.100.0/24", True), ("10.0.0.0/8", False), ("198.51.100.7", True)]
)
def test_networks_in_insecure_registries(tmp_path: Path, entry: str, *, covered: bool) -> None:
    """An entry may be a network in CIDR form."""
    (tmp_path / "daemon.json").write_text(json.dumps({"insecure-registries": [entry]}))
    assert Trust(tmp_path).is_insecure("198.51.100.7:5000") is covered
