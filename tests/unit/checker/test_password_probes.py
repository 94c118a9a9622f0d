"""Probes of the student's files: htpasswd by reader and scheme, private keys by mode, and no secret with them."""

import os
from pathlib import Path

import bcrypt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from checker.facts import (
    KeyFile,
    Kind,
    NotObserved,
    PasswordEntry,
    PasswordFile,
    Passwords,
    Presence,
    Stack,
    Unavailable,
)
from checker.probes.keys import KeysProbe
from checker.probes.passwords import PasswordsProbe, scheme
from checker.probes.surroundings import LocalFile, Surroundings
from labs.signing.keys import PrivateKey
from tests.fakes.certificates import TestAuthority

UP = Stack("compose", "tp2", up=True)
UNSEEN = Unavailable("stack-unseen", {"url": "https://x"})


def text(path: Path, content: str | bytes, mode: int = 0o600) -> LocalFile:
    """Write a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)
    return LocalFile(path)


# --- passwords


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        (bcrypt.hashpw(b"x", b"$2b$04$" + b"a" * 21 + b".").decode(), "bcrypt"),
        ("$2y$05$" + "a" * 53, "bcrypt"),
        ("$2a$10$" + "." * 53 + ":a comment", "bcrypt"),
        ("$2y$05$tooshort", "plain"),
        ("$apr1$salt$hash", "apr1"),
        ("{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "sha1"),
        ("{SSHA}abc", "ssha"),
        ("$1$salt$hash", "md5-crypt"),
        ("$5$salt$hash", "sha256-crypt"),
        ("$6$salt$hash", "sha512-crypt"),
        ("$y$j9T$salt$hash", "yescrypt"),
        ("rl0uE90.1s1b2", "crypt"),
        ("motdepasse_fort", "plain"),
        ("motdepassefor", "crypt"),
        ("", "plain"),
    ],
)
def test_how_a_password_is_kept_is_told_by_its_look(kept: str, expected: str) -> None:
    """As htpasswd and crypt(5) mark it; thirteen letters of crypt's alphabet may be a password too."""
    assert scheme(kept) == expected


def test_files_are_told_by_who_reads_them(tmp_path: Path) -> None:
    """Those of the stack, and one that lies about; comments and empty lines are no entries."""
    used = text(tmp_path / "auth" / "htpasswd", "# by hand\n\nada:$apr1$a$b\nbob:{SHA}x\n")
    own = text(tmp_path / "registry.htpasswd", "ada:$2y$05$" + "a" * 53)
    text(tmp_path / "old" / "htpasswd", "ada:plain\r\n")
    stack = Surroundings(UP, password_files={Kind.NGINX: (used,), Kind.REGISTRY: (own,)})
    assert PasswordsProbe(stack, tmp_path).read() == Passwords(
        (
            PasswordFile(used.path, "nginx", (PasswordEntry("ada", "apr1"), PasswordEntry("bob", "sha1"))),
            PasswordFile(own.path, "registry", (PasswordEntry("ada", "bcrypt"),)),
            PasswordFile(str(tmp_path / "old" / "htpasswd"), "nobody", (PasswordEntry("ada", "plain"),)),
        )
    )


def test_before_there_is_a_stack_nobody_reads_them(tmp_path: Path) -> None:
    """The folder is looked at all the same."""
    text(tmp_path / "auth" / "htpasswd", "ada:$2y$05$" + "a" * 53)
    found = PasswordsProbe(Surroundings(Stack("compose", None, up=False)), tmp_path).read()
    assert isinstance(found, Passwords)
    assert [file.reader for file in found.files] == ["nobody"]
    assert PasswordsProbe(Surroundings(UP), tmp_path / "nowhere").read() == Passwords(())


def test_behind_a_url_only_passwords_that_lie_there_are_known(tmp_path: Path) -> None:
    """Where none do, they are kept elsewhere, and nobody knows how."""
    unseen = Surroundings(UP, password_files=UNSEEN)
    assert PasswordsProbe(unseen, tmp_path).read() is UNSEEN
    text(tmp_path / "auth" / "htpasswd", "ada:plain")
    found = PasswordsProbe(unseen, tmp_path).read()
    assert isinstance(found, Passwords)
    assert [(file.reader, file.entries[0].scheme) for file in found.files] == [("nobody", "plain")]


