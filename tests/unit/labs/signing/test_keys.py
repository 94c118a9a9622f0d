"""Key files as cosign has them: ours open, others are refused with cosign's words, and nothing of them is shown."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from labs.signing.keys import SIGSTORE_PRIVATE, KeyInvalid, PrivateKey, PublicKey, SignatureWrong
from tests.unit.labs.signing.samples import VECTORS

ARE_YOU_SURE = "Are you passing the correct public key?"
COSIGN_KEY = (VECTORS / "2.5.key").read_bytes()
X25519 = x25519.X25519PrivateKey.generate().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
KINDS = {
    "P-256": ec.generate_private_key(ec.SECP256R1()),
    "P-384": ec.generate_private_key(ec.SECP384R1()),
    "RSA": rsa.generate_private_key(65537, 2048),
    "Ed25519": ed25519.Ed25519PrivateKey.generate(),
}


def document(text: bytes = COSIGN_KEY) -> dict[str, Any]:
    """The JSON inside a key file."""
    inside = json.loads(base64.b64decode(b"".join(text.splitlines()[1:-1])))
    assert isinstance(inside, dict)
    return inside


def pem(content: bytes, label: str = "ENCRYPTED SIGSTORE PRIVATE KEY") -> bytes:
    """A key file of its own."""
    return f"-----BEGIN {label}-----\n{base64.b64encode(content).decode()}\n-----END {label}-----\n".encode()


def changed(**changes: Mapping[str, object]) -> bytes:
    """The key file of cosign with other members."""
    inside = document()
    return pem(json.dumps({name: value | dict(changes.get(name, {})) if isinstance(value, dict) else value
                           for name, value in inside.items()}).encode())  # fmt: skip


def fault(text: bytes, password: bytes = b"pw") -> str:
    """Why a private key does not open."""
    with pytest.raises(KeyInvalid) as caught:
        PrivateKey.parse(text, password)
    return str(caught.value)


@settings(max_examples=5, deadline=None)
@given(st.binary(max_size=80), st.sampled_from(sorted(KINDS)))
def test_what_is_written_opens_again(password: bytes, kind: str) -> None:
    """Every kind of key, under every password, the empty one included; scrypt makes each a quarter of a second."""
    key = PrivateKey(KINDS[kind])
    again = PrivateKey.parse(key.format(password), password)
    again.public.verify(key.sign(b"text"), b"text")
    assert again.public.format() == key.public.format()


def test_the_file_is_cosign_s() -> None:
    """Label, lines of 64, the members and their order are cosign's; a second file shares neither salt nor nonce."""
    key = PrivateKey.generate()
    first, second = key.format(b"pw"), key.format(b"pw")
    lines = first.decode().splitlines()
    assert (lines[0], lines[-1]) == (COSIGN_KEY.decode().splitlines()[0], COSIGN_KEY.decode().splitlines()[-1])
    assert {len(line) for line in lines[1:-2]} == {64}
    ours, theirs = document(first), document()
    assert list(ours) == list(theirs)
    assert list(ours["kdf"]) == list(theirs["kdf"])
    assert ours["kdf"]["params"] == theirs["kdf"]["params"]
    assert {len(ours["kdf"]["salt"]), len(ours["cipher"]["nonce"])} == {44, 32}
    for part, member in (("kdf", "salt"), ("cipher", "nonce")):
        assert document(first)[part][member] != document(second)[part][member]


