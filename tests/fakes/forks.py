"""A second process of a test, without threads, pytest or anything else of the first going on in it."""

import os
import traceback
from collections.abc import Callable


def fork(action: Callable[[], None]) -> int:
    """Run ``action`` in a fork, which then ends with 0, or with 1 after a traceback; returns its process id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        action()
    except BaseException:  # noqa: BLE001 - nothing may unwind into what was the test's runner
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def join(pid: int) -> int:
    """Wait for it; returns its exit code."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
