"""Garbage collection: a mark over values, a plan of what goes, then a sweep in an order that may be cut off anywhere.

Offline, as registry:2's: a blob that a client has just pushed, and that no manifest names yet, is garbage to it. So the
registry is stopped or read-only meanwhile.

What registry:2 gets wrong is right here: what a tagged index names stays, at any depth, and so do referrers of what
stays; layer links, stale uploads and temporary files go. Damage never makes it delete more: where a manifest that is to
stay cannot be read, everything that its repository holds stays.
"""

import logging
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from graphlib import TopologicalSorter

from pyregistry.drivers.interface import Driver, KeyLocked, KeyUnknown
from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import ManifestInvalid
from pyregistry.spec.manifest import Index, parse, parse_media_type
from pyregistry.store import inventory, paths
from pyregistry.store.inventory import Link

_LOG = logging.getLogger(__name__)

# any digest in a document that we cannot parse: Docker schema 1, artifact manifests
_DIGEST = re.compile(rb"sha256:[0-9a-f]{64}(?![0-9a-f])|sha512:[0-9a-f]{128}(?![0-9a-f])")

Emit = Callable[[str], None]


class StoreInUse(Exception):
    """Another garbage collection or scrub works on the store."""


class StoreUnknown(Exception):
    """There is no store. A mistyped path must not look like a clean one."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to collect.

    Attributes:
        delete_untagged: Also manifests that no tag leads to.
        stale_before: Uploads and temporary files last written to before this aware time go.
    """

    delete_untagged: bool
    stale_before: datetime


@dataclass(frozen=True, slots=True)
class Edges:
    """What ties a manifest to others of its repository."""

    children: tuple[Digest, ...] = ()
    subject: Digest | None = None


@dataclass(frozen=True, slots=True)
class _Contents:
    """What a manifest names."""

    parts: tuple[Digest, ...]
    edges: Edges


