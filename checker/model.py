"""The values that pass between probes, checks and reports.

Texts never travel: messages are ids and parameters, so that an old result can be shown in another language.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from checker.facts import Facts, Source


class Status(StrEnum):
    """A verdict's word. Fail closed: what could not be observed is INCONCLUSIVE."""

    PASS = "pass"  # noqa: S105  a verdict, not a password
    FAIL = "fail"
    BLOCKED = "blocked"
    INCONCLUSIVE = "inconclusive"


class Tense(StrEnum):
    """What a check judges: the state now, anything since the attempt's horizon, or an order of events."""

    NOW = "now"
    SINCE_START = "since-start"
    SEQUENCE = "sequence"


@dataclass(frozen=True, slots=True)
class Words:
    """Words of our own within an observation, to be told in the reader's language.

    What programs said, names, paths and numbers are strings and stay as they are.

    Attributes:
        id: A message id with its section: ``said.nobody``, ``fact.anonymous-read``.
    """

    id: str
    params: "Mapping[str, Value]" = field(default_factory=dict)


Value: TypeAlias = "str | int | Words | tuple[Value, ...]"
"""One thing observed, or several, which are told with commas."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One observation.

    ``kind`` is ``journal``, ``http``, ``file`` …; ``ref`` finds it again (``journal #418 14:03:22Z PUT …``).
    """

    kind: str
    ref: Value
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """A likely cause, best first; ``id`` is a message id below ``cause.``."""

    id: str
    params: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check concluded.

    A PASS needs at least one piece of evidence; the runner turns one without into INCONCLUSIVE.

    Attributes:
        observed: What was seen, by name; each name is a message id below ``fact.``.
        expected: What was wanted, by the same names.
        causes: Of a FAIL, best first; of an INCONCLUSIVE, the one reason, its id below ``unavailable.``.
        advice: Remarks that cost nothing (e.g. the secret lies in base64); ids below ``advice.``.
    """

    status: Status
    evidence: tuple[Evidence, ...] = ()
    observed: Mapping[str, Value] = field(default_factory=dict)
    expected: Mapping[str, Value] = field(default_factory=dict)
    causes: tuple[Cause, ...] = ()
    advice: tuple[Cause, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One question about one step. ``judge`` is pure: facts → finding.

    Attributes:
        code: Stable, printed, explained in ``docs/checks.md``: ``TP1-PUSH``.
        step: The chapter's step number.
        section: The chapter's section to read.
        uses: What must have been read, or have proved unreadable, before ``judge`` is called.
        causes: Ids of every cause that ``judge`` can name; stable.
        needs: Codes whose FAIL explains this check's FAIL, or why it cannot be judged: it is then BLOCKED, so that one
            fault is one red line.
            What passes on its own evidence passes.
        explained: By code of ``needs``, the causes that its FAIL explains, where these are not all: a FAIL for another
            cause is a fault of its own. What cannot be judged is explained by any of ``needs``.
    """

    code: str
    step: int
    tense: Tense
    points: int
    section: str
    judge: "Callable[[Facts], Finding]"
    uses: "tuple[Source, ...]"
    causes: tuple[str, ...]
    needs: tuple[str, ...] = ()
    explained: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A check's outcome in a report.

    Attributes:
        outage: It is INCONCLUSIVE for the one reason for which all are; the report tells it once.
        looks: Names of the student's stack, for the command that looks further.
    """

    check: Check
    finding: Finding
    blocked_by: tuple[str, ...] = ()
    duration_ms: int = 0
    hint_level: int = 0
    outage: bool = False
    looks: Mapping[str, str] = field(default_factory=dict)

    @property
    def status(self) -> Status:
        """The finding's status."""
        return self.finding.status

    @property
    def points(self) -> int:
        """Points won: all of the check's, or none."""
        return self.check.points if self.status is Status.PASS else 0


@dataclass(frozen=True, slots=True)
class Span:
    """The part of the journal that a report rests on: sequence numbers inclusive, ``head`` the last one's hash."""

    seq_from: int
    seq_to: int
    head: str


@dataclass(frozen=True, slots=True)
class Report:
    """One run of one lab's checks.

    Attributes:
        pseudonym: Stands for the student, see ``labs.students.pseudonym``; None where the class secret is not known.
        clock_skew_ms: How far the registry's clock is ahead of ours.
        context: Names of the exercise that fill messages: ``tp``, ``user``, ``org``, ``repo``.
        journal: None where there is none, or it could not be read.
        integrity: What was tampered with.
        outage: Why nothing could be judged.
    """

    lab: str
    attempt: int
    started_at: datetime
    horizon_seq: int
    pseudonym: str | None
    registry: str
    engine: str
    os: str
    clock_skew_ms: int
    pack_digest: str
    verdicts: tuple[Verdict, ...]
    context: Mapping[str, str]
    journal: Span | None = None
    integrity: Cause | None = None
    outage: Cause | None = None

    def count(self, status: Status) -> int:
        """How many verdicts are of this status."""
        return sum(verdict.status is status for verdict in self.verdicts)

    @property
    def points(self) -> int:
        """Points won."""
        return sum(verdict.points for verdict in self.verdicts)

    @property
    def max_points(self) -> int:
        """Points that could be won."""
        return sum(verdict.check.points for verdict in self.verdicts)
