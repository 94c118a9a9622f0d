"""Tables of end-4, end-5, end-6, end-13 and end-14: bytes on their way to becoming a blob."""

from tests.conformance.steps import Body, Row, Step

_NEW = "/v2/{repo}/blobs/uploads/"
_BLOB = "/v2/{repo}/blobs/{blob}"
_FIRST = {"Content-Range": "0-1023"}
_SECOND = {"Content-Range": "1024-2047"}
_BEGIN = Step("POST", _NEW, 202, expect={"Range": "0-0"})
_FIRST_CHUNK = Step("PATCH", "{location}", 202, Body("blob", 0, 1024), _FIRST, {"Range": "0-1023"})
_SECOND_CHUNK = Step("PATCH", "{location}", 202, Body("blob", 1024), _SECOND, {"Range": "0-2047"})
_CLOSE = Step("PUT", "{location}?digest={blob}", 201, expect={"Docker-Content-Digest": "{blob}"})
_CLOSE_512 = Step("PUT", "{location}?digest={blob512}", 201, expect={"Docker-Content-Digest": "{blob512}"})
_READ_BACK = Step("GET", "{location}", 200, body=Body("blob"))
_UNKNOWN = "/v2/{repo}/blobs/uploads/00000000-0000-4000-8000-000000000000"

_STREAM = {"Transfer-Encoding": "chunked"}


def _refused(name: str, what: str, *steps: Step, digest: str) -> Row:
    """A push whose content is not what its digest says, in one style: refused, and nothing of it is served."""
    close = Step("PUT", f"{{location}}?digest={{{digest}}}", 400, code="DIGEST_INVALID")
    last = steps[-1]
    ending = () if last.method in ("POST", "PUT") else (close,)
    served = Step("GET", f"/v2/{{repo}}/blobs/{{{digest}}}", 404, code="BLOB_UNKNOWN")
    return Row(
        f"end-6-wrong-{name}-{digest}", f"{what} with a digest of other content is refused", (*steps, *ending, served)
    )


def _wrong_digests(digest: str) -> tuple[Row, ...]:
    """The rows of every style, for a digest of one algorithm."""
    put = f"{{location}}?digest={{{digest}}}"
    return (
        _refused(
            "post",
            "a single POST",
            Step("POST", f"{_NEW}?digest={{{digest}}}", 400, Body("blob"), code="DIGEST_INVALID"),
            digest=digest,
        ),
        _refused(
            "put", "POST then PUT", _BEGIN, Step("PUT", put, 400, Body("blob"), code="DIGEST_INVALID"), digest=digest
        ),
        _refused("stream", "a stream", _BEGIN, Step("PATCH", "{location}", 202, Body("blob"), _STREAM), digest=digest),
        _refused("chunks", "a push in chunks", _BEGIN, _FIRST_CHUNK, _SECOND_CHUNK, digest=digest),
        _refused(
            "last-chunk",
            "a push whose last chunk comes with the PUT",
            _BEGIN,
            _FIRST_CHUNK,
            Step("PUT", put, 400, Body("blob", 1024), _SECOND, code="DIGEST_INVALID"),
            digest=digest,
        ),
    )


def _sha512(name: str, what: str, *steps: Step) -> Row:
    """A push in one style that is closed with a sha512 digest, which comes back."""
    back = Step(
        "GET", "/v2/{repo}/blobs/{blob512}", 200, expect={"Docker-Content-Digest": "{blob512}"}, body=Body("blob")
    )
    return Row(f"end-6-sha512-{name}", f"{what} may be closed with a sha512 digest", (*steps, back))


