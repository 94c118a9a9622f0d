"""What manifests are to each other. Pure: bytes and digests in, digests out."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from graphlib import TopologicalSorter

from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import ManifestInvalid
from pyregistry.spec.manifest import parse, parse_media_type

# any digest in a document that we cannot parse: Docker schema 1, artifact manifests
_DIGEST = re.compile(rb"sha256:[0-9a-f]{64}(?![0-9a-f])|sha512:[0-9a-f]{128}(?![0-9a-f])")


@dataclass(frozen=True, slots=True)
class Edges:
    """What ties a manifest to others of its repository."""

    children: tuple[Digest, ...] = ()
    subject: Digest | None = None


@dataclass(frozen=True, slots=True)
class Contents:
    """What a manifest names: everything that it needs, and what ties it to other manifests."""

    parts: tuple[Digest, ...]
    edges: Edges


def read_contents(body: bytes) -> Contents:
    """What a manifest names. Where it is of no type that we know, every digest in it counts."""
    try:
        manifest = parse(body, parse_media_type(body))
    except ManifestInvalid:
        named = tuple(dict.fromkeys(Digest.parse(found.decode("ascii")) for found in _DIGEST.findall(body)))
        return Contents(named, Edges(named))
    parts = tuple(part.digest for part in manifest.references())
    subject = manifest.subject.digest if manifest.subject else None
    return Contents(parts, Edges(tuple(part.digest for part in manifest.manifests()), subject))


def reach(manifests: Mapping[Digest, Edges], roots: Iterable[Digest]) -> set[Digest]:
    """Those of ``manifests`` that ``roots`` lead to: children of what stays, and referrers of what stays."""
    referrers = defaultdict(list)
    for digest, edges in manifests.items():
        if edges.subject is not None:
            referrers[edges.subject].append(digest)
    reached: set[Digest] = set()
    waiting = [root for root in roots if root in manifests]
    while waiting:
        digest = waiting.pop()
        if digest not in reached:
            reached.add(digest)
            waiting += [child for child in manifests[digest].children if child in manifests]
            waiting += referrers.get(digest, ())
    return reached


def parents_first(manifests: Mapping[Digest, Edges], chosen: AbstractSet[Digest]) -> list[Digest]:
    """``chosen`` so that no index stands behind one of its children: none is ever left without them."""
    sorter: TopologicalSorter[Digest] = TopologicalSorter(dict.fromkeys(sorted(chosen), ()))
    for digest in sorted(chosen):
        for child in manifests[digest].children:
            if child in chosen:
                sorter.add(child, digest)
    return list(sorter.static_order())


def families(manifests: Mapping[Digest, Edges], chosen: AbstractSet[Digest]) -> Iterator[list[Digest]]:
    """``chosen`` in groups, parents first in each, so that nothing in one group leads to anything in another."""
    relatives: defaultdict[Digest, set[Digest]] = defaultdict(set)
    for digest in chosen:
        edges = manifests[digest]
        for other in (*edges.children, edges.subject):
            if other is not None and other in chosen:
                relatives[digest].add(other)
                relatives[other].add(digest)
    left = set(chosen)
    for digest in sorted(chosen):
        if digest in left:
            family = _related(digest, relatives)
            left -= family
            yield parents_first(manifests, family)


def _related(digest: Digest, relatives: Mapping[Digest, set[Digest]]) -> set[Digest]:
    found: set[Digest] = set()
    waiting = [digest]
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += relatives.get(each, ())
    return found
