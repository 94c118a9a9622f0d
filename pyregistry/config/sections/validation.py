"""``validation`` and ``catalog``: what is let in, and how much of it is listed."""

from pyregistry.config.scalars import parse_pattern
from pyregistry.config.section import Section
from pyregistry.config.settings import ValidationSettings

DEFAULT_CATALOG_ENTRIES = 1000


def read_validation(root: Section) -> ValidationSettings:
    """``validation``."""
    with (
        root.section("validation") as validation,
        validation.section("manifests") as manifests,
        manifests.section("urls") as urls,
    ):
        # ``enabled`` is the older spelling; either one can switch validation off.
        enabled = validation.boolean("enabled", default=True)
        disabled = validation.boolean("disabled", default=False)
        return ValidationSettings(
            enabled=enabled and not disabled,
            allowed_urls=urls.several("allow", parse_pattern),
            denied_urls=urls.several("deny", parse_pattern),
        )


def read_catalog(root: Section) -> int:
    """``catalog.maxentries``."""
    with root.section("catalog") as catalog:
        return catalog.count("maxentries", DEFAULT_CATALOG_ENTRIES)
