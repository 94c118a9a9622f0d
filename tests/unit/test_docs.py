"""What the documents say is so: commands exist, links lead somewhere, rooms are there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
MODULES = {"labstack": "labs", "pyregistry": "pyregistry"}
COMMAND = re.compile(r"\b(labstack|pyregistry) ([a-z][a-z-]+)")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


def code_of(page: Path) -> str:
    """Everything on a page that stands as code."""
    return "\n".join(re.findall(r"```.*?```|`[^`\n]+`", page.read_text(encoding="utf-8"), re.DOTALL))


def subcommands(module: str) -> set[str]:
    """What a program says that it can do."""
    usage = subprocess.run(
        [sys.executable, "-m", module, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return set(re.findall(r"^ {4}([a-z][a-z-]+)(?:\s|$)", usage, re.MULTILINE))


@pytest.mark.parametrize("program", sorted(MODULES))
def test_commands_on_the_pages_exist(program: str) -> None:
    """A reader who types what a page prints is not told that there is no such command."""
    named = {name for page in PAGES for found, name in COMMAND.findall(code_of(page)) if found == program}
    assert named
    assert named <= subcommands(MODULES[program])


def test_make_targets_on_the_pages_exist() -> None:
    """The README's two commands, and every other target that a page names."""
    named = {name for page in PAGES for name in re.findall(r"\bmake ([a-z]+)", code_of(page))}
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {"lab", "test"} <= named <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """No page sends its reader to a file that is not there."""
    assert [link for link in LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()] == []


def test_the_plan_of_the_house_shows_every_room() -> None:
    """A new package is drawn into docs/architecture.md."""
    plan = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    packages = [path.parent for top in ("pyregistry", "labs", "checker") for path in (ROOT / top).glob("*/__init__.py")]
    assert packages
    assert [str(package.relative_to(ROOT)) for package in packages if f"{package.name}/" not in plan] == []


def test_decisions_are_numbered_without_holes() -> None:
    """A record is found by its number."""
    names = sorted(path.name for path in (ROOT / "docs" / "adr").glob("0*.md"))
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))
