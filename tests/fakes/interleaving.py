"""Several actors on one store, of whom one moves at a time: a schedule decides who does the next call of the driver.

Locks are modelled, since a thread that waits for a real one would never give its turn back: who wants a lock that is
held is passed over until it is free. Where nobody can go on, they have locked each other out.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

from pyregistry.drivers.interface import Driver, KeyLocked, KeyUnknown

_PLAIN = frozenset(
    {"open", "write", "append", "flush", "stat", "identify", "touch", "children", "remnants", "move", "delete", "prune"}
)


class Deadlock(AssertionError):
    """Nobody can go on, and not all have finished."""


class _Stopped(BaseException):
    """The play is over; whoever has not finished leaves."""


class _Actor:
    """One who does ``act``, a call of the driver at a turn."""

    def __init__(self, act: Callable[[], object], stage: "Stage") -> None:
        self.wants: Callable[[], bool] = lambda: True
        self.failure: BaseException | None = None
        self.is_done = False
        self._act = act
        self._stage = stage
        self._go = threading.Semaphore(0)
        self.thread = threading.Thread(target=self._run, daemon=True)

    def let_go_on(self) -> None:
        """Its next call, up to the one after that."""
        self._go.release()
        self._stage.back.acquire()

    def wait(self) -> None:
        """Give the turn back, and take the next one."""
        self._stage.back.release()
        self._go.acquire()
        if self._stage.is_over:
            raise _Stopped

    def _run(self) -> None:
        self._go.acquire()
        try:
            if not self._stage.is_over:
                self._act()
        except _Stopped:
            pass
        except BaseException as exc:  # noqa: BLE001 - the test's own thread raises it
            self.failure = exc
        self.is_done = True
        self._stage.back.release()


class Stage:
    """Where actors meet."""

    def __init__(self) -> None:
        self.back = threading.Semaphore(0)
        self.is_over = False
        self._actors: list[_Actor] = []
        self._holders: Counter[str] = Counter()

    def play(self, acts: Sequence[Callable[[], object]], changes: Iterable[int]) -> int:
        """Let the first go on for as long as it can, then the next; at each of ``changes`` who is on goes last.

        Few changes find most races: it is enough that somebody is held up at one bad moment, or at two.

        Returns:
            The number of turns.
        """
        self._actors = [_Actor(act, self) for act in acts]
        for actor in self._actors:
            actor.thread.start()
        turns, when = 0, set(changes)
        order = list(self._actors)
        try:
            while alive := [actor for actor in order if not actor.is_done]:
                ready = [actor for actor in alive if actor.wants()]
                if not ready:
                    raise Deadlock(dict(self._holders))
                if turns in when:
                    order.remove(ready[0])
                    order.append(ready[0])
                    ready = [actor for actor in order if actor in ready]
                ready[0].let_go_on()
                turns += 1
                if ready[0].failure is not None:
                    raise ready[0].failure
        finally:
            self._end()
        return turns

    def _end(self) -> None:
        self.is_over = True
        for actor in self._actors:
            if not actor.is_done:
                actor.let_go_on()
            actor.thread.join(timeout=30)

    def turn(self, wants: Callable[[], bool] = lambda: True) -> None:
        """Wait for a turn at which ``wants`` is true. Who is no actor need not wait."""
        actor = next((each for each in self._actors if each.thread is threading.current_thread()), None)
        if actor is None or self.is_over:
            return
        actor.wants = wants
        actor.wait()
        actor.wants = lambda: True

    @contextmanager
    def hold(self, prefix: str, *, wait: bool, shared: bool) -> Iterator[None]:
        """A lock, as ``Locker`` has them."""

        def is_free() -> bool:
            return self._holders[prefix] >= 0 if shared else self._holders[prefix] == 0

        self.turn(is_free if wait else lambda: True)
        if not is_free():
            raise KeyLocked(prefix)
        change = 1 if shared else -1
        self._holders[prefix] += change
        try:
            yield
        finally:
            self._holders[prefix] -= change


class SteppedDriver:
    """A driver each of whose calls is a turn on a stage."""

    def __init__(self, driver: Driver, stage: Stage) -> None:
        self._driver = driver
        self._stage = stage

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        if verb not in _PLAIN:
            raise AttributeError(verb)
        real = getattr(self._driver, verb)

        def call(*args: Any) -> Any:
            self._stage.turn()
            found = real(*args)
            return iter(list(found)) if verb in {"children", "remnants"} else found

        return call

    def open(self, key: str) -> BinaryIO:
        """At once; what is read from it later is what was there."""
        self._stage.turn()
        return self._driver.open(key)

    def keys(self, prefix: str) -> Iterator[str]:
        """Folder by folder, as a file system is walked: what is changed meanwhile may be seen or not."""
        for name in self.children(prefix):
            key = f"{prefix}/{name}" if prefix else name
            try:
                self._driver.stat(key)
            except KeyUnknown:
                yield from self.keys(key)
            else:
                yield key

    def lock(self, prefix: str, *, wait: bool, shared: bool = False) -> Any:
        """The stage's."""
        return self._stage.hold(prefix, wait=wait, shared=shared)
