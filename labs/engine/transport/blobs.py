"""Small questions about blobs that push and pull both ask. Pure."""

from collections.abc import Iterable

from pyregistry.spec.descriptor import Descriptor

SHORT_LENGTH = 12


def short_id(blob: Descriptor) -> str:
    """The twelve digits that people see."""
    return blob.digest.encoded[:SHORT_LENGTH]


def distinct(blobs: Iterable[Descriptor]) -> list[Descriptor]:
    """Each content once, in order: an image may have the same layer twice."""
    return list({blob.digest: blob for blob in blobs}.values())
