"""Tables of end-2 and end-10: reading and deleting blobs."""

from tests.conformance.steps import Body, Row, Step

_URL = "/v2/{repo}/blobs/{blob}"
_HEADERS = {"Docker-Content-Digest": "{blob}", "Content-Length": "2048", "ETag": '"{blob}"'}
_RANGE = "Content-Range"

END_2 = (
    Row(
        "end-2-get",
        "a blob comes back byte for byte, under its digest",
        (Step("GET", _URL, 200, expect=_HEADERS, body=Body("blob")),),
        ("blob",),
    ),
    Row(
        "end-2-head",
        "HEAD answers as GET does, without the content",
        (Step("HEAD", _URL, 200, expect=_HEADERS, body=""),),
        ("blob",),
    ),
    Row(
        "end-2-sha512",
        "a blob that was pushed by sha512 comes back under its sha512 digest",
        (
            Step(
                "GET",
                "/v2/{repo}/blobs/{blob512}",
                200,
                expect={"Docker-Content-Digest": "{blob512}"},
                body=Body("blob"),
            ),
            Step("HEAD", "/v2/{repo}/blobs/{blob512}", 200, expect={"Docker-Content-Digest": "{blob512}"}),
        ),
        ("blob512",),
    ),
    Row(
        "end-2-absent",
        "a blob that is not there is BLOB_UNKNOWN",
        (
            Step("GET", "/v2/{repo}/blobs/{missing512}", 404, code="BLOB_UNKNOWN"),
            Step("GET", "/v2/{repo}/blobs/{missing}", 404, code="BLOB_UNKNOWN"),
            Step("HEAD", "/v2/{repo}/blobs/{missing}", 404, body=""),
        ),
        ("blob",),
    ),
    Row(
        "end-2-repository",
        "a blob of one repository cannot be read through another",
        (Step("GET", "/v2/{repo}/blobs/{blob}", 404, code="BLOB_UNKNOWN"),),
        ("elsewhere",),
    ),
    Row(
        "end-2-digest",
        "what is no digest is DIGEST_INVALID, and so is an algorithm that nobody registered",
        (
            Step("GET", "/v2/{repo}/blobs/sha256:baddigeststring", 400, code="DIGEST_INVALID"),
            Step("GET", "/v2/{repo}/blobs/md5:d41d8cd98f00b204e9800998ecf8427e", 400, code="DIGEST_INVALID"),
            Step("HEAD", "/v2/{repo}/blobs/sha256:baddigeststring", 400, body=""),
        ),
    ),
    Row(
        "end-2-unchanged",
        "a client that has the content is told so",
        (
            Step("GET", _URL, 304, headers={"If-None-Match": '"{blob}"'}, expect={"ETag": '"{blob}"'}, body=""),
            Step("GET", _URL, 200, headers={"If-None-Match": '"{missing}"'}),
        ),
        ("blob",),
    ),
    Row(
        "end-2-range",
        "ranges are inclusive, may be open at either end, and are cut at the end of the content",
        (
            Step(
                "GET",
                _URL,
                206,
                headers={"Range": "bytes=500-1499"},
                expect={_RANGE: "bytes 500-1499/2048", "Content-Length": "1000"},
                body=Body("blob", 500, 1500),
            ),
            Step(
                "GET",
                _URL,
                206,
                headers={"Range": "bytes=500-"},
                expect={_RANGE: "bytes 500-2047/2048"},
                body=Body("blob", 500),
            ),
            Step(
                "GET",
                _URL,
                206,
                headers={"Range": "bytes=-500"},
                expect={_RANGE: "bytes 1548-2047/2048"},
                body=Body("blob", 1548),
            ),
            Step(
                "GET",
                _URL,
                206,
                headers={"Range": "bytes=2000-5000"},
                expect={_RANGE: "bytes 2000-2047/2048"},
                body=Body("blob", 2000),
            ),
        ),
        ("blob",),
    ),
    Row(
        "end-2-range-sha512",
        "ranges are cut out of a blob that is asked for by sha512 as well",
        (
            Step(
                "GET",
                "/v2/{repo}/blobs/{blob512}",
                206,
                headers={"Range": "bytes=-500"},
                expect={_RANGE: "bytes 1548-2047/2048", "Docker-Content-Digest": "{blob512}"},
                body=Body("blob", 1548),
            ),
            Step("GET", "/v2/{repo}/blobs/{blob512}", 416, headers={"Range": "bytes=500-0"}, code="RANGE_INVALID"),
        ),
        ("blob512",),
    ),
    Row(
        "end-2-empty-range",
        "there is no range of no bytes: the empty blob is sent whole",
        (
            Step("POST", "/v2/{repo}/blobs/uploads/?digest={empty}", 201),
            Step("GET", "/v2/{repo}/blobs/{empty}", 200, headers={"Range": "bytes=0-9"}, body=""),
        ),
    ),
    Row(
        "end-2-unsatisfiable",
        "a range that is upside down or behind the end is 416 and says how much there is",
        (
            Step(
                "GET",
                _URL,
                416,
                headers={"Range": "bytes=500-0"},
                expect={_RANGE: "bytes */2048"},
                code="RANGE_INVALID",
            ),
            Step(
                "GET",
                _URL,
                416,
                headers={"Range": "bytes=5000-10000"},
                expect={_RANGE: "bytes */2048"},
                code="RANGE_INVALID",
            ),
        ),
        ("blob",),
    ),
    Row(
        "end-2-if-range",
        "a range of other content is not sent: all of this content is",
        (
            Step("GET", _URL, 200, headers={"Range": "bytes=0-9", "If-Range": '"{missing}"'}, body=Body("blob")),
            Step("GET", _URL, 206, headers={"Range": "bytes=0-9", "If-Range": '"{blob}"'}, body=Body("blob", 0, 10)),
        ),
        ("blob",),
    ),
)

END_10 = (
    Row(
        "end-10-delete",
        "a deleted blob is gone at once, and deleting it again is BLOB_UNKNOWN",
        (
            Step("DELETE", _URL, 202),
            Step("GET", _URL, 404, code="BLOB_UNKNOWN"),
            Step("DELETE", _URL, 404, code="BLOB_UNKNOWN"),
        ),
        ("blob",),
    ),
    Row(
        "end-10-elsewhere",
        "a delete takes the blob from one repository only",
        (
            Step("DELETE", _URL, 202),
            Step("HEAD", "/v2/{elsewhere}/blobs/{blob}", 200),
        ),
        ("blob", "elsewhere"),
    ),
    Row(
        "end-10-sha512",
        "a blob that was pushed by sha512 is deleted by sha512",
        (
            Step("DELETE", "/v2/{repo}/blobs/{blob512}", 202),
            Step("HEAD", "/v2/{repo}/blobs/{blob512}", 404),
        ),
        ("blob512",),
    ),
    Row(
        "end-10-again",
        "a deleted blob can be pushed again",
        (
            Step("DELETE", _URL, 202),
            Step("POST", "/v2/{repo}/blobs/uploads/?digest={blob}", 201, Body("blob")),
            Step("GET", _URL, 200, body=Body("blob")),
        ),
        ("blob",),
    ),
    Row(
        "end-10-digest",
        "what is no digest cannot be deleted",
        (Step("DELETE", "/v2/{repo}/blobs/sha256:baddigeststring", 400, code="DIGEST_INVALID"),),
    ),
)
