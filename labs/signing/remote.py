"""An image's signatures in its registry: fetched from under every name, pushed in either form.

The one room of signing that speaks to a registry, over the engine's transport. Nothing is proven here; sizes are
bounded, because what lies beside an image was put there by anybody who may push.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from http import HTTPStatus

from labs.engine.reference import DEFAULT_DOMAIN, LEGACY_DEFAULT_DOMAIN, Reference
from labs.engine.transport.addresses import location, next_page, with_digest
from labs.engine.transport.client import PULL, PUSH, Answer, Registry
from labs.engine.transport.faults import AnswerFault, TransportError, phrase
from labs.engine.transport.pull import RemoteManifest, fetch_manifest
from labs.gowords import go_value
from labs.signing.attachment import (
    EMPTY_CONFIG,
    Attached,
    Form,
    Kind,
    fallback_tag,
    form_of,
    format_config,
    format_index,
    format_manifest,
    format_referrer,
    tag,
)
from labs.signing.bundle import BUNDLE
from pyregistry.spec.descriptor import Descriptor
from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import ManifestInvalid
from pyregistry.spec.manifest import ImageManifest, Index, Manifest, parse
from pyregistry.spec.media_types import OCI_INDEX, OCI_MANIFEST, OCTET_STREAM

MAX_ATTACHED = 1000
"""Layers of one manifest, or referrers of one image: cosign's own limit; more is refused."""
MAX_CONTENT_SIZE = 32 << 20
"""Bytes of one signature or attestation. An SBOM in an attestation has megabytes; more is refused, not read."""
_FORMS = {Kind.SIGNATURE: Form.SIGNATURE, Kind.ATTESTATION: Form.ATTESTATION}
_NOTHING_THERE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_ACCEPTABLE})


class RemoteFault(Exception):
    """The registry refused or cannot be reached. The message is cosign's.

    Attributes:
        is_absent: What was asked for is not there.
    """

    def __init__(self, message: str, *, is_absent: bool = False) -> None:
        super().__init__(message)
        self.is_absent = is_absent


