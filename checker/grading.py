"""Grades one attempt: chooses the probes, runs the checks, keeps the memory between runs, and returns the report."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from checker import checks, runner
from checker.endpoints import is_built, own_registry
from checker.facts import Answer, Facts, Journal, PackFiles, Task, Unavailable
from checker.model import Cause, Report, Span, Verdict
from checker.probes.host import read_os
from checker.seal import Seal
from checker.sources import choose
from labs.attempts import Attempt, Endpoint
from labs.students import Student, pseudonym
from pyregistry import __version__


def grade(
    attempt: Attempt,
    endpoint: Endpoint,
    folder: Path,
    *,
    secret: bytes | None = None,
    only: Sequence[str] | None = None,
    hint_levels: Mapping[str, int] | None = None,
    on_verdict: Callable[[Verdict], None] = lambda _: None,
) -> Report:
    """Grade ``attempt`` on the registry ``endpoint``.

    Args:
        attempt: What the stack recorded.
        endpoint: The attempt's own registry, or another one.
        folder: The attempt's state folder, where the memory between runs lies.
        secret: The class secret with which the attempt began; without it the report is nobody's.
        only: Codes of the checks to show; None shows all.
        hint_levels: By code, how many hints were taken.
        on_verdict: Called for each verdict as soon as it stands.
    """
    pack = checks.pack(attempt.slug)
    task = Task(
        attempt.parameters,
        _hosts(endpoint),
        is_ours=not is_built(attempt),
        is_named=endpoint != own_registry(attempt),
    )
    seal = Seal.load(folder, attempt.started_at.isoformat())
    graded = runner.run(
        pack.checks,
        task,
        choose(attempt, endpoint, pack, seal),
        only=only,
        hint_levels=hint_levels,
        on_verdict=on_verdict,
    )
    _remember(attempt, folder, graded.facts)
    return _report(attempt, endpoint, graded, pseudonym(secret, Student(attempt.student)) if secret else None)


def _hosts(endpoint: Endpoint) -> tuple[str, ...]:
    """The names by which clients call the registry: its own, and, with Docker's own daemon, the port on localhost."""
    there = urlsplit(endpoint.url)
    return tuple(dict.fromkeys((endpoint.name, there.netloc, f"localhost:{there.port}")))


def _remember(attempt: Attempt, folder: Path, facts: Facts) -> None:
    """Write down what judged, and how far the journal had come; only a sound run is remembered."""
    if isinstance(facts.journal, Journal) and isinstance(facts.pack, PackFiles):
        seal = Seal(
            attempt=attempt.started_at.isoformat(),
            version=__version__,
            pack=facts.pack.digest,
            seq=facts.journal.seq_to,
            head=facts.journal.head,
            journal=facts.journal.path,
        )
        with suppress(OSError):  # a read-only folder must not keep anybody from being graded
            seal.save(folder)


def _report(attempt: Attempt, endpoint: Endpoint, graded: runner.Graded, name: str | None) -> Report:
    """Put the verdicts beside what they rest on."""
    facts, parameters = graded.facts, attempt.parameters
    return Report(
        lab=attempt.slug,
        attempt=attempt.number,
        started_at=attempt.started_at,
        horizon_seq=attempt.horizon_seq,
        pseudonym=name,
        registry=endpoint.name,
        engine=attempt.engine,
        os=read_os(),
        clock_skew_ms=facts.answer.clock_skew_ms if isinstance(facts.answer, Answer) else 0,
        pack_digest=facts.pack.digest if isinstance(facts.pack, PackFiles) else "",
        verdicts=graded.verdicts,
        context={name: parameters[name] for name in ("user", "org", "repo") if name in parameters},
        journal=_span(facts),
        integrity=_cause(facts.integrity),
        outage=_cause(facts.outage),
    )


def _span(facts: Facts) -> Span | None:
    """The part of the journal that was judged."""
    if not isinstance(facts.journal, Journal):
        return None
    return Span(facts.journal.horizon_seq + 1, facts.journal.seq_to, facts.journal.head)


def _cause(unavailable: Unavailable | None) -> Cause | None:
    """A reason as a message."""
    return Cause(unavailable.reason, unavailable.params) if unavailable else None
