"""``labstack``: the stacks, for students and instructors. One module below ``labs.commands`` a command."""

import argparse
import errno
import importlib
import os
import sys
from collections.abc import Sequence
from types import ModuleType

from labs import messages
from labs.attempts import AttemptUnreadable
from labs.console import Console
from labs.stack.interface import StackError
from pyregistry.spec.journal import JournalBroken

COMMANDS = (
    *("doctor", "start", "up", "down", "reset", "status", "logs", "shell"),
    *("solve", "whoami", "pat", "journal", "tree"),
)
"""In the order of the help. A module has ``configure(parser, console)`` and ``run(arguments, console) -> int``."""

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141
"""128 + SIGPIPE, as a shell counts it: ``labstack logs tp1 | head``."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code. The one place where faults become words."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    console = Console.standard(messages.language())
    parsed = _parser(console, words).parse_args(words)
    try:
        return int(_module(parsed.command).run(parsed, console))
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Nobody reads any more; the interpreter's own flush at its end must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    except StackError as exc:
        console.note(exc.message, **exc.parameters)
    except (AttemptUnreadable, JournalBroken) as exc:
        console.note("error.damaged", reason=exc)
    except OSError as exc:
        message = "error.disk-full" if exc.errno == errno.ENOSPC else "error.system"
        console.note(message, path=exc.filename or "?", reason=exc.strerror or exc)
    return EXIT_FAILED


def _parser(console: Console, words: Sequence[str]) -> argparse.ArgumentParser:
    """All commands by name; of the one that is meant, its arguments too (the others' modules need not load)."""
    parser = argparse.ArgumentParser(prog="labstack", description=console.text("help.labstack"))
    parsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        summary = console.text(f"help.{name}")
        command = parsers.add_parser(name, help=summary, description=summary)
        if words and words[0] == name:
            _module(name).configure(command, console)
    return parser


def _module(name: str) -> ModuleType:
    """A command's module."""
    return importlib.import_module(f"labs.commands.{name}")
