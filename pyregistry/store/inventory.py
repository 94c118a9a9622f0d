"""What lies on a driver, damage included, for those who go through all of a store: garbage collection and scrub.

The rest of the store answers requests and takes what is damaged, or not named by our grammar, for absent. Who deletes
must not: a folder that only another registry can serve holds references too.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from pyregistry.drivers.interface import Driver, KeyUnknown
from pyregistry.spec.digest import CANONICAL_ALGORITHM, Digest
from pyregistry.spec.errors import DigestInvalid
from pyregistry.store import paths

BLOBS = f"{paths.ROOT}/blobs"

_MAX_LINK_BYTES = 512
"""More than any digest has (sha512: 135). What is longer is no link, and is not read into memory."""

_BLOB_SEGMENTS = 4
"""Of a key below ``BLOBS``: algorithm, two hex digits, hex, ``data``."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link file.

    Attributes:
        key: Where it lies.
        named: The digest that its path names.
        content: What it holds; an empty one is registry:2's scar of a crash.
    """

    key: str
    named: Digest
    content: bytes

    @property
    def target(self) -> Digest | None:
        """Where it points; None where it holds no digest, or another one of the same algorithm.

        registry:2 keeps a sha512 upload under sha256 and links from one to the other.
        """
        target = read_digest(self.content)
        if target is None or (target != self.named and target.algorithm == self.named.algorithm):
            return None
        return target

    @property
    def stored_as(self) -> Digest:
        """Where the content lies; of a damaged link, where it most likely does."""
        return self.target or self.named


def repositories(driver: Driver) -> Iterator[str]:
    """Every folder with blobs or manifests, also one whose name only registry:2 serves (``UPPER/foo``)."""
    for name, own in _folders(driver):
        if {paths.LAYERS, paths.MANIFESTS} & own:
            yield name


def uploads(driver: Driver) -> Iterator[tuple[str, str]]:
    """Repository and session of every upload, of repositories too that hold nothing else yet."""
    for name, own in _folders(driver):
        if paths.UPLOADS in own:
            for session in driver.children(paths.uploads(name)):
                yield name, session


def upload(driver: Driver, repository: str, session: str) -> tuple[int, datetime]:
    """Bytes of an upload, and when it was last written to; one without any file is older than everything."""
    stats = []
    for key in driver.keys(paths.upload(repository, session)):
        with suppress(KeyUnknown):
            stats.append(driver.stat(key))
    last = max((stat.modified_at for stat in stats), default=datetime.min.replace(tzinfo=UTC))
    return sum(stat.size for stat in stats), last


def folders(driver: Driver) -> Iterator[str]:
    """Every folder below the repositories that is no repository's own, above before below."""
    for name, _ in _folders(driver):
        yield name


def layers(driver: Driver, repository: str) -> Iterator[Link]:
    """The repository's blobs."""
    return _links(driver, _layers(repository))


def revisions(driver: Driver, repository: str) -> Iterator[Link]:
    """The repository's manifests."""
    return _links(driver, paths.revisions(repository))


def revision(driver: Driver, repository: str, digest: Digest) -> Iterator[Link]:
    """One of them, if it is there."""
    return _link(driver, paths.revision_link(repository, digest), digest)


def link_keys(driver: Driver, repository: str) -> Iterator[str]:
    """Where the repository's blobs and manifests are linked; nothing is read."""
    for folder in (_layers(repository), paths.revisions(repository)):
        for digest in _digests(driver, folder):
            yield _link_key(folder, digest)


def tags(driver: Driver, repository: str) -> Iterator[tuple[str, Digest | None]]:
    """The repository's tags and where they point; None where the link is damaged."""
    for tag in driver.children(paths.tags(repository)):
        content = _read_link(driver, paths.tag_current_link(repository, tag))
        if content is not None:
            yield tag, read_digest(content)


