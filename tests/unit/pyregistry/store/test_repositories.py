"""Any sequence of pushes, mounts, tags and deletes in several repositories, against a model of what is where."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from pyregistry.drivers.filesystem import FilesystemDriver
from pyregistry.drivers.interface import Driver
from pyregistry.drivers.memory import MemoryDriver
from pyregistry.spec.digest import SUPPORTED_ALGORITHMS, Digest
from pyregistry.spec.errors import (
    BlobUnknown,
    DigestInvalid,
    ManifestBlobUnknown,
    ManifestUnknown,
    NameUnknown,
    RegistryError,
)
from pyregistry.spec.manifest import parse
from pyregistry.store.interface import Store
from pyregistry.store.recall import Proof, Prover
from pyregistry.store.registry import open_store
from tests.fakes.disk import Disk
from tests.fakes.pushes import Image, an_image, an_index, described, push_blob

REPOSITORIES = ("acme/app", "acme/app/tools")
WORKERS = 2

repositories = st.sampled_from(REPOSITORIES)
workers = st.integers(0, WORKERS - 1)
algorithms = st.sampled_from(SUPPORTED_ALGORITHMS)
tags = st.sampled_from(["1.0", "Latest", "a"])

IMAGES = [an_image(text, algorithm=how) for text in ("a", "b") for how in SUPPORTED_ALGORITHMS]
INDEX = an_index(*IMAGES)
SUBJECTS = [INDEX, IMAGES[0]]
ARTIFACTS = [
    an_image(text, subject=described(subject.body, subject.media_type, how))
    for text in ("a", "b")
    for subject in SUBJECTS
    for how in SUPPORTED_ALGORITHMS
]
BLOBS = sorted({blob for image in IMAGES for blob in image.blobs})

blobs = st.builds(Digest.of, st.sampled_from(BLOBS), algorithms)
MANIFESTS = [*IMAGES, INDEX, an_index(INDEX), *ARTIFACTS]
BY_DIGEST = {image.digest: image for image in MANIFESTS}
images = st.sampled_from(MANIFESTS)
digests = st.builds(lambda image, how: Digest.of(image.body, how), images, algorithms)
choices = st.integers(0, 99)
"""Of what is there; what it means depends on how much there is."""


@dataclass
class Model:
    """What one repository should hold."""

    blobs: set[Digest] = field(default_factory=set)
    manifests: dict[Digest, Image] = field(default_factory=dict)
    tags: dict[str, Digest] = field(default_factory=dict)

    def missing(self, image: Image) -> list[str]:
        """Digests of what a push of ``image`` would lack, in its order, each once."""
        manifest = parse(image.body, image.media_type)
        lacking = [part for part in manifest.manifests() if part.digest not in self.manifests]
        lacking += [part for part in manifest.blobs() if part.digest not in self.blobs]
        return list(dict.fromkeys(str(part.digest) for part in lacking))

    def resolve(self, reference: str | Digest) -> Digest | None:
        """The digest of a manifest that is there."""
        digest = self.tags.get(reference) if isinstance(reference, str) else reference
        return digest if digest in self.manifests else None

    def referrers(self, subject: Digest) -> set[Digest]:
        """What names the subject, by that very digest."""
        named = {digest: parse(image.body, image.media_type).subject for digest, image in self.manifests.items()}
        return {digest for digest, found in named.items() if found and found.digest == subject}


@dataclass(frozen=True)
class Told:
    """What a worker said of a manifest or a list of tags, and why it may say so again."""

    repository: str
    reference: str | Digest | None
    said: bytes | Sequence[str]
    proof: Proof


class Repositories(RuleBasedStateMachine):
    """Two repositories, one of them inside the other; two workers over one driver; each request goes to either."""

    def __init__(self) -> None:
        super().__init__()
        self.driver = self.make_driver()
        self.prover = Prover(self.driver, now=self.now)
        self.workers: list[Store] = []
        self.models = {name: Model() for name in REPOSITORIES}
        self.told: list[Told] = []
        self.restart()

    def make_driver(self) -> Driver:
        """Where the repositories lie."""
        return MemoryDriver()

    def now(self) -> datetime:
        """Late enough for all that was written to be settled: memory tells every change from every other."""
        return datetime.now(UTC) + timedelta(hours=1)

    @rule()
    def restart(self) -> None:
        """Both workers forget what they know."""
        self.workers = [open_store(self.driver) for _ in range(WORKERS)]

    @rule(name=repositories, worker=workers, content=st.sampled_from(BLOBS), how=algorithms)
    def push_a_blob(self, name: str, worker: int, content: bytes, how: str) -> None:
        """It is there, and nowhere else."""
        self.models[name].blobs.add(push_blob(self.workers[worker], name, content, how, chunk=1 << 20))

    @rule(name=repositories, worker=workers, image=images, tag=tags)
    def push_as_clients_do(self, name: str, worker: int, image: Image, tag: str) -> None:
        """All that a manifest names, and then the manifest."""
        manifest = parse(image.body, image.media_type)
        for part in manifest.blobs():
            content = next(blob for blob in image.blobs if Digest.of(blob, part.digest.algorithm) == part.digest)
            self.push_a_blob(name, worker, content, part.digest.algorithm)
        for part in manifest.manifests():
            self.push_as_clients_do(name, worker, BY_DIGEST[part.digest], tag)
        self.push_manifest(name, worker, image, tag)

    @rule(name=repositories, source=repositories, worker=workers, digest=blobs)
    def mount(self, name: str, source: str, worker: int, digest: Digest) -> None:
        """It works where the source has it."""
        refusal = None if digest in self.models[source].blobs else BlobUnknown
        if self.expect(refusal, self.workers[worker].blobs.mount, name, digest, source):
            self.models[name].blobs.add(digest)

    @rule(name=repositories, worker=workers, digest=blobs)
    def delete_blob(self, name: str, worker: int, digest: Digest) -> None:
        """It is gone here, whatever names it, and stays where else it is."""
        refusal = None if digest in self.models[name].blobs else BlobUnknown
        self.expect(refusal, self.workers[worker].blobs.delete, name, digest)
        self.models[name].blobs.discard(digest)

    @rule(
        name=repositories,
        worker=workers,
        image=images,
        reference=st.one_of(tags, algorithms.map(lambda how: Digest.of(b"", how))),
    )
    def push_manifest(self, name: str, worker: int, image: Image, reference: str | Digest) -> None:
        """By tag, or by digest of either algorithm; refused with the name of each part that is not there."""
        model = self.models[name]
        digest = Digest.of(image.body, reference.algorithm if isinstance(reference, Digest) else "sha256")
        target = reference if isinstance(reference, str) else digest
        missing = model.missing(image)
        refusal = ManifestBlobUnknown if missing else None
        push = self.workers[worker].manifests.push
        pushed = self.expect(refusal, push, name, target, image.media_type, image.body, digests=missing)
        if pushed:
            assert (pushed.descriptor.digest, pushed.descriptor.size) == (digest, len(image.body))
            model.manifests[digest] = image
            model.tags |= {target: digest} if isinstance(target, str) else {}

    @rule(name=repositories, worker=workers, image=images, digest=digests)
    def push_under_another_digest(self, name: str, worker: int, image: Image, digest: Digest) -> None:
        """Refused whatever there is, and nothing moves."""
        if Digest.of(image.body, digest.algorithm) != digest:
            self.expect(DigestInvalid, self.workers[worker].manifests.push, name, digest, image.media_type, image.body)

    @rule(name=repositories, worker=workers, tag=tags, digest=digests)
    def move_tag(self, name: str, worker: int, tag: str, digest: Digest) -> None:
        """To what is there."""
        model = self.models[name]
        self.expect(
            None if digest in model.manifests else ManifestUnknown, self.workers[worker].tags.tag, name, tag, digest
        )
        model.tags |= {tag: digest} if digest in model.manifests else {}

    @rule(name=repositories, worker=workers, reference=st.one_of(tags, digests))
    def delete_manifest(self, name: str, worker: int, reference: str | Digest) -> None:
        """A tag goes alone, a manifest with its tags."""
        model = self.models[name]
        digest = model.resolve(reference)
        self.expect(None if digest else ManifestUnknown, self.workers[worker].manifests.delete, name, reference)
        if isinstance(reference, str):
            model.tags.pop(reference, None)
        else:
            model.manifests.pop(reference, None)
            model.tags = {tag: target for tag, target in model.tags.items() if target != reference}

    @rule(name=repositories, worker=workers, choice=choices)
    def delete_what_is_there(self, name: str, worker: int, choice: int) -> None:
        """So that more than misses are tried."""
        model = self.models[name]
        there: list[str | Digest] = [*sorted(model.tags), *sorted(model.manifests)]
        if there:
            self.delete_manifest(name, worker, there[choice % len(there)])

    @rule(name=repositories, worker=workers, tag=tags, choice=choices)
    def move_tag_to_what_is_there(self, name: str, worker: int, tag: str, choice: int) -> None:
        """Likewise."""
        there = sorted(self.models[name].manifests)
        if there:
            self.move_tag(name, worker, tag, there[choice % len(there)])

    @invariant()
    def what_may_be_said_again_is_still_so(self) -> None:
        """A proof that was taken before and still holds proves what is so now, whoever changed what since."""
        self.told = [told for told in self.told if told.proof.holds()]
        for told in self.told:
            assert told.said == self.so(told.repository, told.reference)
        self.told = [told for name in REPOSITORIES for told in self.tell(name)]

    def tell(self, name: str) -> Iterator[Told]:
        """All that is to be said of a repository, with a proof where there is one."""
        model, store = self.models[name], self.workers[0]
        references: list[str | Digest] = [*model.tags, *model.manifests]
        for reference in references:
            proof = self.prover.manifest(name, reference)
            if proof:
                yield Told(name, reference, store.manifests.fetch(name, reference).body, proof)
        if model.tags:
            names, proof = self.prover.tags(name, lambda: store.tags.list(name))
            if proof:
                yield Told(name, None, names, proof)

    def so(self, name: str, reference: str | Digest | None) -> object:
        """What a manifest's body or, of no reference, the list of tags should be; None where there is none."""
        model = self.models[name]
        if reference is None:
            return sorted(model.tags)
        digest = model.resolve(reference)
        return model.manifests[digest].body if digest else None

    @invariant()
    def manifests_agree(self) -> None:
        """By digest and by tag, to every worker."""
        for name, model in self.models.items():
            for store in self.workers:
                for tag, digest in model.tags.items():
                    assert store.tags.resolve(name, tag) == digest
                for digest, image in model.manifests.items():
                    found = store.manifests.fetch(name, digest)
                    assert (found.body, found.descriptor.media_type) == (image.body, image.media_type)

    @invariant()
    def lists_agree(self) -> None:
        """Tags, repositories and referrers; what is not there is not listed."""
        for store in self.workers:
            assert list(store.repositories.names()) == sorted(
                name for name, model in self.models.items() if model.manifests
            )
        for name, model in self.models.items():
            try:
                assert store.tags.list(name) == sorted(model.tags)
            except NameUnknown:
                assert not model.manifests
            for subject in SUBJECTS:
                for how in SUPPORTED_ALGORITHMS:
                    digest = Digest.of(subject.body, how)
                    assert {each.digest for each in store.manifests.referrers(name, digest)} == model.referrers(digest)

    @invariant()
    def blobs_agree(self) -> None:
        """Each repository has its own, byte for byte."""
        store = self.workers[-1]
        for name, model in self.models.items():
            for content in BLOBS:
                for digest in (Digest.of(content, how) for how in SUPPORTED_ALGORITHMS):
                    assert store.blobs.exists(name, digest) == (digest in model.blobs)
                    if digest in model.blobs:
                        with store.blobs.fetch(name, digest) as reader:
                            assert reader.read() == content

    def expect(
        self, refusal: type[RegistryError] | None, verb: Any, *arguments: Any, digests: Sequence[str] = ()
    ) -> Any:
        """What ``verb`` returns; None where it must refuse, and does so, with ``digests``."""
        if refusal is None:
            return verb(*arguments) or True
        with pytest.raises(refusal) as refused:
            verb(*arguments)
        assert list(getattr(refused.value, "digests", ())) == list(digests)
        return None


class RepositoriesOnDisk(Repositories):
    """The same on a real file system, its syncs left out for speed."""

    def make_driver(self) -> Driver:
        """A folder of its own for each run."""
        self.folder = tempfile.TemporaryDirectory()
        self.disk = Disk().__enter__()
        return FilesystemDriver(Path(self.folder.name))

    def now(self) -> datetime:
        """As it is: what a file system tells apart takes a moment."""
        return datetime.now(UTC)

    def teardown(self) -> None:
        """Leave no folder and no fake behind."""
        self.disk.__exit__()
        self.folder.cleanup()


TestRepositories = Repositories.TestCase
TestRepositories.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestRepositoriesOnDisk = RepositoriesOnDisk.TestCase
TestRepositoriesOnDisk.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)
