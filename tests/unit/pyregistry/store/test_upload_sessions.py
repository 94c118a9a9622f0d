"""Any sequence of requests to an upload session, against a model: what the session holds and where it stands."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from pyregistry.drivers.filesystem import FilesystemDriver
from pyregistry.drivers.interface import Driver
from pyregistry.drivers.memory import MemoryDriver
from pyregistry.spec.digest import Digest
from pyregistry.spec.errors import BlobUploadUnknown, DigestInvalid, RangeInvalid, RegistryError
from pyregistry.spec.upload import State, Step, advance
from pyregistry.store.interface import Store, UploadWriter
from pyregistry.store.registry import open_store
from tests.fakes.disk import Disk

REPOSITORY = "acme/app"
SESSIONS = 2
WORKERS = 2

sessions = st.integers(0, SESSIONS - 1)
workers = st.integers(0, WORKERS - 1)
data = st.binary(max_size=40)
algorithms = st.sampled_from(["sha256", "sha512"])


class Model:
    """What one session should be."""

    def __init__(self) -> None:
        self.uuid = "00000000-0000-0000-0000-000000000000"
        self.state = State.ABSENT
        self.content = b""

    def refusal(self, step: Step) -> type[RegistryError] | None:
        """How the transition table answers ``step`` here."""
        try:
            advance(self.state, step, self.uuid)
        except RegistryError as exc:
            return type(exc)
        return None


class UploadSessions(RuleBasedStateMachine):
    """Two sessions, two workers over one driver; each request goes to either worker."""

    def __init__(self) -> None:
        super().__init__()
        self.driver = self.make_driver()
        self.workers: list[Store] = []
        self.models = [Model() for _ in range(SESSIONS)]
        self.writers: dict[int, UploadWriter] = {}
        self.committed: dict[Digest, bytes] = {}
        self.restart()

    def make_driver(self) -> Driver:
        """Where the sessions lie."""
        return MemoryDriver()

    @rule()
    def restart(self) -> None:
        """Both workers forget what they know; what is on the driver stays. Death frees the sessions."""
        for number in list(self.writers):
            self.release(number)
        self.workers = [open_store(self.driver) for _ in range(WORKERS)]

    @rule(number=sessions, worker=workers)
    def create(self, number: int, worker: int) -> None:
        """POST: a session begins empty."""
        model = self.models[number]
        if model.state is State.ABSENT:
            made = self.workers[worker].uploads.create(REPOSITORY)
            assert made.offset == 0
            model.uuid, model.content = made.uuid, b""
            model.state = advance(model.state, Step.CREATE, made.uuid)

    @rule(number=sessions, worker=workers, distance=st.sampled_from([None, 0, 0, 0, -1, 1, 10**6]))
    def write(self, number: int, worker: int, distance: int | None) -> None:
        """PATCH begins: at the session's end it may, elsewhere it may not."""
        model = self.models[number]
        offset = None if distance is None else max(len(model.content) + distance, 0)
        refusal = model.refusal(Step.WRITE)
        if refusal is None and offset not in {None, len(model.content)}:
            refusal = RangeInvalid
        writer = self.expect(refusal, self.workers[worker].uploads.writer, model.uuid, offset)
        if writer is not None:
            assert writer.offset == len(model.content)
            self.writers[number] = writer
            model.state = State.WRITING

    @rule(number=sessions, chunk=data)
    def append(self, number: int, chunk: bytes) -> None:
        """PATCH goes on."""
        if number in self.writers:
            self.writers[number].write(chunk)
            self.models[number].content += chunk
            assert self.writers[number].offset == len(self.models[number].content)

    @rule(number=sessions)
    def release(self, number: int) -> None:
        """PATCH ends, or its client went away."""
        if number in self.writers:
            self.writers.pop(number).close()
            self.models[number].state = advance(self.models[number].state, Step.RELEASE, self.models[number].uuid)

    @rule(number=sessions, worker=workers, chunk=data)
    def patch(self, number: int, worker: int, chunk: bytes) -> None:
        """PATCH from beginning to end."""
        self.write(number, worker, None)
        self.append(number, chunk)
        self.release(number)

    @rule(number=sessions, worker=workers, algorithm=algorithms)
    def commit(self, number: int, worker: int, algorithm: str) -> None:
        """PUT with the right digest: the blob is there."""
        model = self.models[number]
        digest = Digest.of(model.content, algorithm)
        if self.expect(model.refusal(Step.COMMIT), self.workers[worker].uploads.commit, model.uuid, digest):
            model.state = State.ABSENT
            self.committed[digest] = model.content

    @rule(number=sessions, worker=workers, algorithm=algorithms)
    def commit_wrong(self, number: int, worker: int, algorithm: str) -> None:
        """PUT with another digest: the session ends, and no blob comes of it."""
        model = self.models[number]
        digest = Digest.of(model.content + b"one byte more than was sent", algorithm)
        refusal = model.refusal(Step.COMMIT) or DigestInvalid
        self.expect(refusal, self.workers[worker].uploads.commit, model.uuid, digest)
        assert not self.workers[worker].blobs.exists(REPOSITORY, digest)
        if refusal is DigestInvalid:
            model.state = State.ABSENT

    @rule(number=sessions, worker=workers)
    def cancel(self, number: int, worker: int) -> None:
        """DELETE."""
        model = self.models[number]
        refusal = model.refusal(Step.CANCEL)
        self.expect(refusal, self.workers[worker].uploads.cancel, model.uuid)
        if refusal is None:
            model.state = State.ABSENT

    @invariant()
    def status_agrees(self) -> None:
        """Every worker tells the model's offset, or that there is no session."""
        for model in self.models:
            for store in self.workers:
                refusal = BlobUploadUnknown if model.state is State.ABSENT else None
                found = self.expect(refusal, store.uploads.session, model.uuid)
                assert found is None or found.offset == len(model.content)

    @invariant()
    def what_was_committed_is_served(self) -> None:
        """Each blob has exactly the bytes that were sent."""
        for digest, content in self.committed.items():
            with self.workers[0].blobs.fetch(REPOSITORY, digest) as reader:
                assert reader.read() == content

    def teardown(self) -> None:
        """Nothing but what the open sessions hold lies in ``_uploads``."""
        for number in list(self.writers):
            self.release(number)
        there = {key.split("/")[-2] for key in self.driver.keys("") if "/_uploads/" in key}
        assert there == {model.uuid for model in self.models if model.state is State.OPEN}

    def expect(self, refusal: type[RegistryError] | None, verb: Any, uuid: str, *arguments: Any) -> Any:
        """What ``verb`` returns; None where it must refuse, and does so."""
        if refusal is None:
            return verb(REPOSITORY, uuid, *arguments)
        with pytest.raises(refusal):
            verb(REPOSITORY, uuid, *arguments)
        return None


class UploadSessionsOnDisk(UploadSessions):
    """The same on a real file system, its syncs left out for speed."""

    def make_driver(self) -> Driver:
        """A folder of its own for each run."""
        self.folder = tempfile.TemporaryDirectory()
        self.disk = Disk().__enter__()
        return FilesystemDriver(Path(self.folder.name))

    def teardown(self) -> None:
        """Leave no folder and no fake behind."""
        try:
            super().teardown()
        finally:
            self.disk.__exit__()
            self.folder.cleanup()


TestUploadSessions = UploadSessions.TestCase
TestUploadSessions.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestUploadSessionsOnDisk = UploadSessionsOnDisk.TestCase
TestUploadSessionsOnDisk.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
