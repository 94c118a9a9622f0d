"""Names for certificates, as people type them."""

import pytest

from labs.faults import LabError
from labs.hostnames import parse_address, parse_host

LONG_LABEL = "a" * 63
LONG_NAME = ".".join(["abcdefg"] * 31 + ["abcde"])


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("registry.example.com", "registry.example.com"),
        ("Registry.Example.COM", "registry.example.com"),
        ("registry", "registry"),
        ("1and1.example", "1and1.example"),
        ("*.example.com", "*.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("*.BÜCHER.example", "*.xn--bcher-kva.example"),
        (f"{LONG_LABEL}.example", f"{LONG_LABEL}.example"),
        (LONG_NAME, LONG_NAME),
    ],
)
def test_names(typed: str, name: str) -> None:
    """Lower case, other alphabets as DNS has them, a star in front; up to 63 characters a part and 253 in all."""
    assert parse_host(typed) == name


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("192.0.2.7", "error.host-address"),
        ("::1", "error.host-address"),
        ("[::1]", "error.host-address"),
        ("registry.example.com:8443", "error.host-url"),
        ("https://registry.example.com", "error.host-url"),
        ("registry.example.com/v2/", "error.host-url"),
        ("*", "error.host-wildcard"),
        ("*.com", "error.host-wildcard"),
        ("a*.example.com", "error.host-wildcard"),
        ("registry.*.example.com", "error.host-wildcard"),
        ("*.*.example.com", "error.host-wildcard"),
        ("", "error.host-name"),
        ("registry..example.com", "error.host-name"),
        (".example.com", "error.host-name"),
        ("registry.example.com.", "error.host-name"),
        ("-registry.example.com", "error.host-name"),
        ("registry-.example.com", "error.host-name"),
        ("my_registry.example.com", "error.host-name"),
        ("registry example.com", "error.host-name"),
        ("256.0.0.1", "error.host-name"),
        ("[::1]:443", "error.host-name"),
        (f"{LONG_LABEL}a.example", "error.host-name"),
        (f"{LONG_NAME}f", "error.host-name"),
    ],
)
def test_no_names(typed: str, message: str) -> None:
    """Each mistake has its own cure; what was typed is said again."""
    with pytest.raises(LabError) as caught:
        parse_host(typed)
    assert (caught.value.message, caught.value.parameters["name"]) == (message, typed)


def test_the_name_in_a_url_is_found() -> None:
    """A pasted address comes back as what should have been typed."""
    with pytest.raises(LabError) as caught:
        parse_host("https://Registry.example.com:8443/v2/")
    assert caught.value.parameters["host"] == "registry.example.com"


@pytest.mark.parametrize(
    ("typed", "address"), [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("[2001:DB8::0:7]", "2001:db8::7")]
)
def test_addresses(typed: str, address: str) -> None:
    """Both families, brackets or not, in their shortest form."""
    assert parse_address(typed) == address


@pytest.mark.parametrize("typed", ["registry.example.com", "192.0.2", "192.0.2.7:443", ""])
def test_no_addresses(typed: str) -> None:
    """A name, half an address and an address with a port are refused."""
    with pytest.raises(LabError) as caught:
        parse_address(typed)
    assert caught.value.message == "error.host-no-address"
