"""A terminal with somebody at it: commands that ask for a password want one, and nobody types before being asked."""

import os
import pty
import select
import subprocess
import time
from collections.abc import Mapping, Sequence

from tests.clients.namespace import RUN_SECONDS

_PIECE = 4096
"""Bytes read at once."""


def type_at(command: Sequence[str], environment: Mapping[str, str], answers: Mapping[str, str]) -> tuple[int, str]:
    """Run a command at a terminal of its own.

    Args:
        command: Program and arguments.
        environment: Its variables.
        answers: By what it asks, what is typed when it does; each once.

    Returns:
        Its exit code, and all that the terminal showed, lines ended as in a file.

    Raises:
        subprocess.TimeoutExpired: It neither ended nor asked for anything more.
    """
    ours, theirs = pty.openpty()
    # --ctty: getpass asks /dev/tty, which is the terminal of the session.
    alone = ["setsid", "--ctty", "--wait", *command]
    with subprocess.Popen(alone, env=environment, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        try:
            shown = _converse(ours, dict(answers))
            return process.wait(RUN_SECONDS), shown.replace("\r\n", "\n")
        except TimeoutError as error:
            raise subprocess.TimeoutExpired(alone, RUN_SECONDS) from error
        finally:
            os.close(ours)  # whoever still sits at it is hung up on


def _converse(terminal: int, answers: dict[str, str]) -> str:
    """Answer until nobody holds the other end any more; what was shown."""
    shown, answered, deadline = "", 0, time.monotonic() + RUN_SECONDS
    while piece := _read(terminal, deadline):
        shown += piece
        for prompt in [prompt for prompt in answers if prompt in shown[answered:]]:
            os.write(terminal, f"{answers.pop(prompt)}\n".encode())
            answered = len(shown)
    return shown


def _read(terminal: int, deadline: float) -> str:
    """The next piece; empty at the end, for which Linux has an error (EIO)."""
    ready, _, _ = select.select([terminal], [], [], max(0, deadline - time.monotonic()))
    if not ready:
        raise TimeoutError
    try:
        return os.read(terminal, _PIECE).decode(errors="replace")
    except OSError:
        return ""
