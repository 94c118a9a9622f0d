"""The walls between the rooms: every import contract of the house holds, and finds a violation that is planted."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("pyregistry", "labs", "checker")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]

VIOLATIONS = {
    "spec-is-pure": ("pyregistry/spec/planted.py", "import os"),
    "registry-floors": ("pyregistry/drivers/planted.py", "import pyregistry.store"),
    "async-in-api": ("pyregistry/store/planted.py", "import asyncio"),
    "registry-stands-alone": ("pyregistry/journal/planted.py", "import labs.home"),
    "labs-speak-spec": ("labs/stack/planted.py", "import pyregistry.accounts"),
    "engine-and-stack-apart": ("labs/engine/planted.py", "import labs.stack"),
    "compose-stands-alone": ("labs/compose/planted.py", "import labs.stack"),
    "proofs-take-bytes": ("labs/signing/planted.py", "import labs.engine.trust"),
    "grader-meets-over-http": ("checker/probes/planted.py", "import labs.engine"),
    "checks-are-pure": ("checker/checks/planted.py", "import pathlib"),
    "reports-are-pure": ("checker/report/planted.py", "import checker.probes"),
}


def lint(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the import contracts on the packages in ``folder``."""
    program = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
    return subprocess.run(
        [sys.executable, "-c", program, "--no-cache", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(folder), "PATH": "", "COLUMNS": "200"},
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the house in which walls may be broken."""
    folder = tmp_path_factory.mktemp("house")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_every_contract_holds() -> None:
    """One-way traffic, as docs/architecture.md draws it."""
    outcome = lint(ROOT)
    assert outcome.returncode == 0, outcome.stdout


def test_every_contract_has_a_planted_violation() -> None:
    """A new contract comes with the proof that it can be broken."""
    assert {contract["id"] for contract in CONTRACTS} == set(VIOLATIONS)


@pytest.mark.parametrize("contract", sorted(VIOLATIONS))
def test_a_planted_violation_is_found(contract: str, copy: Path) -> None:
    """The contract is more than a line of configuration."""
    path, statement = VIOLATIONS[contract]
    planted = copy / path
    planted.write_text(f'"""Planted."""\n\n{statement}\n', encoding="utf-8")
    try:
        outcome = lint(copy, "--contract", contract)
    finally:
        planted.unlink()
    assert outcome.returncode == 1, outcome.stdout + outcome.stderr
    assert "planted" in outcome.stdout
