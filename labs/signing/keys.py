"""Key pairs in cosign's files: ``cosign.key``, encrypted with a password, and ``cosign.pub``. Pure.

    -----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----      (older: ENCRYPTED COSIGN PRIVATE KEY)
    base64 of {"kdf":{"name":"scrypt","params":{"N":65536,"r":8,"p":1},"salt":…},
               "cipher":{"name":"nacl/secretbox","nonce":…},"ciphertext":…}
    -----END ENCRYPTED SIGSTORE PRIVATE KEY-----

The plaintext is the key in PKCS #8. cosign makes ECDSA keys on P-256; imported ones may be RSA or Ed25519. Faults are
told in cosign's words. Source: github.com/secure-systems-lab/go-securesystemslib, package encrypted.
"""

import base64
import binascii
import hashlib
import re
import secrets
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_pem_public_key,
)
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from labs.gojson import JsonInvalid, bytes_in, format_bytes, format_json, object_in, parse_json

SIGSTORE_PRIVATE = "ENCRYPTED SIGSTORE PRIVATE KEY"
COSIGN_PRIVATE = "ENCRYPTED COSIGN PRIVATE KEY"
PUBLIC = "PUBLIC KEY"
RSA_PUBLIC = "RSA PUBLIC KEY"

SCRYPT_COST = 65536
"""``N`` of the keys that are made, as cosign has it since 2.0; with ``r`` = 8 it takes 64 MiB."""
SCRYPT_COSTS = frozenset({32768, SCRYPT_COST})
"""``N`` that are opened: cosign's own and that of its first version. A file that asks for more asks for our memory."""
_SCRYPT_BLOCK_SIZE = 8
_SCRYPT_PARALLELIZATION = 1
_SALT_SIZE = 32
_LINE_LENGTH = 64
"""Characters of base64 a line, as in every PEM file."""
_COORDINATE_MAX_SIZE = 66
"""Bytes of ``r`` or ``s`` on the largest curve, P-521."""
_SHA256 = hashes.SHA256()

# block ::= "-----BEGIN " label "-----" newline base64-lines "-----END " label "-----"
_PEM = re.compile(rb"-----BEGIN (?P<label>[A-Z0-9 ]+)-----\s(?P<text>[A-Za-z0-9+/=\s]*)-----END (?P=label)-----")


class KeyInvalid(ValueError):
    """The text is no key that can be used. The message is cosign's."""


class SignatureWrong(ValueError):
    """The signature was not made with this key over these bytes. The message is cosign's."""


_Verifier = Callable[[bytes, bytes], None]
"""Takes signature and message; raises SignatureWrong or InvalidSignature."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Who signed is proven with it. Make one with ``PublicKey.parse``; ``der`` is its SubjectPublicKeyInfo."""

    der: bytes
    _verify: _Verifier

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """Read ``cosign.pub``.

        Raises:
            KeyInvalid: It is no public key in PEM, or of a kind that cosign does not use.
        """
        label, _ = _parse_pem(text, "pem to public key: PEM decoding failed")
        if label not in {PUBLIC, RSA_PUBLIC}:
            asked = "Are you passing the correct public key?"
            raise KeyInvalid(f"pem to public key: unknown Public key PEM file type: {label}. {asked}")
        try:
            key = load_pem_public_key(text)
        except ValueError as exc:
            raise KeyInvalid(f"pem to public key: {exc}") from exc
        return cls.of(key)

    @classmethod
    def of(cls, key: object) -> Self:
        """The public key that cryptography holds.

        Raises:
            KeyInvalid: Of a kind that cosign does not use.
        """
        verify: _Verifier
        if isinstance(key, ec.EllipticCurvePublicKey):
            verify = _verify_ecdsa(key)
        elif isinstance(key, rsa.RSAPublicKey):
            verify = _verify_rsa(key)
        elif isinstance(key, ed25519.Ed25519PublicKey):
            verify = key.verify
        else:
            raise KeyInvalid(f"unsupported key type: {type(key).__name__}")
        return cls(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), verify)

    def format(self) -> bytes:
        """The text of ``cosign.pub``."""
        return _format_pem(PUBLIC, self.der)

    @property
    def hint(self) -> str:
        """How a Sigstore bundle names a key: base64 of the SHA-256 of its DER. A hint, never a proof."""
        return format_bytes(hashlib.sha256(self.der).digest())

    def verify(self, signature: bytes, message: bytes) -> None:
        """Prove that the owner of the private key signed these bytes.

        Raises:
            SignatureWrong: Nobody did, or somebody else.
        """
        try:
            self._verify(signature, message)
        except InvalidSignature as exc:
            raise SignatureWrong("failed to verify signature") from exc