def test_the_older_label_opens() -> None:
    """Cosign before 1.12 wrote its own name."""
    older = COSIGN_KEY.replace(b"ENCRYPTED SIGSTORE", b"ENCRYPTED COSIGN")
    assert PrivateKey.parse(older, b"pw").public.format() == (VECTORS / "2.5.key.pub").read_bytes()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"junk\n", "invalid pem block"),
        (b"", "invalid pem block"),
        (COSIGN_KEY.replace(b"-----END", b"----END"), "invalid pem block"),
        ((VECTORS / "2.5.pub").read_bytes(), "unsupported pem type: PUBLIC KEY"),
        (pem(b"x", "PRIVATE KEY"), "unsupported pem type: PRIVATE KEY"),
        (changed(kdf={"name": "x"}), 'decrypt: encrypted: unknown kdf name "x"'),
        (changed(cipher={"name": "x"}), 'decrypt: encrypted: unknown cipher name "x"'),
        (changed(kdf={"params": {"N": 1 << 30, "r": 8, "p": 1}}), "decrypt: unsupported scrypt parameters"),
        (changed(kdf={"params": {"N": 65536.0, "r": 8, "p": 1}}), "decrypt: unsupported scrypt parameters"),
        (changed(kdf={"params": {"N": 65536, "r": 1 << 20, "p": 1}}), "decrypt: unsupported scrypt parameters"),
        (changed(cipher={"nonce": "AAAA"}), "decrypt: encrypted: decryption failed"),
        (changed(kdf={"salt": "AAAA"}), "decrypt: encrypted: decryption failed"),
        (changed(kdf={"salt": "!"}), "decrypt: expected base64 under salt"),
        (pem(b"{nope"), "decrypt: expected JSON"),
        (pem(b"[]"), "decrypt: expected a JSON object"),
    ],
)
def test_other_files_are_refused_in_cosign_s_words(text: bytes, message: str) -> None:
    """Where cosign has words for it; a file that asks scrypt for gigabytes is not obeyed."""
    assert fault(text).startswith(message)


def test_another_password_does_not_open() -> None:
    """Cosign's words, and nothing about which password it was."""
    assert fault(COSIGN_KEY, b"PW") == "decrypt: encrypted: decryption failed"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"junk", "pem to public key: PEM decoding failed"),
        (
            COSIGN_KEY,
            f"pem to public key: unknown Public key PEM file type: {SIGSTORE_PRIVATE}. {ARE_YOU_SURE}",
        ),
        (pem(b"x", "PUBLIC KEY"), "pem to public key: "),
        (
            X25519,
            "unsupported key type",
        ),
    ],
)
def test_other_public_keys_are_refused_in_cosign_s_words(text: bytes, message: str) -> None:
    """A private key in its place is named as such."""
    with pytest.raises(KeyInvalid) as caught:
        PublicKey.parse(text)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_only_the_signed_text_holds(kind: str) -> None:
    """Another text, another key and another signature are refused, for every kind of key."""
    key, other = PrivateKey(KINDS[kind]), PrivateKey.generate()
    signature = key.sign(b"text")
    key.public.verify(signature, b"text")
    for verifier, sealed, text in (
        (key.public, signature, b"texT"),
        (other.public, signature, b"text"),
        (key.public, b"", b"text"),
        (key.public, other.sign(b"text"), b"text"),
    ):
        with pytest.raises(SignatureWrong):
            verifier.verify(sealed, text)


@pytest.mark.parametrize("kind", ["P-256", "P-384"])
def test_two_halves_are_a_signature_too(kind: str) -> None:
    """As some hardware encodes it, and cosign accepts it: r and s side by side."""
    key = PrivateKey(KINDS[kind])
    size = 32 if kind == "P-256" else 48
    r, s = decode_dss_signature(key.sign(b"text"))
    halves = r.to_bytes(size, "big") + s.to_bytes(size, "big")
    key.public.verify(halves, b"text")
    for wrong, message in ((halves[:-1], "ecdsa: Invalid"), (halves[size:] + halves[:size], "validating IEEE_P1363")):
        with pytest.raises(SignatureWrong, match=message):
            key.public.verify(wrong, b"text")


def test_a_private_key_shows_nothing_of_itself() -> None:
    """Neither its representation nor a fault holds a part of the key or the password."""
    key = PrivateKey.generate()
    assert "PrivateKey object at" in repr(key)
    assert "pass-canary" not in fault(COSIGN_KEY, b"pass-canary")
