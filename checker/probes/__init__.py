"""The grader's only I/O: each probe reads one source and judges nothing."""

from typing import Protocol

from checker.facts import Source

GRADER = "labcheck"
"""The grader's account, and the beginning of its user agent."""


class Probe(Protocol):
    """One source."""

    @property
    def source(self) -> Source:
        """What it reads."""
        ...

    @property
    def deadline_seconds(self) -> float:
        """After this the runner stops waiting for it."""
        ...

    def read(self) -> object:
        """The facts, of the type that ``SOURCE_TYPES`` names, or ``Unavailable``.

        Raises:
            NotObserved: Likewise unavailable.
        """
        ...
