"""Where a command's words go: in the reader's language, results to standard output, remarks to standard error."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

from labs import messages


@dataclass(frozen=True, slots=True)
class Console:
    """A reader: a language and two streams. What a program may want to read goes to ``out``, all else to ``err``."""

    language: str
    out: TextIO
    err: TextIO

    @classmethod
    def standard(cls, language: str) -> "Console":
        """The terminal that we were started from."""
        return cls(language, sys.stdout, sys.stderr)

    def text(self, message: str, **parameters: object) -> str:
        """A message in the reader's language."""
        return messages.text(self.language, message, **parameters)

    def say(self, message: str, **parameters: object) -> None:
        """A line of the result."""
        self.write(self.text(message, **parameters))

    def note(self, message: str, **parameters: object) -> None:
        """A line beside the result: progress, advice, errors."""
        self.err.write(self.text(message, **parameters) + "\n")
        self.err.flush()

    def write(self, line: str) -> None:
        """A line as it is."""
        self.out.write(line + "\n")
        self.out.flush()

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Columns as wide as their widest cell, two spaces between."""
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        for row in (head, *rows):
            self.write("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())

    def confirms(self, message: str, **parameters: object) -> bool:
        """Whether the reader says yes. No terminal, no answer: that is no."""
        self.err.write(self.text(message, **parameters) + " ")
        self.err.flush()
        answer = sys.stdin.readline().strip().lower()
        return answer in self.text("answer.yes").split()
