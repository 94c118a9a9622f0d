"""Writes a report to a terminal as it comes: the header before anything is read, each verdict as soon as it stands."""

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TextIO

from checker.messages import Messages
from checker.model import Report, Verdict
from checker.report import console, plain
from checker.report import json as json_report
from labs.attempts import Attempt


class Screen(Protocol):
    """One way of showing a run."""

    def begin(self, attempt: Attempt, registry: str) -> None:
        """Before anything is read."""

    def verdict(self, verdict: Verdict) -> None:
        """As soon as it stands, in the order of the checks."""

    def end(self, report: Report) -> None:
        """When all is known."""


@dataclass(frozen=True, slots=True)
class ConsoleScreen:
    """For people."""

    messages: Messages
    out: TextIO
    colour: bool
    width: int = console.WIDTH

    def begin(self, attempt: Attempt, registry: str) -> None:
        """One line."""
        write(self.out, f"labcheck · {_header(self.messages, attempt, registry)}\n\n")

    def verdict(self, verdict: Verdict) -> None:
        """A block."""
        write(self.out, console.verdict_block(verdict, self.messages, colour=self.colour, width=self.width))

    def end(self, report: Report) -> None:
        """The sum."""
        write(self.out, console.ending(report, self.messages, colour=self.colour))


@dataclass(frozen=True, slots=True)
class PlainScreen:
    """One fact a line."""

    messages: Messages
    out: TextIO

    def begin(self, attempt: Attempt, registry: str) -> None:
        """One line."""
        write(self.out, f"labcheck {_header(self.messages, attempt, registry)}\n")

    def verdict(self, verdict: Verdict) -> None:
        """A few lines."""
        write(self.out, plain.verdict_block(verdict, self.messages))

    def end(self, report: Report) -> None:
        """The sum."""
        write(self.out, plain.ending(report, self.messages))


@dataclass(frozen=True, slots=True)
class JsonScreen:
    """For programs: the document and nothing else."""

    messages: Messages
    out: TextIO

    def begin(self, attempt: Attempt, registry: str) -> None:
        """Nothing."""

    def verdict(self, verdict: Verdict) -> None:
        """Nothing."""

    def end(self, report: Report) -> None:
        """The document."""
        write(self.out, json_report.render(report, self.messages.language))


def leads_to(out: TextIO) -> tuple[int, int]:
    """Which file, pipe or terminal it is; another one since ``write`` found that nobody reads."""
    there = os.fstat(out.fileno())
    return there.st_dev, there.st_ino


def width_wanted() -> int:
    """The terminal's, where there is one."""
    return shutil.get_terminal_size((console.WIDTH, 0)).columns if sys.stdout.isatty() else console.WIDTH


def colour_wanted(environ: Mapping[str, str] = os.environ) -> bool:
    """On a terminal, unless NO_COLOR says no; elsewhere only when FORCE_COLOR says so."""
    if environ.get("NO_COLOR"):
        return False
    return bool(environ.get("FORCE_COLOR")) or sys.stdout.isatty()


def _header(messages: Messages, attempt: Attempt, registry: str) -> str:
    """What is graded."""
    params: dict[str, str | int] = {"lab": attempt.slug.upper(), "attempt": attempt.number, "registry": registry}
    return messages.text("line", "header", params)


def write(out: TextIO, text: str) -> None:
    """At once: a line that waits in a buffer is a line that did not come.

    Whoever reads may have seen enough (``| head -1``): the run goes on, for its exit code and its files.
    """
    try:
        out.write(text)
        out.flush()
    except BrokenPipeError:
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
            os.dup2(nowhere.fileno(), out.fileno())
