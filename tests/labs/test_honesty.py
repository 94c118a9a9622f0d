"""Cheating on a running stack, as a clever student would: what is found out, and what is known not to be.

What no test here finds out stands in ``docs/checks.md`` under "What is not proved".
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labs.attempts import Attempt
from pyregistry.journal import Journal
from pyregistry.spec.journal import Event, parse_line, seal
from tests.labs.conftest import LabUnderTest

NOT_DONE, INTEGRITY, NOTHING = 1, 4, 0


def failing(document: dict[str, Any]) -> dict[str, str]:
    """The likeliest cause of each check that fails."""
    return {c["code"]: c["causes"][0]["id"] for c in document["checks"] if c["status"] == "fail"}


def lines(lab: LabUnderTest) -> list[str]:
    """The journal."""
    return lab.twin.journal.read_text(encoding="utf-8").splitlines(keepends=True)


def edit_record(lab: LabUnderTest, change: Callable[[dict[str, Any]], object]) -> None:
    """Change ``attempt.json`` by hand."""
    path = lab.home.stack("tp1") / "attempt.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    change(values)
    path.write_text(json.dumps(values), encoding="utf-8")


def attempt(lab: LabUnderTest) -> Attempt:
    """The attempt under way."""
    found = Attempt.load(lab.home.stack("tp1"))
    assert found is not None
    return found


def shell(lab: LabUnderTest, script: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a script where the exercise's commands work."""
    changed = LabUnderTest(lab.home, lab.environ | environ)
    return changed.labstack("shell", "--", "sh", "-c", script)


def test_an_edited_line_is_found_out(lab: LabUnderTest) -> None:
    """The failed push made a success."""
    lab.labstack("solve", "tp1", "--mutant", "foreign-namespace")
    text = "".join(lines(lab))
    lab.twin.journal.write_text(text.replace('"status":403', '"status":201'), encoding="utf-8")
    assert lab.labcheck()[0] == INTEGRITY


def test_a_line_appended_by_hand_is_found_out(lab: LabUnderTest) -> None:
    """A copy of another line at the end."""
    lab.labstack("solve", "tp1", "--mutant", "not-pushed")
    with lab.twin.journal.open("a", encoding="utf-8") as journal:
        journal.write(lines(lab)[-1])
    assert lab.labcheck()[0] == INTEGRITY


def test_a_journal_chained_anew_is_found_out_after_a_first_run(lab: LabUnderTest) -> None:
    """Every hash is right, and none is that of before."""
    lab.labstack("solve", "tp1", "--mutant", "pat-every-scope")
    assert lab.labcheck()[0] == NOT_DONE
    previous, sealed = "", []
    for number, line in enumerate(lines(lab), start=1):
        event = replace(parse_line(line), credential_scopes=("write:packages",))
        previous, text = seal(event, number, previous)
        sealed.append(text.decode())
    lab.twin.journal.write_text("".join(sealed), encoding="utf-8")
    assert lab.labcheck()[0] == INTEGRITY


def test_a_cut_journal_is_found_out_after_a_first_run(lab: LabUnderTest) -> None:
    """The too broad PAT forgotten; the registry goes on from there."""
    lab.labstack("solve", "tp1", "--mutant", "pat-every-scope")
    assert lab.labcheck()[0] == NOT_DONE
    lab.twin.journal.write_text("".join(lines(lab)[: attempt(lab).horizon_seq]), encoding="utf-8")
    lab.labstack("solve", "tp1")
    assert lab.labcheck()[0] == INTEGRITY


def test_another_journal_is_found_out(lab: LabUnderTest, tmp_path: Path) -> None:
    """The journal of a solved attempt, kept, and named in the record of the next one; or put in its place."""
    lab.labstack("solve", "tp1")
    solved = tmp_path / "journal.jsonl"
    shutil.copy(lab.twin.journal, solved)
    edit_record(lab, lambda values: values["registries"]["hosted"].update(journal=str(solved)))
    assert lab.labcheck()[0] == INTEGRITY


def test_edited_parameters_are_found_out(lab: LabUnderTest) -> None:
    """Another student's image does not become one's own by an edited record."""
    record = lab.home.stack("tp1") / "attempt.json"
    honest = record.read_text(encoding="utf-8")
    for name in attempt(lab).parameters:
        record.write_text(honest, encoding="utf-8")
        edit_record(lab, lambda values, name=name: values["parameters"].update({name: "theirs"}))  # type: ignore[misc]
        assert lab.labcheck() == (INTEGRITY, {}), name


def test_a_registry_of_ones_own_is_found_out(lab: LabUnderTest, new_lab: LabUnderTest) -> None:
    """The record leads to a registry where all was pushed, and whose journal is elsewhere."""
    new_lab.labstack("up", "tp1")
    own = new_lab.twin.plain.url
    edit_record(lab, lambda values: values["registries"]["hosted"].update(url=own))
    assert lab.labcheck()[0] == INTEGRITY


