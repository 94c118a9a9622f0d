"""The application's log on stderr, in logrus' formats as registry:2 writes it. The lines of requests: ``request_log``.

A record's fields travel in ``extra={"fields": {…}}``.
"""

import json
import logging
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache

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
SHORT_TEXT = 256
"""Characters of a value that is worth remembering as it is shown; longer ones would fill the memory."""

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\"\\]")


class Plain(str):
    """A value of our own making: nothing to hide, and nothing to quote."""

    __slots__ = ()


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


def render(fields: Mapping[str, object], message: str) -> str:
    """A line of the application log at level info, as one of its records would be written, without its cost."""
    [handler] = APPLICATION.handlers
    formatter = handler.formatter
    assert isinstance(formatter, _LineFormatter)  # noqa: S101  configure() set it
    return formatter.line(datetime.now(UTC), "info", message, fields)


def escaped(text: str) -> str:
    """So that a client's text can neither end its quotes nor begin a line of its own."""
    return _UNPRINTABLE.sub(lambda found: json.dumps(found[0])[1:-1], text)


class _LineFormatter(logging.Formatter):
    """Collects what every format shows. ``always`` are the configuration's ``log.fields``."""

    def __init__(self, always: Mapping[str, str]) -> None:
        super().__init__()
        self._always = always

    def format(self, record: logging.LogRecord) -> str:
        fields = dict(getattr(record, "fields", {}))
        if record.exc_info:
            fields["err.cause"] = self.formatException(record.exc_info)
        at = datetime.fromtimestamp(record.created, UTC)
        return self.line(at, _level(record), record.getMessage(), fields)

    def line(self, at: datetime, level: str, message: str, fields: Mapping[str, object]) -> str:
        """One line, without its newline and without credentials."""
        return self._render(_time(at), level, redact(message), {**self._always, **fields})

    def _render(self, time: str, level: str, message: str, fields: Mapping[str, object]) -> str:
        raise NotImplementedError


class _TextFormatter(_LineFormatter):
    """``time="…" level=info msg="…" key=value``, fields in the order of their names."""

    def _render(self, time: str, level: str, message: str, fields: Mapping[str, object]) -> str:
        shown = " ".join([f"{name}={_shown(value)}" for name, value in sorted(fields.items())])
        return f'time="{time}" level={level} msg={_quoted(message)}{" " if shown else ""}{shown}'


class _JsonFormatter(_LineFormatter):
    """logrus' JSON: one object a line."""

    def _render(self, time: str, level: str, message: str, fields: Mapping[str, object]) -> str:
        return _json(fields, {"level": level, "msg": message, "time": time})


class _LogstashFormatter(_LineFormatter):
    """logrus' logstash format, version 1."""

    def _render(self, time: str, level: str, message: str, fields: Mapping[str, object]) -> str:
        return _json(fields, {"@timestamp": time, "@version": "1", "level": level, "message": message})


_FORMATTERS: Mapping[LogFormatter, type[_LineFormatter]] = {
    LogFormatter.TEXT: _TextFormatter,
    LogFormatter.JSON: _JsonFormatter,
    LogFormatter.LOGSTASH: _LogstashFormatter,
}


def _time(at: datetime) -> str:
    """RFC 3339 with fractions, UTC."""
    return at.isoformat().replace("+00:00", "Z")


def _level(record: logging.LogRecord) -> str:
    return _LEVEL_NAMES.get(record.levelno, record.levelname.lower())


def _json(fields: Mapping[str, object], lead: Mapping[str, object]) -> str:
    kept = {name: redact(value) if isinstance(value, str) else value for name, value in fields.items()}
    return json.dumps({**kept, **lead}, ensure_ascii=False, default=str)


def _shown(value: object) -> str:
    """A value as logrus writes it, without credentials."""
    if isinstance(value, Plain):
        return value
    text = str(value)
    return _shown_again(text) if len(text) <= SHORT_TEXT else _quoted(redact(text))


@lru_cache(maxsize=1024)
def _shown_again(text: str) -> str:
    """The same hosts, paths and programs come again and again, and two regular expressions cost a microsecond each."""
    return _quoted(redact(text))


def _quoted(text: str) -> str:
    return text if _BARE.fullmatch(text) else f'"{escaped(text)}"'
