"""Servers that a test starts, kills and starts again; whatever still runs at its end is killed."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers import RunningRegistry, start_registry

Start = Callable[..., RunningRegistry]


@pytest.fixture
def start() -> Iterator[Start]:
    """``start_registry``, without the need to end what it starts."""
    started: list[RunningRegistry] = []

    def start_and_note(config_path: Path, *args: object, **kwargs: object) -> RunningRegistry:
        started.append(start_registry(config_path, *args, **kwargs))  # type: ignore[arg-type]
        return started[-1]

    yield start_and_note
    for registry in started:
        registry.kill()
