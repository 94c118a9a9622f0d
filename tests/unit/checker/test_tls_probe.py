"""The handshake probe against servers that speak TLS in many ways, old ones and none."""

import socket
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from checker.facts import Handshake, NotObserved
from checker.probes import tls
from checker.probes.surroundings import Address
from checker.probes.tls import HandshakeProbe, shown_certificate, speaks_tls
from checker.probes.trust import Trust
from tests.fakes.certificates import Leaf, TestAuthority
from tests.fakes.talk import Talk

NAME = "registry.example.com"
_Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


@contextmanager
def server(leaf: Leaf, set_up: Callable[[ssl.SSLContext], None] = lambda _: None) -> Iterator[int]:
    """A TLS server that says nothing; its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf.certificate, leaf.key)
    set_up(context)
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                accepted, _ = listening.accept()
            except OSError:
                return
            accepted.settimeout(5)
            with accepted, suppress(OSError), context.wrap_socket(accepted, server_side=True) as spoken:
                spoken.recv(1)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield int(listening.getsockname()[1])
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


def address(port: int, name: str = NAME) -> Address:
    """Port 443 of the registry's name, on loopback."""
    return Address(name, 443, "127.0.0.1", port)


def trusting(folder: Path, *authorities: Path, name: str = NAME) -> Trust:
    """A machine with these CAs in certs.d."""
    (folder / "certs.d" / name).mkdir(parents=True)
    for number, path in enumerate(authorities):
        (folder / "certs.d" / name / f"{number}.crt").write_bytes(path.read_bytes())
    return Trust((folder / "certs.d",))


def handshake(leaf: Leaf, trust: Trust, set_up: Callable[[ssl.SSLContext], None] = lambda _: None) -> Handshake:
    """What the probe says of a server with this certificate."""
    with server(leaf, set_up) as port:
        return HandshakeProbe(address(port), trust).read()


def issue(
    folder: Path,
    stem: str,
    key: _Key,
    *,
    issuer: tuple[x509.Certificate, _Key] | None = None,
    ca: bool = False,
    ends: int = 10,
    names: tuple[str, ...] = (),
) -> tuple[x509.Certificate, Leaf]:
    """A certificate of any kind, and its files."""
    now = datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, stem)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=20))
        .not_valid_after(now + timedelta(days=ends))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if names:
        found = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        builder = builder.add_extension(found, critical=False)
    signer = issuer[1] if issuer else key
    algorithm = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    certificate = builder.sign(signer, algorithm)
    files = Leaf(str(folder / f"{stem}.crt"), str(folder / f"{stem}.key"))
    Path(files.certificate).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    Path(files.key).write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, files


def new_key() -> ec.EllipticCurvePrivateKey:
    """Any key."""
    return ec.generate_private_key(ec.SECP256R1())


def test_a_chain_to_the_students_ca_is_trusted(tmp_path: Path) -> None:
    """By the CA in certs.d, under the registry's name; the file is named."""
    authority = TestAuthority(tmp_path / "ca")
    found = handshake(authority.issue(NAME, "10.0.0.7"), trusting(tmp_path, authority.path))
    assert (found.version, found.trusted, found.fault) == ("TLSv1.3", True, None)
    assert found.chain[0].names == (NAME, "10.0.0.7")
    assert (found.chain[0].common_name, found.chain[0].issuer, found.chain[0].key) == (
        "leaf",
        "CN=Test CA",
        "ECDSA P-256",
    )
    assert found.authorities == (str(tmp_path / "certs.d" / NAME / "0.crt"),)
    assert found.name == NAME
    assert found.chain[0].not_before < found.at < found.chain[0].not_after
    assert found.old_versions == ()


def test_a_chain_to_nobody_is_not(tmp_path: Path) -> None:
    """OpenSSL's word says so; the certificate is read all the same."""
    found = handshake(TestAuthority(tmp_path / "ca").issue(NAME), Trust())
    assert not found.trusted
    assert found.fault == "unable to get local issuer certificate"
    assert found.chain[0].names == (NAME,)
    assert found.authorities == ()


