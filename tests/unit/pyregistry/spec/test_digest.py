"""Digests."""

import hashlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyregistry.spec.digest import SUPPORTED_ALGORITHMS, Digest, hasher_for
from pyregistry.spec.errors import DigestInvalid

HEX = "0123456789abcdef" * 4


@given(content=st.binary(), algorithm=st.sampled_from(SUPPORTED_ALGORITHMS))
def test_a_digest_is_read_as_it_was_written(content: bytes, algorithm: str) -> None:
    """And is hashlib's."""
    digest = Digest.of(content, algorithm)
    assert digest.encoded == hashlib.new(algorithm, content).hexdigest()
    assert Digest.parse(str(digest)) == digest


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "sha256",
        "sha256:",
        f"sha256:{HEX[:-1]}",
        f"sha256:{HEX}0",
        f"sha256:{HEX.upper()}",
        f"SHA256:{HEX}",
        f" sha256:{HEX}",
        f"sha256:{HEX}\n",
        f"sha256:{HEX[:-1]}g",
        f"sha256:{HEX[:-1]}\u0660",
        f"sha512:{HEX}",
        f"md5:{'0' * 32}",
        f"sha256:sha256:{HEX}",
        "sha256:../../etc/passwd",
        "sha256:baddigeststring",
    ],
)
def test_what_is_no_digest_is_refused(text: str) -> None:
    """Grammar, algorithm, length and case; the refusal says what was wanted."""
    with pytest.raises(DigestInvalid, match="expected"):
        Digest.parse(text)


@given(st.text() | st.from_regex(r"[a-z0-9]{1,8}:[0-9a-fA-F]{0,130}", fullmatch=True))
def test_no_text_breaks_the_parser(text: str) -> None:
    """A digest that writes itself the same, or a refusal."""
    with suppress(DigestInvalid):
        assert str(Digest.parse(text)) == text


def test_an_unknown_algorithm_has_no_hasher() -> None:
    """Whatever hashlib may know besides."""
    with pytest.raises(DigestInvalid, match="md5: unsupported"):
        hasher_for("md5")
