"""Work in threads that no exit waits for."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

Result = TypeVar("Result")


def started(work: Callable[[], Result]) -> "Future[Result]":
    """Do ``work`` in a thread of its own: a hung probe must not hold the grader."""
    future: Future[Result] = Future()

    def body() -> None:
        try:
            future.set_result(work())
        except BaseException as exc:  # noqa: BLE001  whoever waits for the future gets it
            future.set_exception(exc)

    Thread(target=body, daemon=True).start()
    return future
