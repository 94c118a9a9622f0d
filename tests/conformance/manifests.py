"""Tables of end-3, end-7 and end-9: manifests by tag and digest."""

from tests.conformance.steps import Body, Row, Step

_TAGGED = "/v2/{repo}/manifests/1.0"
_BY_DIGEST = "/v2/{repo}/manifests/{image}"
_MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_TYPE = {"Content-Type": _MANIFEST_TYPE}
_HEADERS = {"Docker-Content-Digest": "{image}", "Content-Type": _MANIFEST_TYPE, "ETag": '"{image}"'}

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
            Step("HEAD", "/v2/{repo}/manifests/{missing}", 404, body=""),
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
        "end-9-absent",
        "what is not there cannot be deleted",
        (
            Step("DELETE", "/v2/{repo}/manifests/never", 404, code="MANIFEST_UNKNOWN"),
            Step("DELETE", "/v2/{repo}/manifests/sha256:baddigeststring", 400, code="DIGEST_INVALID"),
        ),
        ("image",),
    ),
)
