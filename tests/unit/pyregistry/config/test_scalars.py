"""Grammars of single values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyregistry.config.scalars import parse_address, parse_duration, parse_external_url, parse_header_name
from pyregistry.config.settings import TcpAddress


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10s", 10),
        ("168h", 604800),
        ("1h30m", 5400),
        ("500ms", 0.5),
        ("1.5s", 1.5),
        (".5m", 30),
        ("0", 0),
        ("2us", 2e-6),
    ],
)
def test_durations_are_gos(text: str, seconds: float) -> None:
    """Go's notation, in seconds."""
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "10", "s", "10 s", "-1s", "1d", "1s1", "٣s", "1e3s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """No unit, no number, no guess."""
    with pytest.raises(ValueError, match="expected a duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (":5000", TcpAddress("", 5000)),
        ("localhost:0", TcpAddress("localhost", 0)),
        ("0.0.0.0:65535", TcpAddress("0.0.0.0", 65535)),  # noqa: S104  parsed, not bound
        ("[::1]:443", TcpAddress("::1", 443)),
        ("[fe80::1%eth0]:443", TcpAddress("fe80::1%eth0", 443)),
    ],
)
def test_addresses_are_host_and_port(text: str, address: TcpAddress) -> None:
    """Every form that Go's listener takes, names of ports aside."""
    assert parse_address(text) == address


@given(st.text(max_size=30))
def test_parsers_answer_or_refuse(text: str) -> None:
    """Any text is a value, or a ``ValueError`` that says what was expected."""
    for parse in (parse_duration, parse_address, parse_external_url, parse_header_name):
        said = "expected nothing else"
        try:
            parse(text)
        except ValueError as exc:
            said = str(exc)
        assert said.startswith("expected")
