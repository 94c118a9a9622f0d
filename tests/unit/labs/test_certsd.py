"""Docker's folder of trust: what Docker 28 and 26 believe and refuse, in their words (tests/clients/test_tls.py)."""

import os
import ssl
from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from labs import certsd
from tests.fakes.certificates import TestAuthority

NAME = "registry.example.com"
BROKEN = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


@pytest.fixture
def authority(tmp_path: Path) -> TestAuthority:
    """A CA, of which a file is put into the folder."""
    return TestAuthority(tmp_path / "ca")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of one registry."""
    path = tmp_path / "certs.d" / NAME
    path.mkdir(parents=True)
    return path


def believed(folder: Path) -> int:
    """How many certificates TLS believes after the folder was read."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    found = [certsd.believe(context, path) for path in certsd.authorities(folder)]
    count = len(context.get_ca_certs())
    assert any(found) is bool(count)
    return count


def files(authority: TestAuthority, other: TestAuthority) -> Mapping[str, tuple[bytes, int]]:
    """Contents of ``ca.crt``, and how many certificates of CAs Docker finds in them."""
    right = authority.path.read_bytes()
    key = Path(authority.issue(NAME).key).read_bytes()
    der = x509.load_pem_x509_certificate(right).public_bytes(Encoding.DER)
    return {
        "right": (right, 1),
        "two": (right + other.path.read_bytes(), 2),
        "text before": (b"Certificate:\n    Data:\n" + right, 1),
        "carriage returns": (right.replace(b"\n", b"\r\n"), 1),
        "a broken one first": (BROKEN + right, 1),
        "with its key": (key + right, 1),
        "a key": (key, 0),
        "garbage": (b"no certificate\n", 0),
        "no base64": (BROKEN.replace(b"AAAA", b"A"), 0),
        "nothing in it": (BROKEN.replace(b"AAAA\n", b""), 0),
        "empty": (b"", 0),
        "DER": (der, 0),
        "byte order mark": (b"\xef\xbb\xbf" + right, 0),
        "headers": (right.replace(b"-----\n", b"-----\nProc-Type: 4,ENCRYPTED\n\n", 1), 0),
    }


CONTENTS = (
    "right",
    "two",
    "text before",
    "carriage returns",
    "a broken one first",
    "with its key",
    "a key",
    "garbage",
    "no base64",
    "nothing in it",
    "empty",
    "DER",
    "byte order mark",
    "headers",
)


@pytest.mark.parametrize("content", CONTENTS)
def test_what_docker_believes_of_a_file(content: str, authority: TestAuthority, folder: Path, tmp_path: Path) -> None:
    """Every certificate that PEM holds, and of a file without any it says nothing."""
    written, expected = files(authority, TestAuthority(tmp_path / "other"))[content]
    (folder / "ca.crt").write_bytes(written)
    certsd.check(folder)
    assert believed(folder) == expected


def test_only_crt_is_a_ca(authority: TestAuthority, folder: Path) -> None:
    """Neither ``.pem`` nor ``.CRT``; a folder that is not there holds none."""
    for name in ("ca.pem", "CA.CRT"):
        (folder / name).write_bytes(authority.path.read_bytes())
    certsd.check(folder)
    certsd.check(folder / "absent")
    assert believed(folder) == believed(folder / "absent") == 0