def tag_history(driver: Driver, repository: str) -> Iterator[tuple[str, Digest]]:
    """Tags, and what they point to or once did."""
    for tag in driver.children(paths.tags(repository)):
        for digest in _digests(driver, f"{paths.tag(repository, tag)}/index"):
            yield tag, digest


def blobs(driver: Driver) -> Iterator[tuple[str, Digest | None]]:
    """Keys of all content, manifests included, and the digest that each names; None for what is no blob's key."""
    for key in driver.keys(BLOBS):
        yield key, _blob_digest(key)


def contents(driver: Driver) -> Iterator[Digest]:
    """Digests of all content, by the folders that name them: nothing is looked at, so it may not be there."""
    for algorithm in driver.children(BLOBS):
        for shard in driver.children(f"{BLOBS}/{algorithm}"):
            for encoded in driver.children(f"{BLOBS}/{algorithm}/{shard}"):
                digest = _blob_digest(f"{BLOBS}/{algorithm}/{shard}/{encoded}/data")
                if digest is not None:
                    yield digest


def manifest_body(driver: Driver, revision: Link) -> bytes | None:
    """The manifest's bytes, proven; None where they are missing or damaged."""
    try:
        with driver.open(paths.blob_data(revision.stored_as)) as reader:
            body = reader.read()
    except KeyUnknown:
        return None
    return body if Digest.of(body, revision.named.algorithm) == revision.named else None


def alias(driver: Driver, key: str, digest: Digest) -> Digest:
    """Where what the link at ``key`` names lies: under ``digest``, or, pushed to registry:2, the canonical one."""
    if digest.algorithm == CANONICAL_ALGORITHM:
        return digest
    return Link(key, digest, _read_link(driver, key) or b"").stored_as


def read_digest(content: bytes) -> Digest | None:
    """The digest that a link file holds; None where it holds none."""
    try:
        return Digest.parse(content.decode("ascii"))
    except (DigestInvalid, UnicodeDecodeError):
        return None


def _folders(driver: Driver, name: str = "") -> Iterator[tuple[str, set[str]]]:
    """Every folder below the repositories with those of its folders that are registry:2's own (``_layers`` …)."""
    children = list(driver.children(paths.repository(name) if name else paths.REPOSITORIES))
    if name:
        yield name, {child for child in children if child.startswith("_")}
    for child in children:
        if not child.startswith("_"):
            yield from _folders(driver, f"{name}/{child}" if name else child)


def _links(driver: Driver, folder: str) -> Iterator[Link]:
    for digest in _digests(driver, folder):
        yield from _link(driver, _link_key(folder, digest), digest)


def _link(driver: Driver, key: str, digest: Digest) -> Iterator[Link]:
    content = _read_link(driver, key)
    if content is not None:
        yield Link(key, digest, content)


def _layers(repository: str) -> str:
    return f"{paths.repository(repository)}/{paths.LAYERS}"


def _link_key(folder: str, digest: Digest) -> str:
    return f"{folder}/{digest.algorithm}/{digest.encoded}/link"


def _digests(driver: Driver, folder: str) -> Iterator[Digest]:
    """What the folders below ``folder`` name. What names no digest of ours stays as it is."""
    for algorithm in driver.children(folder):
        for encoded in driver.children(f"{folder}/{algorithm}"):
            digest = read_digest(f"{algorithm}:{encoded}".encode(errors="replace"))
            if digest is not None:
                yield digest


def _read_link(driver: Driver, key: str) -> bytes | None:
    try:
        with driver.open(key) as reader:
            return reader.read(_MAX_LINK_BYTES)
    except KeyUnknown:
        return None


def _blob_digest(key: str) -> Digest | None:
    segments = key.removeprefix(f"{BLOBS}/").split("/")
    if len(segments) != _BLOB_SEGMENTS:
        return None
    digest = read_digest(f"{segments[0]}:{segments[2]}".encode(errors="replace"))
    return digest if digest is not None and paths.blob_data(digest) == key else None
