"""Who came, where the registry that asks for passwords itself prints no names."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from checker.checks.tp2 import CHECKS
from checker.facts import LET_IN, PRINTED, Facts, PasswordEntry, PasswordFile, Passwords
from checker.model import Finding, Status
from checker.runner import judged
from tests.unit.checker.exercise import USER
from tests.unit.checker.private import passwords, solved, world

EVE = PasswordEntry("eve", "bcrypt")


def printed(detail: Mapping[str, object], known: Passwords) -> Facts:
    """All is done without a proxy, and registry:2 prints no names."""
    scene = solved(proxied=False)
    journal = scene.diary.journal()
    events = tuple(replace(event, actor=None, detail={"source": PRINTED, **detail}) for event in journal.events)
    return world(scene, journal=replace(journal, events=events), passwords=known)


def finding(facts: Facts, code: str = "TP2-PULL") -> Finding:
    """Of one check alone."""
    return judged(next(check for check in CHECKS if check.code == code), facts)


@pytest.mark.parametrize("code", ["TP2-PUSH", "TP2-LOG", "TP2-PULL"])
def test_who_knows_the_only_password_is_known(code: str) -> None:
    """The registry let somebody in, and nobody but the student has a password there."""
    assert finding(printed({LET_IN: True}, passwords(reader="registry")), code).status is Status.PASS


@pytest.mark.parametrize(
    ("detail", "known"),
    [
        ({}, passwords(reader="registry")),
        ({LET_IN: False}, passwords(reader="registry")),
        ({LET_IN: True}, passwords(reader="nobody")),
        ({LET_IN: True}, Passwords((PasswordFile("auth", "registry", (PasswordEntry(USER, "bcrypt"), EVE)),))),
        ({LET_IN: True}, Passwords(())),
    ],
    ids=["unsaid", "not asked", "another's file", "two accounts", "no file"],
)
def test_else_nobody_knows_who_came(detail: Mapping[str, object], known: Passwords) -> None:
    """Neither passed nor failed: somebody else may have a password, or none was asked for."""
    found = finding(printed(detail, known))
    assert (found.status, [cause.id for cause in found.causes]) == (Status.INCONCLUSIVE, ["puller-unknown"])


def test_another_account_alone_is_not_the_student() -> None:
    """The only password is somebody else's: so was the pull."""
    facts = printed({LET_IN: True}, Passwords((PasswordFile("auth", "registry", (EVE,)),)))
    assert finding(facts).causes[0].id == "pull.another-account"
