"""Reads what is signed: all signatures beside an image, in each of cosign's forms, each proved by the registered key.

Where they lie is cosign's and the specification's to say (``labs.signing.attachment``), what proves them is in
``labs.signing.verification``; here they are only fetched. No private key is ever opened.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from checker.facts import Journal, NotObserved, Signature, Signatures, Source, Target, Unavailable
from checker.probes import DEADLINE_SECONDS
from checker.probes.connection import Connection, expect_absent
from checker.probes.registry import MANIFEST_MAX_BYTES, Raw, fetch, next_page
from checker.probes.surroundings import LocalFile
from labs.gojson import JsonInvalid
from labs.signing.attachment import Attached, Form, Kind, fallback_tag, form_of, tag
from labs.signing.bundle import Bundle, BundleInvalid
from labs.signing.envelope import EnvelopeInvalid
from labs.signing.keys import KeyInvalid, PublicKey
from labs.signing.simplesigning import PayloadInvalid, SimpleSigning
from labs.signing.statement import Statement, StatementInvalid
from labs.signing.verification import VerificationFailed, is_signature, verify_signature
from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import ManifestInvalid
from pyregistry.spec.manifest import ImageManifest, Index, Manifest, parse
from pyregistry.spec.media_types import OCI_INDEX

PUBLIC_KEY = "cosign.pub"
"""In the student's folder: the key that the exercise is graded with."""
MAX_ATTACHED = 100
"""Signatures and referrers that are looked at; a student's image has a handful."""
CONTENT_MAX_BYTES = 4 << 20
"""Of one signature; a bundle has some kilobytes."""
MAX_EARLIER = 5
"""Digests that the tag had before whose signatures are looked for; they only explain."""
_OK, _CREATED = 200, 201
_NO_API = frozenset({400, 404, 405, 406})
"""What registries that know no referrers API answer."""


@dataclass(frozen=True, slots=True)
class SignatureProbe:
    """Proves the signatures of the target's first tag.

    Attributes:
        work: The student's folder, with the public key.
        journal: What is known of the tag's past; raises NotObserved where nothing is.
    """

    connection: Connection
    target: Target
    work: Path
    journal: Callable[[], Journal | Unavailable]
    deadline_seconds: float = DEADLINE_SECONDS
    source: Source = Source.SIGNATURES

    def read(self) -> Signatures:
        """What is signed.

        Raises:
            NotObserved: The registry does not tell, or what should be a key is none.
        """
        key = _registered(self.work / PUBLIC_KEY)
        named = hashlib.sha256(key.der).hexdigest() if key else None
        image = fetch(self.connection, self.target.repository, self.target.tags[0])
        if image is None:
            return Signatures(named, None)
        attached = self._attached(image.digest)
        return Signatures(
            key=named,
            digest=image.digest,
            current=tuple(_judged(each, image.digest, key) for each in attached),
            earlier=tuple(
                _judged(each, digest, key) for digest in self._earlier(image.digest) for each in self._attached(digest)
            ),
            verified_by=tuple(_others(self.work, attached, image.digest)),
        )

    def _earlier(self, now: str) -> list[str]:
        """Digests that the tag had before, the last first."""
        try:
            journal = self.journal()
        except NotObserved:
            return []
        events = () if isinstance(journal, Unavailable) else journal.since_start
        pushed = dict.fromkeys(
            event.digest
            for event in reversed(events)
            if event.method == "PUT"
            and event.status == _CREATED
            and (event.repository, event.reference) == (self.target.repository, self.target.tags[0])
        )
        return [digest for digest in pushed if digest and digest != now][:MAX_EARLIER]

    def _attached(self, image: str) -> list[Attached]:
        """All that offers itself as a signature of an image: referrers first, then cosign 2's tag."""
        digest = Digest.parse(image)
        found = [one for row in self._referrers(digest) for one in self._referrer(row)]
        tagged = fetch(self.connection, self.target.repository, tag(digest, Kind.SIGNATURE))
        manifest = _parse(tagged) if tagged else None
        if tagged and isinstance(manifest, ImageManifest):
            found += self._layers(manifest, tagged.digest, Form.SIGNATURE)
        return [one for one in found if is_signature(one)]

    def _referrers(self, image: Digest) -> list[Digest]:
        """What refers to an image, by the API, or, where the registry has none, by the fallback tag."""
        path: str | None = f"/v2/{self.target.repository}/referrers/{image}"
        rows: list[Digest] = []
        while path and len(rows) < MAX_ATTACHED:
            reply = self.connection.get(path, accept=(OCI_INDEX,), limit=MANIFEST_MAX_BYTES)
            if reply.status in _NO_API:
                fallback = fetch(self.connection, self.target.repository, fallback_tag(image))
                return rows + (_children(fallback) if fallback else [])
            if reply.status != _OK:
                expect_absent(reply, path)
            rows += _children(Raw(str(image), OCI_INDEX, reply.body))
            path = next_page(reply)
        return rows[:MAX_ATTACHED]

    def _referrer(self, digest: Digest) -> list[Attached]:
        """What a referrer holds; one that is gone, or is something else, must not hide the others."""
        raw = fetch(self.connection, self.target.repository, str(digest))
        manifest = _parse(raw) if raw else None
        form = form_of(manifest) if isinstance(manifest, ImageManifest) else None
        if raw is None or form is None or not isinstance(manifest, ImageManifest):
            return []
        return self._layers(manifest, raw.digest, form)

    def _layers(self, manifest: ImageManifest, holder: str, form: Form) -> list[Attached]:
        """The signatures that a manifest holds; one whose bytes are gone fails its proof, and no other's."""
        found = []
        for layer in manifest.layers[:MAX_ATTACHED]:
            path = f"/v2/{self.target.repository}/blobs/{layer.digest}"
            reply = self.connection.get(path, limit=CONTENT_MAX_BYTES)
            if reply.status != _OK:
                expect_absent(reply, path)
            content = reply.body if reply.status == _OK else b""
            found.append(Attached(form, layer, content, Digest.parse(holder)))
        return found


