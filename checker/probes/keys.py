"""Private keys on disk: who may read them, and whether the served certificate is theirs. No key leaves this module."""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
)

from checker.facts import KeyFile, Keys, NotObserved, Source, Unavailable
from checker.probes import DEADLINE_SECONDS
from checker.probes.surroundings import LocalFile, StackFile, Surroundings

COSIGN_KEY = "cosign.key"
_SMALL_BYTES = 1 << 16
"""A key's file has some kilobytes; larger files of the student's folder are not looked into."""
_MAX_DEPTH = 4
"""Folders below the student's in which a key may lie: the registry's store beside it is deep, and holds none."""

# pem ::= "-----BEGIN " label "-----" [ headers ] base64 "-----END " label "-----"   (RFC 7468 §3; headers: RFC 1421)
PRIVATE_KEY = re.compile(
    rb"-----BEGIN (?P<label>(?:[A-Z0-9]+ )*PRIVATE KEY)-----\s[\w+/=:,.\s-]{40,20000}?-----END (?P=label)-----"
)
_KEY = re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----")
_CERTIFICATE = re.compile(rb"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----")
_COSIGN = re.compile(rb"ENCRYPTED (?:SIGSTORE|COSIGN) PRIVATE KEY")


@dataclass(frozen=True, slots=True)
class KeysProbe:
    """Looks at the keys that the stack serves with, and at those that lie in the student's folder.

    Attributes:
        work: The student's folder.
    """

    stack: Surroundings
    work: Path
    deadline_seconds: float = DEADLINE_SECONDS
    source: Source = Source.KEYS

    def read(self) -> Keys | Unavailable:
        """The files.

        Where the stack cannot be looked into, a key that lies in the folder counts for what it is beside: its
        certificate. Where none does, its key lies elsewhere, and nobody knows who may read it.

        Raises:
            NotObserved: A file of the stack cannot be read.
        """
        served, lying = self.stack.keys, list(self._lying_about())
        seen = () if isinstance(served, Unavailable) else served
        known = {Path(file.path).resolve() for file in seen}
        shown = () if isinstance(self.stack.certificates, Unavailable) else self.stack.certificates
        unusable = {**_lacking(shown, _CERTIFICATE, "certificate"), **_lacking(seen, _KEY, "key")}
        certified = _public_keys(file for file in shown if file.path not in unusable)
        found = [_tls(file, certified) for file in seen]
        for path in (path for path in lying if path.resolve() not in known):
            file = LocalFile(path)
            if _COSIGN.search(file.read()):
                found.append(KeyFile(file.path, file.mode(), "cosign"))
            elif not seen and (beside := _beside(path)):
                found.append(_tls(file, beside))
        if isinstance(served, Unavailable) and not any(each.purpose == "tls" for each in found):
            return served
        return Keys(tuple(found), unusable)

    def _lying_about(self) -> Iterable[Path]:
        """Private keys in the student's folder, whatever they are called."""
        for path in sorted(_files(self.work, _MAX_DEPTH)):
            if PRIVATE_KEY.search(_head(path)):
                yield path


def _tls(file: StackFile, certified: Sequence[bytes]) -> KeyFile:
    """A key that TLS is served with; unread, or without a certificate, it matches nobody knows what."""
    try:
        public = _public_of(file.read())
    except NotObserved:
        public = None
    return KeyFile(file.path, file.mode(), "tls", public in certified if certified and public else None)


def _lacking(files: Iterable[StackFile], wanted: re.Pattern[bytes], name: str) -> dict[str, tuple[str, str]]:
    """Files without what they should hold, with what they do; those that cannot be read are others' to tell of."""
    found = {}
    for file in files:
        with suppress(NotObserved):
            content = file.read()
            if not wanted.search(content):
                found[file.path] = (name, _held(content))
    return found


def _held(content: bytes) -> str:
    """What a file holds."""
    if not content.strip():
        return "nothing"
    if _CERTIFICATE.search(content):
        return "certificate"
    return "key" if _KEY.search(content) else "other"


def _public_of(content: bytes) -> bytes | None:
    """The public half of a private key; None where it cannot be read without a password, or is none."""
    load = load_pem_private_key if b"-----BEGIN" in content else load_der_private_key
    try:
        key = load(content, None)
    except Exception:  # noqa: BLE001  cryptography raises half a dozen kinds: the key cannot be used, which is all
        return None
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _public_keys(files: Iterable[StackFile]) -> list[bytes]:
    """Public keys of leaf certificates: the first of each file, for it is the one that is served."""
    found = []
    for file in files:
        try:
            found.append(_public_key(file.read()))
        except ValueError as exc:
            raise NotObserved(Unavailable("garbage", {"source": file.path})) from exc
    return found


def _public_key(content: bytes) -> bytes:
    """The public key of a file's first certificate. Raises ValueError: it is none."""
    leaf = x509.load_pem_x509_certificate(content)
    return leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _beside(key: Path) -> list[bytes]:
    """Public keys of the certificates in a key's folder: by them it is told from a CA's, or one of no use here."""
    heads = (_head(path) for path in sorted(_files(key.parent, 1)))
    found = []
    for head in heads:
        with suppress(ValueError):
            found.append(_public_key(head))
    return found


def _files(folder: Path, depth: int) -> Iterable[Path]:
    """Small files of a folder, and of those below it."""
    try:
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink() and depth > 1:
                yield from _files(path, depth - 1)
            elif path.is_file() and path.stat().st_size <= _SMALL_BYTES:
                yield path
    except OSError:
        return


def _head(path: Path) -> bytes:
    """What of a file can be read."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
