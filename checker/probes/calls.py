"""One HTTP request to one address, without redirects, logins or second tries: what came back, as a ``Door``.

It comes under the name of some ordinary client (``guises``). What nobody can tell apart from a slow machine (silence)
or from a broken one (garbage) is not observed.
"""

import json
import re
import ssl
from collections.abc import Mapping
from contextlib import closing, suppress
from http.client import BadStatusLine, HTTPConnection, HTTPException, HTTPResponse, RemoteDisconnected
from socket import create_connection

from checker.facts import Door, Fault, NotObserved, Page, Unavailable
from checker.probes.guises import guise
from checker.probes.surroundings import HTTP_PORT, HTTPS_PORT, Address

ANSWER_SECONDS = 5.0
"""Waits for a connection, for its TLS, and for each piece of an answer; a longer silence is not observed.

Milliseconds on a quiet machine. With twenty busy programs on two cores, 1.5 s were seen for TLS and answer together.
"""
_BODY_MAX_BYTES = 1 << 16
"""Read so that a proxy logs what it sent, and for whose words they are."""
_WORDS_MAX = 200
"""Characters of a registry's own words that are kept."""
_VERSION_HEADER = "Docker-Distribution-Api-Version"
"""Of registries; a proxy's configuration may add it to pages of the proxy's own as well."""
_REFUSALS_FROM, _SERVER_ERRORS_FROM = 400, 500
_TLS_ALERT = "\x15\x03"
"""How a TLS server's answer to plain HTTP begins: record type ``alert``, version 3.x (RFC 8446 §5.1)."""


def ask(
    address: Address,
    method: str,
    target: str,
    *,
    tls: ssl.SSLContext | None,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Door:
    """Send one request; ``tls`` None speaks plain HTTP.

    Raises:
        NotObserved: Silence, garbage, or a network that does not lead there.
    """
    url = f"{'https' if tls else 'http'}://{address.authority(HTTPS_PORT if tls else HTTP_PORT)}{target}"
    try:
        with closing(_connect(address, tls)) as connection:
            _send(connection, method, target, {"Host": url.split("/")[2], **(headers or {})}, body)
            return _door(connection.getresponse())
    except ConnectionRefusedError:
        return Door(None, fault=Fault.REFUSED)
    except (RemoteDisconnected, ConnectionResetError, BrokenPipeError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
        return Door(None, fault=Fault.CLOSED)
    except ssl.SSLCertVerificationError as exc:
        raise NotObserved(Unavailable("tls", {"url": url, "name": address.name})) from exc
    except ssl.SSLError:
        return Door(None, fault=Fault.TLS)
    except TimeoutError as exc:
        raise NotObserved(Unavailable("timeout", {"seconds": int(ANSWER_SECONDS), "source": url})) from exc
    except BadStatusLine as exc:
        if str(exc.args[0]).startswith(_TLS_ALERT):
            return Door(None, fault=Fault.TLS)
        raise NotObserved(Unavailable("garbage", {"source": url})) from exc
    except (HTTPException, ValueError) as exc:
        raise NotObserved(Unavailable("garbage", {"source": url})) from exc
    except OSError as exc:
        raise NotObserved(Unavailable("unreachable", {"url": url})) from exc


def answered(door: Door, url: str) -> Door:
    """The door, where it answered in HTTP.

    Raises:
        NotObserved: It did not.
    """
    if door.fault is Fault.REFUSED:
        raise NotObserved(Unavailable("unreachable", {"url": url}))
    if door.fault is Fault.TLS:
        raise NotObserved(Unavailable("not-tls", {"url": url}))
    if door.status is None:
        raise NotObserved(Unavailable("interrupted", {"what": url}))
    return door


def _connect(address: Address, tls: ssl.SSLContext | None) -> HTTPConnection:
    """A connection, opened; the caller closes it."""
    connection = HTTPConnection(address.name, address.typed, timeout=ANSWER_SECONDS)
    plain = create_connection((address.host, address.port), timeout=ANSWER_SECONDS)
    try:
        connection.sock = tls.wrap_socket(plain, server_hostname=address.name) if tls else plain
    except BaseException:
        plain.close()
        raise
    return connection


def _send(connection: HTTPConnection, method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> None:
    """Send the request, as much of it as the other side takes."""
    told = {"User-Agent": guise(), "Accept-Encoding": "identity", "Connection": "close", **headers}
    # Who refuses a body (413) may answer, and close, before it has all of it: the answer is there to be read.
    with suppress(BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
        connection.request(method, target, body, told)


def _door(response: HTTPResponse) -> Door:
    """What of an answer counts."""
    with response:
        body = response.read(_BODY_MAX_BYTES)
    errors = _errors(body)
    is_html = response.headers.get_content_type() == "text/html"
    is_page = is_html or (response.status >= _REFUSALS_FROM and not errors)
    made = Page(_named(response.headers.get("Server")), _VERSION_HEADER in response.headers and not is_html)
    return Door(
        response.status,
        response.headers.get("WWW-Authenticate"),
        response.headers.get("Location"),
        page=made if is_page else None,
        words=errors if response.status >= _SERVER_ERRORS_FROM else "",
    )


def _errors(body: bytes) -> str:
    """Codes, messages and details of a registry's own errors (distribution-spec 1.1.1, "Error Codes"); else empty."""
    try:
        errors = json.loads(body)["errors"]
        return "; ".join(" ".join(_told(row[name]) for name in _PARTS if row.get(name)) for row in errors)[:_WORDS_MAX]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""


_PARTS = ("code", "message", "detail")


def _told(value: object) -> str:
    """One part of an error: a detail may be anything."""
    return value if isinstance(value, str) else json.dumps(value)


def _named(server: str | None) -> str | None:
    """Whose answer it is, as far as it looks like a name and a version."""
    return server if server and _SERVER.fullmatch(server) else None


_SERVER = re.compile(r"[A-Za-z][\w.+-]{0,30}(?:/[\w.+-]{1,20})?(?: \([\w. -]{1,20}\))?")
