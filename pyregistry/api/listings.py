"""Lists: tags of a repository, referrers of a manifest, repositories of the registry (end-8, end-12, _catalog)."""

import json
from collections.abc import Sequence

from starlette.responses import Response

from pyregistry.api.call import Call, in_thread
from pyregistry.api.pagination import next_link, page, parse_count
from pyregistry.spec.descriptor import Descriptor
from pyregistry.spec.errors import PaginationNumberInvalid
from pyregistry.spec.media_types import OCI_INDEX

_CATALOG_DEFAULT_ENTRIES = 100
"""What distribution lists where the client says no number."""


async def tags(call: Call) -> Response:
    """All tags in lexical order, or a page of them."""
    count = parse_count(call.request.query_params)
    names = await in_thread(call.store.tags.list, call.repository)
    listed, more = page(names, call.request.query_params, count)
    response = _json({"name": call.repository, "tags": listed})
    if more and count:
        response.headers["Link"] = next_link(f"/v2/{call.repository}/tags/list", listed[-1], count)
    return response


async def catalog(call: Call) -> Response:
    """A page of repository names; never all of them at once."""
    most = call.wiring.settings.catalog_max_entries
    asked = parse_count(call.request.query_params)
    count = min(_CATALOG_DEFAULT_ENTRIES, most) if asked is None else asked
    if count > most:
        raise PaginationNumberInvalid({"n": count, "max": most})
    listed, more = await in_thread(lambda: page(call.store.repositories.names(), call.request.query_params, count))
    response = _json({"repositories": listed})
    if more:
        response.headers["Link"] = next_link("/v2/_catalog", listed[-1], count)
    return response


async def referrers(call: Call) -> Response:
    """An index of what refers to the subject, empty where nothing does: never 404."""
    found = await in_thread(call.store.manifests.referrers, call.repository, call.digest)
    wanted = call.request.query_params.get("artifactType")
    if wanted:
        found = [descriptor for descriptor in found if descriptor.artifact_type == wanted]
    response = _json(_index(found), OCI_INDEX)
    if wanted:
        response.headers["OCI-Filters-Applied"] = "artifactType"
    return response


def _index(descriptors: Sequence[Descriptor]) -> dict[str, object]:
    return {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [_descriptor(row) for row in descriptors]}


def _descriptor(descriptor: Descriptor) -> dict[str, object]:
    shown: dict[str, object] = {
        "mediaType": descriptor.media_type,
        "digest": str(descriptor.digest),
        "size": descriptor.size,
    }
    if descriptor.artifact_type:
        shown["artifactType"] = descriptor.artifact_type
    if descriptor.annotations:
        shown["annotations"] = dict(descriptor.annotations)
    return shown


def _json(content: object, media_type: str = "application/json") -> Response:
    return Response(f"{json.dumps(content, ensure_ascii=False)}\n", media_type=media_type)
