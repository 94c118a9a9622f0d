"""The page about labcosign names every command, and none that is not there."""

import re
from pathlib import Path

from labs.signing.commands.table import COMMANDS, FOREIGN
from labs.signing.commands.verifying import NO_TAG_CODE, UNMATCHED_CODE, UNSIGNED_CODE

PAGE = (Path(__file__).parents[4] / "docs" / "labcosign.md").read_text(encoding="utf-8")


def test_the_table_is_that_of_the_commands() -> None:
    """One row or half a row each."""
    cells = [row.split("|")[1] for row in PAGE.splitlines() if row.startswith("| `")]
    named = {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}
    assert named == {command.name for command in COMMANDS}
    assert not named & FOREIGN


def test_flags_on_the_page_are_known() -> None:
    """Each is a flag of a command, and one that is honoured."""
    supported = {flag.name for command in COMMANDS for flag in command.flags if flag.supported}
    assert set(re.findall(r"`--([a-z-]+)", PAGE)) <= supported


def test_exit_codes_on_the_page_are_ours() -> None:
    """In the order of the sentence."""
    assert f"{UNSIGNED_CODE} no signature, {NO_TAG_CODE} no such tag, {UNMATCHED_CODE} no signature matches" in PAGE
