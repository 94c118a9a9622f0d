"""Log lines, against their literal text."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pyregistry.api import logs
from pyregistry.api.exchange import Exchange
from pyregistry.api.request_log import RequestLog, access_line
from pyregistry.config.settings import LogFormatter, LogLevel, LogSettings
from pyregistry.spec.identity import Identity
from tests.unit.pyregistry.api.harness import scope

AT = datetime(2026, 1, 2, 3, 4, 5, 678900, UTC)


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Both logs are this process's; other tests find them as they were."""
    loggers = (logs.APPLICATION, logs.ACCESS)
    before = [(logger.handlers[:], logger.level, logger.propagate) for logger in loggers]
    yield
    for logger, (handlers, level, propagate) in zip(loggers, before, strict=True):
        logger.handlers[:], logger.propagate = handlers, propagate
        logger.setLevel(level)


def _written(settings: LogSettings, message: str, level: int = logging.INFO, **fields: object) -> str:
    """What the application log writes of one record at a fixed time."""
    logs.configure(settings)
    stream = io.StringIO()
    [handler] = logs.APPLICATION.handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    record = logging.LogRecord("pyregistry.test", level, __file__, 1, message, None, None)
    record.created = AT.timestamp()
    record.fields = fields
    logs.APPLICATION.handle(record)
    return stream.getvalue()


def test_text_is_logrus_text() -> None:
    """Bare where logrus leaves it bare, quoted where it quotes, fields sorted, the configuration's among them."""
    settings = LogSettings(fields={"service": "registry"})
    assert _written(settings, "response completed", b="two words", a="bare-1.0/x", n=3) == (
        'time="2026-01-02T03:04:05.678900Z" level=info msg="response completed" '
        'a=bare-1.0/x b="two words" n=3 service=registry\n'
    )
    assert _written(settings, "stopping", logging.WARNING).startswith(
        'time="2026-01-02T03:04:05.678900Z" level=warning msg=stopping '
    )


def test_a_line_stays_one_line_and_keeps_no_secret() -> None:
    """What a client wrote cannot end its quotes, begin a line or give a token away."""
    line = _written(LogSettings(), "x", agent='a"\nlevel=fatal', auth="Bearer eyJh.eyJz.c2ln")
    assert line.count("\n") == 1
    assert r'agent="a\"\nlevel=fatal" auth="Bearer REDACTED"' in line


def test_json_and_logstash_are_objects() -> None:
    """Logrus' member names."""
    found = json.loads(_written(LogSettings(formatter=LogFormatter.JSON), "hello", x=1))
    assert found == {"level": "info", "msg": "hello", "time": "2026-01-02T03:04:05.678900Z", "x": 1}
    found = json.loads(_written(LogSettings(formatter=LogFormatter.LOGSTASH), "hello"))
    assert found == {"level": "info", "message": "hello", "@timestamp": "2026-01-02T03:04:05.678900Z", "@version": "1"}


def test_the_level_is_the_configurations() -> None:
    """And the access log is a log of its own."""
    logs.configure(LogSettings(level=LogLevel.ERROR, access_log=False))
    assert not logs.APPLICATION.isEnabledFor(logging.WARNING)
    assert not logs.ACCESS.isEnabledFor(logging.ERROR)
    logs.configure(LogSettings(level=LogLevel.ERROR))
    assert logs.ACCESS.isEnabledFor(logging.INFO)


def test_an_access_line_is_apaches_combined() -> None:
    """The user column stays ``-``, also for a known user, as registry:2's does."""
    exchange = Exchange(at=AT, identity=Identity("alice"), status=404, bytes_out=19)
    at = AT.astimezone().strftime("%d/%b/%Y:%H:%M:%S %z")
    request = scope("GET", "/v2/a?n=1", [], {"user-agent": 'c"url', "referer": "http://r"})
    assert access_line(exchange, request) == (
        f'127.0.0.1 - - [{at}] "GET /v2/a?n=1 HTTP/1.1" 404 19 "http://r" "c\\"url"'
    )


def test_an_access_line_names_the_protocol_as_logs_do() -> None:
    """Granian says ``1`` for HTTP/1.0."""
    request = scope("GET", "/v2/", [], {}) | {"http_version": "1"}
    assert '"GET /v2/ HTTP/1.0" 200' in access_line(Exchange(at=AT, status=200), request)


def test_an_access_line_keeps_no_secret() -> None:
    """Clients put tokens into queries and referers."""
    request = scope("GET", "/token?password=hunter2", [], {"referer": "http://r/?token=ghp_0123456789abcdef"})
    line = access_line(Exchange(at=AT, status=200), request)
    assert "/token?password=REDACTED HTTP" in line
    assert '"http://r/?token=REDACTED"' in line


def test_an_access_line_of_an_unanswered_request_says_499() -> None:
    """Nginx and distribution say so of a client that left."""
    exchange = replace(Exchange(at=AT), status=None)
    assert '" 499 0 "" ""' in access_line(exchange, scope("PATCH", "/v2/", [], {}))


def test_the_requests_of_one_turn_are_one_write_in_their_order() -> None:
    """What fits into a pipe at once, that is; a log that nobody reads any more keeps nobody from being answered."""
    logs.configure(LogSettings(formatter=LogFormatter.JSON))
    [access], [application] = logs.ACCESS.handlers, logs.APPLICATION.handlers
    assert isinstance(access, logging.StreamHandler)
    assert isinstance(application, logging.StreamHandler)
    written = FlushCounter()
    access.setStream(written)
    application.setStream(closed := io.StringIO())
    closed.close()

    async def serve() -> None:
        log = RequestLog()
        for number in range(3):
            log.write(Exchange(at=AT, status=200, bytes_out=number), scope("GET", f"/v2/{number}", [], {}))
        assert written.getvalue() == ""
        await asyncio.sleep(0)

    asyncio.run(serve())
    assert written.flushes == 1
    assert [line.split('"')[1] for line in written.getvalue().splitlines()] == [
        f"GET /v2/{n} HTTP/1.1" for n in range(3)
    ]


class FlushCounter(io.StringIO):
    """Counts flushes, each a write of a real stream."""

    flushes = 0

    def flush(self) -> None:
        """Count."""
        self.flushes += 1
