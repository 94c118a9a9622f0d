"""A result document in short."""

from typing import Any


def codes(document: dict[str, Any], status: str) -> set[str]:
    """The checks that ended with a verdict."""
    return {check["code"] for check in document["checks"] if check["status"] == status}


def told(document: dict[str, Any]) -> list[str]:
    """The report in short, for a failing test: of what passed no more than that, of the rest all that explains it."""
    return [_line(check) for check in document["checks"]]


def _line(check: dict[str, Any]) -> str:
    """One check."""
    line = f"{check['code']} {check['status']}"
    if check["status"] == "pass":
        return line
    causes = " ".join(f"{cause['id']}{cause['params'] or ''}" for cause in check["causes"])
    blockers = ",".join(check["blocked_by"])
    told = {"by": blockers, "for": causes, "saw": check["observed"], "wanted": check["expected"]}
    return " ".join([line, *(f"{word} {value}" for word, value in told.items() if value), f"{check['duration_ms']} ms"])


def first_cause(document: dict[str, Any], code: str) -> str:
    """The cause that a check ranks first."""
    (causes,) = (check["causes"] for check in document["checks"] if check["code"] == code)
    return str(causes[0]["id"])
