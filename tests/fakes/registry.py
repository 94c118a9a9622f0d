"""A registry that lives in memory, remembers every request and breaks where it is told to: for tests of clients."""

import base64
import hashlib
import json
import re
import ssl
import threading
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

_SESSION = re.compile(r"/v2/(?P<name>.+)/blobs/uploads/(?P<session>[0-9a-f]*)")
_BLOB = re.compile(r"/v2/(?P<name>.+)/blobs/(?P<digest>sha\d+:[0-9a-f]+)")
_MANIFEST = re.compile(r"/v2/(?P<name>.+)/manifests/(?P<reference>[^/]+)")
_TAGS = re.compile(r"/v2/(?P<name>.+)/tags/list")


@dataclass(frozen=True)
class Seen:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: Message

    @property
    def line(self) -> str:
        """``METHOD path``, for lists of what happened."""
        return f"{self.method} {self.path}"


@dataclass
class Faults:
    """What goes wrong, each once unless it says otherwise; None: nothing."""

    patch_breaks_after: int | None = None
    """Bytes of a PATCH that are taken before the connection is cut."""
    every_patch_breaks: bool = False
    """Always: no PATCH takes anything."""
    session_forgotten: bool = False
    """The session that broke is unknown afterwards."""
    lost_sessions: int = 0
    """So many upload sessions are unknown by their first PATCH."""
    blob_breaks_after: int | None = None
    """Bytes of a blob that are sent before the connection is cut."""
    blob_ignores_range: bool = False
    """Always: a Range is answered with the whole blob."""
    blob_garbled: int = 0
    """So many blobs are sent with one byte changed."""
    redirects_blobs_to: str | None = None
    """Always: blobs are elsewhere, under this origin."""
    answers: dict[str, tuple[int, str, bytes]] = field(default_factory=dict)
    """Always: by ``METHOD path``, a status, a content type and a body."""
    realm: str | None = None
    """Always: the challenge names this token server instead of our own."""
    token_refusal: tuple[int, bytes] | None = None
    """Always: what the token server answers."""
    tokens_expire_after: int | None = None
    """Tokens issued after which every older one is refused."""
    unsent_mounts: bool = False
    """Always: mounts are answered with a session."""


class FakeRegistry:
    """The registry. Use it as a context: it listens on a free port of 127.0.0.1.

    Args:
        auth: None, ``basic`` or ``bearer``.
        users: Passwords by user name.
        rights: By user name (``None``: anonymous), patterns of repositories with actions:
            ``{"bob": {"org/.*": {"pull"}}}``. None: every user may do everything.
        tls: Certificate chain and key files, or None for plain http.
    """

    def __init__(
        self,
        auth: str | None = None,
        users: dict[str, str] | None = None,
        rights: dict[str | None, dict[str, set[str]]] | None = None,
        tls: tuple[str, str] | None = None,
    ) -> None:
        self.auth = auth
        self.users = users or {}
        self.rights = rights
        self.faults = Faults()
        self.requests: list[Seen] = []
        self.blobs: dict[str, dict[str, bytes]] = defaultdict(dict)
        self.manifests: dict[str, dict[str, tuple[str, bytes]]] = defaultdict(dict)
        self.sessions: dict[str, bytearray] = {}
        self.tokens: dict[str, tuple[str | None, list[str]]] = {}
        self.identity_token: str | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self._server.daemon_threads = True
        self.scheme = "https" if tls else "http"
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def host(self) -> str:
        """``localhost:port``: the name that is plain http for Docker."""
        return f"localhost:{self.port}"

    def lines(self, method: str = "") -> list[str]:
        """What was asked for, as ``METHOD path``."""
        return [seen.line for seen in self.requests if seen.method.startswith(method)]

    def put_blob(self, repository: str, content: bytes) -> str:
        """Place a blob; returns its digest."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.blobs[repository][digest] = content
        return digest

    def put_manifest(self, repository: str, tag: str | None, media_type: str, content: bytes) -> str:
        """Place a manifest under its digest and a tag; returns its digest."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        for name in (digest, *([tag] if tag else [])):
            self.manifests[repository][name] = (media_type, content)
        return digest


class _Cut(Exception):
    """The connection is cut here."""


def _handler_for(registry: FakeRegistry) -> type[BaseHTTPRequestHandler]:
    class Bound(_Handler):
        fake = registry

    return Bound


