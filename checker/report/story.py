"""What there is to say of a verdict, line by line: what every renderer for people shares."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from checker.messages import Messages
from checker.model import Cause, Report, Status, Value, Verdict

EVIDENCE_SHOWN = 3
"""Lines of evidence shown to a person; the result document has all."""
LINE_MAX = 1000
"""Characters of a line shown to a person: a label may be as long as its author liked."""
# What a terminal would obey and XML does not take: C0, DEL, C1, line separators, surrogates, noncharacters.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
COMMANDS = frozenset({"look", "hint"})
"""Labels of lines that are to be typed."""
_READ = frozenset({"source", "what"})
"""Parameters that say what was being read."""
_LONG_DIGEST = re.compile(r"(sha(?:256|512):[0-9a-f]{12})[0-9a-f]{52,}")


@dataclass(frozen=True, slots=True)
class Line:
    """One fact. ``label`` is a message id below ``line.``."""

    label: str
    text: str


def pair(line: Line, messages: Messages) -> str:
    """Label and text in one line, with the language's own colon."""
    return messages.text("line", "pair", {"label": messages.text("line", line.label), "text": line.text})


def heading(verdict: Verdict, messages: Messages) -> str:
    """What is asked."""
    return messages.check(verdict.check.code, "title")


def tell(verdict: Verdict, messages: Messages) -> Iterator[Line]:
    """All there is to say after the heading."""
    if verdict.status is Status.PASS:
        yield from (_line("source", messages.told(evidence.ref)) for evidence in verdict.finding.evidence[:1])
    elif verdict.status is Status.BLOCKED:
        yield _line("reason", messages.text("line", "waits", {"codes": ", ".join(verdict.blocked_by)}))
    elif verdict.status is Status.INCONCLUSIVE:
        told = () if verdict.outage else verdict.finding.causes
        yield from (_line("reason", reason(cause, messages)) for cause in told)
    else:
        yield from _failure(verdict, messages)
    for advice in verdict.finding.advice:
        yield _line("advice", messages.text("advice", advice.id, advice.params))


def reason(cause: Cause, messages: Messages) -> str:
    """Why something could not be observed."""
    read = {name: messages.reading(str(cause.params[name])) for name in _READ & cause.params.keys()}
    return messages.text("unavailable", cause.id, {**cause.params, **read})


def points(verdict: Verdict, messages: Messages) -> str:
    """Points won of those to be won."""
    return messages.text("line", "points", {"points": verdict.points, "max_points": verdict.check.points})


def summary(report: Report, messages: Messages) -> str:
    """The run in one sentence."""
    counts = {str(status): report.count(status) for status in Status}
    return messages.text("line", "summary", {"points": report.points, "max_points": report.max_points, **counts})


def stop(report: Report, messages: Messages) -> str | None:
    """The one sentence that explains why nothing was judged, if so."""
    if report.integrity:
        return messages.text("stop", "integrity", {"reason": reason(report.integrity, messages)})
    if report.outage:
        return messages.text("stop", "outage", {"reason": reason(report.outage, messages)})
    return None


def _failure(verdict: Verdict, messages: Messages) -> Iterator[Line]:
    """Observed, with its source; expected; causes; and three ways on."""
    finding, check = verdict.finding, verdict.check
    yield _line("task", f"{check.step}. {messages.steps.get(check.step, '')}")
    yield _line("observed", _facts(finding.observed, messages))
    yield from (_line("source", messages.told(evidence.ref)) for evidence in finding.evidence[-EVIDENCE_SHOWN:])
    yield _line("expected", _facts(finding.expected, messages))
    yield from _causes(finding.causes, messages)
    yield _line("look", messages.command(finding.causes[0].id if finding.causes else "default", verdict.looks))
    yield _line("read", messages.text("line", "chapter", {"section": check.section}))
    yield _line("hint", f"labcheck hint {check.code}")


def _causes(causes: Sequence[Cause], messages: Messages) -> Iterator[Line]:
    """The likeliest first; what is told of two things holds for both, and is no second guess."""
    told: set[str] = set()
    for cause in causes:
        label = "same_cause" if cause.id in told else "other_cause" if told else "cause"
        yield _line(label, messages.text("cause", cause.id, cause.params))
        told.add(cause.id)


def _facts(facts: Mapping[str, Value], messages: Messages) -> str:
    """Observations as ``name = value``."""
    return " · ".join(f"{messages.fact(name)} = {messages.told(value)}" for name, value in facts.items()) or "-"


def _line(label: str, text: str) -> Line:
    """A line that can be shown anywhere, its digests cut to what the eye compares."""
    told = _UNPRINTABLE.sub("\ufffd", _LONG_DIGEST.sub(r"\1…", text))
    return Line(label, told if len(told) <= LINE_MAX else f"{told[:LINE_MAX]}…")
