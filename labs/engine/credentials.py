"""Docker's ``config.json``: who we are at which registry, in the file itself or with a credential helper.

The file belongs to Docker and to the person: what is not ours in it is kept as it is.
"""

import base64
import binascii
import contextlib
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labs.engine.reference import DEFAULT_DOMAIN
from labs.gowords import json_fault, quote

HUB_KEY = "https://index.docker.io/v1/"
"""Docker Hub's name in config.json, since Docker 0.5."""
IDENTITY_USER = "<token>"
"""A helper's user name for an identity token (docker-credential-helpers, "Development")."""
HELPER_TIMEOUT_SECONDS = 60
"""A helper may ask a person to unlock a keychain; one that hangs is given up after this."""
_HELPER_NOT_FOUND = "credentials not found in native keychain"


class CredentialsError(Exception):
    """Credentials cannot be read or stored. The message is Docker's own."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A user name with a password or access token, or an identity token that a registry gave at login."""

    username: str
    secret: str = field(repr=False)
    is_identity_token: bool = False


def registry_key(server: str) -> str:
    """The key of a registry in config.json: host and port, whatever was typed around them; Docker Hub has its own."""
    host = hostname(server)
    return HUB_KEY if host in {"", DEFAULT_DOMAIN, "index.docker.io"} else host


def hostname(server: str) -> str:
    """``https://ghcr.io/v2/`` and ``ghcr.io`` are the same host."""
    return server.partition("://")[2].partition("/")[0] if "://" in server else server.partition("/")[0]


class CredentialStore:
    """The credentials of one engine home.

    Args:
        folder: Docker's configuration folder, which holds ``config.json``.
        environ: Where helpers are looked for (PATH) and what they see.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str] = os.environ) -> None:
        self.path = folder / "config.json"
        self.warning: str | None = None
        self._environ = environ
        self._document = self._read()

    def fetch(self, key: str) -> Credential | None:
        """Who we are at a registry; None: nobody.

        Raises:
            CredentialsError: The helper cannot be asked, or the file's entry cannot be read.
        """
        helper = self.helper(key)
        return _Helper(helper, self._environ).fetch(key) if helper else self._fetch_from_file(key)

    def push(self, key: str, credential: Credential) -> None:
        """Store with the helper that is set for this registry, else in the file.

        Raises:
            CredentialsError: The helper refused, or the file is damaged (it is left as it is).
        """
        helper = self.helper(key)
        if helper:
            _Helper(helper, self._environ).push(key, credential)
        self._auths()[key] = {} if helper else _format_entry(credential)
        self._write()

    def delete(self, key: str) -> None:
        """Forget who we are at a registry, under every spelling of its name that Docker ever wrote.

        Raises:
            CredentialsError: As ``push``.
        """
        if helper := self.helper(key):
            _Helper(helper, self._environ).delete(key)
        spellings = {key} if key == HUB_KEY else {key, f"http://{key}", f"https://{key}"}
        if spellings & self._auths().keys():
            for spelling in spellings:
                self._auths().pop(spelling, None)
            self._write()

    def helper(self, key: str) -> str | None:
        """The helper's suffix (``pass`` is ``docker-credential-pass``) that is set for a registry."""
        helpers = self._document.get("credHelpers")
        chosen = helpers.get(key) if isinstance(helpers, dict) else None
        return chosen or self._document.get("credsStore") or None

    def _fetch_from_file(self, key: str) -> Credential | None:
        entries = self._auths()
        same_host = (name for name in entries if key != HUB_KEY and hostname(name) == key)
        name = key if key in entries else next(same_host, None)
        return _parse_entry(entries[name], self.path) if name else None

    def _auths(self) -> dict[str, Any]:
        auths = self._document.setdefault("auths", {})
        if not isinstance(auths, dict):
            raise CredentialsError(f"{self.path}: expected an object under auths, got {type(auths).__name__}")
        return auths

    def _read(self) -> dict[str, Any]:
        """The document; a damaged one counts as empty, with Docker's warning for whoever prints."""
        try:
            text = self.path.read_text(encoding="utf-8")
            document = json.loads(text) if text.strip() else {}
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as exc:
            self.warning = f"WARNING: Error loading config file: {self.path}: {exc}"
            return {}
        except ValueError:
            document = None
        if not isinstance(document, dict):
            self.warning = f"WARNING: Error parsing config file ({self.path}): {json_fault(text)}"
            return {}
        return document

    def _write(self) -> None:
        """Replace the file, whole, readable for its owner only; a symbolic link stays one."""
        if self.warning is not None:
            raise CredentialsError(f"{self.path} cannot be read and is left as it is: mend it or move it away")
        target = self.path.resolve()
        temporary = target.with_name(f"{target.name}{os.getpid()}")
        with _as_credentials_error(f"writing {target}"):
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(self._document, file, indent="\t", ensure_ascii=False)
            temporary.replace(target)


