"""What can be wrong with a configuration, collected and raised once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Issue:
    """One mistake or remark, and where it stands: a line of the file (from 1) or an environment variable."""

    message: str
    line: int | None = None
    variable: str | None = None

    def __str__(self) -> str:
        if self.variable is not None:
            return f"{self.variable}: {self.message}"
        return self.message if self.line is None else f"line {self.line}: {self.message}"


class ConfigurationError(Exception):
    """The configuration cannot be used. Holds every mistake that was found, in the order of the file.

    Args:
        summary: One line in registry:2's words, e.g. ``error parsing config.yml``.
        issues: The mistakes; empty where the summary says all.
        path: The configuration file, or None where none was named.
    """

    def __init__(self, summary: str, issues: Sequence[Issue] = (), path: Path | None = None) -> None:
        self.summary = summary
        self.issues = tuple(issues)
        self.path = path
        super().__init__(summary)

    def __str__(self) -> str:
        if len(self.issues) == 1:
            return f"{self.summary}: {self.issues[0]}"
        return "\n  ".join([f"{self.summary}:" if self.issues else self.summary, *map(str, self.issues)])
