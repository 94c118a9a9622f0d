"""Looks for private keys inside an image: unpacks its layers as they come, and keeps nothing of them.

What others may push is read with care: bounded in size, one file's head at a time, never written to disk.
"""

import io
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.hazmat.primitives.serialization import load_der_private_key

from checker.facts import Layers, NotObserved, Source, Target, Unavailable
from checker.probes import DEADLINE_SECONDS
from checker.probes.connection import Connection
from checker.probes.keys import PRIVATE_KEY
from checker.probes.registry import fetch, image_layers
from pyregistry.spec.digest import hasher_for

LAYER_MAX_BYTES = 1 << 30
"""Of one layer, unpacked: an exercise's has some megabytes, an archive that explodes has more."""
HEAD_BYTES = 1 << 20
"""Of one file: a key in something larger is looked for in its first part."""
_DER_MAX_BYTES = 1 << 14
"""A key in DER, RSA 16384 included."""
_GZIP, _ZSTD, _DER = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", (b"\x30\x81", b"\x30\x82", b"\x30\x2e")
"""How these begin; 0x30 is DER's SEQUENCE, 0x2e the length of the smallest key there is (Ed25519)."""


@dataclass(frozen=True, slots=True)
class LayersProbe:
    """Reads the layers under the target's first tag."""

    connection: Connection
    target: Target
    deadline_seconds: float = DEADLINE_SECONDS
    source: Source = Source.LAYERS

    def read(self) -> Layers | Unavailable:
        """What lies in them.

        Raises:
            NotObserved: The tag is absent, or a layer is no archive, or too large to be looked through.
        """
        raw = fetch(self.connection, self.target.repository, self.target.tags[0])
        if raw is None:
            return Unavailable("tag-absent", {"what": f"{self.target.repository}:{self.target.tags[0]}"})
        found: list[tuple[str, str]] = []
        largest = 0
        for digest in dict.fromkeys(image_layers(self.connection, self.target.repository, raw)):
            with self.connection.open(f"/v2/{self.target.repository}/blobs/{digest}") as chunks:
                if chunks is None:
                    return Unavailable("layer-missing", {"what": digest})
                layer = _Proved(chunks, digest)
                found += [(digest, path) for path in private_keys(layer, digest)]
                layer.finish()
            largest = max(largest, layer.size)
        return Layers(largest, tuple(found))


class _Proved(Iterator[bytes]):
    """Chunks on their way: how many bytes they were, and whether they are those of the digest."""

    def __init__(self, chunks: Iterator[bytes], digest: str) -> None:
        self._chunks = chunks
        self._digest = digest
        self._hasher = hasher_for(digest.partition(":")[0])
        self.size = 0

    def __next__(self) -> bytes:
        """The next one."""
        chunk = next(self._chunks)
        self._hasher.update(chunk)
        self.size += len(chunk)
        return chunk

    def finish(self) -> None:
        """Read what is left behind the archive's end.

        Raises:
            NotObserved: These were not the digest's bytes.
        """
        for _ in self:
            pass
        if self._hasher.hexdigest() != self._digest.partition(":")[2]:
            raise NotObserved(Unavailable("digest-differs", {"what": self._digest}))


def private_keys(chunks: Iterator[bytes], what: str) -> Iterator[str]:
    """Paths of the files of a layer that hold a private key.

    Raises:
        NotObserved: The layer is no archive of a kind that is known, or too large.
    """
    try:
        with tarfile.open(fileobj=_Unpacked(chunks, what), mode="r|", bufsize=1 << 16) as archive:
            for member in archive:
                if member.isfile() and (file := archive.extractfile(member)) and _is_key(file.read(HEAD_BYTES)):
                    yield f"/{member.name.removeprefix('./').lstrip('/')}"
    except (tarfile.TarError, zlib.error, EOFError) as exc:
        raise NotObserved(Unavailable("garbage", {"source": what})) from exc


def _is_key(head: bytes) -> bool:
    """Whether this is, or begins with or holds, a private key: in PEM anywhere, in DER the whole of it."""
    if PRIVATE_KEY.search(head):
        return True
    if not head.startswith(_DER) or len(head) > _DER_MAX_BYTES:
        return False
    try:
        load_der_private_key(head, None)
    except TypeError:  # it is one, under a password
        return True
    except Exception:  # noqa: BLE001  cryptography raises half a dozen kinds: it is no key
        return False
    return True


class _Unpacked(io.RawIOBase):
    """A layer without its compression, as a stream."""

    def __init__(self, chunks: Iterator[bytes], what: str) -> None:
        self._chunks = chunks
        self._what = what
        self._first = next(chunks, b"")
        if self._first.startswith(_ZSTD):
            # Python 3.11 has no zstd; docker push compresses with gzip unless it is asked for something else.
            raise NotObserved(Unavailable("layer-zstd", {"what": what}))
        self._inflate = zlib.decompressobj(wbits=31) if self._first.startswith(_GZIP) else None
        self._ready = b""
        self._size = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def read(self, size: int = -1) -> bytes:
        """At most ``size`` bytes, fewer only at the end."""
        while 0 <= len(self._ready) < size and (more := self._more()):
            self._ready += more
        wanted, self._ready = self._ready[:size], self._ready[size:]
        return wanted

    def _more(self) -> bytes:
        """The next unpacked bytes; none at the end."""
        more = self._packed() if self._inflate is None else self._inflated()
        self._size += len(more)
        if self._size > LAYER_MAX_BYTES:
            raise NotObserved(Unavailable("too-large", {"what": self._what}))
        return more

    def _packed(self) -> bytes:
        """The next chunk as it came."""
        first, self._first = self._first, b""
        return first or next(self._chunks, b"")

    def _inflated(self) -> bytes:
        """The next bytes that come out of gzip, a bounded number; a stream may be several, one behind the other."""
        inflate = self._inflate
        while inflate is not None:
            packed = inflate.unconsumed_tail or inflate.unused_data or self._packed()
            if not packed:
                return b""
            if inflate.eof:
                self._inflate = inflate = zlib.decompressobj(wbits=31)
            if more := inflate.decompress(packed, HEAD_BYTES):
                return more
        return b""