@contextlib.contextmanager
def _as_credentials_error(action: str) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise CredentialsError(f"{action}: {exc.strerror or exc}") from exc


def _parse_entry(entry: object, path: Path) -> Credential | None:
    """Read ``{"auth": base64(user:password)}`` or ``{"identitytoken": …}``; an empty entry is a helper's trace."""
    if not isinstance(entry, dict):
        raise CredentialsError(f"{path}: expected an object for a registry under auths, got {type(entry).__name__}")
    username, secret = _decode(entry.get("auth") or "")
    if token := entry.get("identitytoken"):
        return Credential(username or IDENTITY_USER, token, is_identity_token=True)
    return Credential(username, secret) if username else None


def _decode(auth: str) -> tuple[str, str]:
    try:
        username, colon, secret = base64.b64decode(auth, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as exc:
        raise CredentialsError(f"illegal base64 data in auth: {exc}") from exc
    if auth and not colon:
        raise CredentialsError("invalid auth configuration file")
    return username, secret.strip("\0")


def _format_entry(credential: Credential) -> dict[str, str]:
    secret = "" if credential.is_identity_token else credential.secret
    entry = {"auth": base64.b64encode(f"{credential.username}:{secret}".encode()).decode()}
    return entry | ({"identitytoken": credential.secret} if credential.is_identity_token else {})


@dataclass(frozen=True, slots=True)
class _Helper:
    """A ``docker-credential-*`` program: verb as argument, subject on stdin, JSON on stdout."""

    suffix: str
    environ: Mapping[str, str]

    def fetch(self, key: str) -> Credential | None:
        run = self._run("get", key, "getting")
        if run.returncode != 0 and _HELPER_NOT_FOUND in run.stdout:
            return None
        self._require_success(run, "getting")
        try:
            answer = json.loads(run.stdout)
            username, secret = str(answer["Username"]), str(answer["Secret"])
        except (ValueError, TypeError, KeyError) as exc:
            raise CredentialsError(f"error getting credentials - err: {json_fault(run.stdout)}") from exc
        return Credential(username, secret, is_identity_token=username == IDENTITY_USER) if secret else None

    def push(self, key: str, credential: Credential) -> None:
        username = IDENTITY_USER if credential.is_identity_token else credential.username
        subject = json.dumps({"ServerURL": key, "Username": username, "Secret": credential.secret})
        self._require_success(self._run("store", subject, "storing"), "storing")

    def delete(self, key: str) -> None:
        run = self._run("erase", key, "erasing")
        if _HELPER_NOT_FOUND not in run.stdout:
            self._require_success(run, "erasing")

    def _run(self, verb: str, subject: str, doing: str) -> "subprocess.CompletedProcess[str]":
        program = f"docker-credential-{self.suffix}"
        try:
            return subprocess.run(
                [program, verb],
                input=subject,
                capture_output=True,
                text=True,
                check=False,
                timeout=HELPER_TIMEOUT_SECONDS,
                env=dict(self.environ),
            )
        except FileNotFoundError as exc:
            fault = f"exec: {quote(program)}: executable file not found in $PATH"
            raise CredentialsError(f"error {doing} credentials - err: {fault}, out: ``") from exc
        except (OSError, subprocess.TimeoutExpired) as exc:
            raise CredentialsError(f"error {doing} credentials - err: {exc}, out: ``") from exc

    def _require_success(self, run: "subprocess.CompletedProcess[str]", doing: str) -> None:
        if run.returncode != 0:
            fault = f"exit status {run.returncode}, out: `{run.stdout.strip()}`"
            raise CredentialsError(f"error {doing} credentials - err: {fault}")