def test_a_lower_horizon_wins_nothing(lab: LabUnderTest) -> None:
    """A reset leaves nothing of the attempt before."""
    lab.labstack("solve", "tp1")
    lab.labstack("reset", "tp1", "--yes")
    edit_record(lab, lambda values: values.update(horizon_seq=0))
    code, document = lab.labcheck()
    assert (code, failing(document)) == (NOT_DONE, {"TP1-PAT": "pat.none"})


def test_bytes_put_into_the_store_by_hand_are_no_push(lab: LabUnderTest) -> None:
    """The whole store of a solved attempt, under this one's name."""
    before = attempt(lab).parameters
    lab.labstack("solve", "tp1")
    kept = lab.twin.folder.parent.parent / "kept"
    shutil.copytree(lab.twin.store, kept)
    lab.labstack("reset", "tp1", "--yes")
    now = attempt(lab).parameters
    shutil.copytree(kept, lab.twin.store, dirs_exist_ok=True)
    shutil.rmtree(kept)
    repositories = lab.twin.store / "docker" / "registry" / "v2" / "repositories"
    shutil.move(repositories / before["org"] / before["repo"], repositories / now["org"] / now["repo"])
    lab.labstack("solve", "tp1", "--mutant", "not-pushed")
    code, document = lab.labcheck()
    assert (code, failing(document)) == (NOT_DONE, {"TP1-PUSH": "push.never-tried"})


def test_a_config_written_by_hand_is_no_login(lab: LabUnderTest) -> None:
    """Docker's file says that it is logged in; the registry knows better."""
    lab.labstack("pat", "new", "--scopes", "write:packages")
    engine = Path(attempt(lab).machines["a"])
    engine.mkdir(exist_ok=True)
    (engine / "config.json").write_text('{"auths": {"ghcr.io": {"auth": "em9lOmdocF94"}}}', encoding="utf-8")
    assert failing(lab.labcheck()[1]) == {"TP1-LOGIN": "login.never"}


def test_programs_of_the_same_name_in_front_of_the_path_win_nothing(lab: LabUnderTest, tmp_path: Path) -> None:
    """The grader starts none of them."""
    for name in ("docker", "labstack", "pyregistry", "labdocker", "git"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 0\n", encoding="ascii")
        (tmp_path / name).chmod(0o755)
    cheated = replace(lab, environ=lab.environ | {"PATH": f"{tmp_path}{os.pathsep}{lab.environ['PATH']}"})
    assert failing(cheated.labcheck()[1]) == {"TP1-PAT": "pat.none"}


def test_the_graders_pat_pulls_nothing_that_counts(lab: LabUnderTest) -> None:
    """It lies on the student's disk. Who pulls with it is seen by name."""
    lab.labstack("solve", "tp1", "--mutant", "pull-by-pusher")
    _, secret = lab.twin.credential.read_text(encoding="utf-8").strip().split(":")
    shell(
        lab,
        'echo "$THEIRS" | labstack shell --machine b -- docker login ghcr.io -u labcheck --password-stdin && '
        "labstack shell --machine b -- docker pull ghcr.io/$LAB_ORG/$LAB_REPO/app:1.0",
        THEIRS=secret,
    )
    code, document = lab.labcheck()
    assert (code, failing(document)) == (NOT_DONE, {"TP1-PULL": "pull.another-account"})


def test_the_graders_pat_pushes_nothing(lab: LabUnderTest) -> None:
    """The registry refuses it, and the refusal is not taken for the grader's own doing."""
    lab.labstack("solve", "tp1", "--mutant", "not-pushed")
    _, secret = lab.twin.credential.read_text(encoding="utf-8").strip().split(":")
    shell(
        lab,
        'echo "$THEIRS" | docker login ghcr.io -u labcheck --password-stdin && '
        "! docker push ghcr.io/$LAB_ORG/$LAB_REPO/app:1.0",
        THEIRS=secret,
    )
    code, document = lab.labcheck()
    assert (code, failing(document)) == (NOT_DONE, {"TP1-PUSH": "push.missing-scope"})


def test_a_pat_revoked_after_use_is_still_good(lab: LabUnderTest) -> None:
    """No cheating at all: it is what a careful person does."""
    lab.labstack("solve", "tp1")
    for row in lab.labstack("pat", "list").stdout.splitlines():
        if row.split() and "read" not in row and "write:packages" in row:
            lab.labstack("pat", "revoke", row.split()[0])
    code, document = lab.labcheck()
    assert (code, failing(document)) == (NOTHING, {})


def test_events_of_ones_own_making_are_not_found_out(lab: LabUnderTest) -> None:
    """Known, and said in ``docs/checks.md``: who runs the registry's code on the journal writes what it likes."""
    now, user = datetime.now(UTC), attempt(lab).parameters["user"]
    who = {
        "actor": user,
        "credential_kind": "pat-classic",
        "credential_id": "x",
        "credential_scopes": ("write:packages",),
    }
    Journal(lab.twin.journal).append(Event("account", now, 0, detail={"action": "pat.created"}, **who))  # type: ignore[arg-type]
    assert failing(lab.labcheck()[1]) == {"TP1-LOGIN": "login.never"}
