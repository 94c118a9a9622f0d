"""Upload sessions over HTTP: begin, grow, ask, close, cancel; and the ways around one (end-4 … 6, 13, 14)."""

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from pyregistry.api.call import Call, in_thread
from pyregistry.api.locations import blob_path, location, upload_path
from pyregistry.api.streams import receive_into
from pyregistry.drivers.interface import DriverError
from pyregistry.spec.descriptor import Descriptor
from pyregistry.spec.digest import Digest, hasher_for
from pyregistry.spec.errors import BlobUnknown, DigestInvalid, RegistryError, SizeInvalid
from pyregistry.spec.ranges import ByteRange, format_received, parse_chunk


async def begin(call: Call) -> Response:
    """POST: mount a blob, take one whole, or begin a session for one (end-11, end-4b, end-4a)."""
    query = call.request.query_params
    if mounted := await _mount(call):
        return _created(call, mounted)
    if "digest" in query:
        return await _take_whole(call, _parse_digest(query["digest"]))
    if "digest-algorithm" in query:
        hasher_for(query["digest-algorithm"])
    session = await in_thread(call.store.uploads.create, call.repository)
    return _accepted(call, 202, session.uuid, session.offset)


async def append(call: Call) -> Response:
    """PATCH: the next chunk, or the whole content as a stream."""
    offset = await _receive(call, call.session)
    return _accepted(call, 202, call.session, offset)


async def close(call: Call) -> Response:
    """PUT: the last chunk, if there is one, and the digest that all of it must have."""
    digest = _parse_digest(call.request.query_params.get("digest"))
    if _has_body(call.request.headers):
        await _receive(call, call.session)
    return _created(call, await _commit(call, call.session, digest))


async def status(call: Call) -> Response:
    """GET and HEAD: how much has arrived."""
    session = await in_thread(call.store.uploads.session, call.repository, call.session)
    return _accepted(call, 204, session.uuid, session.offset)


async def cancel(call: Call) -> Response:
    """DELETE: drop the session and its bytes."""
    await in_thread(call.store.uploads.cancel, call.repository, call.session)
    return Response(status_code=204)


async def _mount(call: Call) -> Descriptor | None:
    """Link a blob of another repository; None where that is not asked for or not possible, and a session begins.

    ``mount_source`` is set by the authorization, which alone knows whether the client may read there.
    """
    query = call.request.query_params
    if "mount" not in query or ("from" in query and call.mount_source is None):
        return None
    digest = _parse_digest(query["mount"])
    source = call.mount_source or await in_thread(_find_source, call, digest)
    if source is None:
        return None
    try:
        mounted = await in_thread(call.store.blobs.mount, call.repository, digest, source)
    except BlobUnknown:
        return None
    call.exchange.digest = digest
    return mounted


def _find_source(call: Call, digest: Digest) -> str | None:
    """For a mount without ``from`` (end-11): some repository that holds the blob and that the client may read.

    Without the second half, who knows a digest could link, and then read, a blob of a repository closed to him.
    """
    source = next(filter(call.may_pull, call.store.blobs.holders(digest)), None)
    if source:
        call.exchange.detail["from"] = source
    return source


async def _take_whole(call: Call, digest: Digest) -> Response:
    """A session that nobody else sees: there is no Location to come back to, so a failure leaves nothing behind."""
    session = await in_thread(call.store.uploads.create, call.repository)
    try:
        await _receive(call, session.uuid)
    except (RegistryError, DriverError, ClientDisconnect):
        await in_thread(call.store.uploads.cancel, call.repository, session.uuid)
        raise
    return _created(call, await _commit(call, session.uuid, digest))


async def _receive(call: Call, uuid: str) -> int:
    """Append the request's body; returns the session's offset after it."""
    headers = call.request.headers
    chunk = _announced_chunk(headers)
    writer = await in_thread(call.store.uploads.writer, call.repository, uuid, chunk.start if chunk else None)
    received = await receive_into(writer, call.request)
    if chunk and received != chunk.size:
        raise SizeInvalid(f"{uuid}: expected {chunk.size} bytes, as Content-Range says, got {received}")
    return writer.offset


def _announced_chunk(headers: Headers) -> ByteRange | None:
    """The Content-Range, checked against the Content-Length before a byte of the chunk is stored."""
    if "content-range" not in headers:
        return None
    chunk = parse_chunk(headers["content-range"])
    announced = headers.get("content-length", str(chunk.size))
    if announced != str(chunk.size):
        raise SizeInvalid(f"Content-Range {headers['content-range']}: expected {chunk.size} bytes, got {announced}")
    return chunk


def _has_body(headers: Headers) -> bool:
    """Whether a closing PUT brings content. A Content-Range announces some, so that it is checked in any case."""
    announced = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    return announced or "content-range" in headers


async def _commit(call: Call, uuid: str, digest: Digest) -> Descriptor:
    call.exchange.digest = digest
    return await in_thread(call.store.uploads.commit, call.repository, uuid, digest)


def _parse_digest(text: str | None) -> Digest:
    if not text:
        raise DigestInvalid("digest missing: expected ?digest=sha256:<64 hex digits>")
    return Digest.parse(text)


def _accepted(call: Call, status_code: int, uuid: str, offset: int) -> Response:
    """The session as it stands now. A 204 has no Content-Length (RFC 9110 §8.6)."""
    headers = {
        "Docker-Upload-UUID": uuid,
        "Location": location(call.wiring.settings.http, call.base_url, upload_path(call.repository, uuid)),
        "Range": format_received(offset),
    }
    return Response(status_code=status_code, headers=headers)


def _created(call: Call, blob: Descriptor) -> Response:
    call.exchange.detail["size"] = blob.size
    headers = {
        "Docker-Content-Digest": str(blob.digest),
        "Location": location(call.wiring.settings.http, call.base_url, blob_path(call.repository, blob.digest)),
    }
    return Response(status_code=201, headers=headers)
