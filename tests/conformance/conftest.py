"""One registry for all rows, and one of several processes; each row has repositories of its own."""

from collections.abc import Iterator

import pytest

from tests.servers import RunningRegistry, running_registry


@pytest.fixture(scope="session", params=[1, 2], ids=["one worker", "two workers"])
def registry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    """A real registry without authentication, deletes enabled; each exchange reaches whichever worker is free."""
    config = {"pyregistry": {"workers": request.param}}
    with running_registry(tmp_path_factory.mktemp("registry"), config=config) as running:
        yield running