END_4 = (
    Row(
        "end-4a-begin",
        "a session begins empty, and its Location can be asked",
        (
            _BEGIN,
            Step("GET", "{location}", 204, expect={"Range": "0-0"}),
        ),
    ),
    Row(
        "end-4a-name",
        "a name that breaks the grammar begins nothing",
        (
            Step("POST", "/v2/UPPER/blobs/uploads/", 400, code="NAME_INVALID"),
            Step("POST", "/v2/a/../b/blobs/uploads/", 400, code="NAME_INVALID"),
            Step("POST", "/v2/" + "a" * 300 + "/blobs/uploads/", 400, code="NAME_INVALID"),
        ),
    ),
    Row(
        "end-4b-whole",
        "a blob can be sent whole with one POST; its Location is the blob's",
        (
            Step("POST", _NEW + "?digest={blob}", 201, Body("blob"), expect={"Docker-Content-Digest": "{blob}"}),
            _READ_BACK,
        ),
    ),
    Row(
        "end-4b-sha512",
        "one POST may name a sha512 digest, and the same digest comes back",
        (
            Step("POST", _NEW + "?digest={blob512}", 201, Body("blob"), expect={"Docker-Content-Digest": "{blob512}"}),
            Step("GET", "{location}", 200, expect={"Docker-Content-Digest": "{blob512}"}, body=Body("blob")),
        ),
    ),
    Row(
        "end-4b-mismatch",
        "content that is not what its digest says is refused, and nothing of it is served",
        (
            Step("POST", _NEW + "?digest={missing}", 400, Body("blob"), code="DIGEST_INVALID"),
            Step("HEAD", "/v2/{repo}/blobs/{missing}", 404),
        ),
    ),
    Row(
        "end-4b-digest",
        "one POST with what is no digest is DIGEST_INVALID",
        (Step("POST", _NEW + "?digest=sha256:baddigeststring", 400, Body("blob"), code="DIGEST_INVALID"),),
    ),
    Row(
        "end-4c-algorithm",
        "an algorithm may be announced, if there is such an algorithm",
        (
            Step("POST", _NEW + "?digest-algorithm=sha512", 202),
            Step("POST", _NEW + "?digest-algorithm=md5", 400, code="DIGEST_INVALID"),
        ),
    ),
    Row(
        "end-11-mount",
        "a blob of another repository is mounted without being sent; Location is exactly the blob's path",
        (
            Step(
                "POST",
                _NEW + "?mount={blob}&from={elsewhere}",
                201,
                expect={
                    "Docker-Content-Digest": "{blob}",
                    "Location": "{url}/v2/{repo}/blobs/{blob}",
                },
            ),
            Step("GET", _BLOB, 200, body=Body("blob")),
        ),
        ("elsewhere",),
    ),
    Row(
        "end-11-sha512",
        "a blob is mounted by the sha512 digest that it has there, named or found",
        (
            Step(
                "POST",
                _NEW + "?mount={blob512}&from={elsewhere}",
                201,
                expect={
                    "Docker-Content-Digest": "{blob512}",
                    "Location": "{url}/v2/{repo}/blobs/{blob512}",
                },
            ),
            Step("GET", "{location}", 200, expect={"Docker-Content-Digest": "{blob512}"}, body=Body("blob")),
            Step("DELETE", "{location}", 202),
            Step("POST", _NEW + "?mount={blob512}", 201, expect={"Docker-Content-Digest": "{blob512}"}),
            Step("GET", "{location}", 200, body=Body("blob")),
        ),
        ("elsewhere512",),
    ),
    Row(
        "end-11-absent",
        "what cannot be mounted is uploaded: a session begins",
        (
            Step("POST", _NEW + "?mount={missing}&from={elsewhere}", 202),
            Step("GET", "{location}", 204),
            Step("POST", _NEW + "?mount={blob}&from={repo}/never-seen", 202),
        ),
        ("elsewhere",),
    ),
    Row(
        "end-11-anonymous",
        "a mount need not name its source: whichever repository holds the blob will do",
        (
            Step(
                "POST",
                _NEW + "?mount={blob}",
                201,
                expect={
                    "Docker-Content-Digest": "{blob}",
                    "Location": "{url}/v2/{repo}/blobs/{blob}",
                },
            ),
            Step("GET", _BLOB, 200, body=Body("blob")),
        ),
        ("elsewhere",),
    ),
    Row(
        "end-11-no-source",
        "what no repository holds is uploaded, and so is what was to come from where nothing can be",
        (
            Step("POST", _NEW + "?mount={missing}", 202),
            Step("POST", _NEW + "?mount={blob}&from=NO/Name", 202),
            Step("POST", _NEW + "?mount=sha256:baddigeststring", 400, code="DIGEST_INVALID"),
        ),
        ("elsewhere",),
    ),
)

