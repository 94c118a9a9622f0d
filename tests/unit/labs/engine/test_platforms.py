"""Platforms as clients write and compare them."""

import pytest

from labs.engine.platforms import InvalidPlatform, fits, parse_platform
from pyregistry.spec.descriptor import Platform


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("linux/amd64", Platform("amd64", "linux")),
        ("linux/arm/v6", Platform("arm", "linux", "v6")),
        ("arm64", Platform("arm64", "linux")),
        ("Linux/x86_64", Platform("amd64", "linux")),
        ("aarch64", Platform("arm64", "linux")),
    ],
)
def test_reads_platforms(text: str, platform: Platform) -> None:
    """The kernel's words for an architecture are Go's in the end."""
    assert parse_platform(text) == platform


@pytest.mark.parametrize("text", ["", "/", "linux/", "linux/amd64/v1/x", "linux amd64", "linux//amd64"])
def test_refuses_what_is_none(text: str) -> None:
    """With the text in the message."""
    with pytest.raises(InvalidPlatform, match=f'"{text}"'):
        parse_platform(text)


@pytest.mark.parametrize(
    ("offered", "wanted", "answer"),
    [
        ("linux/arm64/v8", "linux/arm64", True),
        ("linux/arm/v7", "linux/arm", True),
        ("linux/arm/v6", "linux/arm", False),
        ("linux/amd64", "linux/arm64", False),
        ("windows/amd64", "linux/amd64", False),
    ],
)
def test_compares_with_default_variants(offered: str, wanted: str, answer: bool) -> None:  # noqa: FBT001  a table
    """arm64 is v8, arm is v7, and everything else must be equal."""
    assert fits(parse_platform(offered), parse_platform(wanted)) is answer