def test_the_ca_of_another_name_is_not_the_names(tmp_path: Path) -> None:
    """Docker looks into the folder of the name that is typed."""
    authority = TestAuthority(tmp_path / "ca")
    trust = trusting(tmp_path, authority.path, name="ghcr.io")
    assert not handshake(authority.issue(NAME), trust).trusted


@pytest.mark.parametrize("folder", [f"{NAME}:443", "localhost"])
def test_the_ca_of_a_name_that_nobody_types_is_not_the_names(tmp_path: Path, folder: str) -> None:
    """The lab's docker says ``x509: certificate signed by unknown authority`` then, and so would Docker's."""
    authority = TestAuthority(tmp_path / "ca")
    found = handshake(authority.issue(NAME), trusting(tmp_path, authority.path, name=folder))
    assert (found.trusted, found.authorities) == (False, ())


@pytest.mark.parametrize(("starts", "ends"), [(-9, -1), (1, 9)])
def test_dates_of_what_was_sent_are_no_fault_of_the_chain(tmp_path: Path, starts: int, ends: int) -> None:
    """They stand in the certificate: one fault must not be told as two."""
    authority = TestAuthority(tmp_path / "ca")
    found = handshake(authority.issue(NAME, starts=starts, ends=ends), trusting(tmp_path, authority.path))
    assert (found.trusted, found.fault) == (True, None)


def test_names_are_no_fault_of_the_chain(tmp_path: Path) -> None:
    """Likewise; a certificate with nothing but a common name has no names."""
    authority = TestAuthority(tmp_path / "ca")
    found = handshake(authority.issue(common_name=NAME), trusting(tmp_path, authority.path))
    assert found.trusted
    assert (found.chain[0].names, found.chain[0].common_name) == ((), NAME)


def test_an_expired_ca_that_was_not_sent_is_a_fault(tmp_path: Path) -> None:
    """Nobody else sees its dates."""
    key = new_key()
    root, files = issue(tmp_path, "old-root", key, ca=True, ends=-1)
    _, leaf = issue(tmp_path, "leaf", new_key(), issuer=(root, key), names=(NAME,))
    found = handshake(leaf, trusting(tmp_path, Path(files.certificate)))
    assert (found.trusted, found.fault) == (False, "certificate has expired")


def test_a_self_signed_certificate_is_told(tmp_path: Path) -> None:
    """It is trusted by whoever puts itself into certs.d, as with every client of Go."""
    _, leaf = issue(tmp_path, "self", new_key(), names=(NAME,))
    found = handshake(leaf, Trust())
    assert found.chain[0].self_signed
    assert not found.trusted
    assert handshake(leaf, trusting(tmp_path, Path(leaf.certificate))).trusted


def test_a_chain_with_an_intermediate_is_read_whole(tmp_path: Path) -> None:
    """The leaf first, as sent; without the intermediate it leads nowhere, unless that one is trusted itself."""
    keys = new_key(), new_key()
    root, root_files = issue(tmp_path, "root", keys[0], ca=True)
    middle, middle_files = issue(tmp_path, "middle", keys[1], issuer=(root, keys[0]), ca=True)
    _, leaf = issue(tmp_path, "leaf", new_key(), issuer=(middle, keys[1]), names=(NAME,))
    trust = trusting(tmp_path, Path(root_files.certificate))
    assert not handshake(leaf, trust).trusted
    assert handshake(leaf, trusting(tmp_path / "other", Path(middle_files.certificate))).trusted
    both = tmp_path / "fullchain.pem"
    both.write_bytes(Path(leaf.certificate).read_bytes() + Path(middle_files.certificate).read_bytes())
    found = handshake(Leaf(str(both), leaf.key), trust)
    assert found.trusted
    assert [each.subject for each in found.chain] == ["CN=leaf", "CN=middle"]
    assert [each.self_signed for each in found.chain] == [False, False]


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (rsa.generate_private_key, "RSA 2048"),
        (lambda **_: ec.generate_private_key(ec.SECP384R1()), "ECDSA P-384"),
        (lambda **_: ed25519.Ed25519PrivateKey.generate(), "Ed25519"),
    ],
)
def test_the_kind_of_key_is_told(tmp_path: Path, key: Callable[..., _Key], said: str) -> None:
    """With its size."""
    _, leaf = issue(tmp_path, "leaf", key(public_exponent=65537, key_size=2048), names=(NAME,))
    assert handshake(leaf, Trust()).chain[0].key == said


