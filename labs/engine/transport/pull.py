"""Pull: resolve a name, choose the platform, bring the blobs, verify, then name the image."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus

from labs.engine.documents import parse_index, parse_json, parse_manifest
from labs.engine.layout import ImageStore, Partial
from labs.engine.platforms import fits, host_platform
from labs.engine.progress import Progress
from labs.engine.reference import Reference
from labs.engine.transport.addresses import next_page
from labs.engine.transport.blobs import distinct, short_id
from labs.engine.transport.client import PULL, Answer, Registry
from labs.engine.transport.faults import AnswerUnexpected, ContentWrong, Refusal, TransportError
from labs.engine.transport.origins import Origins
from labs.engine.transport.parallel import MAX_DOWNLOADS, Attempts, Pause, each
from pyregistry.spec.descriptor import Descriptor, Platform
from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import DigestInvalid
from pyregistry.spec.media_types import INDEX_TYPES, MANIFEST_TYPES

ACCEPT = ", ".join(sorted(MANIFEST_TYPES))
MANIFEST_MAX_SIZE = 4 << 20
"""Bytes. What registries take (distribution-spec 1.1.1 end-7); a larger one is refused before it fills the memory."""
_OK_OR_ERROR = frozenset(range(HTTPStatus.OK, 600))


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull brought. ``was_known``: the name pointed there already."""

    descriptor: Descriptor
    was_known: bool


@dataclass(frozen=True, slots=True)
class RemoteManifest:
    """A manifest or index as the registry gave it, its digest verified."""

    descriptor: Descriptor
    content: bytes


class Puller:
    """Brings images from one registry into a store.

    Args:
        registry: Where from.
        store: Where to.
        origins: Remembers which repository held what.
        progress: Is told how it goes.
        pause: Waits between attempts.
    """

    def __init__(
        self,
        registry: Registry,
        store: ImageStore,
        origins: Origins,
        progress: Progress,
        pause: Pause = time.sleep,
    ) -> None:
        self._registry = registry
        self._store = store
        self._origins = origins
        self._progress = progress
        self._attempts = Attempts(progress, pause)

    def pull(self, reference: Reference, platform: Platform | None = None) -> Pulled:
        """Bring one image and give it its name; of an index, the image for ``platform`` (default: this machine's).

        Raises:
            TransportError: It could not be brought; what came is kept for the next attempt.
        """
        top = self._manifest(reference, reference.digest or resolve(self._registry, reference))
        self._progress.message(f"{reference if reference.digest else reference.tag}: Pulling from {reference.path}")
        was_known = self._names(reference, top.descriptor.digest)
        with self._store.writing():
            self._bring(reference, top, platform)
            self._store.tag(reference, top.descriptor)
        self._progress.message(f"Digest: {top.descriptor.digest}")
        return Pulled(top.descriptor, was_known)

    def tags(self, reference: Reference) -> list[str]:
        """Every tag of a repository.

        Raises:
            TransportError: The registry did not tell.
        """
        return list(list_tags(self._registry, reference.path))

    def _names(self, reference: Reference, digest: Digest) -> bool:
        """Whether the store's name already means this content."""
        return any(
            image.descriptor.digest == digest and reference in image.references for image in self._store.images()
        )

    def _bring(self, reference: Reference, top: RemoteManifest, platform: Platform | None) -> None:
        """The blobs first, then the manifest, then the index above it: nothing in the store ever lacks its parts."""
        if top.descriptor.media_type not in INDEX_TYPES:
            self._bring_image(reference, top)
            return
        child = choose(top.content, platform or host_platform())
        self._bring_image(reference, self._manifest(reference, child.digest))
        self._store.add(top.content, top.descriptor.media_type)

    def _manifest(self, reference: Reference, digest: Digest) -> RemoteManifest:
        """From the store where it is here already: a pull of what is up to date costs one HEAD."""
        if self._store.has(digest):
            content = self._store.read(digest)
            return RemoteManifest(Descriptor(_media_type(content), digest, len(content)), content)
        return fetch_manifest(self._registry, reference.path, str(digest))

    def _bring_image(self, reference: Reference, manifest: RemoteManifest) -> None:
        links = parse_manifest(manifest.content)
        self._bring_blob(reference, links.config, quiet=True)
        layers = distinct(links.layers)
        for layer in layers if not self._store.has(manifest.descriptor.digest) else ():
            self._progress.status(
                short_id(layer), "Already exists" if self._store.has(layer.digest) else "Pulling fs layer"
            )
        each(lambda layer: self._bring_blob(reference, layer), layers, MAX_DOWNLOADS)
        self._store.add(manifest.content, manifest.descriptor.media_type)
        self._origins.remember(reference.domain, reference.path, [link.digest for link in (links.config, *layers)])

    def _bring_blob(self, reference: Reference, blob: Descriptor, *, quiet: bool = False) -> None:
        if self._store.has(blob.digest):
            return
        self._attempts.until_done(short_id(blob), lambda: self._download(reference, blob, quiet=quiet))
        if not quiet:
            self._progress.status(short_id(blob), "Pull complete")

    def _download(self, reference: Reference, blob: Descriptor, *, quiet: bool) -> None:
        """One attempt, from where the last one broke off."""
        with self._store.partial(blob.digest) as partial:
            if self._store.has(blob.digest):
                return
            if partial.size < blob.size or blob.size == 0:
                self._receive(reference, blob, partial, quiet=quiet)
            if not quiet:
                self._progress.status(short_id(blob), "Verifying Checksum")
            try:
                partial.finish()
            except DigestInvalid as exc:
                raise ContentWrong(f"filesystem layer verification failed for digest {blob.digest}") from exc
            if not quiet:
                self._progress.status(short_id(blob), "Download complete")

    def _receive(self, reference: Reference, blob: Descriptor, partial: Partial, *, quiet: bool) -> None:
        answer = self._open_blob(reference, blob, partial.size)
        if answer.status == HTTPStatus.OK:
            partial.restart()
        received = partial.size
        for piece in self._registry.stream(answer):
            received += partial.write(piece)
            if received > blob.size:
                partial.restart()
                raise ContentWrong(f"{blob.digest}: expected {blob.size} bytes, got more")
            if not quiet:
                self._progress.transfer(short_id(blob), "Downloading", received, blob.size)

    def _open_blob(self, reference: Reference, blob: Descriptor, offset: int) -> Answer:
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        try:
            return self._registry.request(
                "GET",
                f"/v2/{reference.path}/blobs/{blob.digest}",
                repository=reference.path,
                headers=headers,
                accept=frozenset({HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}),
            )
        except (Refusal, AnswerUnexpected) as exc:
            if exc.status == HTTPStatus.NOT_FOUND:
                raise TransportError("unknown blob") from exc
            raise


