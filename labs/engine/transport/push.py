"""Push: what the registry lacks, the blobs first; then the manifest under its tag."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import IO
from urllib.parse import quote, urlencode

from labs.engine.layout import ImageStore
from labs.engine.progress import Progress
from labs.engine.reference import Reference
from labs.engine.transport.addresses import location, with_digest
from labs.engine.transport.blobs import SHORT_LENGTH, distinct, short_id
from labs.engine.transport.client import PUSH, Registry
from labs.engine.transport.faults import AnswerUnexpected, ContentWrong, Refusal, TransportError
from labs.engine.transport.origins import Origins
from labs.engine.transport.parallel import MAX_UPLOADS, Attempts, Pause, each
from labs.engine.transport.wire import CHUNK_SIZE
from pyregistry.spec.descriptor import Descriptor
from pyregistry.spec.digest import Digest
from pyregistry.spec.media_types import INDEX_TYPES

OCTETS = "application/octet-stream"
_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE})
"""How registries say that an upload session cannot go on from here."""


@dataclass(slots=True)
class _Upload:
    """An upload session: where it goes on, and how many bytes the registry has. None: none is open."""

    location: str | None = None
    offset: int = 0
    mounted_from: str | None = None


class Pusher:
    """Sends images of a store to one registry.

    Args:
        registry: Where to.
        store: Where from.
        origins: Which repositories hold a blob already: they are mounted from.
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

    def push(self, reference: Reference, descriptor: Descriptor) -> Descriptor:
        """Send an image, or an index with all its images, and let the tag point at it.

        Raises:
            TransportError: The registry refused, or cannot be reached.
            BlobMissing: The store lacks a part.
        """
        if descriptor.media_type in INDEX_TYPES:
            for child in self._store.children(descriptor):
                self._push_image(reference.path, child)
                self._put_manifest(reference.path, str(child.digest), child)
        else:
            self._push_image(reference.path, descriptor)
        self._put_manifest(reference.path, str(reference.tag), descriptor)
        self._progress.message(
            f"{reference.tag}: digest: {descriptor.digest} size: {self._store.size(descriptor.digest)}"
        )
        return descriptor

    def _push_image(self, repository: str, descriptor: Descriptor) -> None:
        """Layers side by side, the topmost named first as Docker does; then the config."""
        manifest = self._store.manifest(descriptor)
        labels = self._labels(descriptor, manifest.layers)
        layers = distinct(reversed(manifest.layers))
        for layer in layers:
            self._progress.status(labels[layer.digest], "Preparing")
        each(lambda layer: self._push_layer(repository, layer, labels[layer.digest]), layers, MAX_UPLOADS)
        self._push_blob(repository, manifest.config, labels.get(manifest.config.digest, short_id(manifest.config)))
        digests = [link.digest for link in (manifest.config, *layers)]
        self._origins.remember(self._registry.domain, repository, digests)

    def _labels(self, descriptor: Descriptor, layers: tuple[Descriptor, ...]) -> dict[Digest, str]:
        """Short ids by blob: a layer's is that of its uncompressed content, where the config knows one for each."""
        rootfs = self._store.config(descriptor).get("rootfs")
        diff_ids = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
        if not isinstance(diff_ids, list) or len(diff_ids) != len(layers):
            return {layer.digest: short_id(layer) for layer in layers}
        return {
            layer.digest: str(diff_id).partition(":")[2][:SHORT_LENGTH]
            for layer, diff_id in zip(layers, diff_ids, strict=True)
        }

    def _push_layer(self, repository: str, layer: Descriptor, label: str) -> None:
        self._progress.status(label, self._push_blob(repository, layer, label, tell=True))

    def _push_blob(self, repository: str, blob: Descriptor, label: str, *, tell: bool = False) -> str:
        """Returns how the registry came to have it, in Docker's words."""
        if self._attempts.until_done(label, lambda: self._exists(repository, blob)):
            return "Layer already exists"
        upload = _Upload()
        self._attempts.until_done(
            label,
            lambda: self._upload(repository, blob, upload, label if tell else None),
            recover=lambda: self._recover(repository, upload),
        )
        return f"Mounted from {upload.mounted_from}" if upload.mounted_from else "Pushed"

    def _exists(self, repository: str, blob: Descriptor) -> bool:
        """Asked with a pusher's token, so that a missing right shows here already; a registry without HEAD: no."""
        answer = self._registry.request(
            "HEAD",
            f"/v2/{repository}/blobs/{blob.digest}",
            repository=repository,
            access=PUSH,
            accept=frozenset({HTTPStatus.OK, HTTPStatus.NOT_FOUND, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}),
        )
        self._registry.discard(answer)
        return answer.status == HTTPStatus.OK

    # --- one blob ---

    def _upload(self, repository: str, blob: Descriptor, upload: _Upload, label: str | None) -> None:
        """One attempt: open a session unless one is open, send what is missing, close it."""
        if upload.location is None:
            self._open(repository, blob, upload)
        if upload.mounted_from:
            return
        try:
            if upload.offset < blob.size:
                self._send(repository, blob, upload, label)
            self._close(repository, blob, upload)
        except (Refusal, AnswerUnexpected) as exc:
            if exc.status not in _GONE:
                raise
            raise ContentWrong(f"{blob.digest}: the upload session is gone") from exc

    def _open(self, repository: str, blob: Descriptor, upload: _Upload) -> None:
        """POST, with a mount where another repository is known to hold the blob: 201 mounted, 202 a session."""
        sources = self._origins.repositories(self._registry.domain, blob.digest, but=repository)
        query = {"mount": str(blob.digest), "from": sources[0]} if sources else {}
        answer = self._registry.request(
            "POST",
            f"/v2/{repository}/blobs/uploads/" + (f"?{urlencode(query)}" if query else ""),
            repository=repository,
            access=PUSH,
            headers={"Content-Length": "0"},
            accept=frozenset({HTTPStatus.CREATED, HTTPStatus.ACCEPTED}),
        )
        self._registry.discard(answer)
        if answer.status == HTTPStatus.CREATED:
            upload.mounted_from = sources[0] if sources else repository
        else:
            upload.location, upload.offset = location(answer), 0

    def _send(self, repository: str, blob: Descriptor, upload: _Upload, label: str | None) -> None:
        """PATCH everything from the offset on, streamed."""
        headers = {"Content-Type": OCTETS, "Content-Length": str(blob.size - upload.offset)}
        if upload.offset:
            headers["Content-Range"] = f"{upload.offset}-{blob.size - 1}"
        with self._store.open(blob.digest) as file:
            file.seek(upload.offset)
            answer = self._registry.request(
                "PATCH",
                upload.location or "",
                repository=repository,
                access=PUSH,
                headers=headers,
                body=self._pieces(file, label, blob.size),
                accept=frozenset({HTTPStatus.ACCEPTED, HTTPStatus.NO_CONTENT}),
            )
        self._registry.discard(answer)
        upload.location, upload.offset = location(answer), blob.size

    def _pieces(self, file: IO[bytes], label: str | None, total: int) -> Iterator[bytes]:
        """The rest of a file, told to the progress as it leaves."""
        while piece := file.read(CHUNK_SIZE):
            yield piece
            if label:
                self._progress.transfer(label, "Pushing", file.tell(), total)

    def _close(self, repository: str, blob: Descriptor, upload: _Upload) -> None:
        answer = self._registry.request(
            "PUT",
            with_digest(upload.location or "", blob.digest),
            repository=repository,
            access=PUSH,
            headers={"Content-Type": OCTETS, "Content-Length": "0"},
            accept=frozenset({HTTPStatus.CREATED, HTTPStatus.NO_CONTENT}),
        )
        self._registry.discard(answer)

    def _recover(self, repository: str, upload: _Upload) -> None:
        """Ask the session how far it came; one that cannot tell is left for a new one.

        ``0-0`` stands for nothing and for one byte alike, so it counts as nothing, in a new session.
        """
        if upload.location is None:
            return
        try:
            answer = self._registry.request(
                "GET",
                upload.location,
                repository=repository,
                access=PUSH,
                accept=frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.OK, HTTPStatus.ACCEPTED}),
            )
            self._registry.discard(answer)
            end = int((answer.header("Range") or "0-0").removeprefix("bytes=").partition("-")[2])
        except (TransportError, ValueError):
            end = 0
        if end:
            upload.location, upload.offset = location(answer, upload.location), end + 1
        else:
            upload.location, upload.offset = None, 0

    def _put_manifest(self, repository: str, name: str, descriptor: Descriptor) -> None:
        content = self._store.read(descriptor.digest)
        answer = self._registry.request(
            "PUT",
            f"/v2/{repository}/manifests/{quote(name, safe=':')}",
            repository=repository,
            access=PUSH,
            headers={"Content-Type": descriptor.media_type},
            body=content,
            accept=frozenset({HTTPStatus.CREATED, HTTPStatus.OK, HTTPStatus.ACCEPTED}),
        )
        self._registry.discard(answer)
