"""``pyregistry``: what registry:2 does not know."""

from pathlib import Path

from pyregistry.config.scalars import parse_pattern
from pyregistry.config.section import Section
from pyregistry.config.settings import DEFAULT_STALL_SECONDS, GcSettings, Immutability, ImmutabilitySpeech, Limits

MAX_WORKERS = 64
"""Processes; more than any machine this is meant for has cores."""


def read_path(own: Section, name: str) -> Path | None:
    """``pyregistry.<name>.path``; a section without its path is a mistake."""
    with own.section(name) as section:
        path = section.path_of("path")
        if path is None and own.has(name):
            own.mistake(name, "path is missing")
        return path


def read_limits(own: Section) -> Limits:
    """``pyregistry.limits``; a ``stalltimeout`` of 0 waits for ever."""
    default = Limits()
    with own.section("limits") as limits:
        return Limits(
            manifest_bytes=limits.count("manifestbytes", default.manifest_bytes),
            stall_seconds=limits.duration("stalltimeout", DEFAULT_STALL_SECONDS) or None,
        )


def read_immutability(own: Section) -> Immutability | None:
    """``pyregistry.policy.immutable``; an empty section makes every tag immutable."""
    default = Immutability()
    with own.section("policy") as policy, policy.section("immutable") as immutable:
        read = Immutability(
            tags=immutable.several("tags", parse_pattern) or default.tags,
            repositories=immutable.several("repositories", parse_pattern) or default.repositories,
            speech=immutable.word("speech", ImmutabilitySpeech, default.speech),
        )
        return read if policy.has("immutable") else None


def read_gc(own: Section) -> GcSettings:
    """``pyregistry.gc``; without an interval, or with 0, nothing is collected by itself."""
    default = GcSettings()
    with own.section("gc") as gc:
        return GcSettings(
            interval_seconds=gc.duration("interval", 0.0) or None,
            grace_seconds=gc.duration("grace", default.grace_seconds),
            delete_untagged=gc.boolean("deleteuntagged", default=default.delete_untagged),
        )


def read_workers(own: Section) -> int:
    """``pyregistry.workers``."""
    return own.parsed("workers", _parse_workers, 1)


def _parse_workers(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_WORKERS)) and 1 <= int(text) <= MAX_WORKERS):
        raise ValueError(f"expected a number of processes from 1 to {MAX_WORKERS}, got {text[:40]!r}")
    return int(text)
