"""A result document in short."""

from typing import Any


def codes(document: dict[str, Any], status: str) -> set[str]:
    """The checks that ended with a verdict."""
    return {check["code"] for check in document["checks"] if check["status"] == status}


def told(document: dict[str, Any]) -> list[str]:
    """The report in short, for a failing test."""
    return [
        f"{check['code']} {check['status']} {[cause['id'] for cause in check['causes']]}"
        for check in document["checks"]
    ]


def first_cause(document: dict[str, Any], code: str) -> str:
    """The cause that a check ranks first."""
    (causes,) = (check["causes"] for check in document["checks"] if check["code"] == code)
    return str(causes[0]["id"])
