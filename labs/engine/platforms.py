"""Platforms as clients write and compare them (image-spec 1.1.1 image-index.md; github.com/containerd/platforms)."""

import platform as machine
import re

from pyregistry.spec.descriptor import Platform

# The kernel's names on the left, Go's (which the spec takes over) on the right.
_ARCHITECTURES = {
    "x86_64": "amd64",
    "x86-64": "amd64",
    "aarch64": "arm64",
    "i386": "386",
    "i686": "386",
    "armhf": "arm",
}
_DEFAULT_VARIANT = {"arm64": "v8", "arm": "v7"}
# platform ::= os "/" architecture ["/" variant] | architecture
_WORD = r"[a-z0-9_.-]+"
_PLATFORM = re.compile(rf"(?P<os>{_WORD})/(?P<architecture>{_WORD})(?:/(?P<variant>{_WORD}))?|(?P<alone>{_WORD})")


class InvalidPlatform(ValueError):
    """The text is no platform. The message is containerd's own."""


def parse_platform(text: str) -> Platform:
    """Read ``os/architecture[/variant]``; an architecture alone is one of Linux.

    Raises:
        InvalidPlatform: It has another shape.
    """
    match = _PLATFORM.fullmatch(text.lower())
    if match is None:
        raise InvalidPlatform(f'"{text}": cannot parse platform specifier: invalid argument')
    architecture = match["architecture"] or match["alone"]
    return Platform(_ARCHITECTURES.get(architecture, architecture), match["os"] or "linux", match["variant"])


def host_platform() -> Platform:
    """What images on this machine run on: its architecture, always under Linux."""
    architecture = machine.machine().lower()
    return Platform(_ARCHITECTURES.get(architecture, architecture), "linux")


def fits(offered: Platform, wanted: Platform) -> bool:
    """Whether an image for ``offered`` is what ``wanted`` asks for; arm64 and arm64/v8 are the same."""
    return _normal(offered) == _normal(wanted)


def _normal(platform: Platform) -> tuple[str, str, str | None]:
    variant = platform.variant or _DEFAULT_VARIANT.get(platform.architecture)
    return platform.os, platform.architecture, variant
