"""The servers that are measured, each started on loopback with its own copy of the content, and ended with the run."""

import base64
import os
import re
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any

import bcrypt
import psutil
import yaml

from benchmarks.content import Content
from pyregistry.spec.media_types import MANIFEST_TYPES, OCI_MANIFEST
from tests.servers import ServerTls
from tests.tools import find

START_SECONDS = 20
ANSWER_SECONDS = 60
STOP_SECONDS = 20

ACCEPT = ", ".join(MANIFEST_TYPES)
USER, PASSWORD = "benchmark", "only for this run"
BCRYPT_ROUNDS = 5
"""What ``htpasswd -B`` takes by itself; more would slow down only who hashes at every request."""

PROGRAMS = ("pyregistry", "registry:2", "nginx")
VARIANTS = ("http", "https", "basic")


class BenchmarkError(Exception):
    """Nothing can be measured; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Answer:
    """To a single request; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Server:
    """A contender that answers.

    Attributes:
        root: Its store, or where its static files lie.
        ca: What to trust, None over plain HTTP.
        headers: To be sent with every request.
    """

    name: str
    port: int
    root: Path
    ca: Path | None
    headers: Mapping[str, str]
    process: "subprocess.Popen[bytes]"

    @property
    def url(self) -> str:
        """Without a path."""
        return f"{'https' if self.ca else 'http'}://127.0.0.1:{self.port}"

    @property
    def pids(self) -> list[int]:
        """Its processes, the first one first."""
        return [self.process.pid, *(child.pid for child in psutil.Process(self.process.pid).children(recursive=True))]

    def ask(self, method: str, path: str) -> Answer:
        """One request without content, on a connection of its own."""
        with closing(self._connect()) as connection:
            connection.request(method, path, headers={**self.headers, "Content-Length": "0"})
            answer = connection.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())

    def _connect(self) -> HTTPConnection:
        if self.ca is None:
            return HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS)
        context = ssl.create_default_context(cafile=str(self.ca))
        return HTTPSConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS, context=context)


