"""From method and path to an endpoint."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyregistry.api.router import MethodUnknown, PathUnknown, below_prefix, match
from pyregistry.spec.digest import Digest
from pyregistry.spec.endpoints import ENDPOINTS, Access, Endpoint
from pyregistry.spec.errors import (
    BlobUploadUnknown,
    DigestInvalid,
    ManifestUnknown,
    NameInvalid,
    RegistryError,
    TagInvalid,
)

DIGEST = Digest.of(b"content")
SESSION = "c0a37c55-da8b-4872-bb88-5d70fdafaf52"


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.id)
def test_each_row_of_the_table_is_found_by_each_of_its_methods(endpoint: Endpoint) -> None:
    """The table is what is routed: a row that is added is served without another word here."""
    path = (
        endpoint.template.replace("{name}", "org/app")
        .replace("{reference}", "1.0")
        .replace("{digest}", str(DIGEST))
        .replace("{session}", SESSION)
    )
    for method in endpoint.methods:
        found = match(method, path)
        assert found.endpoint is endpoint
        assert found.access is endpoint.access
        assert found.repository == ("org/app" if "{name}" in endpoint.template else "")


def test_what_the_path_names_is_parsed() -> None:
    """Handlers get values, not texts."""
    assert match("GET", f"/v2/a/blobs/{DIGEST}").digest == DIGEST
    assert match("GET", f"/v2/a/manifests/{DIGEST}").reference == DIGEST
    assert match("GET", "/v2/a/manifests/v1").reference == "v1"
    assert match("PATCH", f"/v2/a/blobs/uploads/{SESSION}").session == SESSION


@pytest.mark.parametrize(
    ("path", "repository"),
    [
        ("/v2/a/blobs/uploads/tags/list", "a/blobs/uploads"),
        ("/v2/tags/list/tags/list", "tags/list"),
        ("/v2/manifests/manifests/manifests", "manifests"),
        ("/v2/a/manifests/b/manifests/c", "a/manifests/b"),
        ("/v2/a%2Fb/tags/list", "a/b"),
    ],
)
def test_names_that_look_like_endpoints_are_names(path: str, repository: str) -> None:
    """The last words of a path decide; the grammar of names allows the words of endpoints."""
    assert match("GET", path).repository == repository


@pytest.mark.parametrize(
    "name", ["UPPER", "a/../b", "..", "a//b", "/a", "a/", "a" * 256, "a" * 300, "a%00b", "é", "a b", "-a", ""]
)
def test_a_name_that_breaks_the_grammar_is_name_invalid(name: str) -> None:
    """Not an unknown path: the client wrote an endpoint, and the name is what is wrong with it."""
    with pytest.raises(NameInvalid):
        match("GET", f"/v2/{name}/tags/list")


def test_a_name_of_255_characters_is_a_name() -> None:
    """The limit is the longest name, not the first that is refused."""
    assert match("GET", f"/v2/{'a' * 255}/tags/list").repository == "a" * 255


@pytest.mark.parametrize(
    "path",
    ["/v2/a/blobs/sha256:bad", "/v2/a/manifests/sha256:bad", "/v2/a/referrers/md5:d41d8cd98f00b204e9800998ecf8427e"],
)
def test_what_is_no_digest_is_digest_invalid(path: str) -> None:
    """400 wherever a digest is meant, whatever the endpoint."""
    with pytest.raises(DigestInvalid):
        match("GET", path)


def test_a_tag_that_breaks_the_grammar_is_refused_on_put_and_unknown_otherwise() -> None:
    """It cannot be made, so asking for it finds nothing; the old conformance suite asks for ``.INVALID…``."""
    with pytest.raises(TagInvalid):
        match("PUT", "/v2/a/manifests/.dot")
    for method in ("GET", "HEAD", "DELETE"):
        with pytest.raises(ManifestUnknown):
            match(method, "/v2/a/manifests/.dot")


@pytest.mark.parametrize("session", ["..", "%2e%2e", "a%00", "-", "a" * 200, "é"])
def test_a_session_that_could_not_be_one_is_unknown(session: str) -> None:
    """It never comes near a path on disk."""
    with pytest.raises(BlobUploadUnknown):
        match("PATCH", f"/v2/a/blobs/uploads/{session}")


@pytest.mark.parametrize(
    "path", ["/v1/", "/v2/a", "/v2/a/manifests/", "/v2/a/tags", "", "//", "/v2/_catalog/", "/V2/", "/token"]
)
def test_other_paths_are_unknown(path: str) -> None:
    """A plain 404, as distribution answers."""
    with pytest.raises(PathUnknown):
        match("GET", path)


def test_an_endpoint_that_a_registry_lacks_is_an_unknown_path() -> None:
    """So that clients go the way they go at that registry."""
    path = f"/v2/a/referrers/{Digest.of(b'')}"
    assert match("GET", path).endpoint.id == "end-12"
    with pytest.raises(PathUnknown):
        match("GET", path, lacking=frozenset({"end-12"}))


def test_a_known_path_with_another_method_names_the_methods_that_it_has() -> None:
    """For the Allow header, over all rows of the path."""
    with pytest.raises(MethodUnknown) as refused:
        match("POST", f"/v2/a/blobs/uploads/{SESSION}")
    assert refused.value.allowed == ("DELETE", "GET", "HEAD", "PATCH", "PUT")


def test_options_asks_for_the_methods_of_a_path() -> None:
    """Of one that is in the table, whatever it names; the answer tells nothing of what is there."""
    assert match("OPTIONS", "/v2/a/manifests/1.0").methods == ("DELETE", "GET", "HEAD", "PUT")
    assert match("OPTIONS", "/v2/UPPER/blobs/junk").access is Access.NONE
    with pytest.raises(PathUnknown):
        match("OPTIONS", "/v3/")


def test_the_token_endpoint_is_where_the_issuer_says() -> None:
    """Its access is none: who asks for a token has none yet."""
    found = match("POST", "/token", "/token")
    assert found.endpoint.id == "token"
    assert found.access is Access.NONE


@given(st.sampled_from(["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"]), st.text(max_size=300))
def test_any_path_is_matched_or_refused_in_words_of_the_spec(method: str, tail: str) -> None:
    """Nothing that a client writes into a path is a fault of ours."""
    for path in (tail, f"/v2/{tail}", f"/v2/{tail}/manifests/x", f"/v2/a/blobs/{tail}", f"/v2/a/blobs/uploads/{tail}"):
        try:
            found = match(method, path)
        except (RegistryError, PathUnknown, MethodUnknown):
            continue
        assert ".." not in (found.session or "").split("/")


@pytest.mark.parametrize(
    ("target", "prefix", "below"),
    [
        ("/v2/a/tags/list", "", "/v2/a/tags/list"),
        ("/x/y/v2/", "/x/y", "/v2/"),
        ("/x/y/v2", "/x/y", "/v2"),
        ("/", "/x/y", "/"),
        ("/x/y/x/y/v2/", "/x/y", "/x/y/v2/"),
    ],
)
def test_a_prefix_is_taken_off(target: str, prefix: str, below: str) -> None:
    """Once, and not from the root."""
    assert below_prefix(target, prefix) == below


@pytest.mark.parametrize("target", ["/v2/", "/x/v2/", "/x/yv2/", "/x/y", "/x/y/", "/X/Y/v2/", "//x/y/v2/"])
def test_what_stands_beside_a_prefix_is_nowhere(target: str) -> None:
    """A plain 404."""
    with pytest.raises(PathUnknown):
        below_prefix(target, "/x/y")
