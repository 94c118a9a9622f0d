"""Manifests and indexes over HTTP (end-3, end-7, end-9). Bodies are small: they are read whole, up to the limit."""

from starlette.responses import Response

from pyregistry.api.call import Call, in_thread
from pyregistry.api.conditions import entity_tag, is_unchanged
from pyregistry.api.locations import location, manifest_path
from pyregistry.spec.endpoints import REFERRERS
from pyregistry.spec.errors import ManifestTooLarge, TooManyTags
from pyregistry.spec.names import parse_tag
from pyregistry.store.interface import PushedManifest, StoredManifest
from pyregistry.store.recall import Proof

_MAX_TAGS = 50
"""Tags that one push by digest may name. The spec wants ten; each is a header of the answer, of which clients read 100.
More are 414."""


async def fetch(call: Call) -> Response:
    """GET and HEAD."""
    found, call.exchange.proof = await in_thread(_fetch, call)
    digest = call.exchange.digest = found.descriptor.digest
    call.exchange.media_type = found.descriptor.media_type
    call.exchange.detail["size"] = found.descriptor.size
    headers = {
        "Content-Type": found.descriptor.media_type,
        "Docker-Content-Digest": str(digest),
        "ETag": entity_tag(digest),
    }
    if is_unchanged(call.request.headers, digest):
        return Response(status_code=304, headers=headers)
    return Response(found.body, headers=headers)


async def push(call: Call) -> Response:
    """PUT by tag or digest; with a digest, ``?tag=`` may name tags to move as well (end-7b)."""
    media_type = call.exchange.media_type = call.request.headers.get("content-type", "")
    body = await _read_body(call)
    tags = _parse_tags(call.wiring.manners.named_tags(call.request.query_params))
    pushed = await in_thread(_push_all, call, media_type, body, tags)
    digest = call.exchange.digest = pushed.descriptor.digest
    if tags:
        call.exchange.detail["tags"] = tags
    headers = {
        "Docker-Content-Digest": str(digest),
        "Location": location(call.wiring.settings.http, call.base_url, manifest_path(call.repository, digest)),
    }
    if pushed.subject and REFERRERS not in call.wiring.lacking_endpoints:
        headers["OCI-Subject"] = str(pushed.subject)
    response = Response(status_code=201, headers=headers)
    for tag in tags:
        response.headers.append("OCI-Tag", tag)
    return response


async def delete(call: Call) -> Response:
    """DELETE: by digest the manifest and every tag on it, by tag that tag."""
    call.exchange.digest = await in_thread(call.store.manifests.delete, call.repository, call.reference)
    return Response(status_code=202, headers={"Content-Length": "0"})


def _parse_tags(texts: list[str]) -> list[str]:
    """The tags of ``?tag=``.

    Raises:
        TagInvalid: One of them breaks the grammar.
        TooManyTags: There are more than an answer can name.
    """
    if len(texts) > _MAX_TAGS:
        raise TooManyTags(f"tag: expected at most {_MAX_TAGS} in one push, got {len(texts)}")
    return [parse_tag(text) for text in texts]


def _fetch(call: Call) -> tuple[StoredManifest, Proof | None]:
    """The manifest and what it rests on, which is looked at first: what changes in between makes it void."""
    prover = call.wiring.prover
    proof = prover.manifest(call.repository, call.reference) if prover else None
    accept = call.request.headers.getlist("accept")
    return call.wiring.manners.fetch(call.store.manifests, call.repository, call.reference, accept), proof


async def _read_body(call: Call) -> bytes:
    """The body, refused as soon as it is over the limit.

    Raises:
        ManifestTooLarge: It is longer than ``pyregistry.limits.manifestbytes``.
    """
    limit = call.wiring.settings.limits.manifest_bytes
    announced = call.request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > limit:
        raise ManifestTooLarge(f"manifest: expected at most {limit} bytes, got {announced}")
    body = bytearray()
    async for data in call.request.stream():
        body += data
        if len(body) > limit:
            raise ManifestTooLarge(f"manifest: expected at most {limit} bytes, got more")
    return bytes(body)


def _push_all(call: Call, media_type: str, body: bytes, tags: list[str]) -> PushedManifest:
    pushed = call.store.manifests.push(call.repository, call.reference, media_type, body)
    for tag in tags:
        call.store.tags.tag(call.repository, tag, pushed.descriptor.digest)
    return pushed
