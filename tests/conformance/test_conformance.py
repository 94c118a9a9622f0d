"""The tables, run against a real server (distribution-spec 1.1.1 and its main branch)."""

from collections.abc import Mapping

import pytest

from pyregistry.spec.endpoints import ENDPOINTS
from tests.conformance.steps import Row
from tests.conformance.suites import SUITES
from tests.conformance.tables import TABLES
from tests.conformance.world import World
from tests.servers import RunningRegistry

_ROWS = [row for rows in TABLES.values() for row in rows]


def test_every_endpoint_has_rows() -> None:
    """An endpoint of the table without a row here would be an endpoint that nobody tried."""
    assert set(TABLES) == {endpoint.id for endpoint in ENDPOINTS}
    assert all(TABLES.values())


def test_row_ids_are_unique() -> None:
    """An id names one fact."""
    ids = [row.id for row in _ROWS]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("suite", SUITES.values(), ids=list(SUITES))
def test_every_check_of_the_official_suites_has_rows(suite: Mapping[str, tuple[str, ...]]) -> None:
    """What an official suite would hold against us, a row here shows first."""
    ids = {row.id for row in _ROWS}
    assert {check: named for check, named in suite.items() if not named or not ids.issuperset(named)} == {}


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row.id)
def test_row(row: Row, registry: RunningRegistry) -> None:
    """Each exchange of the row is answered as the row says."""
    world = World(registry)
    for what in row.given:
        world.push(what)
    for number, step in enumerate(row.steps, start=1):
        world.run(step, f"{row.id} step {number}: {row.fact}")
