"""Cases that read: the base, names, manifests, blobs, lists."""

from tests.differential.steps import Ask, Case, get, head

_TAGGED = "/v2/{repo}/manifests/1.0"
_OCI = "application/vnd.oci.image.manifest.v1+json"
_OCI_INDEX = "application/vnd.oci.image.index.v1+json"
_DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
_DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
_ACCEPTS = (
    "*/*",
    "application/*",
    "application/json",
    _OCI,
    _OCI_INDEX,
    _DOCKER,
    _DOCKER_LIST,
    f"{_DOCKER}, {_OCI};q=0.5",
    f"text/plain, {_OCI_INDEX}",
)
_RANGES = (
    "bytes=0-9",
    "bytes=500-1499",
    "bytes=500-",
    "bytes=-500",
    "bytes=-5000",
    "bytes=2000-5000",
    "bytes=2047-2047",
    "bytes=500-0",
    "bytes=2048-",
    "bytes=5000-10000",
    "bytes=-0",
    "bytes=",
    "bytes=a-b",
    "bytes=0-0,5-6",
    "bytes = 0-9",
    "lines=0-9",
    "0-9",
)

_NAMES = {
    "upper": "UPPER",
    "upper-second": "case/UPPER",
    "upper-first": "UPPER/case",
    "port": "localhost:5000/case",
    "empty-component": "case//app",
    "dash-first": "-case",
    "dash-last": "case-",
    "dot": "case.app",
    "dots": "case..app",
    "underscores": "case__app",
    "three-underscores": "case___app",
    "dashes": "case---app",
    "mixed": "case._app",
    "climbing": "case/../app",
    "climbing-encoded": "case/%2e%2e/app",
    "slash-encoded": "case%2fapp",
    "space": "case%20app",
    "accent": "caf%C3%A9",
    "not-utf8": "caf%ff",
    "nul": "case%00app",
    "deep": "a/b/c/d/e/f/g/h",
    "255": "n" * 255,
    "256": "n" * 256,
    "reserved": "case/tags/list",
    "underscore-first": "_case/app",
}


def _tags(name: str) -> tuple[str, ...]:
    """What clients write into If-None-Match for a content."""
    return (f'"{{{name}}}"', f"{{{name}}}", f'W/"{{{name}}}"', "*", f'"{{missing}}", "{{{name}}}"', '"{missing}"', "")


_BASE = (
    Case("base", (get("/v2/"), head("/v2/"), get("/v2"), head("/v2"))),
    Case("base-query", (get("/v2/?x=1"), get("/v2/?%zz"), get("/v2/?x=%ff"))),
    Case("root", (get("/"), head("/"), get("/?x"), Ask("POST", "/"))),
    Case(
        "unknown-paths",
        (
            get("/v1/"),
            get("/v3/"),
            get("/v2/case"),
            get("/v2/case/"),
            get("/v2/_unknown"),
            get("/v2/case/unknown/list"),
            get("/favicon.ico"),
            Ask("DELETE", "/v1/"),
        ),
    ),
    Case("slashes", (get("//v2/"), get("/v2//"), get("/v2/case/tags/list/"), get("/v2/_catalog/"), get("/v2/./"))),
    Case("escapes", (get("/%76%32/"), get("/v2%2f"), get("/v2/case/tags%2flist"), get("/v2/%5fcatalog"))),
    *(Case(f"name-{word}", (get(f"/v2/{name}/tags/list"),)) for word, name in _NAMES.items()),
    Case(
        "repository-absent",
        (
            get("/v2/{repo}/tags/list"),
            get(_TAGGED),
            head(_TAGGED),
            get("/v2/{repo}/manifests/{missing}"),
            get("/v2/{repo}/blobs/{missing}"),
            head("/v2/{repo}/blobs/{missing}"),
        ),
    ),
)

