"""Pages of names: ``n`` and ``last`` in, a slice and a Link out (distribution-spec 1.1.1 "Listing Tags"). Pure."""

import re
from collections.abc import Iterable, Mapping
from itertools import islice
from urllib.parse import urlencode

from pyregistry.spec.errors import PaginationNumberInvalid

# n ::= digits; nine are more than any registry holds, and keep int() away from a header full of them
_COUNT = re.compile(r"[0-9]{1,9}", re.ASCII)


def parse_count(query: Mapping[str, str]) -> int | None:
    """How many names the client wants, None for no wish.

    Raises:
        PaginationNumberInvalid: ``n`` is no number, or a negative one.
    """
    text = query.get("n")
    if text is None:
        return None
    if _COUNT.fullmatch(text) is None:
        raise PaginationNumberInvalid({"n": text[:40]})
    return int(text)


def page(names: Iterable[str], query: Mapping[str, str], count: int | None) -> tuple[list[str], bool]:
    """At most ``count`` of the sorted ``names`` after ``last``, and whether more follow."""
    last = query.get("last", "")
    following = (name for name in names if not last or name > last)
    if count is None:
        return list(following), False
    found = list(islice(following, count + 1))
    return found[:count], bool(count) and len(found) > count


def next_link(path: str, **query: str | int | None) -> str:
    """The Link header that leads to the next page (RFC 8288), query keys sorted as distribution writes them."""
    carried = {name: value for name, value in sorted(query.items()) if value is not None}
    return f'<{path}?{urlencode(carried)}>; rel="next"'
