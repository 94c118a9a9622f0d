"""Blobs: read them whole or in part, ask for them, unlink them (end-2, end-10)."""

from typing import BinaryIO

from starlette.datastructures import Headers
from starlette.responses import Response

from pyregistry.api.call import Call, in_thread
from pyregistry.api.conditions import entity_tag, is_unchanged
from pyregistry.api.errors import ContentRangeUnsatisfied
from pyregistry.api.recalling import MAX_ANSWER_BYTES
from pyregistry.api.streams import ReaderResponse
from pyregistry.spec.descriptor import Descriptor
from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import RangeInvalid
from pyregistry.spec.ranges import ByteRange, format_content_range, parse_range
from pyregistry.store.recall import Proof

_ONE_YEAR_SECONDS = 31_536_000
"""What is named by its digest never changes; distribution says a year as well."""


async def fetch(call: Call) -> Response:
    """GET and HEAD: the content, or a range of it."""
    digest = call.digest
    found, proof = await in_thread(_look, call)
    call.exchange.digest = digest
    call.exchange.detail["size"] = found.size
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
        call.exchange.proof = proof
        return Response(headers=headers | {"Content-Length": str(found.size)})
    wanted = _wanted_range(call.request.headers, digest, found.size)
    if wanted is None and found.size <= MAX_ANSWER_BYTES:
        call.exchange.proof = proof
        return Response(await in_thread(_read, call), headers=headers)
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


def _look(call: Call) -> tuple[Descriptor, Proof | None]:
    """The blob's descriptor and what an answer about it rests on, which is looked at first."""
    prover = call.wiring.prover
    proof = prover.blob(call.repository, call.digest) if prover else None
    return call.store.blobs.stat(call.repository, call.digest), proof


def _read(call: Call) -> bytes:
    with call.store.blobs.fetch(call.repository, call.digest) as reader:
        return reader.read()


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
