"""Tables of end-3, end-7 and end-9: manifests by tag and digest."""

from tests.conformance.steps import Body, Row, Step

_TAGGED = "/v2/{repo}/manifests/1.0"
_BY_DIGEST = "/v2/{repo}/manifests/{image}"
_MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_TYPE = {"Content-Type": _MANIFEST_TYPE}
_HEADERS = {"Docker-Content-Digest": "{image}", "Content-Type": _MANIFEST_TYPE, "ETag": '"{image}"'}

_INDEX_TYPE = "application/vnd.oci.image.index.v1+json"

_KINDS = {
    "layerless": ("an image without layers", _MANIFEST_TYPE),
    "large": ("a manifest of nearly 4 MB", _MANIFEST_TYPE),
    "foreign": ("an image whose layer lies elsewhere and was never pushed", _MANIFEST_TYPE),
    "strange": ("a manifest with members that no specification knows", _MANIFEST_TYPE),
    "inline": ("a descriptor that carries its content", _MANIFEST_TYPE),
    "blobless": ("an artifact of nothing but its annotations", _MANIFEST_TYPE),
    "silent": ("an artifact", _MANIFEST_TYPE),
    "index": ("an index of two platforms", _INDEX_TYPE),
    "nested": ("an index of an index", _INDEX_TYPE),
    "bare": ("an index of nothing", _INDEX_TYPE),
    "collection": ("an index that is an artifact", _INDEX_TYPE),
}


def _kept(name: str, what: str, media_type: str) -> Row:
    """The row of one kind: it is pushed by tag, read back byte for byte in every way, listed, and deleted."""
    by_digest = f"/v2/{{repo}}/manifests/{{{name}}}"
    headers = {"Docker-Content-Digest": f"{{{name}}}", "Content-Type": media_type}
    return Row(
        f"end-7a-{name}",
        f"{what} comes back as it was pushed",
        (
            Step("PUT", _TAGGED, 201, Body(name), {"Content-Type": media_type}),
            Step("GET", _TAGGED, 200, expect=headers, body=Body(name)),
            Step("GET", by_digest, 200, expect=headers, body=Body(name)),
            Step("HEAD", _TAGGED, 200, expect={**headers, "Content-Length": f"{{{name} size}}"}, body=""),
            Step("HEAD", by_digest, 200, expect={**headers, "Content-Length": f"{{{name} size}}"}, body=""),
            Step("GET", "/v2/{repo}/tags/list", 200, json={"tags": ["1.0"]}),
            Step("DELETE", by_digest, 202),
            Step("GET", by_digest, 404, code="MANIFEST_UNKNOWN"),
            Step("GET", "/v2/{repo}/tags/list", 200, json={"tags": []}),
        ),
        (f"{name} parts",),
    )


END_3 = (
    Row(
        "end-3-get",
        "a manifest comes back byte for byte, by tag and by digest",
        (
            Step("GET", _TAGGED, 200, expect=_HEADERS, body=Body("image")),
            Step("GET", _BY_DIGEST, 200, expect=_HEADERS, body=Body("image")),
        ),
        ("image",),
    ),
    Row(
        "end-3-head",
        "HEAD answers as GET does, with the length and without the body",
        (
            Step("HEAD", _TAGGED, 200, expect={**_HEADERS, "Content-Length": "{image size}"}, body=""),
            Step("HEAD", _BY_DIGEST, 200, expect={**_HEADERS, "Content-Length": "{image size}"}, body=""),
        ),
        ("image",),
    ),
    Row(
        "end-3-accept",
        "Accept is never a reason to refuse: a manifest has one type",
        (
            Step("GET", _TAGGED, 200, headers={"Accept": "application/json"}, expect=_HEADERS),
            Step("GET", _TAGGED, 200, headers={"Accept": "application/vnd.docker.distribution.manifest.v2+json"}),
        ),
        ("image",),
    ),
    Row(
        "end-3-sha512",
        "a manifest that was pushed by sha512 comes back under its sha512 digest",
        (
            Step(
                "GET",
                "/v2/{repo}/manifests/{image512}",
                200,
                expect={"Docker-Content-Digest": "{image512}"},
                body=Body("image"),
            ),
            Step("HEAD", "/v2/{repo}/manifests/{image512}", 200, expect={"Docker-Content-Digest": "{image512}"}),
        ),
        ("image512",),
    ),
    Row(
        "end-3-unchanged",
        "a client that has the manifest is told so",
        (Step("GET", _TAGGED, 304, headers={"If-None-Match": '"{image}"'}, body=""),),
        ("image",),
    ),
    Row(
        "end-3-absent",
        "what is not there is MANIFEST_UNKNOWN, a tag that could not be included",
        (
            Step("GET", "/v2/{repo}/manifests/never", 404, code="MANIFEST_UNKNOWN"),
            Step("GET", "/v2/{repo}/manifests/{missing}", 404, code="MANIFEST_UNKNOWN"),
            Step("GET", "/v2/{repo}/manifests/{missing512}", 404, code="MANIFEST_UNKNOWN"),
            Step("HEAD", "/v2/{repo}/manifests/{missing}", 404, body=""),
            Step("HEAD", "/v2/{repo}/manifests/never", 404, body=""),
            Step("GET", "/v2/{repo}/manifests/.INVALID_MANIFEST_NAME", 404, code="MANIFEST_UNKNOWN"),
        ),
        ("image",),
    ),
    Row(
        "end-3-digest",
        "what is meant as a digest and is none is DIGEST_INVALID",
        (Step("GET", "/v2/{repo}/manifests/sha256:baddigeststring", 400, code="DIGEST_INVALID"),),
    ),
)

