"""The report without boxes or colours, one fact a line: for screen readers, for grep, for slow terminals."""

from checker.messages import Messages
from checker.model import Report, Verdict
from checker.report import story


def render(report: Report, messages: Messages) -> str:
    """The whole report."""
    return "".join((*(verdict_block(verdict, messages) for verdict in report.verdicts), ending(report, messages)))


def verdict_block(verdict: Verdict, messages: Messages) -> str:
    """One verdict; each line begins with its check's code."""
    code = verdict.check.code
    lines = [
        f"{code} {messages.text('verdict', verdict.status)} {story.points(verdict, messages)}",
        f"{code} {story.heading(verdict, messages)}",
    ]
    lines += [f"{code} {story.pair(line, messages)}" for line in story.tell(verdict, messages)]
    return "\n".join(lines) + "\n"


def ending(report: Report, messages: Messages) -> str:
    """The sum, and why nothing was judged, if so."""
    lines = [story.summary(report, messages), story.stop(report, messages)]
    return "".join(f"{line}\n" for line in lines if line)