class ImageRemote:
    """One repository of a registry, for its images' signatures.

    Args:
        registry: With who we are there.
        repository: Its path on the registry.
    """

    def __init__(self, registry: Registry, repository: str) -> None:
        self._registry = registry
        self._repository = repository

    def resolve(self, reference: str) -> Descriptor:
        """The image that a tag or digest names now.

        Raises:
            RemoteFault: It cannot be told.
        """
        return self._manifest(reference).descriptor

    def children(self, image: Digest) -> Sequence[Descriptor]:
        """The manifests of an index, platforms and attestations alike; none of an image.

        Raises:
            RemoteFault: It cannot be told.
        """
        manifest = self._read(self._manifest(str(image)))
        return manifest.children if isinstance(manifest, Index) else ()

    def fetch(self, image: Digest) -> list[Attached]:
        """All signatures and attestations of an image, whatever the form: bundles first, then cosign 2's tags.

        Raises:
            RemoteFault: The registry did not tell.
        """
        referring = self._fetch_referring(image)
        return referring + [one for kind in _FORMS for one in self.fetch_tagged(image, kind)]

    def fetch_tagged(self, image: Digest, kind: Kind) -> list[Attached]:
        """What cosign 2's tag holds.

        Raises:
            RemoteFault: The registry did not tell.
        """
        found = self._find(tag(image, kind))
        if found is None:
            return []
        manifest = self._read(found)
        return (
            self._layers(manifest, found.descriptor.digest, _FORMS[kind]) if isinstance(manifest, ImageManifest) else []
        )

    def layers(self, image: Digest, kind: Kind) -> Sequence[Descriptor]:
        """The layers under cosign 2's tag, unread.

        Raises:
            RemoteFault: The registry did not tell.
        """
        found = self._find(tag(image, kind))
        manifest = self._read(found) if found else None
        return manifest.layers if isinstance(manifest, ImageManifest) else ()

    def referrers(self, image: Digest) -> Sequence[tuple[Descriptor, ImageManifest]]:
        """The image manifests that refer to an image, each with its descriptor; what cannot be read is left out.

        Raises:
            RemoteFault: The registry did not tell.
        """
        rows = self._referrers(image)
        if len(rows) > MAX_ATTACHED:
            raise RemoteFault(f"{image}: expected at most {MAX_ATTACHED} referrers, got {len(rows)}")
        found = ((row, self._referrer(row.digest)) for row in rows)
        return [(row, manifest) for row, manifest in found if manifest]

    def push_layers(self, image: Digest, kind: Kind, layers: Sequence[Descriptor], new: bytes) -> None:
        """Let cosign 2's tag hold these layers; ``new`` is the content that the registry may lack.

        Raises:
            RemoteFault: The registry refused.
        """
        self._push_blob(new)
        self._push_blob(format_config(layers))
        self._push_manifest(tag(image, kind), format_manifest(layers))

    def push_bundle(self, subject: Descriptor, content: bytes, predicate_type: str, created: datetime) -> None:
        """Refer a bundle to an image: with the referrers API, or in the index under the fallback tag.

        Raises:
            RemoteFault: The registry refused.
        """
        self._push_blob(content)
        self._push_blob(EMPTY_CONFIG)
        bundle = Descriptor(BUNDLE, Digest.of(content), len(content))
        manifest = format_referrer(subject, bundle, predicate_type, created)
        digest = Digest.of(manifest)
        if not self._push_manifest(str(digest), manifest):
            row = Descriptor(OCI_MANIFEST, digest, len(manifest), artifact_type=BUNDLE)
            rows = [*self._fallback(subject.digest), row]
            self._push_manifest(fallback_tag(subject.digest), format_index(rows), OCI_INDEX)

    # --- reading ---

    def _fetch_referring(self, image: Digest) -> list[Attached]:
        return [
            one
            for row, manifest in self.referrers(image)
            if (form := form_of(manifest))
            for one in self._layers(manifest, row.digest, form)
        ]

    def _layers(self, manifest: ImageManifest, holder: Digest, form: Form) -> list[Attached]:
        if len(manifest.layers) > MAX_ATTACHED:
            raise RemoteFault(f"{holder}: expected at most {MAX_ATTACHED} layers, got {len(manifest.layers)}")
        return [Attached(form, layer, self._blob_or_nothing(layer.digest), holder) for layer in manifest.layers]

    def _referrers(self, image: Digest) -> Sequence[Descriptor]:
        """The referrers API, page after page; where there is none, the fallback tag."""
        target: str | None = f"/v2/{self._repository}/referrers/{image}"
        rows: list[Descriptor] = []
        while target:
            answer = self._ask("GET", target, absent=True)
            body = self._limited(answer)
            media_type = (answer.header("Content-Type") or "").partition(";")[0].strip()
            if answer.status != HTTPStatus.OK or media_type != OCI_INDEX:
                return [*rows, *self._fallback(image)]
            index = _parse(body, OCI_INDEX, target)
            rows += index.children if isinstance(index, Index) else ()
            target = next_page(answer) if len(rows) <= MAX_ATTACHED else None
        return rows

    def _fallback(self, image: Digest) -> Sequence[Descriptor]:
        found = self._find(fallback_tag(image))
        index = self._read(found) if found else None
        return index.children if isinstance(index, Index) else ()

    def _referrer(self, digest: Digest) -> ImageManifest | None:
        """One that is gone, or no image manifest, must not hide the others: anybody may list anything."""
        found = self._find(str(digest))
        try:
            manifest = self._read(found) if found else None
        except RemoteFault:
            return None
        return manifest if isinstance(manifest, ImageManifest) else None

    def _find(self, name: str) -> RemoteManifest | None:
        try:
            return self._manifest(name)
        except RemoteFault as exc:
            if exc.is_absent:
                return None
            raise

    def _manifest(self, name: str) -> RemoteManifest:
        with self._told("GET", f"/v2/{self._repository}/manifests/{name}"):
            return fetch_manifest(self._registry, self._repository, name)

    def _read(self, found: RemoteManifest) -> Manifest:
        return _parse(found.content, found.descriptor.media_type, str(found.descriptor.digest))

    def _blob_or_nothing(self, digest: Digest) -> bytes:
        """A blob; nothing where it is gone, which fails the first step of the proof, and no other signature's."""
        answer = self._ask("GET", f"/v2/{self._repository}/blobs/{digest}", absent=True)
        return self._limited(answer) if answer.status == HTTPStatus.OK else self._nothing(answer)

    def _nothing(self, answer: Answer) -> bytes:
        self._registry.discard(answer)
        return b""

    def _limited(self, answer: Answer) -> bytes:
        content = b""
        with self._told("GET", answer.url):
            for piece in self._registry.stream(answer):
                content += piece
                if len(content) > MAX_CONTENT_SIZE:
                    raise RemoteFault(f"{answer.url}: expected at most {MAX_CONTENT_SIZE} bytes, got more")
        return content

    # --- writing ---

    def _push_blob(self, content: bytes) -> None:
        """In one piece, unless the registry has it."""
        digest = Digest.of(content)
        root = f"/v2/{self._repository}/blobs"
        have = self._ask("HEAD", f"{root}/{digest}", absent=True, access=PUSH)
        self._registry.discard(have)
        if have.status == HTTPStatus.OK:
            return
        opened = self._ask("POST", f"{root}/uploads/", access=PUSH, headers={"Content-Length": "0"})
        self._registry.discard(opened)
        with self._told("POST", opened.url):
            target = with_digest(location(opened), digest)
        headers = {"Content-Type": OCTET_STREAM}
        self._registry.discard(self._ask("PUT", target, access=PUSH, headers=headers, body=content))

    def _push_manifest(self, name: str, content: bytes, media_type: str = OCI_MANIFEST) -> bool:
        """Returns whether the registry lists it as a referrer by itself (distribution-spec 1.1.1, ``OCI-Subject``)."""
        target = f"/v2/{self._repository}/manifests/{name}"
        answer = self._ask("PUT", target, access=PUSH, headers={"Content-Type": media_type}, body=content)
        return self._registry.discard(answer).header("OCI-Subject") is not None

    def _ask(
        self,
        method: str,
        target: str,
        *,
        absent: bool = False,
        access: str = PULL,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """One request; with ``absent`` an answer that there is no such thing is an answer."""
        accept = frozenset({HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED, HTTPStatus.NO_CONTENT})
        with self._told(method, target):
            return self._registry.request(
                method,
                target,
                repository=self._repository,
                access=access,
                headers=headers,
                body=body,
                accept=accept | (_NOTHING_THERE if absent else frozenset()),
            )

    @contextmanager
    def _told(self, method: str, target: str) -> Iterator[None]:
        """Tell a fault as go-containerregistry does: what was asked, and what was answered."""
        try:
            yield
        except AnswerFault as exc:
            asked = f"{method} {target if '://' in target else self._registry.connect() + target}"
            fault = f"{asked}: {format_fault(method, exc.status, exc.body)}"
            raise RemoteFault(fault, is_absent=exc.status == HTTPStatus.NOT_FOUND) from exc
        except TransportError as exc:
            raise RemoteFault(str(exc)) from exc


def format_fault(method: str, status: int, body: bytes) -> str:
    """What an error answer says in cosign (go-containerregistry, pkg/v1/remote/transport/error.go)."""
    entries = _entries(body)
    if entries:
        return entries[0] if len(entries) == 1 else f"multiple errors returned: {'; '.join(entries)}"
    told = f"unexpected status code {status} {phrase(status)}"
    if body:
        return f"{told}: {body.decode(errors='replace')}"
    return f"{told} (HEAD responses have no body, use GET for details)" if method == "HEAD" else told


def _entries(body: bytes) -> list[str]:
    """``CODE: message; detail`` of each error that a registry tells; none where the body is something else."""
    try:
        rows = json.loads(body)["errors"]
        found = [(row["code"], row.get("message", ""), row.get("detail")) for row in rows]
    except (ValueError, TypeError, KeyError, AttributeError):
        return []
    return [f"{code}: {text}" + ("" if detail is None else f"; {go_value(detail)}") for code, text, detail in found]


def full_name(reference: Reference) -> str:
    """``registry/repository`` as cosign writes it: Docker Hub keeps its old name."""
    domain = LEGACY_DEFAULT_DOMAIN if reference.domain == DEFAULT_DOMAIN else reference.domain
    return f"{domain}/{reference.path}"


def _parse(content: bytes, media_type: str, where: str) -> Manifest:
    try:
        return parse(content, media_type)
    except ManifestInvalid as exc:
        raise RemoteFault(f"{where}: {exc}") from exc
