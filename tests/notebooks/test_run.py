"""Each notebook, read as a student reads it: run top to bottom, in both languages, it ends at full points."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from notebooks.generate import FOLDER, LANGUAGES
from tests.labs.conftest import LabUnderTest, make_lab

CELL_TIMEOUT_SECONDS = 60
SECRET = re.compile("gh[a-z]_[A-Za-z0-9]{20}")


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[LabUnderTest]:
    """A lab whose TP-1 was just brought up."""
    lab = make_lab(tmp_path)
    lab.labstack("up", "tp1")
    yield lab
    lab.labstack("down")


def shell_environment(lab: LabUnderTest) -> dict[str, str]:
    """What a kernel is started with: the environment of the lab's shell."""
    program = "import json, os; print(json.dumps(dict(os.environ)))"
    values: dict[str, str] = json.loads(lab.labstack("shell", "--", sys.executable, "-c", program).stdout)
    return values


def run(path: Path, environ: dict[str, str]) -> nbformat.NotebookNode:
    """The notebook with the outputs of all its cells; a cell that fails ends the run."""
    book = nbformat.read(path, as_version=4)
    client = NotebookClient(book, timeout=CELL_TIMEOUT_SECONDS, kernel_name="python3")
    return client.execute(env=environ)


def said(book: nbformat.NotebookNode) -> str:
    """All text that the cells printed."""
    return "".join(output.get("text", "") for output in outputs_of(book))


def outputs_of(book: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """All outputs of all cells, in order."""
    return [output for cell in book.cells for output in cell.get("outputs", [])]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_notebook_ends_at_full_points_and_tells_no_secret(lab: LabUnderTest, language: str) -> None:
    """What the notebook tells a student to type is the exercise's solution; access tokens pass through pipes unseen."""
    book = run(FOLDER / f"tp1.{language}.ipynb", shell_environment(lab) | {"LAB_LANG": language})
    code, report = lab.labcheck()
    assert (code, report["summary"]["points"]) == (0, report["summary"]["max_points"])
    assert "20/20 points" in said(book)
    assert len([output for output in outputs_of(book) if "image/svg+xml" in output.get("data", {})]) == 1
    assert SECRET.search(lab.labstack("pat", "new", "--scopes", "read:packages").stdout)
    assert SECRET.search(json.dumps(book)) is None
