"""The files that a configuration names are opened before anything is served."""

import datetime as dt
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.unit.pyregistry.config.conftest import MINIMAL, Complaint, Loader


def write_pair(folder: Path, name: str, password: bytes | None = None) -> tuple[Path, Path]:
    """A key and a certificate for it, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(start).not_valid_after(start + dt.timedelta(days=3650))
    certificate = builder.sign(key, hashes.SHA256())
    protection = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    key_path, certificate_path = folder / f"{name}.key", folder / f"{name}.crt"
    key_path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection))
    certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return certificate_path, key_path


def with_tls(certificate: Path, key: Path, more: str = "") -> str:
    """A configuration with TLS; the file names stand in line 5."""
    return (
        "version: 0.1\nstorage: inmemory\nhttp:\n  secret: s\n"
        f"  tls: {{certificate: {certificate}, key: {key}{more}}}\n"
    )


def test_a_pair_that_belongs_together_is_good(configure: Loader, tmp_path: Path) -> None:
    """Nothing is said of a certificate, its key and a client CA."""
    certificate, key = write_pair(tmp_path, "server")
    assert configure(with_tls(certificate, key, f", clientcas: [{certificate}]"), files_too=True).http.tls is not None


def test_a_key_of_another_certificate_is_a_mistake(complaints: Complaint, tmp_path: Path) -> None:
    """The pair is tried out, not only looked at."""
    certificate, _ = write_pair(tmp_path, "one")
    _, key = write_pair(tmp_path, "two")
    (said,) = complaints(with_tls(certificate, key), files_too=True)
    assert said.startswith(f"line 5: http.tls.key: {key} and {certificate} are no PEM pair")
    assert "mismatch" in said


def test_an_encrypted_key_is_a_mistake_and_asks_nobody(complaints: Complaint, tmp_path: Path) -> None:
    """OpenSSL would wait for a password at the terminal."""
    certificate, key = write_pair(tmp_path, "locked", b"secret")
    (said,) = complaints(with_tls(certificate, key), files_too=True)
    assert "the key is encrypted" in said


def test_missing_unreadable_and_garbled_files_are_named(complaints: Complaint, tmp_path: Path) -> None:
    """Each with the key of the configuration that names it."""
    certificate, key = write_pair(tmp_path, "server")
    garbled = tmp_path / "garbled"
    garbled.write_text("no PEM", encoding="utf-8")
    (said,) = complaints(with_tls(certificate, tmp_path / "nowhere"), files_too=True)
    assert said == f"line 5: http.tls.key: open {tmp_path / 'nowhere'}: no such file or directory"
    (said,) = complaints(with_tls(tmp_path, key), files_too=True)
    assert said == f"line 5: http.tls.certificate: open {tmp_path}: is a directory"
    (said,) = complaints(with_tls(garbled, key), files_too=True)
    assert "are no PEM pair" in said
    (said,) = complaints(with_tls(certificate, key, f", clientcas: [{garbled}]"), files_too=True)
    assert f"http.tls.clientcas: {garbled} holds no PEM certificate" in said


def test_a_password_file_is_read_too(complaints: Complaint, configure: Loader, tmp_path: Path) -> None:
    """A line without a colon is a mistake, in registry:2's words; a missing file will be provisioned."""
    path = tmp_path / "htpasswd"
    text = f"{MINIMAL}auth: {{htpasswd: {{realm: r, path: {path}}}}}\n"
    assert configure(text, files_too=True).auth is not None
    path.write_text("# users\nalice\n", encoding="utf-8")
    assert complaints(text, files_too=True) == [
        f"line 4: auth.htpasswd.path: {path}: htpasswd: invalid entry at line 2"
    ]


def test_a_token_servers_keys_are_read_too(complaints: Complaint, configure: Loader, tmp_path: Path) -> None:
    """Certificates and key sets that hold no key, or cannot be read, are said with their reason."""
    certificate, _ = write_pair(tmp_path, "signer")
    bundle, jwks = tmp_path / "bundle.pem", tmp_path / "keys.json"
    token = f"realm: r, service: s, issuer: i, rootcertbundle: {bundle}, jwks: {jwks}"
    text = f"{MINIMAL}auth: {{token: {{{token}}}}}\n"
    bundle.write_text("no PEM", encoding="utf-8")
    jwks.write_text('{"keys": []}', encoding="utf-8")
    first, second = complaints(text, files_too=True)
    assert first.startswith(f"line 4: auth.token.rootcertbundle: {bundle}: expected PEM certificates")
    assert second == f"line 4: auth.token.jwks: {jwks}: token auth requires at least one token signing key"
    jwks.unlink()
    bundle.write_bytes(certificate.read_bytes())
    assert complaints(text, files_too=True) == [f"line 4: auth.token.jwks: open {jwks}: no such file or directory"]
    jwks.write_text('{"keys": [{"kty": "oct", "kid": "a", "k": "AAAA"}]}', encoding="utf-8")
    assert configure(text, files_too=True).auth is not None


def test_files_are_left_alone_unless_asked_for(configure: Loader, tmp_path: Path) -> None:
    """Whoever only administers accounts need not be able to read the key."""
    assert configure(with_tls(tmp_path / "no.crt", tmp_path / "no.key")).http.tls is not None
