"""Several transfers at once, and how often one is tried. The first fault ends all."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from http import HTTPStatus
from typing import TypeVar

from labs.engine.progress import Progress
from labs.engine.transport.faults import AnswerUnexpected, ConnectionBroken, ContentWrong, TransportError

T = TypeVar("T")
R = TypeVar("R")

MAX_DOWNLOADS = 3
"""Docker's max-concurrent-downloads."""
MAX_UPLOADS = 5
"""Docker's max-concurrent-uploads."""
RETRY_DELAYS_SECONDS = (1, 2, 4, 8, 16)
"""Before each further attempt; Docker makes five."""

Pause = Callable[[float], None]


def each(work: Callable[[T], R], items: Sequence[T], at_once: int) -> list[R]:
    """Do ``work`` on every item, ``at_once`` at a time; results in the items' order.

    Raises:
        Exception: The first fault of any item; what has not begun then never does.
    """
    with ThreadPoolExecutor(max_workers=at_once) as pool:
        futures = [pool.submit(work, item) for item in items]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    for future in futures:
        if not future.cancelled() and future.exception():
            future.result()
    return [future.result() for future in futures]


def is_transient(fault: TransportError) -> bool:
    """Whether another attempt may do better: a broken connection, a server's own fault, garbled content."""
    if isinstance(fault, AnswerUnexpected):
        return fault.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return isinstance(fault, ConnectionBroken | ContentWrong)


class Attempts:
    """Tries a transfer again after transient faults, waiting longer each time.

    Args:
        progress: Is told of every wait.
        pause: Waits; the clock of tests does not.
    """

    def __init__(self, progress: Progress, pause: Pause = time.sleep) -> None:
        self._progress = progress
        self._pause = pause

    def until_done(self, item: str, attempt: Callable[[], R], recover: Callable[[], None] | None = None) -> R:
        """The result of the first attempt that succeeds.

        Args:
            item: Short id for the progress.
            attempt: One attempt.
            recover: Runs between the wait and the next attempt.

        Raises:
            TransportError: A lasting fault, or the last of too many transient ones.
        """
        for delay in RETRY_DELAYS_SECONDS:
            try:
                return attempt()
            except TransportError as exc:
                if not is_transient(exc):
                    raise
            self._progress.status(item, f"Retrying in {delay} second{'s' if delay > 1 else ''}")
            self._pause(delay)
            if recover:
                recover()
        return attempt()
