"""What a collection is asked for, and what it comes to."""

from dataclasses import dataclass, field
from datetime import datetime

from pyregistry.spec.digest import Digest
from pyregistry.store.graph import Edges
from pyregistry.store.inventory import Link


@dataclass(frozen=True, slots=True)
class Options:
    """What to collect.

    Attributes:
        delete_untagged: Also manifests that no tag leads to.
        stale_before: Uploads and temporary files last written to before this aware time go.
        used_since: Where a registry serves the store: links that were used at this aware time or later stay, with what
            they lead to. To keep what clients were told of within the grace (``Renewal``), it lies twice the grace
            back: an answer may come from memory for half of it, and from a link that was not marked again for another
            half.
    """

    delete_untagged: bool
    stale_before: datetime
    used_since: datetime


@dataclass(slots=True)
class Family:
    """Manifests of a repository that lead to each other, and to no other ones that go.

    Attributes:
        repository: Whose they are.
        members: In the order in which they go, an index before its children.
        history: Each one's entries in the tags' memories.
    """

    repository: str
    members: dict[Digest, Edges]
    history: dict[Digest, list[str]]


@dataclass(slots=True)
class Plan:
    """What goes, in the order in which it goes; after a sweep, what went. Sizes in bytes.

    Attributes:
        marked: Digests of what stays.
        families: Manifests.
        layers: Repository and link.
        blobs: Digest and size.
        uploads: Repository, session and size.
        temporaries: Key and size.
    """

    marked: set[Digest] = field(default_factory=set)
    families: list[Family] = field(default_factory=list)
    layers: list[tuple[str, Link]] = field(default_factory=list)
    blobs: list[tuple[Digest, int]] = field(default_factory=list)
    uploads: list[tuple[str, str, int]] = field(default_factory=list)
    temporaries: list[tuple[str, int]] = field(default_factory=list)

    @property
    def manifests(self) -> list[tuple[str, Digest]]:
        """Repository and digest of every manifest."""
        return [(family.repository, digest) for family in self.families for digest in family.members]

    @property
    def history(self) -> list[str]:
        """Keys of the tags' memories of those manifests."""
        return [key for family in self.families for keys in family.history.values() for key in keys]

    @property
    def size(self) -> int:
        """Bytes of content that go; link files are not counted."""
        content = sum(size for _, size in self.blobs) + sum(size for _, size in self.temporaries)
        return content + sum(size for _, _, size in self.uploads)

    @property
    def counts(self) -> dict[str, int]:
        """How many of each, and bytes."""
        return {
            "bytes": self.size,
            "blobs": len(self.blobs),
            "manifests": len(self.manifests),
            "layer links": len(self.layers),
            "uploads": len(self.uploads),
            "temporary files": len(self.temporaries),
        }

    def summarize(self, verb: str) -> str:
        """One line: ``123 bytes freed: 4 blobs, …``."""
        size, *rest = self.counts.items()
        return f"{size[1]} {size[0]} {verb}: {', '.join(f'{number} {name}' for name, number in rest)}"
