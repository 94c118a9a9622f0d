"""TLS as the registry speaks it, by handshakes of the grader's own: the chain, whom it leads to, old versions."""

import hashlib
import ipaddress
import ssl
import struct
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_bytes
from socket import create_connection

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from checker.facts import Certificate, Handshake, NotObserved, Source, Unavailable
from checker.probes import DEADLINE_SECONDS
from checker.probes.calls import ANSWER_SECONDS
from checker.probes.surroundings import Address
from checker.probes.trust import Trust, unverified

_DER = 2
"""``_ssl.ENCODING_DER``."""
_REFUSED = "connection refused"


@dataclass(frozen=True, slots=True)
class HandshakeProbe:
    """Speaks TLS to the registry's name.

    Attributes:
        trust: Whom the student's client believes.
    """

    address: Address
    trust: Trust
    deadline_seconds: float = DEADLINE_SECONDS
    source: Source = Source.HANDSHAKE

    def read(self) -> Handshake:
        """What was spoken; without version and chain where no TLS came about.

        Raises:
            NotObserved: Silence, or a chain that makes no sense.
        """
        where, now = f"{self.address.host}:{self.address.port}", datetime.now(UTC)
        authorities = tuple(str(path) for path in self.trust.authorities(self.address))
        spoken = _shake_hands(self.address, unverified())
        old = () if spoken == _REFUSED else _old_versions(self.address)
        if isinstance(spoken, str):
            return Handshake(where, self.address.name, None, (), trusted=False, at=now, fault=spoken, old_versions=old)
        version, chain = spoken
        fault = self._fault(chain, now)
        return Handshake(
            address=where,
            name=self.address.name,
            version=version,
            chain=chain,
            trusted=fault is None,
            at=now,
            fault=fault,
            authorities=authorities,
            refusal=self.trust.refusal(self.address),
            blank=tuple(str(path) for path in self.trust.blank(self.address)),
            old_versions=old,
        )

    def _fault(self, chain: tuple[Certificate, ...], now: datetime) -> str | None:
        """Why the chain leads to nobody who is trusted; None where it does.

        Dates of what was sent are the check's to judge. That of a CA which was not sent nobody else sees.
        """
        timely = _shake_hands(self.address, self.trust.context(self.address, named=False))
        if not isinstance(timely, str):
            return None
        timeless = _shake_hands(self.address, self.trust.context(self.address, timeless=True, named=False))
        if isinstance(timeless, str):
            return timeless
        return timely if all(each.not_before <= now <= each.not_after for each in chain) else None


def unopened(name: str) -> Handshake:
    """What a client meets where the stack runs, and opens no port."""
    return Handshake("-", name, None, (), trusted=False, at=datetime.now(UTC))


def speaks_tls(address: Address) -> bool:
    """Whether TLS is spoken there, whoever it is."""
    try:
        return not isinstance(_shake_hands(address, unverified()), str)
    except NotObserved:
        return False


def shown_certificate(address: Address) -> str:
    """SHA-256 of the certificate that is shown there.

    Raises:
        NotObserved: Nobody is there, or speaks no TLS.
    """
    spoken = _shake_hands(address, unverified())
    if spoken == _REFUSED:
        raise NotObserved(Unavailable("unreachable", {"url": f"https://{address.authority()}"}))
    if isinstance(spoken, str) or not spoken[1]:
        raise NotObserved(Unavailable("not-tls", {"url": f"https://{address.authority()}"}))
    return spoken[1][0].sha256


def _shake_hands(address: Address, context: ssl.SSLContext) -> tuple[str, tuple[Certificate, ...]] | str:
    """Version and chain of one handshake, or OpenSSL's word on why there was none.

    Raises:
        NotObserved: Silence, or a chain that makes no sense.
    """
    where = {"url": f"{address.host}:{address.port}"}
    try:
        with (
            create_connection((address.host, address.port), timeout=ANSWER_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=address.name) as spoken,
        ):
            return spoken.version() or "", _chain(spoken)
    except ssl.SSLCertVerificationError as exc:
        return exc.verify_message
    except (ssl.SSLEOFError, ConnectionResetError):
        return "connection closed"
    except ConnectionRefusedError:
        return _REFUSED
    except ssl.SSLError as exc:
        return exc.reason or str(exc)
    except TimeoutError as exc:
        raise NotObserved(Unavailable("timeout", {"seconds": int(ANSWER_SECONDS), "source": where["url"]})) from exc
    except OSError as exc:
        raise NotObserved(Unavailable("unreachable", where)) from exc
    except ValueError as exc:  # of ``_chain``: bytes that are no certificate
        raise NotObserved(Unavailable("garbage", {"source": where["url"]})) from exc


def _chain(spoken: ssl.SSLSocket) -> tuple[Certificate, ...]:
    """All certificates that the server sent.

    ``SSLSocket`` shows the chain from Python 3.13 on; what it asks for it has had since 3.10. The other ways are worse:
    TLS 1.3 encrypts the message that holds it, and ``openssl s_client`` is a program that may not be there.
    """
    sent = spoken._sslobj.get_unverified_chain() or ()  # type: ignore[attr-defined]  # noqa: SLF001  as said
    return tuple(_certificate(x509.load_der_x509_certificate(each.public_bytes(_DER))) for each in sent)


