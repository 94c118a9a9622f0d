"""Time passes for a store: what was written just now is not kept in memory, however often it is asked for."""

import os
import time

from tests.servers import RunningRegistry

AGE_SECONDS = 30


def age(registry: RunningRegistry) -> None:
    """Make all that the store holds some seconds old."""
    then = time.time() - AGE_SECONDS
    for path in [registry.store, *registry.store.rglob("*")]:
        os.utime(path, (then, then))
