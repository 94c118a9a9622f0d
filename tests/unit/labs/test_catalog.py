"""The exercises as data: each is whole."""

import subprocess
from pathlib import Path

import pytest

from labs.catalog.model import Lab, load, slugs

LABS = [load(slug) for slug in slugs()]
SCRIPTS = [path for lab in LABS for path in sorted(Path(str(lab.folder)).rglob("*.sh"))]


def test_an_unknown_exercise_is_a_key_error() -> None:
    """There is no exercise of a name that has no folder."""
    with pytest.raises(KeyError):
        load("tp0")


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.id)
def test_every_mutant_has_its_script_and_no_script_is_left_over(lab: Lab) -> None:
    """The list of wrong end states and the scripts that make them agree."""
    scripts = {entry.name for entry in (lab.folder / "mutants").iterdir()}
    assert scripts == {f"{mutant.name}.sh" for mutant in lab.mutants}


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.id)
def test_texts_exist_in_both_languages(lab: Lab) -> None:
    """Titles, starter texts and hints are there in French and English, hints for the same checks, as many rungs."""
    titled = [lab.title, *(step.title for step in lab.steps), *(mutant.title for mutant in lab.mutants)]
    assert all(title.keys() == {"fr", "en"} for title in titled)
    french, english = ({entry.name for entry in (lab.folder / "starter" / tongue).iterdir()} for tongue in ("fr", "en"))
    assert french == english
    rungs = [{code: len(ladder) for code, ladder in lab.hints(tongue).items()} for tongue in ("fr", "en")]
    assert rungs[0] == rungs[1]


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.id)
def test_every_check_that_a_mutant_kills_has_hints(lab: Lab) -> None:
    """Whoever gets stuck in a wrong state that we know of finds a ladder."""
    assert {code for mutant in lab.mutants for code in mutant.kills} <= lab.hints("en").keys()


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.id)
def test_ports_and_roles_of_services_do_not_collide(lab: Lab) -> None:
    """Two services of a stack never share a port or a role."""
    assert len({port for service in lab.services for port in (service.port, service.tls_port)}) == 2 * len(lab.services)
    assert len({service.role for service in lab.services}) == len(lab.services)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_scripts_are_plain_sh(script: Path) -> None:
    """Every script is read by a POSIX shell without complaint."""
    outcome = subprocess.run(["sh", "-n", script], capture_output=True, text=True, check=False)
    assert (outcome.returncode, outcome.stderr) == (0, "")
