"""Tables of end-1, end-8, end-12 and the catalog: what there is."""

from tests.conformance.contents import SIGNATURE
from tests.conformance.steps import Body, Row, Step

_TAGS = "/v2/{repo}/tags/list"
_REFERRERS = "/v2/{repo}/referrers/{image}"
_MANIFEST = {"Content-Type": "application/vnd.oci.image.manifest.v1+json"}
_INDEX = {"Content-Type": "application/vnd.oci.image.index.v1+json"}


def _listed(name: str, who: str, artifact_type: str | None = SIGNATURE, kind: str = "manifest") -> dict[str, object]:
    """The descriptor of a manifest or an index among the referrers."""
    shown: dict[str, object] = {
        "mediaType": f"application/vnd.oci.image.{kind}.v1+json",
        "digest": f"{{{name}}}",
        "size": f"{{{name} size}}",
        "annotations": {"who": who},
    }
    return shown | ({"artifactType": artifact_type} if artifact_type else {})


END_1 = (
    Row(
        "end-1-base",
        "the base answers 200, and says which API it is",
        (
            Step("GET", "/v2/", 200, expect={"Docker-Distribution-Api-Version": "registry/2.0"}, body="{{}}"),
            Step("HEAD", "/v2/", 200, body=""),
            Step("GET", "/v2", 301, expect={"Location": "/v2/"}),
        ),
    ),
    Row(
        "end-1-other",
        "what is no endpoint is a plain 404, what is one for other methods 405",
        (
            Step("GET", "/v3/", 404, body="404 page not found\n"),
            Step("PUT", "/v2/", 405, expect={"Allow": "GET, HEAD"}, body=""),
        ),
    ),
    Row(
        "end-1-options",
        "OPTIONS tells the methods of a path: browsers ask so before a page of another origin may delete",
        (
            Step("OPTIONS", "/v2/", 200, expect={"Allow": "GET, HEAD"}, body=""),
            Step("OPTIONS", "/v2/{repo}/manifests/1.0", 200, expect={"Allow": "DELETE, GET, HEAD, PUT"}, body=""),
        ),
    ),
)

END_8 = (
    Row(
        "end-8a-list",
        "all tags in lexical order",
        (Step("GET", _TAGS, 200, json={"name": "{repo}", "tags": ["1.0", "Latest", "a", "b"]}, expect={"Link": None}),),
        ("image", "tags"),
    ),
    Row(
        "end-8b-pages",
        "n and last cut a page out, and Link leads to the next one",
        (
            Step(
                "GET",
                _TAGS + "?n=2",
                200,
                json={"tags": ["1.0", "Latest"]},
                expect={
                    "Link": '</v2/{repo}/tags/list?last=Latest&n=2>; rel="next"',
                },
            ),
            Step("GET", _TAGS + "?n=2&last=Latest", 200, json={"tags": ["a", "b"]}, expect={"Link": None}),
            Step("GET", _TAGS + "?last=a", 200, json={"tags": ["b"]}),
            Step("GET", _TAGS + "?n=100", 200, json={"tags": ["1.0", "Latest", "a", "b"]}, expect={"Link": None}),
        ),
        ("image", "tags"),
    ),
    Row(
        "end-8b-none",
        "n=0 lists nothing and leads nowhere",
        (Step("GET", _TAGS + "?n=0", 200, json={"tags": []}, expect={"Link": None}),),
        ("image",),
    ),
    Row(
        "end-8b-number",
        "an n that is no number is refused",
        (
            Step("GET", _TAGS + "?n=-1", 400, code="PAGINATION_NUMBER_INVALID"),
            Step("GET", _TAGS + "?n=many", 400, code="PAGINATION_NUMBER_INVALID"),
        ),
        ("image",),
    ),
    Row(
        "end-8a-head",
        "HEAD answers as GET does, without the list",
        (Step("HEAD", _TAGS, 200, expect={"Content-Type": "application/json"}, body=""),),
        ("image",),
    ),
    Row(
        "end-8b-last",
        "last need not be a tag that is there",
        (
            Step("GET", _TAGS + "?last=M", 200, json={"tags": ["a", "b"]}),
            Step("GET", _TAGS + "?last=zzz", 200, json={"tags": []}, expect={"Link": None}),
        ),
        ("image", "tags"),
    ),
    Row(
        "end-8a-moved",
        "a tag that moved is listed once",
        (
            Step("PUT", "/v2/{repo}/manifests/1.0", 201, Body("layerless"), _MANIFEST),
            Step("GET", _TAGS, 200, json={"tags": ["1.0"]}),
            Step("GET", "/v2/{repo}/manifests/1.0", 200, expect={"Docker-Content-Digest": "{layerless}"}),
        ),
        ("image",),
    ),
    Row(
        "end-8a-unknown",
        "a repository that never was is NAME_UNKNOWN",
        (Step("GET", "/v2/never/seen/tags/list", 404, code="NAME_UNKNOWN"),),
    ),
)

