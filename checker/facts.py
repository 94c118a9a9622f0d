"""What probes read, as values. Nothing here reads, and nothing here judges.

A source that could not be read is a value too (``Unavailable``): a check that needs it becomes INCONCLUSIVE.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from pyregistry.spec.journal import Event

Fact = TypeVar("Fact")


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A source that did not yield its facts; ``reason`` is a message id below ``unavailable.``."""

    reason: str
    params: Mapping[str, str | int] = field(default_factory=dict)


NO_JOURNAL = Unavailable("no-journal")
"""The registry is not ours and keeps no journal for us: what happened there cannot be known, what is there can."""


INTEGRITY_REASONS = frozenset({"journal-broken", "journal-truncated", "journal-elsewhere", "pack-changed"})
"""Not missing, but changed: nothing that rests on it can be judged."""


class NotObserved(Exception):
    """A check needed a source that is ``Unavailable``; the runner turns it into INCONCLUSIVE."""

    def __init__(self, unavailable: Unavailable) -> None:
        super().__init__(unavailable.reason)
        self.unavailable = unavailable


class Source(StrEnum):
    """What can be read; each is a field of ``Facts``."""

    ANSWER = "answer"
    JOURNAL = "journal"
    TAGS = "tags"
    CONTENT = "content"
    CLIENT = "client"
    STORE = "store"
    PACK = "pack"


@dataclass(frozen=True, slots=True)
class Task:
    """The attempt as checks see it. ``hosts`` are the names by which clients may call the registry."""

    parameters: Mapping[str, str]
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """What an exercise wants in the registry: one repository; ``tags[0]`` is the one that is read down to its bytes."""

    repository: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """The registry speaks: its status on ``/v2/`` and how far its clock is ahead of ours."""

    status: int
    clock_skew_ms: int = 0


@dataclass(frozen=True, slots=True)
class Journal:
    """The registry's memory, its chain verified from the first line; the grader's own requests are left out.

    Attributes:
        events: In order of sequence, those before the horizon included: they explain, and count for nothing.
        horizon_seq: The last sequence number before the attempt.
        head: Hash of the last line read.
        seq_to: Its sequence number.
    """

    events: tuple[Event, ...]
    horizon_seq: int
    head: str
    seq_to: int

    @property
    def since_start(self) -> tuple[Event, ...]:
        """The events that count."""
        return tuple(event for event in self.events if event.seq > self.horizon_seq)


@dataclass(frozen=True, slots=True)
class Tags:
    """What the repository's tags are.

    Attributes:
        listed: All tags of the repository.
        resolved: For each wanted tag the digest of the manifest behind it, recomputed from its bytes; None is absent.
    """

    listed: tuple[str, ...]
    resolved: Mapping[str, str | None]


class BlobState(StrEnum):
    """What became of a blob when it was fetched and hashed."""

    VERIFIED = "verified"
    MISSING = "missing"
    WRONG_SIZE = "wrong-size"
    """Its bytes have the digest, and are more or fewer than its descriptor says."""
    FOREIGN = "foreign"
    """Its descriptor has URLs: it is not this registry's to hold."""


@dataclass(frozen=True, slots=True)
class Blob:
    """A blob that a manifest names. ``role`` is ``config`` or ``layer``; ``size`` is the descriptor's, in bytes."""

    digest: str
    size: int
    role: str
    state: BlobState


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest, or an index with its children, proved by its digest.

    Attributes:
        platform: ``os/architecture[/variant]`` as the index says, None outside an index.
        attestation: It describes another manifest of the index and is no platform.
        labels: Of the image config; None where the config is missing or is no image config.
        missing: Digests of children that the registry does not hold.
    """

    digest: str
    media_type: str
    size: int
    platform: str | None = None
    attestation: bool = False
    blobs: tuple[Blob, ...] = ()
    labels: Mapping[str, str] | None = None
    children: tuple["Manifest", ...] = ()
    missing: tuple[str, ...] = ()

    def tree(self) -> Iterator["Manifest"]:
        """Itself and all below it."""
        yield self
        for child in self.children:
            yield from child.tree()

    def images(self) -> tuple["Manifest", ...]:
        """What runs: itself, or the real platforms of an index."""
        if not self.children and not self.missing:
            return (self,)
        return tuple(image for child in self.children if not child.attestation for image in child.images())


@dataclass(frozen=True, slots=True)
class Content:
    """The image under the target's first tag, read to its last byte; None where the tag is absent."""

    root: Manifest | None


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """Docker's ``config.json`` on the pushing machine. Never holds a secret.

    Attributes:
        present: The file exists.
        hosts: Registries that it names.
        inline: Those whose secret lies in the file itself, in base64.
    """

    present: bool
    hosts: tuple[str, ...] = ()
    inline: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageStore:
    """Full names of the images in the pushing machine's store. Explains; proves nothing.

    ``seen`` is False where the lab's docker never kept any: those of Docker's own engine are not to be seen.
    """

    references: tuple[str, ...] = ()
    seen: bool = True


@dataclass(frozen=True, slots=True)
class PackFiles:
    """The check files that are judging now; ``digest`` is SHA-256 hex over all of them."""

    digest: str


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a check may look at."""

    task: Task
    answer: Answer | Unavailable
    journal: Journal | Unavailable
    tags: Tags | Unavailable
    content: Content | Unavailable
    client: ClientConfig | Unavailable
    store: ImageStore | Unavailable
    pack: PackFiles | Unavailable

    @property
    def integrity(self) -> Unavailable | None:
        """What was tampered with, if anything."""
        suspects = (source for source in (self.pack, self.journal) if isinstance(source, Unavailable))
        return next((each for each in suspects if each.reason in INTEGRITY_REASONS), None)

    @property
    def outage(self) -> Unavailable | None:
        """Why nothing at all can be judged, if so: something was tampered with, or the registry does not answer."""
        return self.integrity or (self.answer if isinstance(self.answer, Unavailable) else None)


SOURCE_TYPES: Mapping[Source, type] = {
    Source.ANSWER: Answer,
    Source.JOURNAL: Journal,
    Source.TAGS: Tags,
    Source.CONTENT: Content,
    Source.CLIENT: ClientConfig,
    Source.STORE: ImageStore,
    Source.PACK: PackFiles,
}
"""What a probe of each source yields; anything else is garbage."""


def known(value: Fact | Unavailable) -> Fact:
    """The value, when it was observed.

    Raises:
        NotObserved: It was not.
    """
    if isinstance(value, Unavailable):
        raise NotObserved(value)
    return value
