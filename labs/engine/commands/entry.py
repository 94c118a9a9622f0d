"""The way into a command line of ours, and the ways out that are not the command's: a reader who left, an interrupt."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence

from labs.engine.commands.console import Console
from labs.entry import EXIT_INTERRUPTED


def enter(run: Callable[[Sequence[str], Console, Mapping[str, str]], int], arguments: Sequence[str] | None) -> int:
    """Run one command on this process's streams and environment; returns its exit code.

    Args:
        run: The command line.
        arguments: What was typed; None for this process's own.
    """
    try:
        code = run(sys.argv[1:] if arguments is None else arguments, Console(), os.environ)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader (``| head``) has what it wanted; Python must not complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        # Transfers in other threads would be waited for; the store and the registry stand a cut at any moment.
        os._exit(EXIT_INTERRUPTED)
    return code
