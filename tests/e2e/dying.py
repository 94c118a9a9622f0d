"""``pyregistry`` that kills itself with SIGKILL at a counted change of the disk: ``dying.py NUMBER COMMAND …``.

For ``serve``, counting begins with SIGUSR1, which is answered with the line ``armed`` on stderr; for others at once.
The store and the journal count alike; a write that dies is done by half.
"""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from pyregistry.cli import main
from tests.fakes.disk import Disk

ARMED = "armed"


class DeadlyDisk(Disk):
    """A disk that takes the process with it."""

    def _die(self, name: str, real: Callable[..., Any], args: tuple[Any, ...]) -> None:
        if name == "write":
            real(args[0], args[1][: len(args[1]) // 2])
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    disk = DeadlyDisk(dies_at=int(sys.argv[1]))

    def arm(_number: int, _frame: FrameType | None) -> None:
        """Count from here on."""
        disk.__enter__()
        print(ARMED, file=sys.stderr, flush=True)  # noqa: T201  the test waits for this line

    signal.signal(signal.SIGUSR1, arm)
    if sys.argv[2] != "serve":
        disk.__enter__()
    sys.exit(main(sys.argv[2:]))
