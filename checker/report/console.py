"""The report in a terminal: the word first, the colour second."""

import textwrap

from checker.messages import Messages
from checker.model import Report, Status, Verdict
from checker.report import story

WIDTH = 100
"""Columns, where there are as many; longer lines wrap under their label."""
MIN_WIDTH = 40
"""Columns; a terminal that has fewer wraps by itself."""
_COLOURS = {Status.PASS: "32", Status.FAIL: "31;1", Status.BLOCKED: "33", Status.INCONCLUSIVE: "35"}
_WORD_WIDTH, _CODE_WIDTH, _LABEL_WIDTH = 13, 12, 16


def render(report: Report, messages: Messages, *, colour: bool = False) -> str:
    """The whole report."""
    verdicts = (verdict_block(verdict, messages, colour=colour) for verdict in report.verdicts)
    return "".join((*verdicts, ending(report, messages, colour=colour)))


def verdict_block(verdict: Verdict, messages: Messages, *, colour: bool = False, width: int = WIDTH) -> str:
    """One verdict and what there is to say of it."""
    word = messages.text("verdict", verdict.status).ljust(_WORD_WIDTH)
    head = f"{_paint(word, verdict.status, colour=colour)} {verdict.check.code.ljust(_CODE_WIDTH)}"
    lines = [f"{head} {story.points(verdict, messages)}  {story.heading(verdict, messages)}"]
    for line in story.tell(verdict, messages):
        label = messages.text("line", line.label).ljust(_LABEL_WIDTH)
        text = f"$ {line.text}" if line.label in story.COMMANDS else line.text
        lines += _wrapped(f"    {label} ", text, max(MIN_WIDTH, min(width, WIDTH)))
    return "\n".join(lines) + "\n"


def ending(report: Report, messages: Messages, *, colour: bool = False) -> str:
    """The sum, and the one sentence that matters when nothing could be judged."""
    stop = story.stop(report, messages)
    done = report.count(Status.PASS) == len(report.verdicts)
    lines = ["", story.summary(report, messages)]
    if stop:
        lines.append(_paint(stop, Status.INCONCLUSIVE, colour=colour))
    elif done:
        lines.append(_paint(messages.text("line", "all_done"), Status.PASS, colour=colour))
    return "\n".join(lines) + "\n"


def _wrapped(label: str, text: str, width: int) -> list[str]:
    """The text beside its label; commands and paths stay whole, to be copied."""
    return textwrap.wrap(
        text,
        width,
        initial_indent=label,
        subsequent_indent=" " * len(label),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _paint(text: str, status: Status, *, colour: bool) -> str:
    """The text in its verdict's colour."""
    return f"\x1b[{_COLOURS[status]}m{text}\x1b[0m" if colour else text
