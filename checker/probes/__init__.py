"""The grader's only I/O: each probe reads one source and judges nothing."""

from typing import Protocol

from checker.facts import Source

GRADER = "labcheck"
"""The grader's account, and the beginning of its user agent."""


DEADLINE_SECONDS = 8.0
"""From the beginning of a run: what hangs is given up so that all verdicts stand within ten.

One for all of them, since none is waited for without need: a file is read in no time, but on a busy machine dozens of
threads take turns. With twenty busy programs on two cores a probe that takes 0.13 s alone was seen to take 6 s.
"""


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