def _parse(raw: Raw) -> Manifest | None:
    """A manifest as it came; None where it is none: anybody may push anything."""
    try:
        return parse(raw.body, raw.media_type)
    except ManifestInvalid:
        return None


def _children(raw: Raw) -> list[Digest]:
    """Digests of an index's manifests.

    Raises:
        NotObserved: It is no index, where one was promised.
    """
    index = _parse(raw)
    if not isinstance(index, Index):
        raise NotObserved(Unavailable("garbage" if raw.body else "empty", {"source": raw.digest}))
    return [child.digest for child in index.children]


def _registered(path: Path) -> PublicKey | None:
    """The registered key; None where there is none.

    Raises:
        NotObserved: What lies there is no public key.
    """
    if not path.exists():
        return None
    try:
        return PublicKey.parse(LocalFile(path).read())
    except KeyInvalid as exc:
        raise NotObserved(Unavailable("garbage", {"source": path.name})) from exc


def _others(work: Path, attached: Iterable[Attached], image: str) -> Iterator[str]:
    """Further public keys of the student's that a signature holds with."""
    for path in sorted(work.rglob("*.pub")):
        if path == work / PUBLIC_KEY or not path.is_file():
            continue
        try:
            key = PublicKey.parse(LocalFile(path).read())
        except (KeyInvalid, NotObserved):
            continue
        if any(_judged(each, image, key).verified for each in attached):
            yield str(path)


def _judged(attached: Attached, image: str, key: PublicKey | None) -> Signature:
    """One signature, proved or not, and what its words name."""
    form = "bundle" if attached.form is Form.BUNDLE else "tag"
    signed, repository = _words(attached)
    if key is None:
        return Signature(form, image, verified=False, signed=signed, repository=repository)
    try:
        verify_signature(attached, Digest.parse(image), key, {})
    except VerificationFailed as exc:
        fault, step = str(exc), exc.step.name.lower()
        return Signature(form, image, verified=False, signed=signed, repository=repository, fault=fault, step=step)
    return Signature(form, image, verified=True, signed=image, repository=repository)


def _words(attached: Attached) -> tuple[str | None, str | None]:
    """Digest and repository that the signed words name, proved or not; None where they make no sense, or name none."""
    try:
        if attached.form is Form.SIGNATURE:
            payload = SimpleSigning.parse(attached.content)
            return payload.digest, payload.repository or None
        subjects = Statement.parse(Bundle.parse(attached.content).envelope.payload).subjects
        algorithm, encoded = next(iter(subjects[0].digests.items()))
    except (PayloadInvalid, BundleInvalid, EnvelopeInvalid, StatementInvalid, JsonInvalid, IndexError, StopIteration):
        return None, None
    return f"{algorithm}:{encoded}", subjects[0].name or None
