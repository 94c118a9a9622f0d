"""Cases that write: uploads in every style and order, mounts, manifests, deletes."""

from tests.differential.steps import Ask, Body, Case, delete, get, head, patch, post, put

_NEW = "/v2/{repo}/blobs/uploads/"
_BLOB = "/v2/{repo}/blobs/{blob}"
_TAGGED = "/v2/{repo}/manifests/1.0"
_UNKNOWN = "/v2/{repo}/blobs/uploads/00000000-0000-4000-8000-000000000000"
_FIRST = patch("{upload}", Body("blob", 0, 1024), Content_Range="0-1023")
_SECOND = patch("{upload}", Body("blob", 1024), Content_Range="1024-2047")
_CLOSE = put("{upload with}digest={blob}")
_STATUS = get("{upload}")
_OCI = "application/vnd.oci.image.manifest.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"
_DOCKER = "application/vnd.docker.distribution.manifest.v2+json"


def _push(name: str, reference: str = "1.0", media_type: str = _OCI) -> Ask:
    return put(f"/v2/{{repo}}/manifests/{reference}", Body(name), Content_Type=media_type)


_UPLOADS = (
    Case("upload-put", (post(_NEW), put("{upload with}digest={blob}", Body("blob")), get(_BLOB))),
    Case(
        "upload-stream",
        (post(_NEW), Ask("PATCH", "{upload}", Body("blob"), streamed=True), _STATUS, _CLOSE, get(_BLOB)),
    ),
    Case("upload-stream-put", (post(_NEW), Ask("PUT", "{upload with}digest={blob}", Body("blob"), streamed=True))),
    Case("upload-chunks", (post(_NEW), _FIRST, _STATUS, _SECOND, head("{upload}"), _CLOSE, get(_BLOB))),
    Case(
        "upload-chunk-put",
        (post(_NEW), _FIRST, put("{upload with}digest={blob}", Body("blob", 1024), Content_Range="1024-2047")),
    ),
    Case(
        "upload-plain-chunks",
        (post(_NEW), patch("{upload}", Body("blob", 0, 9)), patch("{upload}", Body("blob", 9)), _CLOSE),
    ),
    Case("upload-hole", (post(_NEW), _SECOND, _STATUS)),
    Case("upload-again", (post(_NEW), _FIRST, _FIRST, _STATUS)),
    Case(
        "upload-hole-put", (post(_NEW), _FIRST, put("{upload with}digest={blob}", Body("blob"), Content_Range="0-2047"))
    ),
    *(
        Case(
            f"upload-range-{word}", (post(_NEW), patch("{upload}", Body("blob", 0, 1024), Content_Range=text), _STATUS)
        )
        for word, text in {
            "unit": "bytes 0-1023/2048",
            "upside-down": "1023-0",
            "short": "0-99",
            "long": "0-2047",
            "junk": "all of it",
            "huge": "0-99999999999999999999",
        }.items()
    ),
    Case("upload-stale", (post(_NEW), _FIRST, patch("{stale}", Body("blob", 0, 1024)), get("{stale}"))),
    Case("upload-no-state", (post(_NEW), patch("{upload bare}", Body("blob")), get("{upload bare}"))),
    Case(
        "upload-bad-state",
        (post(_NEW), patch("{upload bare}?_state=junk", Body("blob")), get("{upload bare}?_state=junk")),
    ),
    Case("upload-type", (post(_NEW), patch("{upload}", Body("blob"), Content_Type="application/json"), _STATUS)),
    Case("upload-type-octets", (post(_NEW), patch("{upload}", Body("blob"), Content_Type="application/octet-stream"))),
    Case("upload-nothing", (post(_NEW), patch("{upload}"), _STATUS, put("{upload with}digest={empty}"))),
    Case("upload-empty", (post(_NEW), put("{upload with}digest={empty}"), get("/v2/{repo}/blobs/{empty}"))),
    Case("upload-no-digest", (post(_NEW), _FIRST, put("{upload}"), put("{upload with}digest="), _STATUS)),
    Case("upload-bad-digest", (post(_NEW), _FIRST, put("{upload with}digest=sha256:baddigeststring"), _STATUS)),
    Case("upload-unknown-algorithm", (post(_NEW), _FIRST, put("{upload with}digest=md5:" + "0" * 32), _STATUS)),
    Case("upload-mismatch", (post(_NEW), put("{upload with}digest={missing}", Body("blob")), _STATUS, get(_BLOB))),
    Case(
        "upload-sha512",
        (post(_NEW), put("{upload with}digest={blob512}", Body("blob")), get("/v2/{repo}/blobs/{blob512}"), get(_BLOB)),
    ),
    Case("upload-twice", (post(_NEW), put("{upload with}digest={blob}", Body("blob")), _CLOSE, _STATUS)),
    Case("upload-there-already", (post(_NEW), put("{upload with}digest={blob}", Body("blob"))), ("blob",)),
    Case("upload-cancel", (post(_NEW), _FIRST, delete("{upload}"), _STATUS, delete("{upload}"), _CLOSE)),
    Case(
        "upload-unknown",
        (
            get(_UNKNOWN),
            head(_UNKNOWN),
            patch(_UNKNOWN, Body("blob")),
            put(_UNKNOWN + "?digest={blob}", Body("blob")),
            delete(_UNKNOWN),
        ),
        ("blob",),
    ),
    Case(
        "upload-no-uuid",
        (get("/v2/{repo}/blobs/uploads/junk!"), patch("/v2/{repo}/blobs/uploads/a.b=c-d_e", Body("blob"))),
    ),
    Case("upload-whole", (post(_NEW + "?digest={blob}", Body("blob")), get(_BLOB))),
    Case("upload-whole-mismatch", (post(_NEW + "?digest={missing}", Body("blob")),)),
    Case("upload-whole-bad-digest", (post(_NEW + "?digest=sha256:baddigeststring", Body("blob")),)),
    Case("upload-announced", (post(_NEW + "?digest-algorithm=sha512"), post(_NEW + "?digest-algorithm=md5"))),
    Case("upload-begin-with-content", (post(_NEW, Body("blob")), _STATUS)),
    Case("upload-no-slash", (post("/v2/{repo}/blobs/uploads"), get("/v2/{repo}/blobs/uploads/"))),
    Case("upload-proxied", (post(_NEW, X_Forwarded_Proto="https", X_Forwarded_Host="registry.example.com"),)),
    Case("upload-forwarded", (post(_NEW, Forwarded="proto=https;host=registry.example.com"),)),
    Case("upload-host", (post(_NEW, Host="registry.example.com"),)),
)

