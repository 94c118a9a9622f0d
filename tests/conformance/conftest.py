"""One registry for all rows; each row has repositories of its own."""

from collections.abc import Iterator

import pytest

from tests.servers import RunningRegistry, running_registry


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    """A real registry without authentication, deletes enabled."""
    with running_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running