_MANIFESTS = (
    Case(
        "manifest",
        (
            get(_TAGGED, Accept=_OCI),
            head(_TAGGED, Accept=_OCI),
            get("/v2/{repo}/manifests/{image}", Accept=_OCI),
            head("/v2/{repo}/manifests/{image}", Accept=_OCI),
        ),
        ("image:1.0",),
    ),
    Case("manifest-no-accept", (get(_TAGGED), head(_TAGGED), get("/v2/{repo}/manifests/{image}")), ("image:1.0",)),
    Case(
        "docker-manifest-no-accept",
        (get(_TAGGED), head(_TAGGED), get("/v2/{repo}/manifests/{docker}")),
        ("docker:1.0",),
    ),
    Case("index-no-accept", (get(_TAGGED), get("/v2/{repo}/manifests/{index}")), ("index:1.0",)),
    Case("list-no-accept", (get(_TAGGED), head(_TAGGED), get("/v2/{repo}/manifests/{list}")), ("list:1.0",)),
    *(
        Case(
            f"{kind}-accept",
            tuple(
                get(f"/v2/{{repo}}/manifests/{reference}", Accept=accept)
                for accept in _ACCEPTS
                for reference in ("1.0", f"{{{kind}}}")
            ),
            (f"{kind}:1.0",),
        )
        for kind in ("image", "index", "docker", "list")
    ),
    Case("list-without-amd64", (get(_TAGGED, Accept=_DOCKER),), ("armlist:1.0",)),
    Case(
        "manifest-unchanged",
        (
            *(get(_TAGGED, Accept=_OCI, If_None_Match=tag) for tag in _tags("image")),
            head(_TAGGED, Accept=_OCI, If_None_Match='"{image}"'),
            get(_TAGGED, Accept=_OCI, If_Match='"{missing}"'),
        ),
        ("image:1.0",),
    ),
    Case(
        "manifest-absent",
        (
            get("/v2/{repo}/manifests/never"),
            head("/v2/{repo}/manifests/never"),
            get("/v2/{repo}/manifests/{missing}"),
            head("/v2/{repo}/manifests/{missing}"),
            get("/v2/{repo}/manifests/{blob}"),
            get("/v2/{repo}/manifests/{image512}"),
        ),
        ("image:1.0",),
    ),
    Case(
        "manifest-bad-reference",
        (
            get("/v2/{repo}/manifests/sha256:baddigeststring"),
            get("/v2/{repo}/manifests/sha256:"),
            get("/v2/{repo}/manifests/sha256:" + "A" * 64),
            get("/v2/{repo}/manifests/sha256:" + "0" * 63),
            get("/v2/{repo}/manifests/md5:" + "0" * 32),
            get("/v2/{repo}/manifests/.hidden"),
            get("/v2/{repo}/manifests/-dash"),
            get("/v2/{repo}/manifests/" + "t" * 129),
            get("/v2/{repo}/manifests/a%20b"),
            get("/v2/{repo}/manifests/"),
            get("/v2/{repo}/manifests/a/b"),
        ),
        ("image:1.0",),
    ),
    Case("manifest-range", (get(_TAGGED, Accept=_OCI, Range="bytes=0-9"),), ("image:1.0",)),
    Case(
        "referrers",
        (
            get("/v2/{repo}/referrers/{image}"),
            head("/v2/{repo}/referrers/{image}"),
            get("/v2/{repo}/referrers/{missing}"),
            get("/v2/{repo}/referrers/sha256:baddigeststring"),
            Ask("POST", "/v2/{repo}/referrers/{image}"),
        ),
        ("image:1.0", "artifact"),
    ),
)

_BLOB = "/v2/{repo}/blobs/{blob}"
_BLOBS = (
    Case("blob", (get(_BLOB), head(_BLOB), get(_BLOB, Accept="text/plain"), get(_BLOB + "?x=1")), ("blob",)),
    Case("blob-range", tuple(get(_BLOB, Range=each) for each in _RANGES), ("blob",)),
    Case("blob-range-head", (head(_BLOB, Range="bytes=0-9"), head(_BLOB, Range="bytes=5000-")), ("blob",)),
    Case(
        "blob-if-range",
        (
            get(_BLOB, Range="bytes=0-9", If_Range='"{blob}"'),
            get(_BLOB, Range="bytes=0-9", If_Range='"{missing}"'),
            get(_BLOB, Range="bytes=0-9", If_Range='W/"{blob}"'),
            get(_BLOB, Range="bytes=0-9", If_Range="Mon, 23 Nov 2026 20:00:00 GMT"),
        ),
        ("blob",),
    ),
    Case(
        "blob-unchanged",
        (
            *(get(_BLOB, If_None_Match=tag) for tag in _tags("blob")),
            head(_BLOB, If_None_Match='"{blob}"'),
            get(_BLOB, If_Match='"{blob}"'),
            get(_BLOB, If_Match='"{missing}"'),
            get(_BLOB, If_Modified_Since="Mon, 23 Nov 2026 20:00:00 GMT"),
            get(_BLOB, If_Unmodified_Since="Mon, 01 Jan 2001 00:00:00 GMT"),
        ),
        ("blob",),
    ),
    Case(
        "blob-absent",
        (
            get("/v2/{repo}/blobs/{missing}"),
            head("/v2/{repo}/blobs/{missing}"),
            get("/v2/{elsewhere}/blobs/{blob}"),
            get("/v2/{repo}/blobs/{blob512}"),
            get("/v2/{repo}/blobs/{image}"),
        ),
        ("blob",),
    ),
    Case("blob-manifest", (get("/v2/{repo}/blobs/{image}"), head("/v2/{repo}/blobs/{image}")), ("image:1.0",)),
    Case(
        "blob-bad-digest",
        (
            get("/v2/{repo}/blobs/sha256:baddigeststring"),
            get("/v2/{repo}/blobs/sha256:" + "A" * 64),
            get("/v2/{repo}/blobs/sha256:" + "0" * 63),
            get("/v2/{repo}/blobs/md5:" + "0" * 32),
            get("/v2/{repo}/blobs/tag"),
            get("/v2/{repo}/blobs/"),
            head("/v2/{repo}/blobs/sha256:baddigeststring"),
        ),
        ("blob",),
    ),
    Case(
        "blob-empty",
        (get("/v2/{repo}/blobs/{nothing}", Range="bytes=0-1"), get("/v2/{repo}/blobs/{nothing}")),
        ("nothing",),
    ),
)

_LISTS = (
    Case("tags", (get("/v2/{repo}/tags/list"), head("/v2/{repo}/tags/list")), ("image:b", "image:a", "docker:C")),
    Case(
        "tags-pages",
        tuple(
            get("/v2/{repo}/tags/list?" + query)
            for query in ("n=1", "n=2&last=a", "last=a", "n=0", "n=-1", "n=x", "n=10000")
        ),
        ("image:a", "image:b", "image:c"),
    ),
    Case("tags-one", (get("/v2/{repo}/tags/list"),), ("image:1.0",)),
    Case("tags-none", (get("/v2/{repo}/tags/list"),), ("image",)),
    Case("tags-blobs-only", (get("/v2/{repo}/tags/list"),), ("blob",)),
)

CASES = (*_BASE, *_MANIFESTS, *_BLOBS, *_LISTS)
