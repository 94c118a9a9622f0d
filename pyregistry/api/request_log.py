"""What the logs tell of a request: a line on stdout in Apache's format, and registry:2's ``response completed``."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from select import PIPE_BUF
from typing import TextIO

from starlette.types import Scope

from pyregistry.api.exchange import CLIENT_GONE_STATUS, Exchange, header, peer, target
from pyregistry.api.logs import ACCESS, APPLICATION, SHORT_TEXT, Plain, escaped, render
from pyregistry.api.redaction import redact

_VERSIONS = {"1": "1.0", "2": "2.0"}
"""What Granian calls them, and what logs do."""


class RequestLog:
    """Writes both lines. What is logged in one turn of the event loop is one write to each stream.

    Not through ``logging``, whose records cost more than all the rest of an answer that is recalled.
    """

    def __init__(self) -> None:
        self._lines: list[tuple[logging.Logger, str]] = []

    def write(self, exchange: Exchange, scope: Scope) -> None:
        """Log a request whose answer is out."""
        if not self._lines:
            asyncio.get_running_loop().call_soon(self._flush)
        if ACCESS.isEnabledFor(logging.INFO):
            self._lines.append((ACCESS, access_line(exchange, scope)))
        if APPLICATION.isEnabledFor(logging.INFO):
            message = "response completed with error" if exchange.error_code else "response completed"
            self._lines.append((APPLICATION, render(request_fields(exchange, scope), message)))

    def _flush(self) -> None:
        lines, self._lines = self._lines, []
        for log in (ACCESS, APPLICATION):
            for handler in log.handlers:
                if isinstance(handler, logging.StreamHandler):
                    _write(handler, [line for to, line in lines if to is log])


def _write(handler: "logging.StreamHandler[TextIO]", lines: Sequence[str]) -> None:
    """In writes that a pipe takes whole, so that lines of several processes never mix."""
    with suppress(OSError, ValueError):  # nobody reads it any more: that keeps nobody from pulling
        for text in _portions(lines):
            handler.stream.write(text)
            handler.flush()


def _portions(lines: Sequence[str]) -> Iterator[str]:
    """The lines, as many together as a pipe takes at once. Characters are taken for bytes: hardly any is not ASCII."""
    portion: list[str] = []
    size = 0
    for line in lines:
        if portion and size + len(line) >= PIPE_BUF:
            yield "\n".join([*portion, ""])
            portion, size = [], 0
        portion.append(line)
        size += len(line) + 1
    if portion:
        yield "\n".join([*portion, ""])


def access_line(exchange: Exchange, scope: Scope) -> str:
    """One request in Apache's combined format. The user column is ``-``, as registry:2's is."""
    version = scope["http_version"]
    at = _apache_time(int(exchange.at.timestamp()))
    request = f"{_shown(scope['method'])} {_shown(target(scope))} HTTP/{_VERSIONS.get(version, version)}"
    host = peer(scope).rpartition(":")[0] or "-"
    referer, agent = _shown(header(scope, b"referer") or ""), _shown(header(scope, b"user-agent") or "")
    status = exchange.status or CLIENT_GONE_STATUS
    return f'{host} - - [{at}] "{request}" {status} {exchange.bytes_out} "{referer}" "{agent}"'


def request_fields(exchange: Exchange, scope: Scope) -> dict[str, object]:
    """What registry:2's line ``response completed`` tells, under its keys."""
    fields: dict[str, object] = {
        "http.request.id": Plain(exchange.request_id),
        "http.request.method": scope["method"],
        "http.request.host": header(scope, b"host") or "",
        "http.request.uri": target(scope),
        "http.request.remoteaddr": peer(scope),
        "http.request.useragent": header(scope, b"user-agent") or "",
        "http.response.status": exchange.status or CLIENT_GONE_STATUS,
        "http.response.written": exchange.bytes_out,
        "http.response.duration": Plain(f"{exchange.duration_ms:.3f}ms"),
    }
    if exchange.identity.account:
        fields["auth.user.name"] = exchange.identity.account
    if exchange.match and exchange.match.repository:
        fields["vars.name"] = exchange.match.repository
    if exchange.error_code:
        fields["err.code"] = exchange.error_code.lower()
    return fields


def _shown(text: str) -> str:
    """A client's text without credentials, and so that it stays within its quotes."""
    return _shown_again(text) if len(text) <= SHORT_TEXT else escaped(redact(text))


@lru_cache(maxsize=1024)
def _shown_again(text: str) -> str:
    return escaped(redact(text))


@lru_cache(maxsize=4)
def _apache_time(second: int) -> str:
    """Local time; once a second is enough."""
    return datetime.fromtimestamp(second, UTC).astimezone().strftime("%d/%b/%Y:%H:%M:%S %z")
