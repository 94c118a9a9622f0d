"""What is asked of an image in any exercise: whose it is, and that every byte of it is there. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from checker import history
from checker.checks.telling import distinct
from checker.facts import Blob, BlobState, Journal, Manifest, Unavailable
from checker.model import Cause, Evidence, Value, Words

NONCE_LABEL = "lab.registry.nonce"


@dataclass(frozen=True, slots=True)
class Bytes:
    """What became of everything below a tag when it was fetched and hashed.

    Attributes:
        lost: Digests of manifests that an index names and the registry does not hold.
        bad: Blobs that are missing, or not of the size that names them.
        hashed: Blobs that are as they should be.
    """

    manifests: tuple[Manifest, ...]
    lost: tuple[str, ...]
    bad: tuple[Blob, ...]
    hashed: tuple[Blob, ...]

    @classmethod
    def of(cls, root: Manifest) -> "Bytes":
        """Of all that hangs on a manifest or index."""
        manifests = tuple(root.tree())
        blobs = {blob.digest: blob for manifest in manifests for blob in manifest.blobs}.values()
        return cls(
            manifests=manifests,
            lost=tuple(digest for manifest in manifests for digest in manifest.missing),
            bad=tuple(blob for blob in blobs if blob.state in {BlobState.MISSING, BlobState.WRONG_SIZE}),
            hashed=tuple(blob for blob in blobs if blob.state is BlobState.VERIFIED),
        )

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """One for each object that was proved."""
        objects = [*(("manifest", m.digest) for m in self.manifests), *((b.role, b.digest) for b in self.hashed)]
        return tuple(Evidence("http", named(role, digest), digest.partition(":")[2]) for role, digest in objects)

    def causes(self, journal: Journal | Unavailable) -> tuple[Cause, ...]:
        """For each fault who did it, where the journal knows."""
        events = journal.events if isinstance(journal, Journal) else ()
        deleted = {event.digest or event.reference for event in events if history.is_blob_deletion(event)}
        causes = [Cause("blobs.child-missing", {"digest": digest}) for digest in self.lost]
        for blob in self.bad:
            params: dict[str, Value] = {"digest": blob.digest, "role": Words(f"role.{blob.role}")}
            if blob.state is BlobState.WRONG_SIZE:
                causes.append(Cause("blobs.wrong-size", params | {"size": blob.size}))
            else:
                causes.append(Cause("blobs.deleted" if blob.digest in deleted else "blobs.missing", params))
        return distinct(causes)


def named(role: str, digest: str) -> Words:
    """An object of the registry by its role (``manifest``, ``config`` or ``layer``) and its digest."""
    return Words("said.object", {"role": Words(f"role.{role}"), "digest": digest})


def label_causes(
    images: Iterable[Manifest], expected: Mapping[str, str], words: Mapping[str, str]
) -> tuple[Cause, ...]:
    """What is wrong with the labels of an image's platforms.

    Args:
        images: The platforms; an image without an index is told by its digest.
        expected: Values by label.
        words: By label, the word that stands for it in the ids of causes.
    """
    causes = []
    for image in images:
        where = {"image": image.platform or image.digest}
        if image.labels is None:
            causes.append(Cause("build.no-config", where))
            continue
        for name, wanted in expected.items():
            seen = image.labels.get(name)
            if seen is None or not seen.strip():
                causes.append(Cause(f"build.{words[name]}-absent", where))
            elif seen != wanted:
                causes.append(Cause(f"build.{words[name]}-differs", where | {"seen": seen}))
    return distinct(causes)
