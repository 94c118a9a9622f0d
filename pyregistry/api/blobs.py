"""Blobs: read them whole or in part, ask for them, unlink them (end-2, end-10)."""

from typing import BinaryIO

from starlette.datastructures import Headers
from starlette.responses import Response

from pyregistry.api.call import Call, in_thread
from pyregistry.api.conditions import entity_tag, is_unchanged
from pyregistry.api.errors import ContentRangeUnsatisfied
from pyregistry.api.streams import ReaderResponse
from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import RangeInvalid
from pyregistry.spec.ranges import ByteRange, format_content_range, parse_range

_ONE_YEAR_SECONDS = 31_536_000
"""What is named by its digest never changes; distribution says a year as well."""


async def fetch(call: Call) -> Response:
    """GET and HEAD: the content, or a range of it."""
    digest = call.digest
    found = await in_thread(call.store.blobs.stat, call.repository, digest)
    call.exchange.digest = digest
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": f"max-age={_ONE_YEAR_SECONDS}",
        "Content-Type": "application/octet-stream",
        "Docker-Content-Digest": str(digest),
        "ETag": entity_tag(digest),
    }
    if is_unchanged(call.request.headers, digest):
        return Response(status_code=304, headers=headers)
    if call.request.method == "HEAD":
        return Response(headers=headers | {"Content-Length": str(found.size)})
    wanted = _wanted_range(call.request.headers, digest, found.size)
    reader = await in_thread(_opened_at, call, wanted.start if wanted else 0)
    if wanted is None:
        return ReaderResponse(reader, found.size, 200, headers)
    headers["Content-Range"] = format_content_range(wanted, found.size)
    return ReaderResponse(reader, wanted.size, 206, headers)


async def delete(call: Call) -> Response:
    """Unlink the blob from the repository; its bytes stay until garbage collection."""
    digest = call.exchange.digest = call.digest
    await in_thread(call.store.blobs.delete, call.repository, digest)
    return Response(status_code=202, headers={"Content-Length": "0"})


def _opened_at(call: Call, start: int) -> BinaryIO:
    reader = call.store.blobs.fetch(call.repository, call.digest)
    reader.seek(start)
    return reader


def _wanted_range(headers: Headers, digest: Digest, size: int) -> ByteRange | None:
    """The range to send, None for everything: no Range, one to be ignored, or one for other content (If-Range)."""
    if "range" not in headers or headers.get("if-range", entity_tag(digest)) != entity_tag(digest):
        return None
    try:
        return parse_range(headers["range"], size)
    except RangeInvalid as exc:
        raise ContentRangeUnsatisfied(exc.detail, size) from exc
