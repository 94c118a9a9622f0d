"""``pyregistry``: the registry's command line. One module below ``pyregistry.commands`` a command.

0 done, 1 failed, 2 called wrongly. Failures go to stderr, in registry:2's words where it has some.
"""

import argparse
import importlib
import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType, ModuleType

from pyregistry import __version__
from pyregistry.accounts.model import AccessTokenUnknown, AccountUnknown
from pyregistry.accounts.records import AccountsUnreadable
from pyregistry.commands.arguments import Parser
from pyregistry.commands.outcomes import FAILED, CommandError
from pyregistry.config import ConfigurationError
from pyregistry.journal import JournalError

COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "serve": "serve a registry",
        "check-config": "say every mistake of a configuration, with its line",
        "garbage-collect": "delete what no manifest refers to",
        "scrub": "prove all content, move what is damaged to quarantine",
        "htpasswd": "give somebody a password, for auth.htpasswd",
        "account": "accounts",
        "pat": "personal access tokens",
    }
)
"""In the order of the help. A module has ``configure(parser)`` and ``run(options) -> int``."""


def main(arguments: Sequence[str] | None = None, program: str = "pyregistry") -> int:
    """Run a command; returns its exit code. The one place where faults become words.

    Args:
        arguments: Of the command line; the process's own where None.
        program: What it calls itself; ``registry`` in the container image.
    """
    words = _asked(list(sys.argv[1:] if arguments is None else arguments))
    parser = _parser(words, program)
    options = parser.parse_args(words)
    try:
        return int(_module(options.command).run(options))
    except ConfigurationError as exc:
        print(f"configuration error: {exc}", file=sys.stderr)
        if exc.path is None:
            parser.print_usage(sys.stderr)
    except (CommandError, AccountUnknown, AccessTokenUnknown, AccountsUnreadable, JournalError) as exc:
        print(f"{program}: {exc}", file=sys.stderr)
    except OSError as exc:
        print(f"{program}: {_describe(exc)}", file=sys.stderr)
    return FAILED


def _asked(words: list[str]) -> list[str]:
    """registry:2's ways to ask for help: no word at all, ``help``, ``help COMMAND``."""
    if not words or words[0] == "help":
        return [*words[1:], "--help"]
    return words


def _parser(words: Sequence[str], program: str) -> argparse.ArgumentParser:
    """All commands by name; of the one that is meant, its arguments too (the others' modules need not load)."""
    parser = Parser(prog=program, description="An OCI registry, a drop-in for registry:2.")
    parser.add_argument("--version", "-v", action="version", version=f"pyregistry {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary)
        if words and words[0] == name:
            _module(name).configure(command)
    return parser


def _module(command: str) -> ModuleType:
    return importlib.import_module(f"pyregistry.commands.{command.replace('-', '_')}")


def _describe(error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    return f"{error.filename}: {reason}" if error.filename else reason
