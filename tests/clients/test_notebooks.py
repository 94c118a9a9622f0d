"""The notebooks of TP-1 on Docker's own command line and daemon, top to bottom."""

import shutil
from pathlib import Path

import pytest

from tests.clients.daemon import Daemon
from tests.clients.lab import ALL_PASSED, Lab

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


@pytest.mark.parametrize(("notebook", "docker"), [("tp1.en.ipynb", "docker_28"), ("tp1.fr.ipynb", "docker_26")])
def test_a_notebook_ends_at_full_points(
    notebook: str, docker: str, lab: Lab, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """No cell fails, and what the cells did is graded like the lab's own docker's work."""
    daemon: Daemon = request.getfixturevalue(docker)
    copy = shutil.copy(NOTEBOOKS / notebook, tmp_path)
    lab.run("labstack", "shell", "--", "jupyter", "execute", copy, **lab.with_docker(daemon))
    assert lab.grade() == ALL_PASSED
