"""Which images have a program of this machine that stands in for them. Pure."""

import re

REGISTRY = "registry"
NGINX = "nginx"

STAND_INS = "registry, registry:2, registry:3, nginx, nginx:TAG"
"""For people: what may be written behind ``image:``."""

_HUB = re.compile(r"^(?:docker\.io/)?(?:library/)?")
_REGISTRY = re.compile(r"registry(?::(?:latest|[23](?:\.\d+){0,2}))?")
_NGINX = re.compile(r"nginx(?::[\w][\w.-]{0,127})?", re.ASCII)


def kind(image: str) -> str | None:
    """``registry`` or ``nginx``: what stands in for an image; None where nothing does."""
    name = _HUB.sub("", image)
    if _REGISTRY.fullmatch(name):
        return REGISTRY
    return NGINX if _NGINX.fullmatch(name) else None
