"""Each notebook, read as a student reads it: run top to bottom, in both languages, it ends at full points."""

import base64
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from labs.catalog.model import slugs
from notebooks.generate import FOLDER, LANGUAGES
from tests.labs.conftest import LabUnderTest, make_lab

CELL_TIMEOUT_SECONDS = 60


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[LabUnderTest]:
    """A lab that was never used."""
    lab = make_lab(tmp_path)
    yield lab
    lab.labstack("down")


def shell_environment(lab: LabUnderTest, slug: str) -> dict[str, str]:
    """What a kernel is started with: the environment of the exercise's shell."""
    program = "import json, os; print(json.dumps(dict(os.environ)))"
    values: dict[str, str] = json.loads(lab.labstack("shell", slug, "--", sys.executable, "-c", program).stdout)
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
@pytest.mark.parametrize("slug", slugs())
def test_a_notebook_ends_at_full_points(lab: LabUnderTest, slug: str, language: str) -> None:
    """What the notebook tells a student to type is the exercise's solution; its secrets pass unseen."""
    lab.labstack("up", slug)
    book = run(FOLDER / f"{slug}.{language}.ipynb", shell_environment(lab, slug) | {"LAB_LANG": language})
    code, report = lab.labcheck(slug)
    points = report["summary"]["max_points"]
    assert (code, report["summary"]["points"]) == (0, points)
    assert f"{points}/{points} points" in said(book)
    assert len([output for output in outputs_of(book) if "image/svg+xml" in output.get("data", {})]) == 1
    assert [secret for secret in secrets_of(lab) if secret in json.dumps(book)] == []


SECRET_FILES = ("secrets/registry", "secrets/cosign", "certs/*.key", "certs/privkey.pem", "cosign.key", "auth/htpasswd")


def secrets_of(lab: LabUnderTest) -> list[str]:
    """What nobody but the student may see: logins, passwords, tokens, keys, hashes; of a file its longest word."""
    logins = [json.loads(path.read_text(encoding="utf-8")) for path in lab.home.state.rglob("config.json")]
    basic = [entry["auth"] for login in logins for entry in login.get("auths", {}).values()]
    passwords = [base64.b64decode(each).decode().partition(":")[2] for each in basic]
    files = [path for pattern in SECRET_FILES for path in lab.home.work.glob(f"tp*/{pattern}")]
    words = [max(path.read_text(encoding="utf-8").split(), key=len) for path in files]
    assert basic
    return [*basic, *passwords, *words]