LONE = "CA certificates must use the extension .crt"
REFUSALS = {
    "a CA called .cert": (("ca.cert",), f"missing key ca.key for client certificate ca.cert. {LONE}"),
    "two": (("b.cert", "a.cert"), f"missing key a.key for client certificate a.cert. {LONE}"),
    "a key alone": (("client.key",), "missing client certificate client.cert for key client.key"),
    "garbage for both": (
        ("client.cert=junk", "client.key=junk"),
        "tls: failed to find any PEM data in certificate input",
    ),
    "garbage for a key": (("client.cert", "client.key=junk"), "tls: failed to find any PEM data in key input"),
    "another's key": (("client.cert=ca", "client.key"), "tls: private key does not match public key"),
    "a certificate for a key": (
        ("client.cert", "client.key=ca"),
        "tls: found a certificate rather than a key in the PEM for the private key",
    ),
    "switched": (
        ("client.cert=key", "client.key"),
        (
            "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may "
            "have been switched"
        ),
    ),
    "a key that is none": (("client.cert", "client.key=broken"), "tls: failed to parse private key"),
    "a request": (
        ("client.cert=request", "client.key"),
        (
            'tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the '
            "following types: [CERTIFICATE REQUEST]"
        ),
    ),
    "parameters": (
        ("client.cert", "client.key=request"),
        (
            'tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of '
            "the following types: [CERTIFICATE REQUEST]"
        ),
    ),
}
"""By fault what lies in the folder (a file's name, and what it holds where it is not what it says), and the words."""


@pytest.mark.parametrize("fault", REFUSALS)
def test_what_docker_refuses(fault: str, authority: TestAuthority, folder: Path) -> None:
    """All that is asked of the registry, whatever CA lies beside it."""
    leaf = authority.issue(NAME)
    contents = {
        "ca": authority.path.read_bytes(),
        "cert": Path(leaf.certificate).read_bytes(),
        "key": Path(leaf.key).read_bytes(),
        "junk": b"junk",
        "broken": b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "request": b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
    }
    lies, words = REFUSALS[fault]
    (folder / "ca.crt").write_bytes(contents["ca"])
    for each in lies:
        name, _, content = each.partition("=")
        (folder / name).write_bytes(contents[content or name.rpartition(".")[2]])
    with pytest.raises(certsd.FolderRefused) as caught:
        certsd.check(folder)
    assert (str(caught.value), caught.value.hidden) == (words, False)


def test_a_pair_is_shown(authority: TestAuthority, folder: Path) -> None:
    """A certificate with its key is a client's; nothing is refused."""
    leaf = authority.issue(NAME)
    (folder / "client.cert").write_bytes(Path(leaf.certificate).read_bytes())
    (folder / "client.key").write_bytes(Path(leaf.key).read_bytes())
    certsd.check(folder)
    certsd.show(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), folder)


def test_files_that_cannot_be_read_are_refused(folder: Path) -> None:
    """A link that leads nowhere, a folder called ``.crt``, a file in the folder's place: each by its path."""
    (folder / "ca.crt").symlink_to("/nowhere/ca.crt")
    assert refusal(folder) == f"open {folder / 'ca.crt'}: no such file or directory"
    (folder / "ca.crt").unlink()
    (folder / "ca.crt").mkdir()
    assert refusal(folder) == f"read {folder / 'ca.crt'}: is a directory"
    file = folder.parent / "other.example.com"
    file.touch()
    assert refusal(file) == f"open {file}: not a directory"


def refusal(folder: Path) -> str:
    """Why Docker would not work with a folder."""
    with pytest.raises(certsd.FolderRefused) as caught:
        certsd.check(folder)
    return str(caught.value)


def test_what_may_not_be_read_is_hidden(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Docker's daemon is root's, and might read it."""
    (folder / "ca.crt").touch(mode=0)
    if os.geteuid() == 0:  # whom modes do not keep out

        def denied(path: Path) -> bytes:
            raise PermissionError(13, "Permission denied", str(path))

        monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(certsd.FolderRefused, match="permission denied") as caught:
        certsd.check(folder)
    assert caught.value.hidden


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("[::1]", True),
        ("registry.localhost", False),
        ("198.51.100.7", False),
        ("ghcr.io", False),
    ],
)
def test_what_is_loopback(host: str, *, expected: bool) -> None:
    """Names are judged as typed: only localhost and literals of this machine."""
    assert certsd.is_loopback(host) is expected