@dataclass(slots=True)
class Plan:
    """What goes, in the order in which it goes. Sizes in bytes.

    Attributes:
        marked: Digests of what stays.
        manifests: Repository and digest, an index before its children.
        history: Keys of the tags' memories of those manifests.
        layers: Repository and link.
        blobs: Digest and size.
        uploads: Repository, session and size.
        temporaries: Key and size.
    """

    marked: set[Digest] = field(default_factory=set)
    manifests: list[tuple[str, Digest]] = field(default_factory=list)
    history: list[str] = field(default_factory=list)
    layers: list[tuple[str, Link]] = field(default_factory=list)
    blobs: list[tuple[Digest, int]] = field(default_factory=list)
    uploads: list[tuple[str, str, int]] = field(default_factory=list)
    temporaries: list[tuple[str, int]] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of content that go; link files are not counted."""
        content = sum(size for _, size in self.blobs) + sum(size for _, size in self.temporaries)
        return content + sum(size for _, _, size in self.uploads)


def collect(driver: Driver, options: Options, emit: Emit, *, dry_run: bool) -> Plan:
    """Find what nobody refers to and, unless it is a dry run, delete it.

    Args:
        driver: The store's.
        options: What counts as garbage.
        emit: Takes registry:2's lines, in its order, and ours after them.
        dry_run: Change nothing.

    Raises:
        StoreInUse: Another one is at it.
        StoreUnknown: There is none.
    """
    with alone(driver):
        plan = Plan()
        for repository in inventory.repositories(driver):
            _Marking(driver, repository, plan, emit).mark(delete_untagged=options.delete_untagged)
        _plan_content(driver, plan)
        _plan_remains(driver, options.stale_before, plan)
        _announce(plan, emit)
        if not dry_run:
            _sweep(driver, plan)
        return plan


@contextmanager
def alone(driver: Driver) -> Iterator[None]:
    """Keep other collections and scrubs out. A lock is on what is there, so there has to be a store.

    Raises:
        StoreInUse: Another one is at it.
        StoreUnknown: There is none; in registry:2's words.
    """
    if not any(True for _ in driver.children(paths.ROOT)):
        raise StoreUnknown(f"failed to mark: filesystem: Path not found: /{paths.REPOSITORIES}")
    with ExitStack() as held:
        try:
            held.enter_context(driver.lock(paths.ROOT, wait=False))
        except KeyLocked as exc:
            raise StoreInUse(f"{exc}: another garbage-collect or scrub is working on it") from None
        yield


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


class _Marking:
    """One repository's turn: tells what stays, and puts what goes into the plan."""

    def __init__(self, driver: Driver, repository: str, plan: Plan, emit: Emit) -> None:
        self._driver = driver
        self._repository = repository
        self._plan = plan
        self._emit = emit

    def mark(self, *, delete_untagged: bool) -> None:
        """Manifests are read one at a time; what is kept of them are digests."""
        self._emit(self._repository)
        revisions = {link.named: link for link in inventory.revisions(self._driver, self._repository)}
        doomed = self._doomed(revisions) if delete_untagged else []
        gone = frozenset(doomed)
        whole = True
        for digest, link in revisions.items():
            if digest in gone:
                self._emit(f"manifest eligible for deletion: {digest}")
            else:
                whole &= self._mark_manifest(link)
        if not whole:
            self._mark_layers()
        self._plan.manifests += [(self._repository, digest) for digest in doomed]
        self._plan.history += self._history(gone) if gone else []

    def _doomed(self, revisions: Mapping[Digest, Link]) -> list[Digest]:
        """What no tag leads to; nothing at all, where a damaged link or manifest may hide where a tag leads."""
        tags = dict(inventory.tags(self._driver, self._repository))
        contents = {digest: self._read(link) for digest, link in revisions.items()}
        edges = {digest: found.edges if found else Edges() for digest, found in contents.items()}
        reached = reach(edges, [target for target in tags.values() if target])
        blind = [f"tag {tag}" for tag, target in tags.items() if target is None]
        blind += [str(digest) for digest in sorted(reached) if contents[digest] is None]
        if blind:
            _LOG.warning(
                "%s: no manifest is deleted, since %s cannot be read; push it again, or delete it",
                self._repository,
                ", ".join(blind),
            )
            return []
        return parents_first(edges, revisions.keys() - reached)

    def _mark_manifest(self, link: Link) -> bool:
        """Mark the manifest and what it names; False where that cannot be told."""
        self._emit(f"{self._repository}: marking manifest {link.named} ")
        self._plan.marked |= {link.named, link.stored_as}
        if link.target is None:
            _warn_of(link)
        contents = self._read(link)
        if contents is None:
            _LOG.warning(
                "%s: manifest %s is missing or damaged: no blob of the repository is deleted until it is pushed again, "
                "or deleted",
                self._repository,
                link.named,
            )
            return False
        for part in contents.parts:
            self._emit(f"{self._repository}: marking blob {part}")
            link_key = paths.layer_link(self._repository, part)
            self._plan.marked |= {part, inventory.alias(self._driver, link_key, part)}
        return True

    def _mark_layers(self) -> None:
        for link in inventory.layers(self._driver, self._repository):
            self._plan.marked |= {link.named, link.stored_as}

    def _history(self, gone: AbstractSet[Digest]) -> Iterator[str]:
        for tag, digest in inventory.tag_history(self._driver, self._repository):
            if digest in gone:
                yield paths.tag_index_link(self._repository, tag, digest)

    def _read(self, link: Link) -> _Contents | None:
        body = inventory.manifest_body(self._driver, link)
        return None if body is None else _contents(body)


