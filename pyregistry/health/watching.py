"""The threads that look: one a check, so that one that waits for an answer keeps no other from looking."""

import threading

from pyregistry.health.state import Check, Health


class Watcher:
    """Looks at every check of ``health`` at its interval, the first time after one interval."""

    def __init__(self, health: Health) -> None:
        self._health = health
        self._stopped = threading.Event()

    def start(self) -> None:
        """Begin."""
        for check in self._health.checks:
            threading.Thread(target=self._watch, args=(check,), name=f"health {check.name}", daemon=True).start()

    def stop(self) -> None:
        """Look no more; a look that is under way ends by itself."""
        self._stopped.set()

    def _watch(self, check: Check) -> None:
        while not self._stopped.wait(check.interval_seconds):
            self._health.check(check)