class PrivateKey:
    """Signs. Make one with ``PrivateKey.generate`` or ``PrivateKey.parse``; nothing of it is ever shown."""

    def __init__(self, key: "ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey") -> None:
        self._key = key
        self.public = PublicKey.of(key.public_key())

    @classmethod
    def generate(cls) -> Self:
        """A new key as cosign makes it: ECDSA on P-256."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def parse(cls, text: bytes, password: bytes) -> Self:
        """Read ``cosign.key``.

        Raises:
            KeyInvalid: It is no such file, or the password is another.
        """
        label, body = _parse_pem(text, "invalid pem block")
        if label not in {SIGSTORE_PRIVATE, COSIGN_PRIVATE}:
            raise KeyInvalid(f"unsupported pem type: {label}")
        plain = _decrypt(body, password)
        try:
            key = load_der_private_key(plain, None)
        except ValueError as exc:
            raise KeyInvalid(f"parsing private key: {exc}") from exc
        if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey):
            raise KeyInvalid("unsupported key type")
        return cls(key)

    def format(self, password: bytes) -> bytes:
        """The text of ``cosign.key``, encrypted anew each time."""
        plain = self._key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        salt = secrets.token_bytes(_SALT_SIZE)
        box = SecretBox(_derive(password, salt, SCRYPT_COST)).encrypt(plain)
        parameters = {"N": SCRYPT_COST, "r": _SCRYPT_BLOCK_SIZE, "p": _SCRYPT_PARALLELIZATION}
        document = {
            "kdf": {"name": "scrypt", "params": parameters, "salt": format_bytes(salt)},
            "cipher": {"name": "nacl/secretbox", "nonce": format_bytes(box.nonce)},
            "ciphertext": format_bytes(box.ciphertext),
        }
        return _format_pem(SIGSTORE_PRIVATE, format_json(document))

    def sign(self, message: bytes) -> bytes:
        """Sign: ECDSA and RSA (PKCS #1 v1.5) over the SHA-256 of the message, Ed25519 over the message."""
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            return self._key.sign(message, ec.ECDSA(_SHA256))
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(message, padding.PKCS1v15(), _SHA256)
        return self._key.sign(message)


def _verify_ecdsa(key: ec.EllipticCurvePublicKey) -> _Verifier:
    def verify(signature: bytes, message: bytes) -> None:
        encoding, der = "ASN.1", signature
        try:
            decode_dss_signature(signature)
        except ValueError:
            encoding, der = "IEEE_P1363", _from_halves(signature)
        try:
            key.verify(der, message, ec.ECDSA(_SHA256))
        except InvalidSignature as exc:
            raise SignatureWrong(f"invalid signature when validating {encoding} encoded signature") from exc

    return verify


def _from_halves(signature: bytes) -> bytes:
    """As DER, a signature that is ``r`` and ``s`` side by side: some hardware signs so, and cosign takes it."""
    size, odd = divmod(len(signature), 2)
    if not 0 < size <= _COORDINATE_MAX_SIZE or odd:
        raise SignatureWrong("ecdsa: Invalid IEEE_P1363 encoded bytes")
    return encode_dss_signature(int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big"))


def _verify_rsa(key: rsa.RSAPublicKey) -> _Verifier:
    def verify(signature: bytes, message: bytes) -> None:
        try:
            key.verify(signature, message, padding.PKCS1v15(), _SHA256)
        except InvalidSignature as exc:
            raise SignatureWrong("crypto/rsa: verification error") from exc

    return verify


def _parse_pem(text: bytes, fault: str) -> tuple[str, bytes]:
    """The first block of a PEM file: its label and its content."""
    match = _PEM.search(text)
    try:
        if match:
            return match["label"].decode(), base64.b64decode(b"".join(match["text"].split()), validate=True)
    except binascii.Error as exc:
        raise KeyInvalid(fault) from exc
    raise KeyInvalid(fault)


def _format_pem(label: str, content: bytes) -> bytes:
    lines = textwrap.wrap(format_bytes(content), _LINE_LENGTH)
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]).encode()


def _decrypt(body: bytes, password: bytes) -> bytes:
    """The plaintext of an encrypted key.

    Raises:
        KeyInvalid: It was encrypted in another way, or with another password.
    """
    try:
        document = parse_json(body)
        kdf, cipher = object_in(document, "kdf"), object_in(document, "cipher")
        cost, salt = _cost(kdf, cipher), bytes_in(kdf, "salt")
        ciphertext, nonce = bytes_in(document, "ciphertext"), bytes_in(cipher, "nonce")
    except JsonInvalid as exc:
        raise KeyInvalid(f"decrypt: {exc}") from exc
    try:
        return SecretBox(_derive(password, salt, cost)).decrypt(ciphertext, nonce)
    except (CryptoError, ValueError) as exc:
        raise KeyInvalid("decrypt: encrypted: decryption failed") from exc


def _cost(kdf: Mapping[str, object], cipher: Mapping[str, object]) -> int:
    """The ``N`` of scrypt, when all else is as cosign does it."""
    if kdf.get("name") != "scrypt":
        raise KeyInvalid(f'decrypt: encrypted: unknown kdf name "{kdf.get("name")}"')
    if cipher.get("name") != "nacl/secretbox":
        raise KeyInvalid(f'decrypt: encrypted: unknown cipher name "{cipher.get("name")}"')
    parameters = object_in(kdf, "params")
    cost, fixed = parameters.get("N"), (parameters.get("r"), parameters.get("p"))
    if not isinstance(cost, int) or cost not in SCRYPT_COSTS or fixed != (_SCRYPT_BLOCK_SIZE, _SCRYPT_PARALLELIZATION):
        raise KeyInvalid("decrypt: unsupported scrypt parameters")
    return cost


def _derive(password: bytes, salt: bytes, cost: int) -> bytes:
    scrypt = Scrypt(salt, SecretBox.KEY_SIZE, cost, _SCRYPT_BLOCK_SIZE, _SCRYPT_PARALLELIZATION)
    return scrypt.derive(password)
