"""Who was let in for what, so that the same question is answered at once the next time."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pyregistry.accounts.remembered import Remembered
from pyregistry.auth.interface import AccessRequest
from pyregistry.spec.identity import Identity

MAX_QUESTIONS = 256
"""That are remembered of one credential; with more of them it is asked anew."""

Question = tuple[AccessRequest, ...]


@dataclass(frozen=True, slots=True)
class _Pass:
    """One credential's answers. ``witness``: what they were drawn from; they hold as long as it is the same object."""

    identity: Identity
    witness: object
    allowed: set[Question] = field(default_factory=set)


class Passes:
    """Answers by Authorization header. Threads may share it."""

    def __init__(self) -> None:
        self._passes: Remembered[_Pass] = Remembered()

    def recall(self, header: str, wanted: Sequence[AccessRequest], witness: object, now: float) -> Identity | None:
        """Who was let in with this header for exactly this, while ``witness`` was what it is now."""
        known = self._passes.recall(header.encode(), now)
        return known.identity if known and known.witness is witness and tuple(wanted) in known.allowed else None

    def grant(
        self, header: str, wanted: Sequence[AccessRequest], witness: object, identity: Identity, until: float
    ) -> Identity:
        """Remember until a moment of the clock by which it is recalled; returns ``identity``."""
        known = self._passes.recall(header.encode(), 0.0)  # what is over was forgotten when it was asked for
        if known is None or known.witness is not witness or len(known.allowed) >= MAX_QUESTIONS:
            known = _Pass(identity, witness)
            self._passes.remember(header.encode(), known, until)
        known.allowed.add(tuple(wanted))
        return identity
