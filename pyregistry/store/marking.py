"""Marking: one repository's manifests are followed, what they name stays, and what nothing leads to goes into a plan.

Damage never makes it delete more: where a manifest that is to stay cannot be read, everything that its repository holds
stays.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet

from pyregistry.drivers.interface import Driver
from pyregistry.spec.digest import Digest
from pyregistry.store import inventory, paths
from pyregistry.store.graph import Contents, Edges, families, reach, read_contents
from pyregistry.store.inventory import Link
from pyregistry.store.locks import hold_repository
from pyregistry.store.plan import Family, Plan
from pyregistry.store.terms import Terms

_LOG = logging.getLogger(__name__)

Emit = Callable[[str], None]


class Marking:
    """One repository's turn. Manifests are read one at a time; what is kept of them are digests."""

    def __init__(self, driver: Driver, repository: str, plan: Plan, terms: Terms, emit: Emit) -> None:
        self._needed: set[Digest] = set()
        self._driver = driver
        self._repository = repository
        self._plan = plan
        self._terms = terms
        self._emit = emit

    def mark(self, *, delete_untagged: bool) -> None:
        """Put what goes into the plan, and mark the rest."""
        self._emit(self._repository)
        self._look()
        revisions = {link.named: link for link in inventory.revisions(self._driver, self._repository)}
        doomed = self._doomed(revisions) if delete_untagged else {}
        for digest, link in revisions.items():
            if digest in doomed:
                self._emit(f"manifest eligible for deletion: {digest}")
            else:
                self._mark_manifest(link)
        self._plan_families(doomed)
        self._plan_layers()

    def keep(self, digest: Digest) -> set[str]:
        """Mark a manifest that was to go, and is used after all; keys of the layer links that it needs."""
        for link in inventory.revision(self._driver, self._repository, digest):
            self._mark_manifest(link)
        return {paths.layer_link(self._repository, part) for part in self._needed}

    def _look(self) -> None:
        """See every link, then let those finish who are writing.

        Who begins after that changes the identity of what we saw; who began before has left what we are about to read.
        """
        for key in inventory.link_keys(self._driver, self._repository):
            self._terms.see(key)
        with hold_repository(self._driver, self._repository):
            pass

    def _doomed(self, revisions: Mapping[Digest, Link]) -> dict[Digest, Edges]:
        """What no tag leads to; nothing at all, where a damaged link or manifest may hide where a tag leads."""
        tags = dict(inventory.tags(self._driver, self._repository))
        contents = {digest: self._read(link) for digest, link in revisions.items()}
        edges = {digest: found.edges if found else Edges() for digest, found in contents.items()}
        used = [digest for digest, link in revisions.items() if not self._terms.is_unused(link.key)]
        reached = reach(edges, [*(target for target in tags.values() if target), *used])
        blind = [f"tag {tag}" for tag, target in tags.items() if target is None]
        blind += [str(digest) for digest in sorted(reached) if contents[digest] is None]
        if blind:
            _LOG.warning(
                "%s: no manifest is deleted, since %s cannot be read; push it again, or delete it",
                self._repository,
                ", ".join(blind),
            )
            return {}
        return {digest: edges[digest] for digest in revisions if digest not in reached}

    def _mark_manifest(self, link: Link) -> None:
        """Mark the manifest and what it names; all that the repository holds, where that cannot be told."""
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
            self._mark_layers()
            return
        for part in contents.parts:
            self._emit(f"{self._repository}: marking blob {part}")
            self._needed.add(part)
            link_key = paths.layer_link(self._repository, part)
            self._plan.marked |= {part, inventory.alias(self._driver, link_key, part)}

    def _mark_layers(self) -> None:
        for link in inventory.layers(self._driver, self._repository):
            self._needed.add(link.named)
            self._plan.marked |= {link.named, link.stored_as}

    def _plan_layers(self) -> None:
        """What no manifest of the repository needs goes from it, whoever else has it; what stays keeps its content."""
        for link in inventory.layers(self._driver, self._repository):
            if link.target is None:
                _warn_of(link)
            if link.named in self._needed:
                continue
            if self._terms.is_unused(link.key):
                self._plan.layers.append((self._repository, link))
            else:
                self._plan.marked.add(link.stored_as)

    def _plan_families(self, doomed: Mapping[Digest, Edges]) -> None:
        history = self._history(doomed.keys()) if doomed else {}
        for members in families(doomed, doomed.keys()):
            self._plan.families.append(
                Family(
                    self._repository,
                    {digest: doomed[digest] for digest in members},
                    {digest: history[digest] for digest in members if digest in history},
                )
            )

    def _history(self, gone: AbstractSet[Digest]) -> dict[Digest, list[str]]:
        found: defaultdict[Digest, list[str]] = defaultdict(list)
        for tag, digest in inventory.tag_history(self._driver, self._repository):
            if digest in gone:
                found[digest].append(paths.tag_index_link(self._repository, tag, digest))
        return dict(found)

    def _read(self, link: Link) -> Contents | None:
        body = inventory.manifest_body(self._driver, link)
        return None if body is None else read_contents(body)


def _warn_of(link: Link) -> None:
    """Say that a link is damaged, and what it is taken for."""
    _LOG.warning("%s: expected a digest, got %r; taken for %s", link.key, link.content[:80], link.named)
