"""What was found out about secrets that were shown, kept for a while without the secrets."""

import hashlib
import secrets
import threading
from typing import Generic, TypeVar

Finding = TypeVar("Finding")

MAX_ENTRIES = 4096
"""When there are more, all are forgotten: whoever still comes is asked anew."""


class Remembered(Generic[Finding]):
    """Findings by keyed hashes (BLAKE2b) of secrets, under a key of this process. Threads may share it.

    Args:
        max_entries: How much is remembered at a time.
    """

    def __init__(self, max_entries: int = MAX_ENTRIES) -> None:
        self._max_entries = max_entries
        self._key = secrets.token_bytes(32)
        self._found: dict[bytes, tuple[Finding, float]] = {}
        self._lock = threading.Lock()

    def remember(self, secret: bytes, finding: Finding, until: float) -> None:
        """Keep ``finding`` until a moment of the caller's clock, which it names again when it recalls."""
        with self._lock:
            if len(self._found) >= self._max_entries:
                self._found.clear()
            self._found[self._digest(secret)] = (finding, until)

    def recall(self, secret: bytes, now: float) -> Finding | None:
        """The finding about ``secret``; None when there is none, or its time is over."""
        digest = self._digest(secret)
        held = self._found.get(digest)
        if held is None:
            return None
        finding, until = held
        if now < until:
            return finding
        self._found.pop(digest, None)
        return None

    def _digest(self, secret: bytes) -> bytes:
        return hashlib.blake2b(secret, key=self._key, digest_size=16).digest()