_MOUNTS = (
    Case(
        "mount",
        (post("/v2/{elsewhere}/blobs/uploads/?mount={blob}&from={repo}"), get("/v2/{elsewhere}/blobs/{blob}")),
        ("blob",),
    ),
    Case("mount-absent", (post("/v2/{elsewhere}/blobs/uploads/?mount={missing}&from={repo}"),), ("blob",)),
    Case("mount-from-absent", (post("/v2/{elsewhere}/blobs/uploads/?mount={blob}&from=never/seen"),), ("blob",)),
    Case("mount-from-nowhere", (post("/v2/{elsewhere}/blobs/uploads/?mount={blob}"),), ("blob",)),
    Case("mount-from-bad-name", (post("/v2/{elsewhere}/blobs/uploads/?mount={blob}&from=UP/per"),), ("blob",)),
    Case("mount-bad-digest", (post("/v2/{elsewhere}/blobs/uploads/?mount=sha256:bad&from={repo}"),), ("blob",)),
    Case("mount-no-digest", (post("/v2/{elsewhere}/blobs/uploads/?mount=&from={repo}"),), ("blob",)),
    Case("mount-itself", (post("/v2/{repo}/blobs/uploads/?mount={blob}&from={repo}"),), ("blob",)),
)

_MANIFESTS = (
    Case("push", (_push("image"), _push("image", "{image}"), _push("image")), ("blob", "config")),
    *(
        Case(f"push-{name}", (_push(name, "1.0", kind), get(_TAGGED, Accept=kind)), given)
        for name, kind, given in (
            ("docker", _DOCKER, ("blob", "config")),
            ("untold", _DOCKER, ("blob", "config")),
            ("index", _INDEX, ("image", "other")),
            ("bare", _INDEX, ("blob",)),
            ("layerless", _OCI, ("config",)),
            ("foreign", _OCI, ("config",)),
            ("strange", _OCI, ("blob", "config")),
            ("twice", _OCI, ("blob", "config")),
            ("artifact", _OCI, ("config",)),
            ("large", _OCI, ("blob", "config")),
            ("enormous", _OCI, ("blob", "config")),
        )
    ),
    Case(
        "push-sha512",
        (_push("image", "{image512}"), get("/v2/{repo}/manifests/{image512}", Accept=_OCI)),
        ("blob", "config"),
    ),
    Case("push-mismatch", (_push("image", "{missing}"),), ("blob", "config")),
    Case(
        "push-bad-reference",
        (_push("image", "sha256:baddigeststring"), _push("image", ".hidden"), _push("image", "t" * 129)),
    ),
    Case(
        "push-tags",
        (_push("image", "{image}?tag=a&tag=b"), get("/v2/{repo}/manifests/a", Accept=_OCI)),
        ("blob", "config"),
    ),
    Case("push-without-blobs", (_push("image"),)),
    Case("push-without-config", (_push("image"),), ("blob",)),
    Case("push-without-children", (_push("index", "1.0", _INDEX),), ("blob",)),
    Case("push-schema1", (_push("schema1", "1.0", "application/vnd.docker.distribution.manifest.v1+json"),), ("blob",)),
    Case("push-other-type", (_push("image", "1.0", _DOCKER), _push("image", "2.0", _INDEX)), ("blob", "config")),
    *(
        Case(
            f"push-type-{number}",
            (put(_TAGGED, Body("image"), **({"Content_Type": kind} if kind else {})),),
            ("blob", "config"),
        )
        for number, kind in enumerate(("", "text/plain", "application/json", f"{_OCI}; charset=utf-8", "junk"), 1)
    ),
    *(
        Case(f"push-junk-{number}", (put(_TAGGED, text, Content_Type=_OCI),))
        for number, text in enumerate(
            ("", "{{", "[]", "null", "{{}}", '{{"schemaVersion":1}}', '{{"schemaVersion":2}}', "\ufeff{{}}"), 1
        )
    ),
    Case("push-moves-tag", (_push("image"), _push("other"), get(_TAGGED, Accept=_OCI)), ("blob", "config")),
)