def _contents(body: bytes) -> _Contents:
    """What a manifest names. Where it is of no type that we know, every digest in it counts."""
    try:
        manifest = parse(body, parse_media_type(body))
    except ManifestInvalid:
        named = tuple(dict.fromkeys(Digest.parse(found.decode("ascii")) for found in _DIGEST.findall(body)))
        return _Contents(named, Edges(named))
    parts = tuple(part.digest for part in manifest.references())
    subject = manifest.subject.digest if manifest.subject else None
    return _Contents(parts, Edges(parts if isinstance(manifest, Index) else (), subject))


def _plan_content(driver: Driver, plan: Plan) -> None:
    """Put what is not marked into the plan, and the links to it."""
    for repository in inventory.repositories(driver):
        for link in inventory.layers(driver, repository):
            if link.target is None:
                _warn_of(link)
            if link.stored_as not in plan.marked:
                plan.layers.append((repository, link))
    for key, digest in inventory.blobs(driver):
        if digest is not None and digest not in plan.marked:
            plan.blobs.append((digest, driver.stat(key).size))


def _plan_remains(driver: Driver, stale_before: datetime, plan: Plan) -> None:
    """Put what was begun and forgotten into the plan."""
    for repository, session in inventory.uploads(driver):
        size, last = _upload(driver, repository, session)
        if last < stale_before:
            plan.uploads.append((repository, session, size))
    for key in driver.remnants(paths.ROOT):
        with suppress(KeyUnknown):
            found = driver.stat(key)
            if found.modified_at < stale_before:
                plan.temporaries.append((key, found.size))


def _upload(driver: Driver, repository: str, session: str) -> tuple[int, datetime]:
    """Bytes of an upload, and when it was last written to; one without any file is older than everything."""
    stats = [driver.stat(key) for key in driver.keys(paths.upload(repository, session))]
    last = max((stat.modified_at for stat in stats), default=datetime.min.replace(tzinfo=UTC))
    return sum(stat.size for stat in stats), last


def _announce(plan: Plan, emit: Emit) -> None:
    """registry:2's lines, then registry:3's, then ours."""
    emit(
        f"\n{len(plan.marked)} blobs marked, {len(plan.blobs)} blobs and {len(plan.manifests)} manifests eligible for "
        "deletion"
    )
    for digest, _ in plan.blobs:
        emit(f"blob eligible for deletion: {digest}")
    for repository, link in plan.layers:
        emit(f"{repository}: layer link eligible for deletion: {link.named}")
    for repository, session, _ in plan.uploads:
        emit(f"{repository}: upload eligible for deletion: {session}")
    for key, _ in plan.temporaries:
        emit(f"temporary file eligible for deletion: {key}")


def _sweep(driver: Driver, plan: Plan) -> None:
    """Names before what they name, so that whatever is still named is whole: histories, manifests, links, content.

    Cut off anywhere, it leaves garbage for the next run and nothing else.
    """
    for key in plan.history:
        _delete(driver, key, "deleting manifest tag reference: /%s")
    for repository, digest in plan.manifests:
        _delete(driver, paths.revision_link(repository, digest), "deleting manifest: /%s")
    for _, link in plan.layers:
        _delete(driver, link.key, "Deleting layer link path: /%s")
    for digest, _ in plan.blobs:
        _delete(driver, paths.blob_data(digest), "Deleting blob: /%s")
    for repository, session, _ in plan.uploads:
        _LOG.info("Deleting upload: /%s", paths.upload(repository, session))
        with suppress(KeyUnknown):
            driver.delete(paths.upload(repository, session))
    for key, _ in plan.temporaries:
        _delete(driver, key, "Deleting temporary file: /%s")


def _delete(driver: Driver, key: str, message: str) -> None:
    """Delete a file and log its folder as registry:2 does; a temporary file by its own name."""
    folder, _, name = key.rpartition("/")
    _LOG.info(message, key if name.endswith(".tmp") else folder)
    with suppress(KeyUnknown):
        driver.delete(key)


def _warn_of(link: Link) -> None:
    _LOG.warning("%s: expected a digest, got %r; taken for %s", link.key, link.content[:80], link.named)
