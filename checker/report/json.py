"""The result document: ids and parameters, no texts, so that an old result can be shown in another language."""

import json
from collections.abc import Mapping

from checker.model import Cause, Evidence, Report, Status, Value, Verdict, Words
from pyregistry import __version__

SCHEMA = "oci-registry-lab/report/1"


def render(report: Report, language: str) -> str:
    """The document."""
    return json.dumps(document(report, language), indent=2, ensure_ascii=False) + "\n"


def document(report: Report, language: str) -> dict[str, object]:
    """The document as values."""
    return {
        "schema": SCHEMA,
        "tool": {"name": "labcheck", "version": __version__},
        "pack": {"id": report.lab, "version": __version__, "digest": report.pack_digest},
        "lab": {
            "tp": report.lab,
            "attempt": report.attempt,
            "started_at": report.started_at.isoformat(),
            "horizon_seq": report.horizon_seq,
        },
        "student": {"pseudonym": report.pseudonym},
        "lang": language,
        "env": {"os": report.os, "engine": report.engine, "clock_skew_ms": report.clock_skew_ms},
        "checks": [_check(verdict) for verdict in report.verdicts],
        "summary": {
            **{str(status): report.count(status) for status in Status},
            "points": report.points,
            "max_points": report.max_points,
        },
        "journal": _journal(report),
    }


def _check(verdict: Verdict) -> dict[str, object]:
    """One verdict."""
    check, finding = verdict.check, verdict.finding
    return {
        "id": check.code.lower(),
        "code": check.code,
        "step": check.step,
        "title_id": f"check.{check.code}.title",
        "tense": str(check.tense),
        "points": check.points,
        "status": str(verdict.status),
        "blocked_by": list(verdict.blocked_by),
        "observed": _values(finding.observed),
        "expected": _values(finding.expected),
        "causes": [_cause(rank, cause) for rank, cause in enumerate(finding.causes, start=1)],
        "advice": [_cause(rank, cause) for rank, cause in enumerate(finding.advice, start=1)],
        "evidence": [_evidence(evidence) for evidence in finding.evidence],
        "hint_level": verdict.hint_level,
        "duration_ms": verdict.duration_ms,
    }


def _cause(rank: int, cause: Cause) -> dict[str, object]:
    """A cause or an advice with its rank, 1 the likeliest."""
    return {"id": cause.id, "rank": rank, "params": _values(cause.params)}


def _evidence(evidence: Evidence) -> dict[str, object]:
    """One piece of evidence."""
    return {"kind": evidence.kind, "ref": _value(evidence.ref), "sha256": evidence.sha256}


def _values(values: Mapping[str, Value]) -> dict[str, object]:
    """Observations by name."""
    return {name: _value(value) for name, value in values.items()}


def _value(value: Value) -> object:
    """One observation; words of ours are an id and its parameters."""
    if isinstance(value, Words):
        return {"id": value.id, "params": _values(value.params)}
    return [_value(each) for each in value] if isinstance(value, tuple) else value


def _journal(report: Report) -> dict[str, object]:
    """The part of the journal that was judged; nulls where there is none."""
    span = report.journal
    return {
        "head": span.head if span else None,
        "seq_from": span.seq_from if span else None,
        "seq_to": span.seq_to if span else None,
    }
