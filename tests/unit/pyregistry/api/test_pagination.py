"""Pages of names."""

from collections.abc import Mapping

import pytest

from pyregistry.api.pagination import next_link, page, parse_count
from pyregistry.spec.errors import PaginationNumberInvalid


@pytest.mark.parametrize(
    ("query", "count", "expected"),
    [
        ({}, None, (["a", "b", "c"], False)),
        ({}, 2, (["a", "b"], True)),
        ({}, 3, (["a", "b", "c"], False)),
        ({}, 0, ([], False)),
        ({"last": "a"}, 1, (["b"], True)),
        ({"last": "b"}, 5, (["c"], False)),
        ({"last": "zz"}, 5, ([], False)),
        ({"last": "aa"}, None, (["b", "c"], False)),
    ],
)
def test_page_cuts_sorted_names(query: Mapping[str, str], count: int | None, expected: object) -> None:
    """``last`` need not be among the names; more is only said where there is more."""
    assert page(["a", "b", "c"], query, count) == expected


def test_count_is_a_number_or_refused() -> None:
    """v3's answer to a broken ``n``; v2 ignored it."""
    assert parse_count({}) is None
    assert parse_count({"n": "0"}) == 0
    for wrong in ("-1", "x", "", "1.5", "٣", "9" * 5000):
        with pytest.raises(PaginationNumberInvalid):
            parse_count({"n": wrong})


def test_link_encodes_what_it_carries() -> None:
    """Keys are sorted, values are encoded: a repository has slashes. What was not asked for is not carried on."""
    assert next_link("/v2/x", n=None, last="a", artifactType="a/b") == '</v2/x?artifactType=a%2Fb&last=a>; rel="next"'
    assert next_link("/v2/_catalog", n=5, last="org/app") == '</v2/_catalog?last=org%2Fapp&n=5>; rel="next"'