def test_tls_1_2_alone_is_spoken(tmp_path: Path) -> None:
    """As nginx does without being told."""

    def old(context: ssl.SSLContext) -> None:
        context.maximum_version = ssl.TLSVersion.TLSv1_2

    assert handshake(TestAuthority(tmp_path / "ca").issue(NAME), Trust(), old).version == "TLSv1.2"


def test_versions_that_nobody_should_take_are_named(tmp_path: Path) -> None:
    """A server that takes them besides today's, asked by a client that may not speak them itself."""

    def ancient(context: ssl.SSLContext) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            context.minimum_version = ssl.TLSVersion.TLSv1
        context.set_ciphers("ALL:@SECLEVEL=0")

    found = handshake(TestAuthority(tmp_path / "ca").issue(NAME), Trust(), ancient)
    assert (found.version, found.old_versions) == ("TLSv1.3", ("TLSv1", "TLSv1.1"))


def test_a_server_that_takes_old_versions_alone_is_no_mystery(tmp_path: Path) -> None:
    """No client of today gets anywhere with it; which versions it takes is told."""

    def ancient(context: ssl.SSLContext) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")

    found = handshake(TestAuthority(tmp_path / "ca").issue(NAME), Trust(), ancient)
    assert (found.version, found.old_versions) == (None, ("TLSv1", "TLSv1.1"))


def test_nobody_shows_a_certificate_where_nobody_is() -> None:
    """That is told apart from somebody who speaks no TLS."""
    with Talk(b"HTTP/1.1 400 Bad Request\r\n\r\n") as talk:
        here = address(talk.port)
        with pytest.raises(NotObserved) as spoken:
            tls.shown_certificate(here)
    with pytest.raises(NotObserved) as gone:
        tls.shown_certificate(here)
    assert (spoken.value.unavailable.reason, gone.value.unavailable.reason) == ("not-tls", "unreachable")


@pytest.mark.parametrize(
    "says", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00" * 64, b"\x15\x03\x01\x00\x02\x02\x70", b""]
)
def test_what_speaks_no_tls_has_no_version(says: bytes) -> None:
    """Plain HTTP, noise, a refusal in TLS, nothing: there is a fault, and nobody is trusted."""
    with Talk(says) as talk:
        found = HandshakeProbe(address(talk.port), Trust()).read()
        assert not speaks_tls(address(talk.port))
    assert (found.version, found.chain, found.trusted) == (None, (), False)
    assert found.fault


def test_a_port_that_nobody_opened_is_refused() -> None:
    """A client meets the same."""
    with Talk(b"") as gone:
        port = gone.port
    assert HandshakeProbe(address(port), Trust()).read().fault == "connection refused"


def test_a_server_that_says_nothing_is_not_observed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slow is not wrong."""
    monkeypatch.setattr(tls, "ANSWER_SECONDS", 0.05)
    with Talk(None) as talk:
        with pytest.raises(NotObserved) as caught:
            HandshakeProbe(address(talk.port), Trust()).read()
        assert not speaks_tls(address(talk.port))
    assert caught.value.unavailable.reason == "timeout"


def test_a_file_without_a_certificate_vouches_for_nobody(tmp_path: Path) -> None:
    """It is named; another file's CA counts all the same, and a chain is judged by it."""
    authority = TestAuthority(tmp_path / "ca")
    trust, folder = trusting(tmp_path, authority.path), tmp_path / "certs.d" / NAME
    (folder / "empty.crt").write_text("no certificate", encoding="utf-8")
    found = handshake(authority.issue(NAME), trust)
    assert (found.trusted, found.blank, found.refusal) == (True, (str(folder / "empty.crt"),), None)
    (folder / "0.crt").unlink()
    assert not handshake(authority.issue(NAME), trust).trusted