def _certificate(found: x509.Certificate) -> Certificate:
    """A certificate as checks see it."""
    common = found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return Certificate(
        subject=found.subject.rfc4514_string(),
        issuer=found.issuer.rfc4514_string(),
        names=_names(found),
        not_before=found.not_valid_before_utc,
        not_after=found.not_valid_after_utc,
        key=_key(found.public_key()),
        sha256=hashlib.sha256(found.public_bytes(Encoding.DER)).hexdigest(),
        self_signed=_is_self_signed(found),
        common_name=str(common[0].value) if common else None,
    )


def _names(found: x509.Certificate) -> tuple[str, ...]:
    """DNS names and addresses of the alternative names."""
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses: list[ipaddress.IPv4Address | ipaddress.IPv6Address] = names.get_values_for_type(x509.IPAddress)  # type: ignore[assignment]
    return (*names.get_values_for_type(x509.DNSName), *(str(each) for each in addresses))


def _is_self_signed(found: x509.Certificate) -> bool:
    """Whether its own key signed it."""
    try:
        found.verify_directly_issued_by(found)
    except Exception:  # noqa: BLE001  another's name, another's key, or an algorithm that nobody knows: not its own
        return False
    return True


def _key(key: object) -> str:
    """Kind and size of a public key."""
    if isinstance(key, rsa.RSAPublicKey | dsa.DSAPublicKey):
        return f"{'RSA' if isinstance(key, rsa.RSAPublicKey) else 'DSA'} {key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"ECDSA {_CURVES.get(key.curve.name, key.curve.name)}"
    return _EDWARDS.get(type(key).__name__, type(key).__name__)


_CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
_EDWARDS = {"Ed25519PublicKey": "Ed25519", "Ed448PublicKey": "Ed448"}


# --- versions that no client should speak any more

# Asked by hand: this machine's OpenSSL may not speak them at all, and Python warns of every try.
# record      ::= %x16 version length handshake                          (RFC 4346 §6.2.1)
# handshake   ::= %x01 uint24-length client_hello
# client_hello::= version random(32) session-id suites compression extensions
_OLD_VERSIONS = {"TLSv1": 0x0301, "TLSv1.1": 0x0302}
_HANDSHAKE, _CLIENT_HELLO, _SERVER_HELLO = 0x16, 1, 2
_SUITES = (0xC013, 0xC014, 0xC009, 0xC00A, 0x0033, 0x0039, 0x002F, 0x0035, 0x000A)
"""What servers of those days share with those of today: (EC)DHE and RSA with AES-CBC and 3DES, all with SHA-1."""
_GROUPS = (0x0017, 0x0018, 0x0019)
"""P-256, P-384, P-521."""
_SERVER_NAME, _SUPPORTED_GROUPS, _POINT_FORMATS = 0, 10, 11


def _old_versions(address: Address) -> tuple[str, ...]:
    """Those that the server takes."""
    return tuple(name for name, number in _OLD_VERSIONS.items() if _takes(address, number))


def _takes(address: Address, version: int) -> bool:
    """Whether the server answers a hello of this version with one of its own."""
    with suppress(OSError):
        with create_connection((address.host, address.port), timeout=ANSWER_SECONDS) as wire:
            wire.sendall(_hello(version, address.name))
            with wire.makefile("rb") as answer:
                head = answer.read(11)
        # record type, record version, length, handshake type, its length, the version that the server chose
        return len(head) == 11 and (head[0], head[5]) == (_HANDSHAKE, _SERVER_HELLO) and head[9:] == _two(version)  # noqa: PLR2004
    return False


def _hello(version: int, name: str) -> bytes:
    """A client's hello that offers ``version`` and nothing newer."""
    host = name.encode("idna")
    extensions = b"".join(
        _two(kind) + _sized(content)
        for kind, content in (
            (_SERVER_NAME, _sized(b"\x00" + _sized(host))),
            (_SUPPORTED_GROUPS, _sized(b"".join(map(_two, _GROUPS)))),
            (_POINT_FORMATS, b"\x01\x00"),
        )
    )
    suites = b"".join(map(_two, _SUITES))
    body = _two(version) + token_bytes(32) + b"\x00" + _sized(suites) + b"\x01\x00" + _sized(extensions)
    handshake = bytes([_CLIENT_HELLO]) + len(body).to_bytes(3, "big") + body
    return bytes([_HANDSHAKE]) + _two(_OLD_VERSIONS["TLSv1"]) + _sized(handshake)


def _two(number: int) -> bytes:
    """Two bytes, the larger first."""
    return struct.pack(">H", number)


def _sized(content: bytes) -> bytes:
    """The content behind its length in two bytes."""
    return _two(len(content)) + content
