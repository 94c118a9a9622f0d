"""What the grader's exit code says."""

from enum import IntEnum

from checker.model import Report, Status


class ExitCode(IntEnum):
    """Exit codes of ``labcheck``."""

    PASSED = 0
    NOT_DONE = 1
    USAGE = 2
    INCONCLUSIVE = 3
    INTEGRITY = 4
    NOT_STARTED = 5
    INTERRUPTED = 130


_WORST_FIRST = (
    ExitCode.INTEGRITY,
    ExitCode.NOT_DONE,
    ExitCode.INCONCLUSIVE,
    ExitCode.PASSED,
    ExitCode.NOT_STARTED,
)


def exit_code(report: Report) -> ExitCode:
    """One report's code: integrity first, then what is not done, then what could not be judged."""
    if report.integrity:
        return ExitCode.INTEGRITY
    if report.count(Status.FAIL) or report.count(Status.BLOCKED):
        return ExitCode.NOT_DONE
    return ExitCode.PASSED if report.count(Status.PASS) == len(report.verdicts) else ExitCode.INCONCLUSIVE


def worst(codes: list[ExitCode]) -> ExitCode:
    """The code of several labs: those that were never started only count when none was."""
    return next(code for code in _WORST_FIRST if code in codes)