class _Handler(BaseHTTPRequestHandler):
    fake: FakeRegistry
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def handle(self) -> None:
        try:
            super().handle()
        except (ConnectionError, ssl.SSLError, _Cut):
            self.close_connection = True

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        self.where, self.query = parts.path, parse_qs(parts.query)
        self.fake.requests.append(Seen(self.command, self.where, self.query, self.headers))
        if canned := self.fake.faults.answers.get(f"{self.command} {self.where}"):
            self._take_body()
            return self._answer(canned[0], canned[2], {"Content-Type": canned[1]})
        if self.where == "/token":
            return self._issue()
        if not self._allowed():
            return None
        for pattern, act in (
            (_SESSION, self._session),
            (_BLOB, self._blob),
            (_MANIFEST, self._manifest),
            (_TAGS, self._tags),
        ):
            if match := pattern.fullmatch(self.where):
                return act(**match.groupdict())
        return self._answer(200, b"{}") if self.where == "/v2/" else self._error(404, "UNSUPPORTED", "not here")

    # --- who ---

    def _allowed(self) -> bool:
        if self.fake.auth is None:
            return True
        header = self.headers.get("Authorization", "")
        if self.fake.auth == "basic" and self._basic_user(header):
            return True
        bearer = self.fake.tokens.get(header.removeprefix("Bearer "))
        if self.fake.auth == "bearer" and bearer and self._is_fresh(header) and self._covers(bearer[1]):
            return True
        self._take_body()
        error = ',error="insufficient_scope"' if bearer and self._is_fresh(header) else ""
        self._error(401, "UNAUTHORIZED", "authentication required", {"WWW-Authenticate": self._challenge() + error})
        return False

    def _is_fresh(self, header: str) -> bool:
        limit = self.fake.faults.tokens_expire_after
        return limit is None or list(self.fake.tokens).index(header.removeprefix("Bearer ")) >= limit

    def _challenge(self) -> str:
        if self.fake.auth == "basic":
            return 'Basic realm="lab"'
        realm = self.fake.faults.realm or f"{self.fake.scheme}://{self.headers['Host']}/token"
        return f'Bearer realm="{realm}",service="fake"'

    def _covers(self, scopes: list[str]) -> bool:
        needed = "pull" if self.command in {"GET", "HEAD"} else "push"
        match = next(
            (p.fullmatch(self.where) for p in (_SESSION, _BLOB, _MANIFEST, _TAGS) if p.fullmatch(self.where)), None
        )
        return match is None or f"{match['name']}:{needed}" in scopes

    def _basic_user(self, header: str) -> str | None:
        try:
            user, _, password = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
        except ValueError:
            return None
        return user if header.startswith("Basic ") and self.fake.users.get(user) == password else None

    def _issue(self) -> None:
        body = self._take_body()
        if refusal := self.fake.faults.token_refusal:
            return self._answer(refusal[0], refusal[1])
        form = parse_qs(body.decode()) if self.command == "POST" else self.query
        user = self._basic_user(self.headers.get("Authorization", ""))
        if self.command == "POST" and form.get("refresh_token") == [self.fake.identity_token or ""]:
            user = "identity"
        elif self.headers.get("Authorization") and user is None:
            return self._error(401, "UNAUTHORIZED", "incorrect username or password")
        scopes = [one for scope in form.get("scope", []) for one in scope.split(" ")]
        token = uuid.uuid4().hex
        self.fake.tokens[token] = (user, self._granted(user, scopes))
        answer = {"token": token, "expires_in": 300}
        if "offline_token" in form and self.fake.identity_token:
            answer["refresh_token"] = self.fake.identity_token
        return self._answer(200, json.dumps(answer).encode())

    def _granted(self, user: str | None, scopes: list[str]) -> list[str]:
        granted = []
        for scope in scopes:
            _, name, actions = scope.split(":")
            granted += [f"{name}:{action}" for action in actions.split(",") if self._may(user, name, action)]
        return granted

    def _may(self, user: str | None, name: str, action: str) -> bool:
        if self.fake.rights is None:
            return user is not None
        return any(
            re.fullmatch(pattern, name) and action in actions
            for pattern, actions in self.fake.rights.get(user, {}).items()
        )

    # --- what ---

    def _session(self, name: str, session: str) -> None:
        if self.command == "POST":
            return self._start_session(name)
        if self.command == "PATCH" and self.fake.faults.lost_sessions:
            self.fake.faults.lost_sessions -= 1
            self.fake.sessions.pop(session, None)
        if session not in self.fake.sessions:
            self._take_body()
            return self._error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        data = self.fake.sessions[session]
        if self.command == "PATCH":
            return self._patch(name, session, data)
        if self.command == "PUT":
            data += self._take_body()
            return self._commit(name, session, data)
        return self._answer(204, b"", self._session_headers(name, session))

    def _start_session(self, name: str) -> None:
        self._take_body()
        digest, source = self.query.get("mount", [""])[0], self.query.get("from", [""])[0]
        if digest in self.fake.blobs[source] and not self.fake.faults.unsent_mounts:
            self.fake.blobs[name][digest] = self.fake.blobs[source][digest]
            return self._answer(201, b"", {"Location": f"/v2/{name}/blobs/{digest}", "Docker-Content-Digest": digest})
        session = uuid.uuid4().hex
        self.fake.sessions[session] = bytearray()
        return self._answer(202, b"", self._session_headers(name, session))

    def _patch(self, name: str, session: str, data: bytearray) -> None:
        start = self.headers.get("Content-Range", "").partition("-")[0]
        if start and int(start) != len(data):
            self._take_body()
            return self._error(416, "RANGE_INVALID", "invalid content range")
        limit, self.fake.faults.patch_breaks_after = self.fake.faults.patch_breaks_after, None
        if self.fake.faults.every_patch_breaks:
            raise _Cut
        if limit is not None:
            data += self.rfile.read(limit)
            if self.fake.faults.session_forgotten:
                del self.fake.sessions[session]
            raise _Cut
        data += self._take_body()
        return self._answer(202, b"", self._session_headers(name, session))

    def _session_headers(self, name: str, session: str) -> dict[str, str]:
        end = max(len(self.fake.sessions[session]) - 1, 0)
        return {"Location": f"/v2/{name}/blobs/uploads/{session}?_state=x", "Range": f"0-{end}"}

    def _commit(self, name: str, session: str, data: bytearray) -> None:
        digest = self.query.get("digest", [""])[0]
        if f"sha256:{hashlib.sha256(data).hexdigest()}" != digest:
            return self._error(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        self.fake.blobs[name][digest] = bytes(self.fake.sessions.pop(session))
        return self._answer(201, b"", {"Location": f"/v2/{name}/blobs/{digest}", "Docker-Content-Digest": digest})

    def _blob(self, name: str, digest: str) -> None:
        content = self.fake.blobs[name].get(digest)
        if content is None:
            return self._error(404, "BLOB_UNKNOWN", "blob unknown to registry")
        faults = self.fake.faults
        if faults.redirects_blobs_to and self.command == "GET":
            return self._answer(307, b"", {"Location": f"{faults.redirects_blobs_to}{self.path}"})
        if faults.blob_garbled and self.command == "GET":
            faults.blob_garbled -= 1
            content = bytes([content[0] ^ 1]) + content[1:]
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if wanted and not faults.blob_ignores_range:
            offset = int(wanted[1])
            content_range = {"Content-Range": f"bytes {offset}-{len(content) - 1}/{len(content)}"}
            return self._answer(206, content[offset:], content_range)
        limit, faults.blob_breaks_after = faults.blob_breaks_after, None
        return self._answer(200, content, {"Docker-Content-Digest": digest}, cut_after=limit)

    def _manifest(self, name: str, reference: str) -> None:
        if self.command == "PUT":
            content = self._take_body()
            tag = None if ":" in reference else reference
            digest = self.fake.put_manifest(name, tag, self.headers["Content-Type"], content)
            return self._answer(201, b"", {"Docker-Content-Digest": digest})
        if reference not in self.fake.manifests[name]:
            return self._error(404, "MANIFEST_UNKNOWN", "manifest unknown", detail={"Tag": reference})
        media_type, content = self.fake.manifests[name][reference]
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        return self._answer(200, content, {"Content-Type": media_type, "Docker-Content-Digest": digest})

    def _tags(self, name: str) -> None:
        """One tag a page, so that clients must follow the links."""
        tags = sorted(tag for tag in self.fake.manifests[name] if ":" not in tag)
        if not tags:
            return self._error(404, "NAME_UNKNOWN", "repository name not known to registry", detail={"name": name})
        last = self.query.get("last", [""])[0]
        page = [tag for tag in tags if tag > last][:1]
        more = bool(page) and page[-1] != tags[-1]
        link = {"Link": f'</v2/{name}/tags/list?last={page[-1]}>; rel="next"'} if more else {}
        return self._answer(200, json.dumps({"name": name, "tags": page}).encode(), link)

    # --- how ---

    def _take_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            content = b""
            while size := int(self.rfile.readline(), 16):
                content += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return content
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _error(
        self, status: int, code: str, message: str, headers: dict[str, str] | None = None, detail: Any = None
    ) -> None:
        row = {"code": code, "message": message} | ({"detail": detail} if detail is not None else {})
        self._answer(status, json.dumps({"errors": [row]}).encode(), headers)

    def _answer(
        self, status: int, body: bytes, headers: dict[str, str] | None = None, cut_after: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in ({"Content-Type": "application/json"} | (headers or {})).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD" or status == 204:
            return
        self.wfile.write(body if cut_after is None else body[:cut_after])
        if cut_after is not None:
            self.wfile.flush()
            raise _Cut


for _method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
    setattr(_Handler, f"do_{_method}", _Handler._serve)
