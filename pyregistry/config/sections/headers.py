"""Headers, which several sections have: a mapping from names to lists of values."""

from collections.abc import Mapping

from pyregistry.config.scalars import parse_header_name, parse_header_value
from pyregistry.config.section import Section


def read_headers(section: Section) -> Mapping[str, tuple[str, ...]]:
    """``headers`` of a section."""
    with section.section("headers") as headers:
        for name in headers.names():
            headers.check_name(name, parse_header_name)
        return {name: headers.several(name, parse_header_value) for name in headers.names()}
