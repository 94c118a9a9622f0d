"""References read as Docker's client 28.2.2 reads them; each refusal was seen from it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.engine.reference import InvalidReference, Reference
from pyregistry.spec.digest import Digest

HEX = "a" * 64


@pytest.mark.parametrize(
    ("text", "full", "familiar"),
    [
        ("alpine", "docker.io/library/alpine:latest", "alpine:latest"),
        ("alpine:3.20", "docker.io/library/alpine:3.20", "alpine:3.20"),
        ("user/app", "docker.io/user/app:latest", "user/app:latest"),
        ("index.docker.io/library/alpine", "docker.io/library/alpine:latest", "alpine:latest"),
        ("docker.io/library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest"),
        ("ghcr.io/o/r/app:1.0", "ghcr.io/o/r/app:1.0", "ghcr.io/o/r/app:1.0"),
        ("localhost/app", "localhost/app:latest", "localhost/app:latest"),
        ("localhost:5000/app", "localhost:5000/app:latest", "localhost:5000/app:latest"),
        ("[::1]:5000/app:x", "[::1]:5000/app:x", "[::1]:5000/app:x"),
        ("Upper/app", "Upper/app:latest", "Upper/app:latest"),
        (f"alpine@sha256:{HEX}", f"docker.io/library/alpine@sha256:{HEX}", f"alpine@sha256:{HEX}"),
        (f"ghcr.io/a/b:1@sha256:{HEX}", f"ghcr.io/a/b:1@sha256:{HEX}", f"ghcr.io/a/b:1@sha256:{HEX}"),
    ],
)
def test_completes_what_is_typed_and_shortens_it_again(text: str, full: str, familiar: str) -> None:
    """Domain, ``library/`` and ``latest`` are filled in; the familiar form leaves out the first two."""
    reference = Reference.parse(text)
    assert (str(reference), reference.familiar()) == (full, familiar)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "invalid reference format"),
        ("a..b", "invalid reference format"),
        ("app:", "invalid reference format"),
        ("ghcr.io//app", "invalid reference format"),
        ("../app", "invalid reference format"),
        ("app@sha256:abcd", "invalid reference format"),
        ("app:" + "t" * 129, "invalid reference format"),
        ("MyApp", "invalid reference format: repository name (library/MyApp) must be lowercase"),
        ("localhost:5000/MyApp", "invalid reference format: repository name (MyApp) must be lowercase"),
        ("ghcr.io/o/MyApp:1.0", "invalid reference format: repository name (o/MyApp) must be lowercase"),
        ("a" * 300, "repository name must not be more than 255 characters"),
        (f"alpine@sha256:{'a' * 40}", "invalid checksum digest length"),
        (f"alpine@sha256:{'A' * 64}", "invalid checksum digest format"),
        (f"alpine@md5:{'a' * 32}", "unsupported digest algorithm"),
        (HEX, f"invalid repository name ({HEX}), cannot specify 64-byte hexadecimal strings"),
    ],
)
def test_refuses_in_dockers_words(text: str, message: str) -> None:
    """A student searches for the message that they see: it is Docker's, to the letter."""
    with pytest.raises(InvalidReference) as refusal:
        Reference.parse(text)
    assert str(refusal.value) == message


def test_the_default_tag_can_be_left_out() -> None:
    """``docker push --all-tags`` needs to know that no tag was typed."""
    assert Reference.parse("ghcr.io/o/app", default_tag=None).tag is None


COMPONENTS = st.from_regex(r"[a-z0-9]+(?:(?:\.|_|__|-{1,3})[a-z0-9]+){0,2}", fullmatch=True)
DOMAINS = st.from_regex(r"[a-z][a-z0-9]{0,5}\.[a-z]{2,3}(?::[0-9]{2,4})?", fullmatch=True) | st.just("docker.io")
REFERENCES = st.builds(
    lambda domain, parts, tag, content: Reference(
        domain,
        "/".join(["o", *parts]),
        tag if tag or content is not None else "latest",
        None if content is None else Digest.of(content),
    ),
    DOMAINS,
    st.lists(COMPONENTS, min_size=1, max_size=3),
    st.none() | st.from_regex(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,10}", fullmatch=True),
    st.none() | st.binary(max_size=4),
)


@given(REFERENCES)
def test_both_forms_read_back_as_the_same_reference(reference: Reference) -> None:
    """Neither the complete nor the familiar form loses anything."""
    assert Reference.parse(str(reference)) == reference
    assert Reference.parse(reference.familiar()) == reference


@given(st.text(max_size=40))
def test_any_text_is_a_reference_or_refused(text: str) -> None:
    """The parser has no third way out, and what it accepts has a complete form that it accepts again."""
    try:
        reference = Reference.parse(text)
    except InvalidReference:
        return
    assert Reference.parse(str(reference)) == reference
