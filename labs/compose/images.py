"""Which images have a program of this machine that stands in for them. Pure."""

import re

REGISTRY = "registry"
NGINX = "nginx"

STAND_INS = "registry, registry:2, registry:3, nginx, nginx:TAG"
"""For people: what may be written behind ``image:``."""

_HUB = re.compile(r"^(?:docker\.io/)?(?:library/)?")
_REGISTRY = re.compile(r"registry(?::(?:latest|[23](?:\.\d+){0,2}))?")
_NGINX = re.compile(r"nginx(?::(?P<tag>[\w][\w.-]{0,127}))?", re.ASCII)
# What Docker Hub's tags of nginx are made of: 1.25, 1.25.3-alpine3.18-slim, stable-perl, mainline-bookworm-otel …
_BASE = r"alpine(?:\d+\.\d+)?|bookworm|bullseye|buster|stretch|trixie|perl|otel|slim"
_USUAL_TAG = re.compile(rf"(?:\d+(?:\.\d+){{0,2}}|latest|stable|mainline|{_BASE})(?:-(?:{_BASE}))*")


def is_odd(image: str) -> bool:
    """Whether a tag looks like none of nginx's. Which there are nobody can look up here: it is remarked on, no more."""
    found = _NGINX.fullmatch(_HUB.sub("", image))
    return bool(found and found["tag"] and not _USUAL_TAG.fullmatch(found["tag"]))


def kind(image: str) -> str | None:
    """``registry`` or ``nginx``: what stands in for an image; None where nothing does."""
    name = _HUB.sub("", image)
    if _REGISTRY.fullmatch(name):
        return REGISTRY
    return NGINX if _NGINX.fullmatch(name) else None
