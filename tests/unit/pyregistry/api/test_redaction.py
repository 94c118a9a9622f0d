"""Keeping secrets out of what is written down."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyregistry.api.redaction import redact


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Authorization: Basic YWxpY2U6c2VjcmV0", "Authorization: Basic REDACTED"),
        ("bearer eyJhbGciOi.eyJzdWIi.c2ln failed", "bearer REDACTED failed"),
        ("/token?account=alice&password=hunter2&service=x", "/token?account=alice&password=REDACTED&service=x"),
        ("user ghp_0123456789abcdefABCDEF", "user REDACTED"),
        ("github_pat_11AAAAAAA0123456789_abc", "REDACTED"),
        ("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln", "got REDACTED"),
        ("x_ghp_0123456789abcdefABCDEF", "x_REDACTED"),
        ("https://alice:hunter2@registry.test/v2/", "https://REDACTED@registry.test/v2/"),
        ("see http://alice:p@ss@registry.test", "see http://REDACTED@registry.test"),
        ("alice:hunter2@registry.test:5000", "REDACTED@registry.test:5000"),
        ("alice:p@ss@registry.test", "REDACTED@registry.test"),
        ("x-eyJhbGciOi.eyJzdWIi.c2ln", "REDACTED"),
        ("alice:hun/ter2@registry.test", "REDACTED@registry.test"),
        ("/v2/a/manifests/%67hp_0123456789", "/v2/a/manifests/REDACTED"),
        ("/v2/a/manifests/ghp%5F0123456789%41", "/v2/a/manifests/REDACTED"),
        ("/v2/a/manifests/ghp%255F0123456789%2541/b", "/v2/a/manifests/REDACTED/b"),
        ("/token?a=%20&pass%77ord=hunter%262%22&b=c", "/token?a=%20&pass%77ord=REDACTED&b=c"),
        ("/v2/Bearer%20abc/x y", "/v2/Bearer%20REDACTED y"),
        ("/v2/%3Fpassword%3Dhunter2", "/v2/%3Fpassword%3DREDACTED"),
        ("eyJhbGciOiJIUzI1NiJ9%2EeyJzdWIiOiJ4In0%2Ec2ln", "REDACTED"),
        ("/v2/org/app/manifests/1.0?digest=sha256:ab", "/v2/org/app/manifests/1.0?digest=sha256:ab"),
        ("/v2/org/app/manifests/sha256%3Aab?n=1%", "/v2/org/app/manifests/sha256%3Aab?n=1%"),
        ("alpine:3.20@sha256:ab is gone", "alpine:3.20@sha256:ab is gone"),
        ("/v2/a@b/tags/list", "/v2/a@b/tags/list"),
        ('{"errors":[{"detail":"a@b"}]}', '{"errors":[{"detail":"a@b"}]}'),
        ("laughs_0123456789", "laughs_0123456789"),
    ],
)
def test_credentials_are_redacted_and_nothing_else(text: str, kept: str) -> None:
    """Every form in which a credential passes here."""
    assert redact(text) == kept


LETTERS = st.text("abcdefXYZ0189", min_size=8, max_size=16)
TOKENS = st.builds("{}{}".format, st.sampled_from(["ghp_", "ghs_", "github_pat_", "eyJh.eyJ.", "eyJ_-.a."]), LETTERS)


@given(st.sampled_from(["/", "/v2/a/", "?x=", "", "%25/", "x "]), TOKENS, st.data())
def test_no_spelling_of_a_token_gets_through(path: str, token: str, data: st.DataObject) -> None:
    """Any of its characters may be percent-encoded, any number of times."""
    depths = data.draw(st.lists(st.integers(0, 3), min_size=len(token), max_size=len(token)))
    spelled = "".join(encoded(character, depth) for character, depth in zip(token, depths, strict=True))
    assert redact(f"{path}{spelled}/end") == f"{path}REDACTED/end"


def encoded(character: str, depth: int) -> str:
    """Percent-encoded that many times."""
    return character if depth == 0 else f"%{'25' * (depth - 1)}{ord(character):02X}"


@given(st.text(st.characters(exclude_characters="%")))
def test_what_holds_no_percent_is_read_the_same_either_way(text: str) -> None:
    """The quick way and the careful one agree."""
    assert redact(f"{text} %") == f"{redact(f'{text} ')}%"


HOSTILE = (
    *("-eyJ", "-eyJ.", "eyJa.", "bearer", " bearer", "bearer ", "ghp_", "github_pat_", "//", "//a", "//a:b", "a@", "@"),
    *("%41", "%25", "%", "?password=", "&", "a:"),
)


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_long_header_costs_no_more_than_its_length(piece: str) -> None:
    """A hundred thousand characters that almost are secrets: what scans them again and again would take minutes."""
    started = time.process_time()
    redact(piece * (100_000 // len(piece)))
    assert time.process_time() - started < 5
