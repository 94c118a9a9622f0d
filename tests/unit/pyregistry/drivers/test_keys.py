"""Keys: whatever becomes a path lies below the root."""

from contextlib import suppress
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyregistry.drivers.keys import parse_key

segments = st.text(min_size=1).filter(lambda text: text not in {".", ".."} and not set(text) & {"/", "\0"})


@given(st.lists(segments, min_size=1))
def test_segments_come_back(parts: list[str]) -> None:
    """A key is its segments."""
    assert parse_key("/".join(parts)) == tuple(parts)


@given(st.lists(st.sampled_from(["", ".", "..", "a", "\0", "..."]), min_size=1).map("/".join))
def test_nothing_leads_out(key: str) -> None:
    """Whatever is let through stays below the folder that it is joined to."""
    with suppress(ValueError):
        joined = PurePosixPath("/store").joinpath(*parse_key(key))
        assert joined.parts[:2] == ("/", "store")
        assert ".." not in joined.parts
        assert str(joined) == f"/store/{key}"


@pytest.mark.parametrize("key", ["", "/", "/a", "a/", "a//b", ".", "..", "a/..", "a/./b", "a\0b"])
def test_what_is_no_key_is_refused(key: str) -> None:
    """Loudly: it is a bug of ours."""
    with pytest.raises(ValueError, match="expected a relative path"):
        parse_key(key)
