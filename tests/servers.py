"""Real ``pyregistry serve`` processes for tests, each on a free port of loopback and with a folder of its own."""

import os
import re
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPSConnection
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pyregistry.accounts.administration import Administration
from pyregistry.accounts.file import AccountsFile
from pyregistry.accounts.pat import TokenKind
from pyregistry.config import load
from pyregistry.journal import open_journal, read
from pyregistry.spec.journal import Event

START_SECONDS = 20
STOP_SECONDS = 20
ANSWER_SECONDS = 60
POLL_SECONDS = 0.01

ROOT = Path(__file__).parent.parent
PROGRAM = (sys.executable, "-m", "pyregistry")

# the line that says that connections are taken, from the application log
_LISTENING = re.compile(r"listening on (?P<host>\S+):(?P<port>[0-9]+)")


class ServerEnded(Exception):
    """The process ended instead of listening. ``code`` is its exit code, ``output`` what it wrote."""

    def __init__(self, code: int | None, output: str) -> None:
        super().__init__(f"exit code {code}\n{output}")
        self.code = code
        self.output = output


@dataclass(frozen=True, slots=True)
class ServerTls:
    """A server's certificate and key, and the CA that vouches for it."""

    certificate: Path
    key: Path
    ca: Path


@dataclass(frozen=True, slots=True)
class Answer:
    """What a registry answered; header names in lower case, repeated headers joined by a comma."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class RunningRegistry:
    """A registry that takes connections.

    Attributes:
        ca: What to trust for it, None over plain HTTP.
        store: Its ``rootdirectory``.
        log_path: What it writes, access log and application log together.
    """

    url: str
    host: str
    port: int
    ca: Path | None
    config_path: Path
    journal_path: Path
    store: Path
    process: subprocess.Popen[bytes]
    log_path: Path

    def request(
        self,
        method: str,
        target: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One exchange on a connection of its own, the path sent as it is.

        Args:
            method: HTTP method.
            target: A path, or a URL of this registry such as a Location.
            body: Content; an iterable is sent chunked, without a Content-Length.
            headers: Further headers.
        """
        with closing(self.connect()) as connection:
            connection.request(method, target.removeprefix(self.url), body, dict(headers or {}))
            answer = connection.getresponse()
            fields: dict[str, str] = {}
            for name, value in answer.getheaders():
                fields[name.lower()] = f"{fields[name.lower()]}, {value}" if name.lower() in fields else value
            return Answer(answer.status, fields, answer.read())

    def connect(self) -> HTTPConnection:
        """A connection; the caller closes it."""
        if self.ca is None:
            return HTTPConnection(self.host, self.port, timeout=ANSWER_SECONDS)
        context = ssl.create_default_context(cafile=str(self.ca))
        return HTTPSConnection(self.host, self.port, timeout=ANSWER_SECONDS, context=context)

    def events(self) -> list[Event]:
        """The journal so far, its chain proven."""
        return list(read(self.journal_path))

    def log(self) -> str:
        """What it wrote so far."""
        return self.log_path.read_text(encoding="utf-8")

    def new_token(
        self, login: str, scopes: Sequence[str], *, orgs: Sequence[str] = (), lifetime: timedelta | None = None
    ) -> tuple[str, str]:
        """Id and secret of a new classic access token of ``login``, who is made where there is none."""
        administration = self.administration()
        administration.add_account(login, orgs, None)
        made = administration.create_token(login, TokenKind.CLASSIC, tuple(scopes), lifetime)
        return made.record.id, made.secret

    def administration(self) -> Administration:
        """Who makes accounts and access tokens, as the command line does."""
        settings = load(self.config_path)
        assert settings.accounts_path is not None
        return Administration(AccountsFile(settings.accounts_path), open_journal(settings), lambda: datetime.now(UTC))

    def kill(self) -> None:
        """``kill -9``, and wait until it is gone."""
        self.process.kill()
        self.process.wait(STOP_SECONDS)

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS)


@contextmanager
def running_registry(
    folder: Path, *, config: dict[str, Any] | None = None, tls: ServerTls | None = None, twin: bool = False
) -> Iterator[RunningRegistry]:
    """A registry that is ended with the block. A second one in the same folder goes on with what the first left.

    Args:
        folder: Where its configuration, store, journal, accounts and log lie.
        config: Laid over the default configuration, mapping by mapping.
        tls: Serve https with it.
        twin: Serve as the GHCR twin, with accounts.
    """
    path = write_config(folder, config=config, tls=tls, twin=twin)
    registry = start_registry(path, tls)
    try:
        yield registry
    finally:
        end(registry.process)


