"""A token server as ``auth.token`` expects one: signs whatever it is asked for, right or wrong; over HTTP if wanted."""

import base64
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

ISSUER = "https://auth.example.com"
SERVICE = "registry.example.com"
ALGORITHMS = {"RS256": "rsa", "RS384": "rsa", "RS512": "rsa", "ES256": "p256", "ES384": "p384", "ES512": "p521"}
"""What registry:2 verifies, and the kind of key for each."""

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@cache
def make_key(kind: str, number: int = 0) -> PrivateKey:  # noqa: ARG001  tells several keys of one kind apart
    """A private key; the same one for the same question, for RSA keys take their time."""
    match kind:
        case "rsa":
            return rsa.generate_private_key(65537, 2048)
        case "ed25519":
            return ed25519.Ed25519PrivateKey.generate()
    curves: dict[str, ec.EllipticCurve] = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1()}
    return ec.generate_private_key(curves[kind])


@dataclass(frozen=True)
class Authority:
    """A key and its certificate."""

    key: PrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        """The certificate as a bundle holds it."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def encoded(self) -> str:
        """The certificate as ``x5c`` holds it."""
        return base64.b64encode(self.certificate.public_bytes(Encoding.DER)).decode()


def certify(
    name: str,
    key: PrivateKey,
    issuer: Authority | None = None,
    *,
    is_authority: bool = False,
    path_length: int | None = None,
    lifetime: tuple[timedelta, timedelta] = (timedelta(hours=-1), timedelta(hours=1)),
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    algorithm: hashes.HashAlgorithm | None = None,
) -> Authority:
    """A certificate for ``key``, signed by ``issuer`` or by itself."""
    now = datetime.now(UTC).replace(microsecond=0)
    signer = issuer.key if issuer else key
    builder = x509.CertificateBuilder(
        issuer.certificate.subject if issuer else _name(name),
        _name(name),
        key.public_key(),
        x509.random_serial_number(),
        now + lifetime[0],
        now + lifetime[1],
    ).add_extension(x509.BasicConstraints(is_authority, path_length), critical=True)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    chosen = None if isinstance(signer, ed25519.Ed25519PrivateKey) else algorithm or hashes.SHA256()
    return Authority(key, builder.sign(signer, chosen))


def claims(**changes: Any) -> dict[str, Any]:
    """Claims that are good for an hour and may pull and push ``acme/app``; a change to None leaves a claim out.

    They began half an hour ago, so that a clock that a test module stopped when it was loaded takes them as well.
    """
    now = int(datetime.now(UTC).timestamp())
    good = {
        "iss": ISSUER,
        "sub": "alice",
        "aud": SERVICE,
        "exp": now + 3600,
        "nbf": now - 1800,
        "iat": now - 1800,
        "jti": "one",
        "access": [{"type": "repository", "name": "acme/app", "actions": ["pull", "push"]}],
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def sign(
    key: PrivateKey | bytes, algorithm: str, header: Mapping[str, Any], content: Mapping[str, Any] | None = None
) -> str:
    """A token of these claims, or of good ones, with this header."""
    return jwt.encode(dict(content or claims()), key, algorithm, headers=dict(header))


def as_text(*parts: object) -> str:
    """Parts of a token, each JSON or bytes, put together without any signing."""
    return ".".join(
        base64.urlsafe_b64encode(part if isinstance(part, bytes) else json.dumps(part).encode()).rstrip(b"=").decode()
        for part in parts
    )


@dataclass(frozen=True)
class TokenServer:
    """A token server that answers over HTTP. ``asked``: the query of each request."""

    url: str
    asked: list[dict[str, list[str]]]


@contextmanager
def serving(authority: Authority, algorithm: str) -> Iterator[TokenServer]:
    """Grants every scope that it is asked for, to whom Basic says."""
    asked: list[dict[str, list[str]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            asked.append(query)
            user = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode().partition(":")[0]
            access = [_granted(scope) for scopes in query.get("scope", []) for scope in scopes.split()]
            content = claims(sub=user, aud=query["service"][0], access=access)
            token = sign(authority.key, algorithm, {"x5c": [authority.encoded]}, content)
            body = json.dumps({"token": token}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield TokenServer(f"http://127.0.0.1:{server.server_address[1]}/token", asked)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _granted(scope: str) -> dict[str, object]:
    kind, name, actions = scope.split(":")
    return {"type": kind, "name": name, "actions": actions.split(",")}


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
