"""Descriptors: what content is, how large, and its digest (OCI image-spec 1.1.1, descriptor.md)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pyregistry.spec.digest import Digest


@dataclass(frozen=True, slots=True)
class Platform:
    """The platform an image runs on (image-spec 1.1.1, image-index.md "platform")."""

    architecture: str
    os: str
    variant: str | None = None

    def __str__(self) -> str:
        """``os/architecture[/variant]``, as clients write it."""
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A reference to content. ``size`` is in bytes."""

    media_type: str
    digest: Digest
    size: int
    platform: Platform | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    artifact_type: str | None = None
    urls: tuple[str, ...] = ()