def test_a_ca_that_may_not_be_read_is_not_observed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is named: nobody knows whom it would have vouched for. Docker's daemon might read it."""
    authority = TestAuthority(tmp_path / "ca")
    leaf, trust = authority.issue(NAME), trusting(tmp_path, authority.path)

    def denied(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(NotObserved) as caught:
        handshake(leaf, trust)
    assert caught.value.unavailable.reason == "file-unreadable"
    assert str(caught.value.unavailable.params["path"]).endswith("0.crt")


LONE = "missing key ca.key for client certificate ca.cert. CA certificates must use the extension .crt"


def test_a_folder_that_docker_refuses_is_told(tmp_path: Path) -> None:
    """The right CA lies beside it, and docker does not even call."""
    authority = TestAuthority(tmp_path / "ca")
    trust = trusting(tmp_path, authority.path)
    (tmp_path / "certs.d" / NAME / "ca.cert").write_bytes(authority.path.read_bytes())
    found = handshake(authority.issue(NAME), trust)
    assert (found.trusted, found.refusal) == (True, LONE)


def names(folder: Path, trust: Trust, *, typed: int = 443, name: str = NAME) -> list[str]:
    """The folders of certs.d in which a CA counts, for a registry behind port 20443 of this machine."""
    return [
        str(path.parent.relative_to(folder)) for path in trust.authorities(Address(name, typed, "127.0.0.1", 20443))
    ]


def test_a_ca_counts_where_docker_looks_for_it(tmp_path: Path) -> None:
    """Under the name as it is typed: with its port where that is not 443, or where the student logged in so."""
    called = (NAME, f"{NAME}:443", f"{NAME}:8443", f"{NAME}:20443", "localhost", "localhost:8443", "localhost:20443")
    for each in called:
        for docker in ("lab", "daemon"):
            (tmp_path / docker / each).mkdir(parents=True)
            (tmp_path / docker / each / "ca.crt").touch()
    lab, daemon = tmp_path / "lab", tmp_path / "daemon"
    assert names(lab, Trust((lab,))) == [NAME]
    assert names(lab, Trust((lab,)), typed=8443) == [f"{NAME}:8443"]
    assert names(lab, Trust((lab,), logins=frozenset({f"{NAME}:443"}))) == [NAME, f"{NAME}:443"]
    assert names(lab, Trust((lab,)), name="localhost", typed=8443) == ["localhost", "localhost:8443", "localhost:20443"]
    assert names(daemon, Trust((), daemon)) == [NAME, "localhost", "localhost:20443"]
    assert names(daemon, Trust((), daemon), typed=8443) == [
        f"{NAME}:8443",
        "localhost",
        "localhost:8443",
        "localhost:20443",
    ]


@pytest.mark.parametrize(
    ("leads", "refused"),
    [("127.0.0.1", False), ("::1", False), (None, False), ("198.51.100.7", True)],
)
def test_the_daemon_looks_where_a_name_leads_away(
    leads: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, refused: bool
) -> None:
    """What leads to loopback Docker's daemon verifies as little as ``localhost``, and looks into no folder."""

    def resolve(*_: object) -> list[tuple[object, ...]]:
        if leads is None:
            raise socket.gaierror
        return [(0, 0, 0, "", (leads, 0))]

    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "ca.cert").touch()
    (tmp_path / "localhost").mkdir()
    (tmp_path / "localhost" / "ca.cert").touch()
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert Trust((), tmp_path).refusal(address(20443)) == (LONE if refused else None)
    assert Trust((tmp_path,)).refusal(address(20443)) == LONE
    assert Trust((tmp_path,)).refusal(Address("localhost", 443, "127.0.0.1", 20443)) is None


def test_the_certificate_that_is_shown_can_be_held_on_to(tmp_path: Path) -> None:
    """By its SHA-256, the handshake's own."""
    leaf = TestAuthority(tmp_path / "ca").issue(NAME)
    with server(leaf) as port:
        assert shown_certificate(address(port)) == HandshakeProbe(address(port), Trust()).read().chain[0].sha256
    with Talk(b"") as talk, pytest.raises(NotObserved) as caught:
        shown_certificate(address(talk.port))
    assert caught.value.unavailable.reason == "not-tls"
