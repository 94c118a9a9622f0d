"""Docker's folder of trust, ``certs.d/<host[:port]>``: whom it believes, and when Docker refuses to work with it.

Rules and texts are Docker's own, seen at ``docker login`` in 28 and 26. The lab's docker follows them, and the grader
holds a student's folder against them.
"""

import ipaddress
import re
import ssl
from collections.abc import Sequence
from pathlib import Path

_AUTHORITY, _CERTIFICATE, _KEY = ".crt", ".cert", ".key"

# pem ::= "-----BEGIN " label "-----" eol base64 eol "-----END " label "-----"   at a line's start, as Go has it: what
# stands before it is passed over, a byte order mark on the same line is not.
_PEM = re.compile(
    rb"^-----BEGIN (?P<label>[^\r\n]*?)-----[ \t]*\r?\n(?P<body>[^-]*)-----END (?P=label)-----", re.MULTILINE
)
_PLAIN_BODY = re.compile(rb"[\w+/=\s]*", re.ASCII)
"""Base64 only: Go takes no certificate that has headers."""


class FolderRefused(Exception):
    """Docker does nothing at all with a registry whose folder is so; the text is Docker's.

    Attributes:
        hidden: Only because who asks may not look. Docker's daemon is root's, and might.
    """

    def __init__(self, text: str, *, hidden: bool = False) -> None:
        super().__init__(text)
        self.hidden = hidden


def is_loopback(host: str) -> bool:
    """``localhost`` and IP literals of this machine, for which Docker looks into no folder; other names never."""
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def authorities(folder: Path) -> Sequence[Path]:
    """Its files of CAs, in the order of their names; none where there is no such folder."""
    return sorted(folder.glob(f"*{_AUTHORITY}"))


def certificates(authority: Path) -> Sequence[bytes]:
    """What a file of CAs holds, in DER, as far as its PEM goes. Raises FolderRefused."""
    blocks = _blocks(_read(authority))
    plain = [body.decode() for label, body in blocks if label == "CERTIFICATE" and _PLAIN_BODY.fullmatch(body)]
    return [der for body in plain if (der := _der(body)) is not None]


def believe(context: ssl.SSLContext, authority: Path) -> bool:
    """Let TLS believe every certificate of a file.

    Returns:
        Whether there was one. Docker says nothing of a file without, and believes nobody for it.

    Raises:
        FolderRefused: It cannot be read.
    """
    return sum(_believe(context, der) for der in certificates(authority)) > 0


def show(context: ssl.SSLContext, folder: Path) -> None:
    """Show servers that ask the client certificates of a folder. Raises FolderRefused."""
    for path in _names(folder):
        if path.suffix == _CERTIFICATE:
            _load_pair(context, path)


def check(folder: Path) -> None:
    """Look at a folder as Docker does before it calls the registry. Raises FolderRefused."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    names = {path.name for path in _names(folder)}
    for path in _names(folder):
        certificate, key = path.with_suffix(_CERTIFICATE).name, path.with_suffix(_KEY).name
        if path.suffix == _AUTHORITY:
            _read(path)
        elif path.suffix == _CERTIFICATE and key not in names:
            raise FolderRefused(
                f"missing key {key} for client certificate {certificate}. CA certificates must use the extension .crt"
            )
        elif path.suffix == _CERTIFICATE:
            _load_pair(context, path)
        elif path.suffix == _KEY and certificate not in names:
            raise FolderRefused(f"missing client certificate {certificate} for key {key}")


def _names(folder: Path) -> Sequence[Path]:
    """All that lies in it. Raises FolderRefused."""
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return ()
    except OSError as exc:
        raise _refused("open", folder, exc) from exc


def _read(path: Path) -> bytes:
    """A file's content. Raises FolderRefused."""
    try:
        return path.read_bytes()
    except OSError as exc:
        raise _refused("read" if isinstance(exc, IsADirectoryError) else "open", path, exc) from exc


def _refused(verb: str, path: Path, fault: OSError) -> FolderRefused:
    """A fault as Go tells it."""
    text = f"{verb} {path}: {(fault.strerror or str(fault)).lower()}"
    return FolderRefused(text, hidden=isinstance(fault, PermissionError))


def _der(body: str) -> bytes | None:
    """A PEM body's bytes; None where it is no base64."""
    try:
        return ssl.PEM_cert_to_DER_cert(f"{ssl.PEM_HEADER}\n{body.strip()}\n{ssl.PEM_FOOTER}\n")
    except ValueError:
        return None


def _believe(context: ssl.SSLContext, der: bytes) -> bool:
    """Let TLS believe one certificate; False where it is none."""
    try:
        context.load_verify_locations(cadata=der)
    except (ssl.SSLError, ValueError):  # ValueError: of nothing at all
        return False
    return True


def _load_pair(context: ssl.SSLContext, certificate: Path) -> None:
    """Load a client certificate and the key beside it. Raises FolderRefused, in the words of Go's crypto/tls."""
    key = certificate.with_suffix(_KEY)
    shown, held = _labels(_read(certificate)), _labels(_read(key))
    if fault := _certificate_fault(shown) or _key_fault(held):
        raise FolderRefused(fault)
    try:
        context.load_cert_chain(certificate, key, password="")  # else OpenSSL asks at the terminal
    except (ssl.SSLError, ValueError) as exc:
        is_foreign = isinstance(exc, ssl.SSLError) and exc.reason == "KEY_VALUES_MISMATCH"
        text = "private key does not match public key" if is_foreign else "failed to parse private key"
        raise FolderRefused(f"tls: {text}") from exc


def _certificate_fault(labels: Sequence[str]) -> str | None:
    """Why a file is no certificate's."""
    if "CERTIFICATE" in labels:
        return None
    if not labels:
        return "tls: failed to find any PEM data in certificate input"
    if len(labels) == 1 and labels[0].endswith("PRIVATE KEY"):
        return (
            "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may "
            "have been switched"
        )
    return (
        'tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following '
        f"types: [{' '.join(labels)}]"
    )


def _key_fault(labels: Sequence[str]) -> str | None:
    """Why a file is no key's."""
    if any(label == "PRIVATE KEY" or label.endswith(" PRIVATE KEY") for label in labels):
        return None
    if not labels:
        return "tls: failed to find any PEM data in key input"
    if list(labels) == ["CERTIFICATE"]:
        return "tls: found a certificate rather than a key in the PEM for the private key"
    return (
        'tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the '
        f"following types: [{' '.join(labels)}]"
    )


def _labels(content: bytes) -> Sequence[str]:
    return [label for label, _ in _blocks(content)]


def _blocks(content: bytes) -> Sequence[tuple[str, bytes]]:
    """The PEM blocks of a file: what each says that it is, and its body."""
    return [(found["label"].decode(errors="replace"), found["body"]) for found in _PEM.finditer(content)]
