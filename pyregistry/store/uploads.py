"""Upload sessions: bytes on their way to becoming a blob.

Content is hashed while it comes in. The hash state lives in memory; where it is missing (another worker, a restart)
the commit reads the session's data once more, so nothing but that data has to survive.
"""

import logging
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from pyregistry.drivers.interface import Driver, KeyLocked, KeyUnknown
from pyregistry.spec.descriptor import Descriptor
from pyregistry.spec.digest import CANONICAL_ALGORITHM, Digest, Hasher, hasher_for
from pyregistry.spec.errors import BlobUploadUnknown, DigestInvalid
from pyregistry.spec.media_types import OCTET_STREAM
from pyregistry.spec.upload import State, Step, absent, advance, validate_offset
from pyregistry.store import paths
from pyregistry.store.blobs import DriverBlobs
from pyregistry.store.interface import UploadSession, UploadWriter
from pyregistry.store.locks import hold_content

_LOG = logging.getLogger(__name__)

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)

_READ_BYTES = 1 << 20
"""Bytes in memory at a time when data is hashed again."""

_MAX_HASH_STATES = 1024
"""Sessions whose hash state is kept, about 0.5 KiB each. The oldest goes first; its commit reads the data again."""


class DriverUploads:
    """The ``Uploads`` of a driver.

    Args:
        driver: Where sessions and blobs lie.
        blobs: What sessions become.
        clock: Aware UTC time, for ``startedat``.
    """

    def __init__(self, driver: Driver, blobs: DriverBlobs, clock: Callable[[], datetime]) -> None:
        self._driver = driver
        self._blobs = blobs
        self._clock = clock
        self._hashes = _HashStates()

    def create(self, repository: str) -> UploadSession:
        """See ``Uploads``. The data comes last: with it the session begins to exist."""
        uuid, started_at = str(uuid4()), self._clock()
        startedat = started_at.strftime("%Y-%m-%dT%H:%M:%SZ").encode("ascii")
        self._driver.write(paths.upload_started_at(repository, uuid), [startedat])
        self._driver.append(paths.upload_data(repository, uuid), 0, b"")
        return UploadSession(repository, uuid, 0, started_at)

    def session(self, repository: str, uuid: str) -> UploadSession:
        """See ``Uploads``."""
        return self._read(repository, uuid)

    def writer(self, repository: str, uuid: str, offset: int | None = None) -> UploadWriter:
        """See ``Uploads``."""
        with ExitStack() as held:
            session = held.enter_context(self._hold(repository, uuid, Step.WRITE))
            if offset is not None:
                validate_offset(uuid, session.offset, offset)
            return _SessionWriter(self._driver, session, self._hashes, held.pop_all())

    def commit(self, repository: str, uuid: str, digest: Digest) -> Descriptor:
        """See ``Uploads``. Data before link: whatever is linked is whole.

        The data replaces what the registry already has under the digest. It was just proven and costs one rename;
        comparing sizes would leave a flipped bit in place, hashing the old content again would cost as much as the
        upload. So every push mends whatever damage there was.
        """
        with self._hold(repository, uuid, Step.COMMIT) as session:
            data = paths.upload_data(repository, uuid)
            self._driver.flush(data)
            found = self._hash(session, digest.algorithm)
            if found != digest:
                self._drop(session)
                raise DigestInvalid(f"{digest}: expected content of this digest, got {session.offset} bytes of {found}")
            with hold_content(self._driver, digest):
                self._driver.move(data, paths.blob_data(digest))
                self._blobs.link(repository, digest, digest)
            self._drop(session)
        return Descriptor(OCTET_STREAM, digest, session.offset)

    def cancel(self, repository: str, uuid: str) -> None:
        """See ``Uploads``."""
        with self._hold(repository, uuid, Step.CANCEL) as session:
            self._drop(session)

    def sessions(self, repositories: Iterable[str]) -> Iterator[UploadSession]:
        """The sessions that lie in some repositories; those that end meanwhile are left out."""
        for repository in repositories:
            for uuid in list(self._driver.children(paths.uploads(repository))):
                with suppress(BlobUploadUnknown):
                    yield self._read(repository, uuid)

    @contextmanager
    def _hold(self, repository: str, uuid: str, step: Step) -> Iterator[UploadSession]:
        """The session for ``step``, kept from other requests and other workers, read once it is ours."""
        with ExitStack() as held:
            advance(self._take(repository, uuid, held), step, uuid)
            yield self._read(repository, uuid)

    def _take(self, repository: str, uuid: str, held: ExitStack) -> State:
        """Lock the session if it is there, since a lock on what is not there would leave a folder; how it stood."""
        if not self._exists(repository, uuid):
            return State.ABSENT
        try:
            held.enter_context(self._driver.lock(paths.upload(repository, uuid), wait=False))
        except KeyLocked:
            return State.WRITING
        return State.OPEN

    def _exists(self, repository: str, uuid: str) -> bool:
        with suppress(BlobUploadUnknown):
            return bool(self._read(repository, uuid))
        return False

    def _read(self, repository: str, uuid: str) -> UploadSession:
        """The session as it lies on disk. What is no UUID never becomes a key."""
        if not _UUID.fullmatch(uuid):
            raise absent(uuid)
        try:
            found = self._driver.stat(paths.upload_data(repository, uuid))
        except KeyUnknown:
            raise absent(uuid) from None
        started_at = self._started_at(repository, uuid) or found.modified_at
        return UploadSession(repository, uuid, found.size, started_at)

    def _started_at(self, repository: str, uuid: str) -> datetime | None:
        """None where the file is missing, or is a crash's scar: neither stands in the way of the upload."""
        key = paths.upload_started_at(repository, uuid)
        try:
            with self._driver.open(key) as reader:
                return datetime.fromisoformat(reader.read(64).decode("ascii")).astimezone(UTC)
        except (KeyUnknown, ValueError):
            _LOG.warning("%s: expected the time when the session began", key)
            return None

    def _hash(self, session: UploadSession, algorithm: str) -> Digest:
        """The digest of all data: from memory where the state covers it, else by reading it once more."""
        hasher = self._hashes.take(session) if algorithm == CANONICAL_ALGORITHM else None
        if hasher is None:
            hasher = hasher_for(algorithm)
            with self._driver.open(paths.upload_data(session.repository, session.uuid)) as reader:
                while data := reader.read(_READ_BYTES):
                    hasher.update(data)
        return Digest(algorithm, hasher.hexdigest())

    def _drop(self, session: UploadSession) -> None:
        self._hashes.forget(session)
        with suppress(KeyUnknown):
            self._driver.delete(paths.upload(session.repository, session.uuid))