def resolve(registry: Registry, reference: Reference) -> Digest:
    """The digest that a tag stands for: a HEAD, and where that tells nothing a GET.

    Raises:
        TransportError: The registry refused or does not know it.
    """
    target = f"/v2/{reference.path}/manifests/{reference.tag}"
    answer = registry.request(
        "HEAD", target, repository=reference.path, headers={"Accept": ACCEPT}, accept=_OK_OR_ERROR
    )
    registry.discard(answer)
    digest = answer.header("Docker-Content-Digest")
    if answer.status == HTTPStatus.OK and digest:
        return _parse_digest(digest)
    return fetch_manifest(registry, reference.path, str(reference.tag)).descriptor.digest


def fetch_manifest(registry: Registry, repository: str, wanted: str) -> RemoteManifest:
    """A manifest by tag or digest, verified.

    Raises:
        TransportError: The registry refused, or sent other content than was asked for.
    """
    answer = registry.request(
        "GET", f"/v2/{repository}/manifests/{wanted}", repository=repository, headers={"Accept": ACCEPT}
    )
    content = _read_limited(registry, answer)
    digest = _parse_digest(
        wanted if ":" in wanted else answer.header("Docker-Content-Digest") or str(Digest.of(content))
    )
    actual = Digest.of(content, digest.algorithm)
    if actual != digest:
        raise ContentWrong(f"manifest verification failed for digest {digest}")
    media_type = (answer.header("Content-Type") or "").partition(";")[0].strip()
    return RemoteManifest(
        Descriptor(media_type if media_type in MANIFEST_TYPES else _media_type(content), digest, len(content)), content
    )


def list_tags(registry: Registry, repository: str) -> Iterator[str]:
    """The tags of a repository, page after page.

    Raises:
        TransportError: The registry did not tell.
    """
    target: str | None = f"/v2/{repository}/tags/list"
    while target:
        answer = registry.request("GET", target, repository=repository, access=PULL)
        yield from parse_json(registry.read(answer)).get("tags") or ()
        target = next_page(answer)


def choose(index: bytes, platform: Platform) -> Descriptor:
    """The image for a platform.

    Raises:
        TransportError: There is none, in Docker's words.
    """
    for child in parse_index(index):
        if child.platform and fits(child.platform, platform):
            return child
    missing = f"no matching manifest for {platform} in the manifest list entries"
    raise TransportError(f"{missing}: no match for platform in manifest: not found")


def _read_limited(registry: Registry, answer: Answer) -> bytes:
    content = bytearray()
    for piece in registry.stream(answer):
        content += piece
        if len(content) > MANIFEST_MAX_SIZE:
            raise ContentWrong(f"manifest is larger than {MANIFEST_MAX_SIZE} bytes")
    return bytes(content)


def _media_type(content: bytes) -> str:
    """What a manifest says of itself; an OCI one may leave it out."""
    document = parse_json(content)
    default = (
        "application/vnd.oci.image.index.v1+json"
        if "manifests" in document
        else "application/vnd.oci.image.manifest.v1+json"
    )
    declared = document.get("mediaType")
    return declared if isinstance(declared, str) and declared else default


def _parse_digest(text: str) -> Digest:
    try:
        return Digest.parse(text)
    except DigestInvalid as exc:
        raise ContentWrong(f"invalid digest in the registry's answer: {text[:200]}") from exc