END_12 = (
    Row(
        "end-12a-referrers",
        "what refers to a manifest is listed with type, size and annotations",
        (
            Step(
                "GET",
                _REFERRERS,
                200,
                expect=_INDEX,
                json={"manifests": [_listed("artifact", "tests")]},
            ),
        ),
        ("image", "artifact"),
    ),
    Row(
        "end-12a-none",
        "nothing refers to it: an empty index, also for what was never pushed anywhere",
        (
            Step("GET", "/v2/{repo}/referrers/{missing}", 200, expect=_INDEX, json={"manifests": []}),
            Step("GET", "/v2/never/seen/referrers/{missing}", 200, expect=_INDEX, json={"manifests": []}),
        ),
        ("image",),
    ),
    Row(
        "end-12b-filter",
        "a filter on the type is applied, and the answer says so",
        (
            Step(
                "GET",
                _REFERRERS + "?artifactType=" + SIGNATURE,
                200,
                expect={"OCI-Filters-Applied": "artifactType"},
            ),
            Step(
                "GET",
                _REFERRERS + "?artifactType=text/plain",
                200,
                expect={"OCI-Filters-Applied": "artifactType"},
                json={"manifests": []},
            ),
        ),
        ("image", "artifact"),
    ),
    Row(
        "end-12a-pages",
        "n cuts a page out, and Link leads to the next one with the same filter",
        (
            Step("GET", _REFERRERS, 200, expect={"Link": None}),
            Step(
                "GET",
                _REFERRERS + "?n=1&artifactType=" + SIGNATURE,
                200,
                expect={
                    "Link": "</v2/{repo}/referrers/{image}?artifactType=application%2Fvnd.example.signature"
                    '&last={artifact quoted}&n=1>; rel="next"',
                },
                json={"manifests": [_listed("artifact", "tests")]},
            ),
            Step(
                "GET",
                _REFERRERS + "?n=1&last={artifact}",
                200,
                expect={"Link": None},
                json={"manifests": [_listed("second", "others")]},
            ),
            Step("GET", _REFERRERS + "?n=0", 200, expect={"Link": None}, json={"manifests": []}),
            Step("GET", _REFERRERS + "?n=x", 400, code="PAGINATION_NUMBER_INVALID"),
        ),
        ("image", "artifact", "second"),
    ),
    Row(
        "end-12a-type",
        "the type is the manifest's own, else an image's is its config's, and an index has none",
        (
            Step(
                "GET",
                _REFERRERS,
                200,
                json={"manifests": [_listed("untyped", "untyped", "application/vnd.oci.image.config.v1+json")]},
            ),
            Step("DELETE", "/v2/{repo}/manifests/{untyped}", 202),
            Step("PUT", "/v2/{repo}/manifests/{typeless}", 201, Body("typeless"), _INDEX),
            Step("GET", _REFERRERS, 200, json={"manifests": [_listed("typeless", "typeless", None, "index")]}),
        ),
        ("image", "untyped"),
    ),
    Row(
        "end-12a-index",
        "an index may refer to a subject as well as a manifest may",
        (Step("GET", _REFERRERS, 200, json={"manifests": [_listed("statement", "index", kind="index")]}),),
        ("image", "statement parts", "statement"),
    ),
    Row(
        "end-12a-subject-later",
        "what refers to a subject that is not there yet is listed already, and after the subject came",
        (
            Step("GET", _REFERRERS, 200, json={"manifests": [_listed("artifact", "tests")]}),
            Step("PUT", "/v2/{repo}/manifests/{image}", 201, Body("image"), _MANIFEST),
            Step("GET", _REFERRERS, 200, json={"manifests": [_listed("artifact", "tests")]}),
        ),
        ("parts", "artifact"),
    ),
    Row(
        "end-12a-subject-gone",
        "what refers to a subject that was deleted stays listed",
        (
            Step("DELETE", "/v2/{repo}/manifests/{image}", 202),
            Step("GET", _REFERRERS, 200, json={"manifests": [_listed("artifact", "tests")]}),
        ),
        ("image", "artifact"),
    ),
    Row(
        "end-12a-fallback",
        "what a client listed under the fallback tag is listed beside what names the subject itself",
        (
            Step(
                "GET",
                _REFERRERS,
                200,
                json={"manifests": [_listed("silent", "nobody"), _listed("artifact", "tests")]},
            ),
        ),
        ("image", "artifact", "silent", "listing"),
    ),
    Row(
        "end-12a-sha512",
        "the referrers of a subject with a sha512 digest are found by that digest",
        (
            Step("GET", "/v2/{repo}/referrers/{image512}", 200, json={"manifests": [_listed("about512", "tests")]}),
            Step("GET", _REFERRERS, 200, json={"manifests": []}),
        ),
        ("image", "image512", "about512"),
    ),
    Row(
        "end-12a-deleted",
        "a referrer that was deleted is not listed any more",
        (
            Step("DELETE", "/v2/{repo}/manifests/{artifact}", 202),
            Step("GET", _REFERRERS, 200, json={"manifests": []}),
        ),
        ("image", "artifact"),
    ),
    Row(
        "end-12a-head",
        "HEAD answers as GET does, without the index",
        (Step("HEAD", _REFERRERS, 200, expect=_INDEX, body=""),),
        ("image", "artifact"),
    ),
    Row(
        "end-12a-digest",
        "what is no digest has no referrers",
        (Step("GET", "/v2/{repo}/referrers/sha256:baddigeststring", 400, code="DIGEST_INVALID"),),
    ),
)

CATALOG = (
    Row(
        "catalog-pages",
        "repositories are listed in pages",
        (Step("GET", "/v2/_catalog?n=1&last={before repo}", 200, json={"repositories": ["{repo}"]}),),
        ("image",),
    ),
    Row(
        "catalog-number",
        "a page of more than the maximum is refused",
        (
            Step("GET", "/v2/_catalog?n=1001", 400, code="PAGINATION_NUMBER_INVALID"),
            Step("GET", "/v2/_catalog?n=x", 400, code="PAGINATION_NUMBER_INVALID"),
            Step("GET", "/v2/_catalog?n=0", 200, json={"repositories": []}),
        ),
    ),
)