_DELETES = (
    Case(
        "delete-tag",
        (delete(_TAGGED), get("/v2/{repo}/tags/list"), get("/v2/{repo}/manifests/{image}", Accept=_OCI)),
        ("image:1.0",),
    ),
    Case(
        "delete-manifest",
        (
            delete("/v2/{repo}/manifests/{image}"),
            delete("/v2/{repo}/manifests/{image}"),
            get(_TAGGED, Accept=_OCI),
            get("/v2/{repo}/tags/list"),
        ),
        ("image:1.0", "image:latest"),
    ),
    Case(
        "delete-tagged-twice",
        (delete("/v2/{repo}/manifests/{image}"), get("/v2/{repo}/tags/list")),
        ("image:a", "other:b"),
    ),
    Case("delete-child", (delete("/v2/{repo}/manifests/{image}"), get(_TAGGED, Accept=_INDEX)), ("index:1.0",)),
    Case(
        "delete-absent-manifest",
        (
            delete("/v2/{repo}/manifests/never"),
            delete("/v2/{repo}/manifests/{missing}"),
            delete("/v2/{repo}/manifests/sha256:baddigeststring"),
            delete("/v2/{repo}/manifests/.hidden"),
        ),
        ("image:1.0",),
    ),
    Case("delete-in-nowhere", (delete("/v2/{repo}/manifests/{missing}"), delete("/v2/{repo}/blobs/{missing}"))),
    Case("delete-blob", (delete(_BLOB), get(_BLOB), delete(_BLOB)), ("blob",)),
    Case("delete-used-blob", (delete(_BLOB), get(_TAGGED, Accept=_OCI), _push("image", "2.0")), ("image:1.0",)),
    Case("delete-blob-of-manifest", (delete("/v2/{repo}/blobs/{image}"), get(_TAGGED, Accept=_OCI)), ("image:1.0",)),
    Case(
        "delete-bad-blob",
        (delete("/v2/{repo}/blobs/sha256:baddigeststring"), delete("/v2/{repo}/blobs/{blob512}")),
        ("blob",),
    ),
    Case(
        "delete-and-push",
        (delete("/v2/{repo}/manifests/{image}"), _push("image"), get(_TAGGED, Accept=_OCI)),
        ("image:1.0",),
    ),
)

_ROUTES = {
    "base": "/v2/",
    "catalog": "/v2/_catalog",
    "tags": "/v2/{repo}/tags/list",
    "manifest": "/v2/{repo}/manifests/1.0",
    "blob": "/v2/{repo}/blobs/{blob}",
    "uploads": "/v2/{repo}/blobs/uploads/",
    "upload": "/v2/{repo}/blobs/uploads/00000000-0000-4000-8000-000000000000",
}
_METHODS = {
    "base": ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"),
    "catalog": ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"),
    "tags": ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"),
    "manifest": ("POST", "PATCH", "OPTIONS", "BREW"),
    "blob": ("POST", "PUT", "PATCH", "OPTIONS"),
    "uploads": ("HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"),
    "upload": ("POST", "OPTIONS"),
}
_WRONG = tuple(
    Case(f"method-{route}-{method.lower()}", (Ask(method, target),), ("blob",))
    for route, target in _ROUTES.items()
    for method in _METHODS[route]
)

CASES = (*_UPLOADS, *_MOUNTS, *_MANIFESTS, *_DELETES, *_WRONG)
