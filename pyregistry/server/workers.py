"""Several processes that serve one socket, and the parent that started them, which does what is to be done once.

A worker never outlives its parent, however that ends: it holds the reading end of a pipe whose writing end only the
parent has, and goes when the pipe does. So ``kill -9`` of the registry's process still ends all of it.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NoReturn

from pyregistry.server.http import Chore, stop_signal

_LOG = logging.getLogger(__name__)

_ORPHANED = 1
"""Exit code of a worker whose parent is gone; nobody waits for it."""


def fork(count: int, work: Callable[[int, int], NoReturn]) -> list[int]:
    """Start ``count`` workers; returns their process ids. To be called before there is any thread.

    Args:
        count: How many.
        work: What each of them does, given its number from 0 and the lifeline for ``watch_parent``.
    """
    lifeline, held = os.pipe()
    pids = []
    for number in range(count):
        pid = os.fork()
        if pid == 0:
            os.close(held)
            work(number, lifeline)
        pids.append(pid)
    os.close(lifeline)
    return pids


def watch_parent(lifeline: int) -> None:
    """End this process, in whatever it is, as soon as its parent is gone. To be called in the worker's loop."""
    asyncio.get_running_loop().add_reader(lifeline, os._exit, _ORPHANED)


async def supervise(
    pids: Sequence[int], drain_seconds: float, chores: Iterable[Chore], ready: Callable[[], None]
) -> bool:
    """Wait until a signal comes, then end the workers.

    Args:
        pids: Of the workers.
        drain_seconds: How long they may take to end; those that do not are killed.
        chores: What goes on meanwhile.
        ready: Called as soon as a signal would be heard.

    Returns:
        Whether it was a signal. Otherwise a worker ended by itself; the rest is ended too, since whoever started the
        registry knows better than we do whether to start it again.
    """
    loop, threads = asyncio.get_running_loop(), ThreadPoolExecutor(len(pids))
    ends = {loop.run_in_executor(threads, os.waitpid, pid, 0): pid for pid in pids}
    stopping = stop_signal()
    ready()
    beside = [asyncio.create_task(chore) for chore in chores]
    waiting: list[asyncio.Future[Any]] = [stopping, *ends]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for chore in beside:
        chore.cancel()
    was_told = stopping.done()
    for end in [end for end in ends if end.done() and not was_told]:
        _LOG.critical("worker %d ended with status %d: the registry stops", *end.result())
    _signal((pid for end, pid in ends.items() if not end.done()), signal.SIGTERM)
    _, left = await asyncio.wait(ends, timeout=drain_seconds)
    _signal((ends[end] for end in left), signal.SIGKILL)
    await asyncio.wait(ends)
    return was_told


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