END_5 = (
    Row(
        "end-5-stream",
        "content may come in one PATCH that announces neither length nor range",
        (
            _BEGIN,
            Step("PATCH", "{location}", 202, Body("blob"), _STREAM, {"Range": "0-2047"}),
            _CLOSE,
            _READ_BACK,
        ),
    ),
    Row("end-5-chunks", "chunks in order become the blob", (_BEGIN, _FIRST_CHUNK, _SECOND_CHUNK, _CLOSE, _READ_BACK)),
    Row(
        "end-5-order",
        "a chunk out of order is 416; the session stays, says where it is, and can go on",
        (
            _BEGIN,
            Step("PATCH", "{location}", 416, Body("blob", 1024), _SECOND, code="RANGE_INVALID"),
            Step("GET", "{location}", 204, expect={"Range": "0-0"}),
            _FIRST_CHUNK,
            Step("PATCH", "{location}", 416, Body("blob", 0, 1024), _FIRST, code="RANGE_INVALID"),
            Step("GET", "{location}", 204, expect={"Range": "0-1023"}),
            _SECOND_CHUNK,
            _CLOSE,
        ),
    ),
    Row(
        "end-5-range",
        "a range that is none is 416, one of another length than the content SIZE_INVALID; nothing is stored",
        (
            _BEGIN,
            Step(
                "PATCH",
                "{location}",
                416,
                Body("blob", 0, 1024),
                {"Content-Range": "bytes 0-1023/2048"},
                code="RANGE_INVALID",
            ),
            Step("PATCH", "{location}", 416, Body("blob", 0, 1024), {"Content-Range": "1023-0"}, code="RANGE_INVALID"),
            Step("PATCH", "{location}", 400, Body("blob", 0, 1024), {"Content-Range": "0-99"}, code="SIZE_INVALID"),
            Step("GET", "{location}", 204, expect={"Range": "0-0"}),
        ),
    ),
    Row(
        "end-5-unannounced",
        "a stream that is not as long as its range says is SIZE_INVALID; the session says how much it took",
        (
            _BEGIN,
            Step(
                "PATCH",
                "{location}",
                400,
                Body("blob", 0, 1024),
                {"Transfer-Encoding": "chunked", "Content-Range": "0-99"},
                code="SIZE_INVALID",
            ),
            Step("GET", "{location}", 204, expect={"Range": "0-1023"}),
            _SECOND_CHUNK,
            _CLOSE,
        ),
    ),
    Row(
        "end-5-unknown",
        "a session that never was is BLOB_UPLOAD_UNKNOWN, whatever it is called",
        (
            Step("PATCH", _UNKNOWN, 404, Body("blob"), code="BLOB_UPLOAD_UNKNOWN"),
            Step("PATCH", "/v2/{repo}/blobs/uploads/..%2e", 404, Body("blob"), code="BLOB_UPLOAD_UNKNOWN"),
        ),
    ),
)

END_6 = (
    Row(
        "end-6-whole",
        "POST then PUT with all of the content",
        (
            _BEGIN,
            Step(
                "PUT",
                "{location}?digest={blob}",
                201,
                Body("blob"),
                expect={
                    "Docker-Content-Digest": "{blob}",
                    "Location": "{url}/v2/{repo}/blobs/{blob}",
                },
            ),
            _READ_BACK,
        ),
    ),
    Row(
        "end-6-sha512",
        "a session may be closed with a sha512 digest, which comes back",
        (
            _BEGIN,
            Step(
                "PUT", "{location}?digest={blob512}", 201, Body("blob"), expect={"Docker-Content-Digest": "{blob512}"}
            ),
            _READ_BACK,
        ),
    ),
    Row(
        "end-6-last-chunk",
        "the last chunk may come with the PUT",
        (
            _BEGIN,
            _FIRST_CHUNK,
            Step("PUT", "{location}?digest={blob}", 201, Body("blob", 1024), _SECOND),
            _READ_BACK,
        ),
    ),
    Row(
        "end-6-order",
        "a last chunk out of order is 416, and the session stays at its place",
        (
            _BEGIN,
            _FIRST_CHUNK,
            Step("PUT", "{location}?digest={blob}", 416, Body("blob", 0, 1024), _FIRST, code="RANGE_INVALID"),
            Step("PUT", "{location}?digest={blob}", 400, headers=_SECOND, code="SIZE_INVALID"),
            Step("GET", "{location}", 204, expect={"Range": "0-1023"}),
            Step("PUT", "{location}?digest={blob}", 201, Body("blob", 1024), _SECOND),
        ),
    ),
    Row(
        "end-6-no-digest",
        "a PUT without a digest, or with what is none, is refused and the session stays",
        (
            _BEGIN,
            _FIRST_CHUNK,
            Step("PUT", "{location}", 400, code="DIGEST_INVALID"),
            Step("PUT", "{location}?digest=sha256:baddigeststring", 400, code="DIGEST_INVALID"),
            Step("GET", "{location}", 204, expect={"Range": "0-1023"}),
        ),
    ),
    Row(
        "end-6-mismatch",
        "content of another digest is refused, and nothing of it is served",
        (
            _BEGIN,
            Step("PUT", "{location}?digest={missing}", 400, Body("blob"), code="DIGEST_INVALID"),
            Step("GET", "/v2/{repo}/blobs/{missing}", 404, code="BLOB_UNKNOWN"),
            Step("GET", _BLOB, 404, code="BLOB_UNKNOWN"),
        ),
    ),
    Row(
        "end-6-empty",
        "the empty blob is a blob",
        (
            _BEGIN,
            Step("PUT", "{location}?digest={empty}", 201),
            Step("GET", "{location}", 200, expect={"Content-Length": "0"}, body=""),
        ),
    ),
    Row(
        "end-6-empty-sha512",
        "the empty blob has a sha512 digest as well",
        (
            Step("POST", _NEW + "?digest={empty512}", 201, expect={"Docker-Content-Digest": "{empty512}"}),
            Step("HEAD", "/v2/{repo}/blobs/{empty512}", 200, expect={"Content-Length": "0"}, body=""),
        ),
    ),
    Row(
        "end-6-empty-stream",
        "the empty blob may be streamed",
        (
            _BEGIN,
            Step("PATCH", "{location}", 202, "", _STREAM, {"Range": "0-0"}),
            Step("PUT", "{location}?digest={empty}", 201),
            Step("GET", "{location}", 200, body=""),
        ),
    ),
    Row(
        "end-6-one-chunk",
        "all of the content may be one chunk",
        (
            _BEGIN,
            Step("PATCH", "{location}", 202, Body("blob"), {"Content-Range": "0-2047"}, {"Range": "0-2047"}),
            _CLOSE,
            _READ_BACK,
        ),
    ),
    _sha512("stream", "a stream", _BEGIN, Step("PATCH", "{location}", 202, Body("blob"), _STREAM), _CLOSE_512),
    _sha512("chunks", "a push in chunks", _BEGIN, _FIRST_CHUNK, _SECOND_CHUNK, _CLOSE_512),
    _sha512(
        "last-chunk",
        "a push whose last chunk comes with the PUT",
        _BEGIN,
        _FIRST_CHUNK,
        Step("PUT", "{location}?digest={blob512}", 201, Body("blob", 1024), _SECOND),
    ),
    _sha512(
        "announced",
        "a session that was begun for sha512",
        Step("POST", _NEW + "?digest-algorithm=sha512", 202),
        Step("PUT", "{location}?digest={blob512}", 201, Body("blob")),
    ),
    *_wrong_digests("missing"),
    *_wrong_digests("missing512"),
    Row(
        "end-6-unknown",
        "a session that never was cannot be closed",
        (Step("PUT", _UNKNOWN + "?digest={blob}", 404, Body("blob"), code="BLOB_UPLOAD_UNKNOWN"),),
    ),
)

