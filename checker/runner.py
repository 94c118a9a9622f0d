"""Runs probes and checks, in parallel and against deadlines, and returns a report. Prints nothing, fails closed.

Whatever goes wrong here, an exception, a hang, garbage, emptiness, becomes INCONCLUSIVE: never PASS, never FAIL.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial

from checker.background import started
from checker.checks.graph import blocked_by, closure
from checker.facts import SOURCE_TYPES, Facts, NotObserved, Source, Task, Unavailable
from checker.looks import looks
from checker.model import Cause, Check, Finding, Status, Verdict
from checker.probes import Probe

JUDGE_SECONDS = 5.0
"""A check is pure; one that takes longer hangs. On a busy machine one of milliseconds was seen to take 1.1 s."""


class NothingToCheck(ValueError):
    """A run without a single check is an error, not a success."""


@dataclass(frozen=True, slots=True)
class Graded:
    """All that a run found: verdicts in the order of the checks, and the facts that they rest on."""

    verdicts: tuple[Verdict, ...]
    facts: Facts


def run(
    checks: Sequence[Check],
    task: Task,
    probes: Sequence[Probe],
    *,
    only: Sequence[str] | None = None,
    order: Sequence[str] | None = None,
    hint_levels: Mapping[str, int] | None = None,
    on_verdict: Callable[[Verdict], None] = lambda _: None,
) -> Graded:
    """Judge ``checks``, or those of the codes ``only`` with what they need in the background.

    Args:
        checks: One lab's checks.
        task: The attempt.
        probes: One for each source that can be read.
        only: Codes to show; None shows all.
        order: Codes in the order in which they are to be judged; by default at random, since it must not matter.
        hint_levels: By code, how many hints were taken.
        on_verdict: Called for each verdict as soon as it stands, in the order of ``checks``.

    Raises:
        NothingToCheck: No check is left to run.
    """
    wanted = [check.code for check in checks if only is None or check.code in only]
    if not wanted:
        raise NothingToCheck("expected at least one check to run")
    judged = closure(checks, wanted)
    reading = _Reading(task, probes)
    findings = _start_judging(judged, reading, order)
    verdicts = []
    for check in judged:
        if check.code in wanted:
            verdict = _verdict(check, judged, findings, hint_levels or {})
            if verdict.status is Status.FAIL:
                verdict = replace(verdict, looks=looks(reading.facts((Source.STACK,)).stack))
            verdicts.append(verdict)
            on_verdict(verdicts[-1])
    return Graded(tuple(verdicts), reading.facts(tuple(Source)))


class _Reading:
    """The probes at work."""

    def __init__(self, task: Task, probes: Sequence[Probe]) -> None:
        self._task = task
        self._probes = {probe.source: probe for probe in probes}
        self._begun = time.monotonic()
        self._reads = {source: started(probe.read) for source, probe in self._probes.items()}

    def facts(self, uses: Sequence[Source]) -> Facts:
        """Facts of the sources in ``uses``; what was not asked for counts as not read."""
        values = {str(source): self._known(source) if source in uses else _not_read(source) for source in Source}
        return Facts(task=self._task, **values)  # type: ignore[arg-type]  # each was held against SOURCE_TYPES

    def _known(self, source: Source) -> object:
        """What a probe yielded, held against its deadline and its type."""
        probe = self._probes.get(source)
        if probe is None:
            return _not_read(source)
        left = self._begun + probe.deadline_seconds - time.monotonic()
        try:
            value = self._reads[source].result(timeout=max(left, 0))
        except NotObserved as exc:
            return exc.unavailable
        except TimeoutError:
            return Unavailable("timeout", {"source": source, "seconds": round(probe.deadline_seconds)})
        except BaseException as exc:  # noqa: BLE001  fail closed, whatever it is
            return Unavailable("probe-failed", {"source": source, "error": type(exc).__name__})
        if isinstance(value, SOURCE_TYPES[source] | Unavailable):
            return value
        return Unavailable("garbage" if value else "empty", {"source": source})


def _not_read(source: Source) -> Unavailable:
    """A source without a probe, or one that nobody asked for."""
    return Unavailable("not-read", {"source": source})


@dataclass(frozen=True, slots=True)
class _Timed:
    """A finding and how long it took, reading included; ``outage`` when nothing at all could be judged."""

    finding: Finding
    duration_ms: int
    outage: bool


def _start_judging(
    checks: Sequence[Check], reading: _Reading, order: Sequence[str] | None
) -> dict[str, "Future[_Timed]"]:
    """All checks at once, begun in the given order or in a random one."""
    shuffled = random.sample(list(checks), len(checks))
    if order:
        shuffled.sort(key=lambda check: order.index(check.code))
    return {check.code: started(partial(_timed, check, reading)) for check in shuffled}


def _timed(check: Check, reading: _Reading) -> _Timed:
    """Judge one check as soon as what it uses has been read."""
    begun = time.monotonic()
    facts = reading.facts((Source.PACK, Source.ANSWER, Source.JOURNAL, *check.uses))
    finding = _inconclusive(facts.outage) if facts.outage else judged(check, facts)
    return _Timed(finding, round((time.monotonic() - begun) * 1000), facts.outage is not None)


def judged(check: Check, facts: Facts) -> Finding:
    """The check's finding, or INCONCLUSIVE for anything that is none."""
    try:
        finding = started(lambda: check.judge(facts)).result(timeout=JUDGE_SECONDS)
    except NotObserved as exc:
        return _inconclusive(exc.unavailable)
    except TimeoutError:
        return _inconclusive(Unavailable("timeout", {"source": check.code, "seconds": round(JUDGE_SECONDS)}))
    except BaseException as exc:  # noqa: BLE001  fail closed, whatever it is
        return _inconclusive(Unavailable("judge-failed", {"error": type(exc).__name__}))
    if not isinstance(finding, Finding):
        return _inconclusive(Unavailable("judge-failed", {"error": type(finding).__name__}))
    if finding.status is Status.PASS and not finding.evidence:
        return _inconclusive(Unavailable("no-evidence"))
    return finding


def _inconclusive(unavailable: Unavailable) -> Finding:
    """Nothing could be concluded, and this is why."""
    return Finding(Status.INCONCLUSIVE, causes=(Cause(unavailable.reason, unavailable.params),))


def _verdict(
    check: Check, checks: Sequence[Check], findings: Mapping[str, "Future[_Timed]"], hint_levels: Mapping[str, int]
) -> Verdict:
    """Wait for the check and all that it needs, and fold."""
    needed = {each.code: each for each in closure(checks, [check.code])}
    timed = {code: findings[code].result() for code in needed}
    blockers = blocked_by(check, needed, {code: each.finding for code, each in timed.items()})
    finding = timed[check.code].finding
    if blockers:
        finding = replace(finding, status=Status.BLOCKED, causes=())
    own = timed[check.code]
    return Verdict(check, finding, blockers, own.duration_ms, hint_levels.get(check.code, 0), own.outage)
