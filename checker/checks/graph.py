"""What blocks what: one fault is one red line. Pure."""

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from checker.model import Check, Finding, Status


def closure(checks: Sequence[Check], codes: Sequence[str]) -> list[Check]:
    """The checks of ``codes`` with all that they need, in the order of ``checks``.

    Raises:
        ValueError: A need is unknown, or checks need each other in a circle.
    """
    known = {check.code: check for check in checks}
    wanted, todo = set(codes), list(codes)
    while todo:
        needs = known[todo.pop()].needs
        if unknown := set(needs) - set(known):
            raise ValueError(f"needs {sorted(unknown)}: expected one of {sorted(known)}")
        todo += [code for code in needs if code not in wanted]
        wanted.update(needs)
    try:
        TopologicalSorter({code: known[code].needs for code in wanted}).prepare()
    except CycleError as exc:
        raise ValueError(f"checks need each other: {exc.args[1]}") from exc
    return [check for check in checks if check.code in wanted]


def blocked_by(check: Check, checks: Mapping[str, Check], findings: Mapping[str, Finding]) -> tuple[str, ...]:
    """The failures that explain this check's failure, or why it could not be judged: the roots only, as checks go.

    Empty when it passes, fails on its own, or could not be judged for a reason of its own.
    """
    if findings[check.code].status not in {Status.FAIL, Status.INCONCLUSIVE}:
        return ()
    roots: set[str] = set()
    for code in check.needs:
        if not _may_explain(code, check, findings[check.code]):
            continue
        own = (code,) if findings[code].status is Status.FAIL else ()
        roots.update(blocked_by(checks[code], checks, findings) or own)
    return tuple(code for code in checks if code in roots)


def _may_explain(code: str, check: Check, finding: Finding) -> bool:
    """A failure of ``code`` would explain the finding: any that could not be judged, and a FAIL by its first cause."""
    if finding.status is not Status.FAIL or code not in check.explained:
        return True
    return finding.causes[0].id in check.explained[code]
