"""Where commands read and print, and how they end."""

import sys
from dataclasses import dataclass, field
from typing import TextIO

USAGE_CODE = 125
"""Docker's exit code for a flag that it does not know."""


class CommandFailed(Exception):
    """The command ends here.

    Args:
        message: Printed as it is, on stderr; may be empty.
        code: The exit code.
    """

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def daemon_refusal(message: object) -> CommandFailed:
    """A refusal that Docker's command line would have from its daemon."""
    return CommandFailed(f"Error response from daemon: {message}")


@dataclass(slots=True)
class Console:
    """The three streams of a command."""

    output: TextIO = field(default_factory=lambda: sys.stdout)
    errors: TextIO = field(default_factory=lambda: sys.stderr)
    source: TextIO = field(default_factory=lambda: sys.stdin)

    def say(self, line: str = "") -> None:
        """A line of the result."""
        self.output.write(f"{line}\n")

    def warn(self, line: str = "") -> None:
        """A line beside the result."""
        self.errors.write(f"{line}\n")
        self.errors.flush()
