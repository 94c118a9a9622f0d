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
from labs.entry import EXIT_INTERRUPTED
from labs.faults import LabError
from pyregistry.spec.journal import JournalBroken

COMMANDS = (
    *("doctor", "start", "up", "down", "reset", "status", "logs", "shell"),
    *("solve", "whoami", "pat", "cert", "journal", "tree"),
)
"""In the order of the help. A module has ``configure(parser, console)`` and ``run(arguments, console) -> int``."""

TAKES_COMMAND = "shell"

EXIT_FAILED = 1
EXIT_BROKEN_PIPE = 141
"""128 + SIGPIPE, as a shell counts it: ``labstack logs tp1 | head``."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code. The one place where faults become words."""
    words, rest = _split(list(sys.argv[1:] if arguments is None else arguments))
    console = Console.standard(messages.language())
    try:
        parsed = _parser(console, words).parse_args(words, argparse.Namespace(rest=rest))
        return int(_module(parsed.command).run(parsed, console))
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Nobody reads any more; the interpreter's own flush at its end must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    except LabError as exc:
        console.note(exc.message, **exc.parameters)
    except (AttemptUnreadable, JournalBroken) as exc:
        if isinstance(exc.__cause__, PermissionError):
            _note_system_fault(exc.__cause__, console)
        else:
            console.note("error.damaged", reason=exc)
    except OSError as exc:
        _note_system_fault(exc, console)
    return EXIT_FAILED


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    """Ours, and after ``--`` the words of another command, of which argparse would take some for ours."""
    if words[:1] != [TAKES_COMMAND] or "--" not in words:
        return words, []
    end = words.index("--")
    return words[:end], words[end + 1 :]


def _note_system_fault(fault: OSError, console: Console) -> None:
    """What the system refused, and what helps where we know it."""
    messages_by_number = {errno.ENOSPC: "error.disk-full", errno.EACCES: "error.permission"}
    message = messages_by_number.get(fault.errno or 0, "error.system")
    console.note(message, path=fault.filename or "?", reason=fault.strerror or fault)


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
