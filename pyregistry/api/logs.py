"""Log lines as registry:2 writes them: the application's on stderr (logrus), one a request on stdout (Apache).

No other module formats a log line. A record's fields travel in ``extra={"fields": {…}}``.
"""

import json
import logging
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime

from starlette.datastructures import Headers
from starlette.types import Scope

from pyregistry.api.exchange import CLIENT_GONE_STATUS, Exchange, peer, target
from pyregistry.api.redaction import redact
from pyregistry.config.settings import LogFormatter, LogLevel, LogSettings

APPLICATION = logging.getLogger("pyregistry")
ACCESS = logging.getLogger("pyregistry.access")

_LEVELS = {
    LogLevel.ERROR: logging.ERROR,
    LogLevel.WARN: logging.WARNING,
    LogLevel.INFO: logging.INFO,
    LogLevel.DEBUG: logging.DEBUG,
}
_LEVEL_NAMES = {logging.WARNING: "warning", logging.CRITICAL: "fatal"}

# logrus leaves a value bare when it is one or more of these characters
_BARE = re.compile(r"[a-zA-Z0-9\-._/@^+]+", re.ASCII)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\"\\]")


def configure(settings: LogSettings) -> None:
    """Set both logs up for this process; what was set up before is replaced."""
    application = logging.StreamHandler(sys.stderr)
    application.setFormatter(_FORMATTERS[settings.formatter](settings.fields))
    APPLICATION.handlers[:] = [application]
    APPLICATION.setLevel(_LEVELS[settings.level])
    APPLICATION.propagate = False
    ACCESS.handlers[:] = [logging.StreamHandler(sys.stdout)] if settings.access_log else []
    ACCESS.setLevel(logging.INFO if settings.access_log else logging.CRITICAL + 1)
    ACCESS.propagate = False


def access_line(exchange: Exchange, scope: Scope) -> str:
    """One request in Apache's combined format. The user column is ``-``, as registry:2's is."""
    headers = Headers(scope=scope)
    at = exchange.at.astimezone().strftime("%d/%b/%Y:%H:%M:%S %z")
    request = f"{_escaped(redact(scope['method']))} {_escaped(redact(target(scope)))} HTTP/{scope['http_version']}"
    host = peer(scope).rpartition(":")[0] or "-"
    quoted = [_escaped(redact(headers.get(name, ""))) for name in ("referer", "user-agent")]
    return (
        f'{host} - - [{at}] "{request}" {exchange.status or CLIENT_GONE_STATUS} {exchange.bytes_out} '
        f'"{quoted[0]}" "{quoted[1]}"'
    )


def request_fields(exchange: Exchange, scope: Scope) -> dict[str, object]:
    """What registry:2's line ``response completed`` tells, under its keys."""
    headers = Headers(scope=scope)
    fields: dict[str, object] = {
        "http.request.id": exchange.request_id,
        "http.request.method": scope["method"],
        "http.request.host": headers.get("host", ""),
        "http.request.uri": target(scope),
        "http.request.remoteaddr": peer(scope),
        "http.request.useragent": headers.get("user-agent", ""),
        "http.response.status": exchange.status or CLIENT_GONE_STATUS,
        "http.response.written": exchange.bytes_out,
        "http.response.duration": f"{exchange.duration_ms:.3f}ms",
    }
    if exchange.identity.account:
        fields["auth.user.name"] = exchange.identity.account
    if exchange.match and exchange.match.repository:
        fields["vars.name"] = exchange.match.repository
    if exchange.error_code:
        fields["err.code"] = exchange.error_code.lower()
    return fields


class _LineFormatter(logging.Formatter):
    """Collects what every format shows. ``always`` are the configuration's ``log.fields``."""

    def __init__(self, always: Mapping[str, str]) -> None:
        super().__init__()
        self._always = always

    def fields(self, record: logging.LogRecord) -> dict[str, object]:
        found = {**self._always, **getattr(record, "fields", {})}
        if record.exc_info:
            found["err.cause"] = self.formatException(record.exc_info)
        return {name: redact(value) if isinstance(value, str) else value for name, value in found.items()}


class _TextFormatter(_LineFormatter):
    """``time="…" level=info msg="…" key=value``, fields in the order of their names."""

    def format(self, record: logging.LogRecord) -> str:
        lead = {"time": _time(record), "level": _level(record), "msg": redact(record.getMessage())}
        return " ".join(
            f"{name}={_quoted(value)}" for name, value in (*lead.items(), *sorted(self.fields(record).items()))
        )


class _JsonFormatter(_LineFormatter):
    """logrus' JSON: one object a line."""

    def format(self, record: logging.LogRecord) -> str:
        lead = {"level": _level(record), "msg": redact(record.getMessage()), "time": _time(record)}
        return json.dumps(self.fields(record) | lead, ensure_ascii=False, default=str)


class _LogstashFormatter(_LineFormatter):
    """logrus' logstash format, version 1."""

    def format(self, record: logging.LogRecord) -> str:
        lead = {
            "@timestamp": _time(record),
            "@version": "1",
            "level": _level(record),
            "message": redact(record.getMessage()),
        }
        return json.dumps(self.fields(record) | lead, ensure_ascii=False, default=str)


_FORMATTERS: Mapping[LogFormatter, type[_LineFormatter]] = {
    LogFormatter.TEXT: _TextFormatter,
    LogFormatter.JSON: _JsonFormatter,
    LogFormatter.LOGSTASH: _LogstashFormatter,
}


def _time(record: logging.LogRecord) -> str:
    """RFC 3339 with fractions, UTC."""
    return datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")


def _level(record: logging.LogRecord) -> str:
    return _LEVEL_NAMES.get(record.levelno, record.levelname.lower())


def _quoted(value: object) -> str:
    text = str(value)
    return text if _BARE.fullmatch(text) else f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    """So that a client's text can neither end its quotes nor begin a line of its own."""
    return _UNPRINTABLE.sub(lambda found: json.dumps(found[0])[1:-1], text)
