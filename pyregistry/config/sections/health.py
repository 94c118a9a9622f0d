"""``health``: what is looked at again and again."""

from http import HTTPStatus
from pathlib import Path

from pyregistry.config.scalars import parse_address, parse_url
from pyregistry.config.section import Section
from pyregistry.config.sections.headers import read_headers
from pyregistry.config.settings import (
    DEFAULT_CHECK_SECONDS,
    DEFAULT_CHECK_TIMEOUT_SECONDS,
    FileCheck,
    HealthSettings,
    HttpCheck,
    TcpAddress,
    TcpCheck,
)


def read_health(root: Section) -> HealthSettings:
    """``health``."""
    with root.section("health") as health, health.section("storagedriver") as driver:
        return HealthSettings(
            storage_driver_enabled=driver.boolean("enabled", default=False),
            interval_seconds=_read_interval(driver),
            threshold=driver.count("threshold", 0),
            file_checks=tuple(map(_read_file, health.sections("file"))),
            http_checks=tuple(map(_read_http, health.sections("http"))),
            tcp_checks=tuple(map(_read_tcp, health.sections("tcp"))),
        )


def _read_file(section: Section) -> FileCheck:
    with section:
        section.require("file")
        return FileCheck(
            path=section.path_of("file") or Path(),
            interval_seconds=_read_interval(section),
            threshold=section.count("threshold", 0),
        )


def _read_http(section: Section) -> HttpCheck:
    with section:
        section.require("uri")
        return HttpCheck(
            url=section.parsed("uri", parse_url, ""),
            headers=read_headers(section),
            status_code=section.count("statuscode", 0) or HTTPStatus.OK,
            timeout_seconds=_read_timeout(section),
            interval_seconds=_read_interval(section),
            threshold=section.count("threshold", 0),
        )


def _read_tcp(section: Section) -> TcpCheck:
    with section:
        section.require("addr")
        return TcpCheck(
            address=section.parsed("addr", parse_address, TcpAddress("", 0)),
            timeout_seconds=_read_timeout(section),
            interval_seconds=_read_interval(section),
            threshold=section.count("threshold", 0),
        )


def _read_interval(section: Section) -> float:
    """0 is the default, as in registry:2; a loop without a pause is nobody's wish."""
    return section.duration("interval", 0.0) or DEFAULT_CHECK_SECONDS


def _read_timeout(section: Section) -> float:
    return section.duration("timeout", 0.0) or DEFAULT_CHECK_TIMEOUT_SECONDS
