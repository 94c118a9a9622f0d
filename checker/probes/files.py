"""Reads files of the student's machine: Docker's ``config.json`` and the image store.

No secret leaves this module but as a ``Credential``, for the registry that it belongs to.
"""

import base64
import binascii
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from checker.facts import ClientConfig, ImageStore, NotObserved, Source, Unavailable
from checker.probes import DEADLINE_SECONDS
from checker.probes.connection import Credential

CONFIG_NAME = "config.json"
REF_NAME = "org.opencontainers.image.ref.name"
HELPER_SECONDS = 3.0
"""A credential helper that asks the user something never answers."""


@dataclass(frozen=True, slots=True)
class ClientProbe:
    """Reads which registries a machine's ``config.json`` names, and where their secrets lie."""

    folder: Path
    deadline_seconds: float = DEADLINE_SECONDS
    source: Source = Source.CLIENT

    def read(self) -> ClientConfig:
        """The registries; an absent file names none."""
        path = self.folder / CONFIG_NAME
        if not path.exists():
            return ClientConfig(present=False)
        values = _read_json(path)
        auths, helpers = _table(values, "auths"), _table(values, "credHelpers")
        inline = [host for host, entry in auths.items() if isinstance(entry, dict) and _has_secret(entry)]
        hosts = {_host(key) for key in (*auths, *helpers)}
        return ClientConfig(
            present=True, hosts=tuple(sorted(hosts)), inline=tuple(sorted({_host(key) for key in inline}))
        )


@dataclass(frozen=True, slots=True)
class StoreProbe:
    """Reads the names of the images in a machine's image store, an OCI image layout."""

    folder: Path
    deadline_seconds: float = DEADLINE_SECONDS
    source: Source = Source.STORE

    def read(self) -> ImageStore:
        """The names; unseen where the engine keeps its images elsewhere."""
        path = self.folder / "images" / "index.json"
        if not path.exists():
            return ImageStore(seen=False)
        manifests = _read_json(path).get("manifests")
        rows = manifests if isinstance(manifests, list) else []
        names = (_table(row, "annotations").get(REF_NAME) for row in rows if isinstance(row, dict))
        return ImageStore(tuple(str(name) for name in names if name))


def grader_credential(path: Path) -> Credential:
    """The grader's own account, from its file ``user:token``.

    Raises:
        NotObserved: The file cannot be read.
    """
    try:
        user, _, secret = path.read_text(encoding="utf-8").strip().partition(":")
    except (OSError, ValueError) as exc:
        raise NotObserved(_unreadable(path, exc)) from exc
    return Credential(user, secret)


def client_credential(folder: Path, host: str) -> Credential | None:
    """What ``docker login HOST`` left on this machine, in the file or with a credential helper; None if nothing."""
    path = folder / CONFIG_NAME
    if not path.exists():
        return None
    values = _read_json(path)
    helper = _table(values, "credHelpers").get(host) or values.get("credsStore")
    if helper:
        return _asked(str(helper), host)
    for key, entry in _table(values, "auths").items():
        if _host(key) == host and isinstance(entry, dict) and entry.get("auth"):
            return _decoded(str(entry["auth"]), path)
    return None


def _decoded(auth: str, path: Path) -> Credential:
    """``base64(user:secret)``."""
    try:
        user, _, secret = base64.b64decode(auth, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as exc:
        raise NotObserved(Unavailable("garbage", {"source": path.name})) from exc
    return Credential(user, secret)


def _asked(helper: str, host: str) -> Credential | None:
    """What ``docker-credential-HELPER get`` answers."""
    command = [f"docker-credential-{helper}", "get"]
    try:
        done = subprocess.run(command, input=host.encode(), capture_output=True, timeout=HELPER_SECONDS, check=True)
        values = json.loads(done.stdout)
        return Credential(str(values["Username"]), str(values["Secret"]))
    except subprocess.CalledProcessError:
        return None
    except (OSError, ValueError, KeyError, TypeError, subprocess.TimeoutExpired) as exc:
        raise NotObserved(Unavailable("probe-failed", {"source": command[0], "error": type(exc).__name__})) from exc


def _read_json(path: Path) -> Mapping[str, object]:
    """A JSON object in a file.

    Raises:
        NotObserved: It cannot be read, or is none.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise NotObserved(_unreadable(path, exc)) from exc
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise NotObserved(Unavailable("garbage", {"source": path.name}))
    return values


def _unreadable(path: Path, exc: Exception) -> Unavailable:
    """A file's fault."""
    return Unavailable("file-unreadable", {"path": str(path), "error": type(exc).__name__})


def _table(values: Mapping[str, object], name: str) -> Mapping[str, object]:
    """A JSON object within another; empty where there is none."""
    table = values.get(name)
    return table if isinstance(table, dict) else {}


def _has_secret(entry: Mapping[str, object]) -> bool:
    """Whether an ``auths`` entry holds the secret itself; with a helper it is empty."""
    return any(entry.get(name) for name in ("auth", "password", "identitytoken"))


def _host(key: str) -> str:
    """The registry of an ``auths`` key: Docker writes ``https://index.docker.io/v1/`` for its own."""
    host = key.removeprefix("https://").removeprefix("http://").partition("/")[0]
    return "docker.io" if host in {"index.docker.io", "registry-1.docker.io"} else host
