"""Where registry:2 answers otherwise than the specification does today: whose way is taken (``pyregistry.mode``).

What registry:2's way does to the content of answers is here; what it does to the store is in ``store.registry2``.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from starlette.datastructures import QueryParams

from pyregistry.api.pagination import page, parse_count
from pyregistry.api.router import Match, PathUnknown, match
from pyregistry.config.settings import Mode
from pyregistry.spec.digest import Digest
from pyregistry.spec.endpoints import REFERRERS
from pyregistry.spec.errors import (
    DigestInvalid,
    ManifestUnknown,
    NameInvalid,
    PaginationNumberInvalid,
    TagInvalid,
)
from pyregistry.spec.media_types import DOCKER_MANIFEST, DOCKER_MANIFEST_LIST, OCI_INDEX, OCI_MANIFEST
from pyregistry.store.interface import Manifests, StoredManifest


@dataclass(frozen=True, slots=True)
class TagPage:
    """What a list of tags shows. ``names`` None is JSON's null; ``count`` is the page's length where more follows."""

    names: Sequence[str] | None
    count: int | None = None


class Manners(Protocol):
    """The answers on which registry:2 and the specification differ."""

    @property
    def lacking_endpoints(self) -> frozenset[str]:
        """Ids of endpoints that are unknown paths."""
        ...

    def match(self, method: str, target: str, token_path: str | None, lacking: Collection[str]) -> Match:
        """See ``router.match``."""
        ...

    def fetch(
        self, manifests: Manifests, repository: str, reference: str | Digest, accept: Sequence[str]
    ) -> StoredManifest:
        """The manifest for a client that sent these Accept headers. It may block.

        Raises:
            ManifestUnknown, NameUnknown: There is none, or none for this client.
        """
        ...

    def count_tags(self, query: QueryParams) -> int | None:
        """How many tags the client wants.

        Raises:
            PaginationNumberInvalid: ``n`` is none.
        """
        ...

    def page_tags(self, names: Sequence[str], query: QueryParams, count: int | None) -> TagPage:
        """What of a repository's tags is listed, at most ``count``."""
        ...

    def count_repositories(self, query: QueryParams) -> int | None:
        """How many repositories the client wants of the catalog.

        Raises:
            PaginationNumberInvalid: ``n`` is none.
        """
        ...

    def named_tags(self, query: QueryParams) -> list[str]:
        """The tags that a push by digest names besides (end-7b), unchecked."""
        ...


class SpecManners:
    """distribution-spec 1.1.1 and its main branch; the default."""

    lacking_endpoints = frozenset[str]()

    def match(self, method: str, target: str, token_path: str | None, lacking: Collection[str]) -> Match:
        """What breaks a grammar is refused by its own error."""
        return match(method, target, token_path, lacking)

    def fetch(
        self,
        manifests: Manifests,
        repository: str,
        reference: str | Digest,
        accept: Sequence[str],  # noqa: ARG002  not asked
    ) -> StoredManifest:
        """What was pushed is what is sent: Accept is not asked, no type is converted into another."""
        return manifests.fetch(repository, reference)

    def count_tags(self, query: QueryParams) -> int | None:
        """A number, or a refusal."""
        return parse_count(query)

    def page_tags(self, names: Sequence[str], query: QueryParams, count: int | None) -> TagPage:
        """In lexical order, as many as wanted."""
        listed, more = page(names, query, count)
        return TagPage(listed, count if more else None)

    def count_repositories(self, query: QueryParams) -> int | None:
        """A number, or a refusal."""
        return parse_count(query)

    def named_tags(self, query: QueryParams) -> list[str]:
        """All that ``?tag=`` names."""
        return query.getlist("tag")


class Registry2Manners:
    """registry:2's (2.8.3). What it converts into schema 1 for clients of before 2016 is served as it is."""

    lacking_endpoints = frozenset({REFERRERS})

    def match(self, method: str, target: str, token_path: str | None, lacking: Collection[str]) -> Match:
        """What breaks a grammar falls out of the table of routes: a plain 404."""
        try:
            return match(method, target, token_path, lacking)
        except (NameInvalid, TagInvalid, ManifestUnknown) as exc:
            raise PathUnknown(target) from exc
        except DigestInvalid as exc:
            if _looks_like_a_digest(target):
                raise
            raise PathUnknown(target) from exc

    def fetch(
        self, manifests: Manifests, repository: str, reference: str | Digest, accept: Sequence[str]
    ) -> StoredManifest:
        """An OCI type only for clients that say its name; of a manifest list Linux on amd64 for those of before."""
        found = manifests.fetch(repository, reference)
        supported = {each.partition(";")[0].strip() for header in accept for each in header.split(",")}
        media_type = found.descriptor.media_type
        if media_type in _UNSUPPORTED and media_type not in supported:
            raise ManifestUnknown(message=_UNSUPPORTED[media_type])
        wants_image = DOCKER_MANIFEST in supported and DOCKER_MANIFEST_LIST not in supported
        if isinstance(reference, str) and media_type == DOCKER_MANIFEST_LIST and wants_image:
            return manifests.fetch(repository, _default_image(found))
        return found

    def count_tags(self, query: QueryParams) -> int | None:  # noqa: ARG002  not asked
        """Always all."""
        return None

    def page_tags(self, names: Sequence[str], query: QueryParams, count: int | None) -> TagPage:  # noqa: ARG002  not asked
        """All of them, whatever is asked; ``null`` for none, the nil slice of a Go program."""
        return TagPage(list(names) or None)

    def count_repositories(self, query: QueryParams) -> int | None:
        """What is no number is passed over."""
        try:
            return parse_count(query)
        except PaginationNumberInvalid:
            return None

    def named_tags(self, query: QueryParams) -> list[str]:  # noqa: ARG002  not asked
        """None: the parameter is newer."""
        return []


_UNSUPPORTED: Mapping[str, str] = {
    OCI_MANIFEST: "OCI manifest found, but accept header does not support OCI manifests",
    OCI_INDEX: "OCI index found, but accept header does not support OCI indexes",
}


SPEC_MANNERS = SpecManners()


def manners_of(mode: Mode) -> Manners:
    """The manners that a configuration asks for."""
    return Registry2Manners() if mode is Mode.REGISTRY2 else SPEC_MANNERS


def _looks_like_a_digest(target: str) -> bool:
    """Whether registry:2's route takes the last path element for a digest, to be refused as such."""
    return ":" in target.rpartition("/")[2]


def _default_image(found: StoredManifest) -> Digest:
    """The image for Linux on amd64.

    Raises:
        ManifestUnknown: The list has none.
    """
    for row in json.loads(found.body)["manifests"]:
        platform = row.get("platform") or {}
        if (platform.get("os"), platform.get("architecture")) == ("linux", "amd64"):
            return Digest.parse(row["digest"])
    raise ManifestUnknown
