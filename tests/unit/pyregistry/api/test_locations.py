"""URLs that answers carry."""

from collections.abc import Mapping

import pytest

from pyregistry.api.locations import base_url, client_address, location
from tests.unit.pyregistry.api.harness import settings

HOST = {"host": "registry.test:5000"}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (HOST, "http://registry.test:5000"),
        (HOST | {"x-forwarded-proto": "https"}, "https://registry.test:5000"),
        (HOST | {"x-forwarded-proto": "https, http", "x-forwarded-host": "a.test, b.test"}, "https://a.test"),
        (HOST | {"forwarded": 'for=1.2.3.4;proto=https;host="c.test:8443", for=5.6.7.8'}, "https://c.test:8443"),
        (HOST | {"forwarded": "proto=https", "x-forwarded-proto": "http"}, "https://registry.test:5000"),
        (HOST | {"forwarded": "for=1.2.3.4", "x-forwarded-proto": "https"}, "http://registry.test:5000"),
        (HOST | {"x-forwarded-proto": "HTTPS"}, "https://registry.test:5000"),
        (HOST | {"x-forwarded-proto": "javascript"}, "http://registry.test:5000"),
        (HOST | {"x-forwarded-host": 'evil"/path'}, "http://registry.test:5000"),
        (HOST | {"x-forwarded-host": "a@b"}, "http://registry.test:5000"),
        ({"host": "[::1]:5000"}, "http://[::1]:5000"),
        ({"host": "alice:secret@registry.test"}, ""),
        ({"host": ""}, ""),
        ({}, ""),
    ],
)
def test_base_url_follows_what_proxies_say(headers: Mapping[str, str], expected: object) -> None:
    """Forwarded instead of X-Forwarded-*, the first value of each; the rest comes from the request, if it is good."""
    assert base_url(settings().http, headers, "http") == expected


def test_http_host_of_the_configuration_wins() -> None:
    """Whoever configures an outside URL means it."""
    http = settings(external_url="https://registry.example.com/").http
    assert base_url(http, HOST | {"x-forwarded-host": "other"}, "http") == "https://registry.example.com"


def test_a_location_is_absolute_unless_relative_urls_are_wanted() -> None:
    """registry:2's ``http.relativeurls``."""
    assert location(settings().http, "http://h", "/v2/x") == "http://h/v2/x"
    assert location(settings(relative_urls=True).http, "http://h", "/v2/x") == "/v2/x"
    assert location(settings().http, "", "/v2/x") == "/v2/x"


def test_a_prefix_stands_before_the_path() -> None:
    """registry:2's ``http.prefix``, in absolute and in relative Locations."""
    assert location(settings(prefix="/registry").http, "http://h", "/v2/x") == "http://h/registry/v2/x"
    assert location(settings(prefix="/registry", relative_urls=True).http, "http://h", "/v2/x") == "/registry/v2/x"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x-forwarded-for": "192.0.2.7, 10.0.0.1"}, "192.0.2.7"),
        ({"x-forwarded-for": "2001:db8::1", "x-real-ip": "192.0.2.7"}, "2001:db8::1"),
        ({"x-forwarded-for": "unknown", "x-real-ip": " 192.0.2.7 "}, "192.0.2.7"),
        ({"x-forwarded-for": "192.0.2.7:4711"}, None),
        ({}, None),
    ],
)
def test_the_client_is_who_the_outermost_proxy_names(headers: dict[str, str], expected: str | None) -> None:
    """Only what is an address: the journal and notifications tell it on."""
    assert client_address(headers) == expected
