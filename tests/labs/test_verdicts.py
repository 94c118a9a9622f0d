"""What a failing test tells of a result document: enough that a failure which does not come again is understood."""

from typing import Any

from tests.labs.verdicts import told


def check(status: str, *causes: tuple[str, dict[str, Any]], **more: Any) -> dict[str, Any]:
    """A check as the result document has it."""
    rows = [{"id": name, "rank": rank, "params": params} for rank, (name, params) in enumerate(causes, 1)]
    values = {"blocked_by": [], "observed": {}, "expected": {}, "duration_ms": 12}
    return {"code": "TP2-SIGN", "status": status, "causes": rows} | values | more


def test_what_was_lacking_is_told() -> None:
    """Of an INCONCLUSIVE check its reason, with what was waited for and how long, and how long the check took."""
    lacking = check("inconclusive", ("timeout", {"seconds": 5, "source": "/v2/a/referrers/x"}), duration_ms=5012)
    assert told({"checks": [lacking]}) == [
        "TP2-SIGN inconclusive for timeout{'seconds': 5, 'source': '/v2/a/referrers/x'} 5012 ms"
    ]


def test_what_was_seen_is_told() -> None:
    """Of one that failed what was seen and wanted, of one that is blocked by which; what passed is left at that."""
    failed = check("fail", ("sign.none", {}), observed={"signatures": 0}, expected={"key": "k"})
    blocked = check("blocked", blocked_by=["TP2-PUSH", "TP2-UP"])
    assert told({"checks": [failed, blocked, check("pass", observed={"signatures": 1})]}) == [
        "TP2-SIGN fail for sign.none saw {'signatures': 0} wanted {'key': 'k'} 12 ms",
        "TP2-SIGN blocked by TP2-PUSH,TP2-UP 12 ms",
        "TP2-SIGN pass",
    ]