@dataclass(frozen=True, slots=True)
class _HashState:
    offset: int
    hasher: Hasher


class _HashStates:
    """Canonical hash states of open sessions, by session. A state counts only for the offset it was left at."""

    def __init__(self) -> None:
        self._states: OrderedDict[str, _HashState] = OrderedDict()
        self._guard = threading.Lock()

    def take(self, session: UploadSession) -> Hasher | None:
        """The state that covers exactly the session's bytes; it is the caller's from here on."""
        with self._guard:
            state = self._states.pop(session.uuid, None)
        if state is not None and state.offset == session.offset:
            return state.hasher
        return hasher_for(CANONICAL_ALGORITHM) if session.offset == 0 else None

    def keep(self, uuid: str, offset: int, hasher: Hasher) -> None:
        """Put a state back for the session's next request."""
        with self._guard:
            self._states[uuid] = _HashState(offset, hasher)
            while len(self._states) > _MAX_HASH_STATES:
                self._states.popitem(last=False)

    def forget(self, session: UploadSession) -> None:
        """Drop what is kept for the session."""
        with self._guard:
            self._states.pop(session.uuid, None)


class _SessionWriter:
    """The ``UploadWriter`` of a session that ``held`` keeps for us until it is closed."""

    def __init__(self, driver: Driver, session: UploadSession, hashes: _HashStates, held: ExitStack) -> None:
        self._driver = driver
        self._uuid = session.uuid
        self._key = paths.upload_data(session.repository, session.uuid)
        self._offset = session.offset
        self._hashes = hashes
        self._hasher = hashes.take(session)
        self._held: ExitStack | None = held

    @property
    def offset(self) -> int:
        """See ``UploadWriter``."""
        return self._offset

    def write(self, data: bytes) -> None:
        """See ``UploadWriter``. Where it fails, the session stands as before."""
        if self._held is None:
            raise ValueError(f"{self._uuid}: written to after it was closed")
        self._offset = self._driver.append(self._key, self._offset, data)
        if self._hasher is not None:
            self._hasher.update(data)

    def close(self) -> None:
        """See ``UploadWriter``."""
        if self._held is None:
            return
        held, self._held = self._held, None
        with held:
            self._driver.flush(self._key)
            if self._hasher is not None:
                self._hashes.keep(self._uuid, self._offset, self._hasher)