def write_config(
    folder: Path, *, config: dict[str, Any] | None = None, tls: ServerTls | None = None, twin: bool = False
) -> Path:
    """Write the configuration that ``running_registry`` would start."""
    folder.mkdir(parents=True, exist_ok=True)
    http: dict[str, Any] = {"addr": "127.0.0.1:0", "secret": "a secret of these tests"}
    if tls:
        http["tls"] = {"certificate": str(tls.certificate), "key": str(tls.key)}
    own: dict[str, Any] = {"journal": {"path": str(folder / "journal.jsonl")}}
    if twin:
        own |= {"twin": "ghcr", "accounts": {"path": str(folder / "accounts.json")}}
    default = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder / "store")}, "delete": {"enabled": True}},
        "http": http,
        "pyregistry": own,
    }
    path = folder / "config.yml"
    path.write_text(yaml.safe_dump(_overlaid(default, config or {})), encoding="utf-8")
    return path


def start_registry(
    config_path: Path, tls: ServerTls | None = None, program: Sequence[str] = PROGRAM
) -> RunningRegistry:
    """Start the registry of a configuration and wait until it listens; the caller ends its process.

    Args:
        config_path: Written by ``write_config``.
        tls: What it was written with.
        program: Stands in for ``pyregistry``; it is called with ``serve`` and the configuration.

    Raises:
        ServerEnded: It did not come up.
    """
    folder = config_path.parent
    log_path = folder / "registry.log"
    environ = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")}
    environ["PYTHONPATH"] = str(ROOT)  # for programs of the tests that stand in for the registry
    with log_path.open("wb") as log:
        command = [*program, "serve", str(config_path)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environ)
    port = _wait_for_port(process, log_path)
    settings = yaml.safe_load(config_path.read_text(encoding="utf-8"))
    return RunningRegistry(
        url=f"{'https' if tls else 'http'}://127.0.0.1:{port}",
        host="127.0.0.1",
        port=port,
        ca=tls.ca if tls else None,
        config_path=config_path,
        journal_path=Path(settings["pyregistry"]["journal"]["path"]),
        store=Path(settings["storage"]["filesystem"]["rootdirectory"]),
        process=process,
        log_path=log_path,
    )


def end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, and SIGKILL for one that does not listen to it."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


def throw_away_tls(folder: Path, names: Sequence[str] = ("127.0.0.1", "localhost")) -> ServerTls:
    """A CA that nobody else trusts, and a certificate of it for ``names``."""
    folder.mkdir(parents=True, exist_ok=True)
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("throw-away CA", authority_key, "throw-away CA", authority_key, None)
    certificate = _certificate(names[0], key, "throw-away CA", authority_key, names)
    tls = ServerTls(folder / "server.crt", folder / "server.key", folder / "ca.crt")
    tls.ca.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    tls.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    tls.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return tls


def _certificate(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    names: Sequence[str] | None,
) -> x509.Certificate:
    """A certificate of an hour; a CA's where ``names`` is None."""
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=names is None, path_length=None), critical=True)
    )
    if names is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), False)  # noqa: FBT003  cryptography's own signature
    return builder.sign(issuer_key, hashes.SHA256())


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _wait_for_port(process: subprocess.Popen[bytes], log_path: Path) -> int:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        found = _LISTENING.search(log_path.read_text(encoding="utf-8"))
        if found:
            return int(found["port"])
        if process.poll() is not None:
            raise ServerEnded(process.returncode, log_path.read_text(encoding="utf-8"))
        time.sleep(POLL_SECONDS)
    process.kill()
    process.wait()
    raise ServerEnded(None, log_path.read_text(encoding="utf-8"))


def _overlaid(default: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """``default`` with ``changes`` laid over it, mapping by mapping."""
    merged = default | changes
    for name in default.keys() & changes.keys():
        if isinstance(default[name], dict) and isinstance(changes[name], dict):
            merged[name] = _overlaid(default[name], changes[name])
    return merged