END_7 = (
    Row(
        "end-7a-tag",
        "a push by tag answers with the digest, and a Location by digest",
        (
            Step(
                "PUT",
                "/v2/{repo}/manifests/2.0",
                201,
                Body("image"),
                _TYPE,
                {
                    "Docker-Content-Digest": "{image}",
                    "Location": "{url}/v2/{repo}/manifests/{image}",
                },
            ),
            Step("GET", "{location}", 200, body=Body("image")),
        ),
        ("image",),
    ),
    Row(
        "end-7a-digest",
        "a push by digest needs no tag",
        (
            Step("PUT", _BY_DIGEST, 201, Body("image"), _TYPE, {"Docker-Content-Digest": "{image}"}),
            Step("GET", _BY_DIGEST, 200, body=Body("image")),
        ),
        ("parts",),
    ),
    Row(
        "end-7a-sha512",
        "a push by sha512 answers with the sha512 digest",
        (
            Step(
                "PUT",
                "/v2/{repo}/manifests/{image512}",
                201,
                Body("image"),
                _TYPE,
                {"Docker-Content-Digest": "{image512}"},
            ),
        ),
        ("parts",),
    ),
    Row(
        "end-7a-mismatch",
        "a digest that is not the body's is refused, and so is what is no digest",
        (
            Step("PUT", "/v2/{repo}/manifests/{missing}", 400, Body("image"), _TYPE, code="DIGEST_INVALID"),
            Step(
                "PUT", "/v2/{repo}/manifests/sha256:baddigeststring", 400, Body("image"), _TYPE, code="DIGEST_INVALID"
            ),
            Step("GET", "/v2/{repo}/manifests/{missing}", 404),
        ),
        ("parts",),
    ),
    Row(
        "end-7a-blobs",
        "a manifest whose blobs are not there is refused, one entry a blob",
        (
            Step("PUT", _TAGGED, 400, Body("image"), _TYPE, code="MANIFEST_BLOB_UNKNOWN"),
            Step("GET", _TAGGED, 404),
        ),
    ),
    Row(
        "end-7a-shape",
        "what is no manifest is MANIFEST_INVALID, and so is a type that nobody knows",
        (
            Step("PUT", _TAGGED, 400, "{{", _TYPE, code="MANIFEST_INVALID"),
            Step("PUT", _TAGGED, 400, Body("image"), {"Content-Type": "text/plain"}, code="MANIFEST_INVALID"),
        ),
        ("parts",),
    ),
    Row(
        "end-7a-name",
        "a tag or a name that breaks the grammar is refused by its own error",
        (
            Step("PUT", "/v2/{repo}/manifests/-dash", 400, Body("image"), _TYPE, code="TAG_INVALID"),
            Step("PUT", "/v2/UPPER/manifests/1.0", 400, Body("image"), _TYPE, code="NAME_INVALID"),
        ),
    ),
    Row(
        "end-7a-subject",
        "a manifest may name a subject that is not there; OCI-Subject says that it was understood",
        (Step("PUT", "/v2/{repo}/manifests/{artifact}", 201, Body("artifact"), _TYPE, {"OCI-Subject": "{image}"}),),
        ("parts",),
    ),
    *(_kept(name, what, media_type) for name, (what, media_type) in _KINDS.items()),
    Row(
        "end-7a-children",
        "an index whose children are not there is refused",
        (Step("PUT", _TAGGED, 400, Body("index"), {"Content-Type": _INDEX_TYPE}, code="MANIFEST_BLOB_UNKNOWN"),),
        ("parts",),
    ),
    Row(
        "end-7a-subject-sha512",
        "OCI-Subject is the subject's digest in its own algorithm",
        (Step("PUT", "/v2/{repo}/manifests/{about512}", 201, Body("about512"), _TYPE, {"OCI-Subject": "{image512}"}),),
        ("parts",),
    ),
    Row(
        "end-7a-no-subject",
        "without a subject there is no OCI-Subject",
        (Step("PUT", _TAGGED, 201, Body("image"), _TYPE, {"OCI-Subject": None}),),
        ("parts",),
    ),
    Row(
        "end-7a-limit",
        "a manifest over the limit is 413",
        (Step("PUT", _TAGGED, 413, Body("enormous"), _TYPE, code="MANIFEST_INVALID"), Step("GET", _TAGGED, 404)),
        ("parts",),
    ),
    Row(
        "end-7b-many",
        "ten tags at once are taken, more than an answer can name are 414, one that is none refuses all",
        (
            Step("PUT", _BY_DIGEST + "?tag=" + "&tag=".join("abcdefghij"), 201, Body("image"), _TYPE),
            Step("GET", "/v2/{repo}/tags/list", 200, json={"tags": list("abcdefghij")}),
            Step("PUT", _BY_DIGEST + "?" + "&tag=z" * 51, 414, Body("image"), _TYPE, code="TAG_INVALID"),
            Step("PUT", _BY_DIGEST + "?tag=z&tag=-", 400, Body("image"), _TYPE, code="TAG_INVALID"),
            Step("GET", "/v2/{repo}/manifests/z", 404, code="MANIFEST_UNKNOWN"),
        ),
        ("parts",),
    ),
    Row(
        "end-7b-sha512",
        "a tag that was named with a sha512 digest leads to that digest",
        (
            Step("PUT", "/v2/{repo}/manifests/{image512}?tag=a", 201, Body("image"), _TYPE, {"OCI-Tag": "a"}),
            Step("GET", "/v2/{repo}/manifests/a", 200, expect={"Docker-Content-Digest": "{image512}"}),
        ),
        ("parts",),
    ),
    Row(
        "end-7b-tags",
        "a push by digest may name tags, each of which then leads to it",
        (
            Step("PUT", _BY_DIGEST + "?tag=a&tag=b", 201, Body("image"), _TYPE, {"OCI-Tag": "a, b"}),
            Step("GET", "/v2/{repo}/manifests/a", 200, expect={"Docker-Content-Digest": "{image}"}),
            Step("GET", "/v2/{repo}/manifests/b", 200, expect={"Docker-Content-Digest": "{image}"}),
        ),
        ("parts",),
    ),
)

