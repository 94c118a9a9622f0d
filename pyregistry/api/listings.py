"""Lists: tags of a repository, referrers of a manifest, repositories of the registry (end-8, end-12, _catalog)."""

import json
from collections.abc import Sequence
from functools import partial
from itertools import accumulate

from starlette.responses import Response

from pyregistry.api.call import Call, in_thread
from pyregistry.api.locations import location
from pyregistry.api.pagination import next_link, page, parse_count
from pyregistry.spec.descriptor import Descriptor
from pyregistry.spec.errors import PaginationNumberInvalid
from pyregistry.spec.media_types import OCI_INDEX
from pyregistry.store.recall import Proof

_CATALOG_DEFAULT_ENTRIES = 100
"""What distribution lists where the client says no number."""


async def tags(call: Call) -> Response:
    """All tags, or a page of them."""
    query = call.request.query_params
    count = call.wiring.manners.count_tags(query)
    names, call.exchange.proof = await in_thread(_tags, call)
    listed = call.wiring.manners.page_tags(names, query, count)
    response = _json({"name": call.repository, "tags": listed.names})
    if listed.names and listed.count:
        _link(response, call, f"/v2/{call.repository}/tags/list", last=listed.names[-1], n=listed.count)
    return response


def _tags(call: Call) -> tuple[Sequence[str], Proof | None]:
    read = partial(call.store.tags.list, call.repository)
    return call.wiring.prover.tags(call.repository, read) if call.wiring.prover else (read(), None)


async def catalog(call: Call) -> Response:
    """A page of repository names; never all of them at once."""
    most = call.wiring.settings.catalog_max_entries
    asked = call.wiring.manners.count_repositories(call.request.query_params)
    count = min(_CATALOG_DEFAULT_ENTRIES, most) if asked is None else asked
    if count > most:
        raise PaginationNumberInvalid({"n": count, "max": most})
    query = call.request.query_params
    listed, more = await in_thread(lambda: page(call.store.repositories.names(query.get("last", "")), query, count))
    response = _json({"repositories": listed})
    if more:
        _link(response, call, "/v2/_catalog", last=listed[-1], n=count)
    return response


async def referrers(call: Call) -> Response:
    """An index of what refers to the subject, empty where nothing does: never 404. A page of it, where it is long."""
    query = call.request.query_params
    count, wanted = parse_count(query), query.get("artifactType") or None
    found = await in_thread(call.store.manifests.referrers, call.repository, call.digest)
    following = [
        _descriptor(each)
        for each in found
        if str(each.digest) > query.get("last", "") and wanted in (None, each.artifact_type)
    ]
    listed = following[: _fitting(following, count, call.wiring.settings.limits.manifest_bytes)]
    response = _json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": listed}, OCI_INDEX)
    if wanted:
        response.headers["OCI-Filters-Applied"] = "artifactType"
    if listed and len(listed) < len(following):
        path = f"/v2/{call.repository}/referrers/{call.digest}"
        _link(response, call, path, artifactType=wanted, last=str(listed[-1]["digest"]), n=count)
    return response


def _link(response: Response, call: Call, path: str, **query: str | int | None) -> None:
    """Name the next page, by its path: registry:2's Link is never absolute."""
    response.headers["Link"] = next_link(location(call.wiring.settings.http, "", path), **query)


def _fitting(rows: Sequence[object], count: int | None, most_bytes: int) -> int:
    """How many of the first ``rows`` go into one answer: ``count``, and no more than clients read of a manifest.

    One always does, or a client could never get past it.
    """
    wanted = rows if count is None else rows[:count]
    sizes = accumulate(len(json.dumps(row)) for row in wanted)
    return max(sum(size <= most_bytes for size in sizes), min(1, len(wanted)))


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