@dataclass(frozen=True, slots=True)
class Arena:
    """What all contenders share.

    Attributes:
        checkout: Another checkout whose ``pyregistry`` is measured; None measures the one that runs.
        workers: Processes of ours and of nginx. registry:2 is one process that uses every core.
    """

    folder: Path
    content: Content
    tls: ServerTls
    workers: int
    checkout: Path | None

    @contextmanager
    def running(self, program: str, variant: str) -> Iterator[Server]:
        """A contender, from its first answer to the end of the block."""
        folder = self.folder / f"{program.replace(':', '')}-{variant}"
        root = self.content.copy_to(folder / "root")
        port = _free_port()
        command = self._command(program, variant, folder, port)
        environ = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")}
        environ |= {"PYTHONPATH": str(self.checkout)} if self.checkout else {}
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder, env=environ
            )
        headers = {"Accept": ACCEPT} | ({"Authorization": _basic()} if variant == "basic" else {})
        ca = self.tls.ca if variant == "https" else None
        try:
            yield _answering(Server(program, port, root, ca, headers, process), self.content, folder / "log")
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)

    def _command(self, program: str, variant: str, folder: Path, port: int) -> Sequence[str | Path]:
        if program == "nginx":
            _lay_out_static_files(self.content, folder / "root")
            (folder / "nginx.conf").write_text(self._nginx_config(folder, variant, port), encoding="utf-8")
            return [_tool("nginx"), "-p", folder, "-e", "stderr", "-c", folder / "nginx.conf"]
        config = self._registry_config(folder, variant, port)
        if program == "pyregistry":
            config["pyregistry"] = {"journal": {"path": str(folder / "journal.jsonl")}}
            config["pyregistry"] |= {"workers": self.workers} if self.workers > 1 else {}
        (folder / "config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
        start = [sys.executable, "-m", "pyregistry"] if program == "pyregistry" else [_tool("docker-registry")]
        return [*start, "serve", folder / "config.yml"]

    def _registry_config(self, folder: Path, variant: str, port: int) -> dict[str, Any]:
        """The one that the registry:2 image brings along, for registry:2 and for us."""
        config: dict[str, Any] = {
            "version": 0.1,
            "log": {"fields": {"service": "registry"}},
            "storage": {"cache": {"blobdescriptor": "inmemory"}, "filesystem": {"rootdirectory": str(folder / "root")}},
            "http": {
                "addr": f"127.0.0.1:{port}",
                "secret": "only for this run",
                "headers": {"X-Content-Type-Options": ["nosniff"]},
            },
            "health": {"storagedriver": {"enabled": True, "interval": "10s", "threshold": 3}},
        }
        if variant == "https":
            config["http"]["tls"] = {"certificate": str(self.tls.certificate), "key": str(self.tls.key)}
        if variant == "basic":
            hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(BCRYPT_ROUNDS)).decode()
            (folder / "htpasswd").write_text(f"{USER}:{hashed}\n", encoding="utf-8")
            config["auth"] = {"htpasswd": {"realm": "benchmark", "path": str(folder / "htpasswd")}}
        return config

    def _nginx_config(self, folder: Path, variant: str, port: int) -> str:
        """As fast as nginx goes: the kernel copies, connections stay open, and nothing is logged."""
        tls = f"ssl_certificate {self.tls.certificate}; ssl_certificate_key {self.tls.key};"
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        return f"""
            {"user root;" if os.geteuid() == 0 else ""}
            daemon off;
            worker_processes {self.workers};
            pid {folder}/pid;
            events {{ worker_connections 1024; }}
            http {{
                access_log off;
                sendfile on;
                tcp_nopush on;
                keepalive_requests 1000000000;
                default_type {OCI_MANIFEST};
                ssl_protocols TLSv1.2 TLSv1.3;
                {" ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)}
                server {{
                    listen 127.0.0.1:{port} {"ssl" if variant == "https" else ""};
                    {tls if variant == "https" else ""}
                    root {folder}/root/static;
                }}
            }}
        """


def _lay_out_static_files(content: Content, root: Path) -> None:
    """The same files under the paths that clients ask for."""
    for name, path in content.paths.items():
        if name in content.sizes:
            target = root / "static" / path.removeprefix("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(_stored(content, path), target)


def _stored(content: Content, path: str) -> Path:
    """Where the bytes of a manifest or a blob lie in the layout."""
    repository = content.root / "docker/registry/v2/repositories" / path.removeprefix("/v2/").rpartition("/")[0]
    digest = path.rpartition(":")[2]
    if "/manifests/" in path:
        tag = path.rpartition("/")[2]
        link = repository.parent / "_manifests/tags" / tag / "current/link"
        digest = link.read_text(encoding="ascii").rpartition(":")[2]
    return content.root / "docker/registry/v2/blobs/sha256" / digest[:2] / digest / "data"


def _answering(server: Server, content: Content, log: Path) -> Server:
    """The server, as soon as it serves the manifest.

    Raises:
        BenchmarkError: It ended, or did not answer in time.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        with suppress(OSError, HTTPException):
            answer = server.ask("GET", content.paths["manifest"])
            if answer.status == 200:  # noqa: PLR2004  HTTP's own figure
                return server
        time.sleep(0.02)
    tail = re.sub(r"\s+$", "", log.read_text(errors="replace"))[-2000:]
    raise BenchmarkError(f"{server.name} at {server.url} did not serve the manifest; it wrote:\n{tail}")


def _basic() -> str:
    return f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"


def _tool(name: str) -> Path:
    found = find(name)
    if found is None:
        cure = "apt-get install nginx-light" if name == "nginx" else "python tests/clients/install.py"
        raise BenchmarkError(f"{name} is not there: {cure}")
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