@pytest.mark.parametrize(("lies", "presence"), [("nothing", Presence.NOTHING), ("folder", Presence.FOLDER)])
def test_a_file_that_is_none_is_told(tmp_path: Path, lies: str, presence: Presence) -> None:
    """What the stack looks for and does not find, or finds a folder instead, is the student's to mend."""
    path = tmp_path / "htpasswd"
    if lies == "folder":
        path.mkdir()
    stack = Surroundings(UP, password_files={Kind.NGINX: (LocalFile(path, "nginx:/etc/nginx/auth/htpasswd"),)})
    assert PasswordsProbe(stack, tmp_path / "work").read() == Passwords(
        (PasswordFile("nginx:/etc/nginx/auth/htpasswd", "nginx", (), presence),)
    )


def test_a_file_that_cannot_be_read_is_not_observed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No text, or not for our eyes: never "no passwords"."""
    path = tmp_path / "htpasswd"
    path.write_bytes(b"\xff\xfe")
    probe = PasswordsProbe(Surroundings(UP, password_files={Kind.NGINX: (LocalFile(path),)}), tmp_path / "work")
    with pytest.raises(NotObserved) as caught:
        probe.read()
    assert caught.value.unavailable.reason == "garbage"

    def denied(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(NotObserved) as caught:
        probe.read()
    assert caught.value.unavailable.reason == "file-unreadable"


def test_no_hash_leaves_the_probe(tmp_path: Path) -> None:
    """Neither in what is read nor in how it is shown."""
    file = text(tmp_path / "htpasswd", "ada:c4n4ry-s3cret")
    found = PasswordsProbe(Surroundings(UP, password_files={Kind.NGINX: (file,)}), tmp_path).read()
    assert "c4n4ry" not in repr(found)


# --- keys


def served(tmp_path: Path, *, key_mode: int = 0o600) -> Surroundings:
    """A stack that serves with a certificate and its key."""
    leaf = TestAuthority(tmp_path / "ca").issue("registry.example.com")
    certificate = text(tmp_path / "work" / "certs" / "fullchain.pem", Path(leaf.certificate).read_bytes(), 0o644)
    key = text(tmp_path / "work" / "certs" / "privkey.pem", Path(leaf.key).read_bytes(), key_mode)
    return Surroundings(UP, certificates=(certificate,), keys=(key,))


def test_a_key_is_told_with_its_mode_and_its_certificate(tmp_path: Path) -> None:
    """Those that the stack serves with, and the signing key beside them."""
    stack = served(tmp_path, key_mode=0o644)
    cosign = text(tmp_path / "work" / "cosign.key", PrivateKey.generate().format(b"secret"), 0o640)
    found = KeysProbe(stack, tmp_path / "work").read()
    assert not isinstance(found, Unavailable)
    path = str(tmp_path / "work" / "certs" / "privkey.pem")
    assert found.files == (KeyFile(path, 0o644, "tls", matches=True), KeyFile(cosign.path, 0o640, "cosign"))


def test_a_key_of_another_certificate_is_told(tmp_path: Path) -> None:
    """As nginx says before it ends."""
    stack = served(tmp_path)
    other = TestAuthority(tmp_path / "other").issue("registry.example.com")
    text(tmp_path / "work" / "certs" / "privkey.pem", Path(other.key).read_bytes())
    found = KeysProbe(stack, tmp_path / "work").read()
    assert not isinstance(found, Unavailable)
    assert [file.matches for file in found.files] == [False]


@pytest.mark.parametrize("password", [None, b"secret"])
def test_a_key_in_another_form_is_read_where_it_can_be(tmp_path: Path, password: bytes | None) -> None:
    """In the older form of OpenSSL; under a password nobody knows whether it matches."""
    stack = served(tmp_path)
    plain = Path(tmp_path / "work" / "certs" / "privkey.pem").read_bytes()
    key = serialization.load_pem_private_key(plain, None)
    kept = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    older = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, kept)
    text(tmp_path / "work" / "certs" / "privkey.pem", older)
    found = KeysProbe(stack, tmp_path / "work").read()
    assert not isinstance(found, Unavailable)
    assert [file.matches for file in found.files] == [None if password else True]


def test_before_there_is_a_stack_keys_lie_beside_certificates(tmp_path: Path) -> None:
    """A CA's own key in a folder without a certificate of its own is no TLS key; the certificate's is."""
    served(tmp_path)
    spare = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    text(tmp_path / "work" / "spare" / "ca.key", spare)
    found = KeysProbe(Surroundings(Stack("compose", None, up=False)), tmp_path / "work").read()
    assert not isinstance(found, Unavailable)
    assert [(Path(file.path).name, file.matches) for file in found.files] == [("privkey.pem", True)]


def test_behind_a_url_only_a_key_that_lies_there_is_known(tmp_path: Path) -> None:
    """Where none does, it lies elsewhere, and nobody knows who may read it."""
    served(tmp_path)
    unseen = Surroundings(UP, certificates=UNSEEN, keys=UNSEEN)
    found = KeysProbe(unseen, tmp_path / "work").read()
    assert not isinstance(found, Unavailable)
    assert [file.purpose for file in found.files] == ["tls"]
    assert KeysProbe(unseen, tmp_path / "nowhere").read() is UNSEEN


def test_a_key_of_the_stack_that_is_gone_is_not_observed(tmp_path: Path) -> None:
    """Its mode cannot be guessed; the path is named."""
    stack = served(tmp_path)
    (tmp_path / "work" / "certs" / "privkey.pem").unlink()
    with pytest.raises(NotObserved) as caught:
        KeysProbe(stack, tmp_path / "work").read()
    assert caught.value.unavailable.reason == "file-unreadable"
    assert str(caught.value.unavailable.params["path"]).endswith("privkey.pem")


KEY = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("fullchain.pem", "", ("certificate", "nothing")),
        ("fullchain.pem", KEY, ("certificate", "key")),
        ("fullchain.pem", "\x30\x82\x01", ("certificate", "other")),
        ("privkey.pem", " \n", ("key", "nothing")),
        ("privkey.pem", CERTIFICATE, ("key", "certificate")),
        ("privkey.pem", "\x30\x82\x01", ("key", "other")),
    ],
)
def test_a_file_that_holds_something_else_is_told(
    tmp_path: Path, file: str, content: str, told: tuple[str, str]
) -> None:
    """Empty, swapped, DER: no program takes it, and whose key it would be nobody asks any more."""
    stack, path = served(tmp_path), tmp_path / "work" / "certs" / file
    text(path, content)
    found = KeysProbe(stack, tmp_path / "work").read()
    assert not isinstance(found, Unavailable)
    assert found.unusable == {str(path): told}
    assert [each.matches for each in found.files if each.path.endswith("privkey.pem")] == [None]


def test_a_certificate_that_makes_no_sense_is_not_observed(tmp_path: Path) -> None:
    """It says that it is one: whether the key matches it, nobody knows. The file is named."""
    stack = served(tmp_path)
    text(tmp_path / "work" / "certs" / "fullchain.pem", CERTIFICATE)
    with pytest.raises(NotObserved) as caught:
        KeysProbe(stack, tmp_path / "work").read()
    assert caught.value.unavailable.reason == "garbage"
    assert str(caught.value.unavailable.params["source"]).endswith("fullchain.pem")


def test_the_registrys_store_is_not_looked_through(tmp_path: Path) -> None:
    """It is deep, may be large, and what is pushed into it is for another probe."""
    deep = tmp_path / "work" / "registry" / "docker" / "registry" / "v2" / "blobs" / "data"
    text(deep, PrivateKey.generate().format(b"secret"))
    found = KeysProbe(Surroundings(UP), tmp_path / "work").read()
    assert not isinstance(found, Unavailable)
    assert found.files == ()


def test_a_pipe_does_not_hold_the_grader(tmp_path: Path) -> None:
    """Whoever opens one waits for a writer."""
    os.mkfifo(tmp_path / "htpasswd")
    assert PasswordsProbe(Surroundings(UP), tmp_path).read() == Passwords(())
    with pytest.raises(NotObserved):
        LocalFile(tmp_path / "htpasswd").read()
