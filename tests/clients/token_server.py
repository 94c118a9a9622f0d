"""An outside token server with one user, as a program: it runs inside the namespace, where the clients can ask it.

It grants all that is asked for to whom it knows, and nothing to who gives no name. Clients ask in two ways: GET with
Basic, and OAuth 2's POST.
"""

import base64
import json
import sys
from collections.abc import Iterable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qsl, urlsplit

from tests.clients.doors import PASSWORD, USER
from tests.fakes.token_server import Authority, certify, claims, make_key, sign

READY = "listening\n"


class Handler(BaseHTTPRequestHandler):
    """``/token``."""

    authority: ClassVar[Authority] = certify("token server", make_key("p256"), is_authority=True)

    def do_GET(self) -> None:
        """Credentials in the header, scopes in the query, one a parameter or several in one."""
        asked = parse_qsl(urlsplit(self.path).query)
        sent = self.headers.get("Authorization", "").removeprefix("Basic ")
        scopes = " ".join(value for name, value in asked if name == "scope")
        self._grant(base64.b64decode(sent).decode(), dict(asked)["service"], scopes)

    def do_POST(self) -> None:
        """Everything in the form, scopes in one field."""
        form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        self._grant(f"{form.get('username')}:{form.get('password')}", form["service"], form.get("scope", ""))

    def _grant(self, credentials: str, service: str, scopes: str) -> None:
        if credentials not in ("", f"{USER}:{PASSWORD}"):
            self._answer(
                HTTPStatus.UNAUTHORIZED, {"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]}
            )
            return
        access = list(_access(scopes.split())) if credentials else []
        content = claims(sub=USER if credentials else "", aud=service, access=access)
        token = sign(self.authority.key, "ES256", {"x5c": [self.authority.encoded]}, content)
        self._answer(HTTPStatus.OK, {"token": token, "access_token": token, "expires_in": 300})

    def _answer(self, status: HTTPStatus, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def _access(scopes: Iterable[str]) -> Iterable[dict[str, object]]:
    for scope in scopes:
        kind, name, actions = scope.split(":")
        yield {"type": kind, "name": name, "actions": actions.split(",")}


def main() -> None:
    """Write the certificate to the first argument, then serve on the port of the second."""
    Path(sys.argv[1]).write_bytes(Handler.authority.pem)
    with ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler) as server:
        sys.stdout.write(READY)
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    main()