END_13 = (
    Row(
        "end-13-progress",
        "a session tells how far it is, to GET and to HEAD",
        (
            _BEGIN,
            _FIRST_CHUNK,
            Step("GET", "{location}", 204, expect={"Range": "0-1023"}, body=""),
            Step("HEAD", "{location}", 204, expect={"Range": "0-1023"}, body=""),
        ),
    ),
    Row(
        "end-13-ended",
        "a session that was closed is unknown",
        (
            _BEGIN,
            Step(
                "PUT",
                "{location}?digest={blob}",
                201,
                Body("blob"),
                expect={"Location": "{url}/v2/{repo}/blobs/{blob}"},
            ),
            Step("GET", "{session}", 404, code="BLOB_UPLOAD_UNKNOWN"),
        ),
    ),
    Row(
        "end-13-stale",
        "a Location that was given out before the last chunk tells where the session is now, and takes the next chunk",
        (
            _BEGIN,
            _FIRST_CHUNK,
            Step("PATCH", "{stale}", 416, Body("blob", 0, 1024), _FIRST, code="RANGE_INVALID"),
            Step("GET", "{stale}", 204, expect={"Range": "0-1023"}),
            Step("PATCH", "{location}", 202, Body("blob", 1024), _SECOND, {"Range": "0-2047"}),
            _CLOSE,
        ),
    ),
    Row(
        "end-13-unknown",
        "a session that never was is unknown, also in another repository",
        (
            Step("GET", _UNKNOWN, 404, code="BLOB_UPLOAD_UNKNOWN"),
            Step("HEAD", _UNKNOWN, 404, body=""),
        ),
    ),
)

END_14 = (
    Row(
        "end-14-cancel",
        "a cancelled session is gone, with its bytes",
        (
            _BEGIN,
            _FIRST_CHUNK,
            Step("DELETE", "{location}", 204, body=""),
            Step("GET", "{location}", 404, code="BLOB_UPLOAD_UNKNOWN"),
            Step("PATCH", "{location}", 404, Body("blob", 1024), code="BLOB_UPLOAD_UNKNOWN"),
            Step("DELETE", "{location}", 404, code="BLOB_UPLOAD_UNKNOWN"),
        ),
    ),
)
