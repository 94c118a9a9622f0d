"""Cases under another configuration: deletes off, read-only, logins, the catalog's limit, addresses and headers."""

from tests.differential.steps import Ask, Body, Case, delete, get, head, patch, post, put

_OCI = "application/vnd.oci.image.manifest.v1+json"
_NEW = "/v2/{repo}/blobs/uploads/"
_BLOB = "/v2/{repo}/blobs/{blob}"
_TAGGED = "/v2/{repo}/manifests/1.0"
_UNKNOWN = "/v2/{repo}/blobs/uploads/00000000-0000-4000-8000-000000000000"
_STRANGERS = {
    "nobody": {},
    "wrong-password": {"Authorization": "Basic YWxpY2U6d3Jvbmc="},
    "wrong-user": {"Authorization": "Basic Ym9iOnNlY3JldCB3b3Jkcw=="},
    "no-colon": {"Authorization": "Basic YWxpY2U="},
    "no-base64": {"Authorization": "Basic !!!"},
    "bearer": {"Authorization": "Bearer YWxpY2U6c2VjcmV0IHdvcmRz"},
    "lower-case": {"Authorization": "basic YWxpY2U6c2VjcmV0IHdvcmRz"},
    "alice": {"Authorization": "{alice}"},
}

_UNDELETABLE = (
    Case(
        "undeletable-manifest",
        (
            delete("/v2/{repo}/manifests/{image}"),
            delete(_TAGGED),
            delete("/v2/{repo}/manifests/never"),
            delete("/v2/{repo}/manifests/{missing}"),
            delete("/v2/{repo}/manifests/sha256:baddigeststring"),
            get(_TAGGED, Accept=_OCI),
        ),
        ("image:1.0",),
        "undeletable",
    ),
    Case(
        "undeletable-blob", (delete(_BLOB), delete("/v2/{repo}/blobs/{missing}"), get(_BLOB)), ("blob",), "undeletable"
    ),
    Case("undeletable-upload", (post(_NEW), delete("{upload}"), get("{upload}")), (), "undeletable"),
)

_READONLY = (
    Case(
        "readonly",
        (
            post(_NEW),
            post(_NEW + "?mount={blob}&from={elsewhere}"),
            patch(_UNKNOWN, Body("blob")),
            put(_UNKNOWN + "?digest={blob}", Body("blob")),
            delete(_UNKNOWN),
            get(_UNKNOWN),
            put(_TAGGED, Body("image"), Content_Type=_OCI),
            delete(_TAGGED),
            delete("/v2/{repo}/manifests/{image}"),
            delete(_BLOB),
            get("/v2/"),
            get("/v2/{repo}/tags/list"),
            get(_TAGGED),
            get(_BLOB),
        ),
        (),
        "readonly",
    ),
)

_HTPASSWD = (
    *(
        Case(
            f"htpasswd-{word}",
            (Ask("GET", "/v2/", headers=headers), Ask("HEAD", "/v2/", headers=headers)),
            (),
            "htpasswd",
        )
        for word, headers in _STRANGERS.items()
    ),
    Case(
        "htpasswd-without",
        (
            get("/v2/{repo}/tags/list"),
            get(_TAGGED),
            head(_TAGGED),
            put(_TAGGED, Body("image"), Content_Type=_OCI),
            delete(_TAGGED),
            get(_BLOB),
            delete(_BLOB),
            post(_NEW),
            post(_NEW + "?mount={blob}&from={elsewhere}"),
            get(_UNKNOWN),
            patch(_UNKNOWN, Body("blob")),
            delete(_UNKNOWN),
            get("/v2/_catalog"),
            get("/v2/unknown"),
            get("/v2/UPPER/tags/list"),
            get("/v2/{repo}/manifests/sha256:baddigeststring"),
            Ask("PATCH", _TAGGED),
            get("/v2"),
            get("/"),
        ),
        ("image:1.0",),
        "htpasswd",
    ),
    Case(
        "htpasswd-with",
        (
            get("/v2/{repo}/tags/list", Authorization="{alice}"),
            get(_TAGGED, Authorization="{alice}", Accept=_OCI),
            post(_NEW, Authorization="{alice}"),
            get("/v2/_catalog?n=0", Authorization="{alice}"),
            get("/v2/{repo}/manifests/never", Authorization="{alice}"),
        ),
        ("image:1.0",),
        "htpasswd",
    ),
)

_SILLY = (
    Case(
        "silly",
        (
            get("/v2/"),
            get("/v2/{repo}/tags/list"),
            post(_NEW),
            post(_NEW + "?mount={blob}&from={elsewhere}"),
            delete(_TAGGED),
            get("/v2/_catalog"),
            get("/v2/", Authorization="anything"),
            get("/v2/{repo}/tags/list", Authorization="anything"),
        ),
        (),
        "silly",
    ),
)

_CATALOG = (
    Case(
        "catalog",
        tuple(get("/v2/_catalog?" + query) for query in ("", "n=2", "n=2&last=a/b", "n=5", "n=0"))
        + tuple(
            get("/v2/_catalog?" + query)
            for query in ("n=6", "n=-1", "n=x", "last=zzz", "last=a", "n=1&last=case/catalog")
        )
        + (head("/v2/_catalog"),),
        ("image:1.0",),
        "catalog",
    ),
    Case(
        "catalog-emptied",
        (delete("/v2/{repo}/manifests/{image}"), get("/v2/_catalog?last=case/catalog&n=1")),
        ("image:1.0",),
        "catalog",
    ),
)

_HEADERS = (
    Case(
        "headers",
        (get("/v2/"), get("/"), get("/v2/unknown"), Ask("PATCH", "/v2/_catalog"), get(_BLOB), post(_NEW)),
        (),
        "headers",
    ),
)

_ADDRESSES = (
    Case("relative", (post(_NEW), put("{upload with}digest={blob}", Body("blob"))), (), "relative"),
    Case(
        "hosted",
        (
            post(_NEW),
            put("{upload with}digest={blob}", Body("blob")),
            post(_NEW, X_Forwarded_Host="elsewhere.example.com"),
        ),
        (),
        "hosted",
    ),
    Case(
        "prefixed",
        (
            get("/v2/"),
            get("/lab/v2/"),
            get("/lab/v2"),
            get("/lab/"),
            get("/lab"),
            get("/"),
            post("/lab/v2/{repo}/blobs/uploads/"),
            put("{upload with}digest={blob}", Body("blob")),
            get("/lab/v2/_catalog?n=1"),
            get("/lab/v2/UPPER/tags/list"),
        ),
        (),
        "prefixed",
    ),
)

CASES = (*_UNDELETABLE, *_READONLY, *_HTPASSWD, *_SILLY, *_CATALOG, *_HEADERS, *_ADDRESSES)
