"""The lab's CA and the certificates that it signs."""

import socket
import ssl
import stat
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from labs.stack import authority

NAMES = ("ghcr.io", "localhost", "127.0.0.1")


def serve_once(certificate: Path, key: Path) -> tuple[int, threading.Thread]:
    """A TLS server for one handshake; its port and its thread."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with listener:
            connection, _ = listener.accept()
            with connection:
                try:
                    context.wrap_socket(connection, server_side=True).close()
                except OSError:
                    return  # the client refused: that is the test's affair

    thread = threading.Thread(target=accept)
    thread.start()
    return int(listener.getsockname()[1]), thread


def shake_hands(certificate: Path, key: Path, ca: Path, name: str) -> None:
    """A client that trusts ``ca`` connects for ``name``. Raises ssl.SSLCertVerificationError."""
    port, thread = serve_once(certificate, key)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            ssl.create_default_context(cafile=ca).wrap_socket(connection, server_hostname=name).close()
    finally:
        thread.join()


@pytest.mark.parametrize("name", NAMES)
def test_a_client_that_trusts_the_ca_is_content(tmp_path: Path, name: str) -> None:
    """OpenSSL accepts the certificate for each of its names."""
    ca = authority.ensure_authority(tmp_path / "ca")
    certificate, key = authority.ensure_server(tmp_path / "tls", tmp_path / "ca", NAMES)
    shake_hands(certificate, key, ca, name)


def test_a_name_that_it_is_not_for_is_refused(tmp_path: Path) -> None:
    """The certificate is for its names and no other."""
    ca = authority.ensure_authority(tmp_path / "ca")
    certificate, key = authority.ensure_server(tmp_path / "tls", tmp_path / "ca", NAMES)
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shake_hands(certificate, key, ca, "docker.io")


def test_shape_of_the_certificate(tmp_path: Path) -> None:
    """CN is the first name, keys are EC P-256 in PKCS#8, unreadable by others, and it is valid now."""
    authority.ensure_authority(tmp_path / "ca")
    certificate, key = authority.ensure_server(tmp_path / "tls", tmp_path / "ca", NAMES)
    found = x509.load_pem_x509_certificate(certificate.read_bytes())
    assert found.subject.rfc4514_string() == "CN=ghcr.io"
    public = found.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    assert public.curve.name == "secp256r1"
    assert key.read_text().startswith("-----BEGIN PRIVATE KEY-----")
    for path in (key, tmp_path / "ca" / "ca.key"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert found.not_valid_before_utc < datetime.now(UTC) < found.not_valid_after_utc


def test_made_once(tmp_path: Path) -> None:
    """What is still good is not made again: clients hold on to it."""
    ca = authority.ensure_authority(tmp_path / "ca").read_bytes()
    server = authority.ensure_server(tmp_path / "tls", tmp_path / "ca", NAMES)[0].read_bytes()
    assert authority.ensure_authority(tmp_path / "ca").read_bytes() == ca
    assert authority.ensure_server(tmp_path / "tls", tmp_path / "ca", NAMES)[0].read_bytes() == server


@pytest.mark.parametrize("victim", ["ca.crt", "ca.key"])
@pytest.mark.parametrize("content", [None, b"", b"rubbish"])
def test_a_damaged_ca_is_made_anew_and_the_server_follows(tmp_path: Path, victim: str, content: bytes | None) -> None:
    """A missing, empty or garbled half of the CA's pair heals, and so does all that it had signed."""
    authority.ensure_authority(tmp_path / "ca")
    authority.ensure_server(tmp_path / "tls", tmp_path / "ca", NAMES)
    path = tmp_path / "ca" / victim
    path.unlink() if content is None else path.write_bytes(content)
    ca = authority.ensure_authority(tmp_path / "ca")
    shake_hands(*authority.ensure_server(tmp_path / "tls", tmp_path / "ca", NAMES), ca, "ghcr.io")


def test_other_names_need_another_certificate(tmp_path: Path) -> None:
    """A certificate for fewer names than asked is replaced."""
    ca = authority.ensure_authority(tmp_path / "ca")
    authority.ensure_server(tmp_path / "tls", tmp_path / "ca", ("localhost",))
    shake_hands(*authority.ensure_server(tmp_path / "tls", tmp_path / "ca", NAMES), ca, "ghcr.io")


def test_a_certificate_near_its_end_is_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lab that is opened again next year serves a fresh certificate."""
    authority.ensure_authority(tmp_path / "ca")
    first = authority.ensure_server(tmp_path / "tls", tmp_path / "ca", NAMES)[0].read_bytes()
    monkeypatch.setattr(authority, "RENEW_BEFORE", authority.SERVER_LIFETIME)
    assert authority.ensure_server(tmp_path / "tls", tmp_path / "ca", NAMES)[0].read_bytes() != first