END_9 = (
    Row(
        "end-9-tag",
        "a deleted tag is gone, what it named stays",
        (
            Step("DELETE", _TAGGED, 202),
            Step("GET", _TAGGED, 404, code="MANIFEST_UNKNOWN"),
            Step("GET", _BY_DIGEST, 200),
            Step("GET", "/v2/{repo}/tags/list", 200, json={"tags": []}),
        ),
        ("image",),
    ),
    Row(
        "end-9-digest",
        "a deleted manifest takes its tags with it, and deleting it again is MANIFEST_UNKNOWN",
        (
            Step("DELETE", _BY_DIGEST, 202),
            Step("GET", _BY_DIGEST, 404, code="MANIFEST_UNKNOWN"),
            Step("GET", _TAGGED, 404, code="MANIFEST_UNKNOWN"),
            Step("DELETE", _BY_DIGEST, 404, code="MANIFEST_UNKNOWN"),
        ),
        ("image",),
    ),
    Row(
        "end-9-sha512",
        "a manifest that was pushed by sha512 is deleted by sha512",
        (
            Step("DELETE", "/v2/{repo}/manifests/{image512}", 202),
            Step("GET", "/v2/{repo}/manifests/{image512}", 404, code="MANIFEST_UNKNOWN"),
        ),
        ("image512",),
    ),
    Row(
        "end-9-absent",
        "what is not there cannot be deleted",
        (
            Step("DELETE", "/v2/{repo}/manifests/never", 404, code="MANIFEST_UNKNOWN"),
            Step("DELETE", "/v2/{repo}/manifests/sha256:baddigeststring", 400, code="DIGEST_INVALID"),
        ),
        ("image",),
    ),
)
