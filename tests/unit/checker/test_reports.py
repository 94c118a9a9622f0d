"""The renderers, held against literal text."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest

from checker.checks.tp1 import CHECKS
from checker.messages import Messages
from checker.model import Cause, Evidence, Finding, Report, Span, Status, Verdict, Words
from checker.report import console, html, junit, plain, story
from checker.report import json as json_report
from pyregistry import __version__

BY_CODE = {check.code: check for check in CHECKS}
DIGEST = "sha256:" + "0123456789abcdef" * 4
STEPS = {1: "make a PAT", 2: "docker login ghcr.io", 4: "docker push", 5: "docker pull"}
CONTEXT = {"tp": "tp1", "org": "lovelace", "repo": "engine", "user": "ada"}
ENGLISH, FRENCH = (Messages(spoken, CONTEXT, STEPS) for spoken in ("en", "fr"))

VERDICTS = (
    Verdict(
        BY_CODE["TP1-LOGIN"],
        Finding(
            Status.PASS,
            (Evidence("journal", "journal #3 14:00:03Z GET /token 200 as ada", "ab" * 32),),
            {"login": "journal #3"},
            {"login": "ada: pat-classic"},
            advice=(Cause("login.base64", {"host": "ghcr.io"}),),
        ),
        duration_ms=12,
    ),
    Verdict(
        BY_CODE["TP1-PUSH"],
        Finding(
            Status.FAIL,
            (
                Evidence(
                    "journal", "journal #418 14:03:22Z PUT /v2/x/manifests/1.0 401 UNAUTHORIZED as anonymous", "cd"
                ),
            ),
            {"push": "journal #418", "digest": DIGEST},
            {"name": "lovelace/engine/app:1.0"},
            (Cause("push.foreign-namespace", {"namespace": "eve", "org": "lovelace"}), Cause("push.never-tried")),
        ),
        duration_ms=1500,
        hint_level=1,
    ),
    Verdict(BY_CODE["TP1-TAGS"], Finding(Status.BLOCKED), ("TP1-PUSH",)),
    Verdict(
        BY_CODE["TP1-PULL"],
        Finding(Status.INCONCLUSIVE, causes=(Cause("timeout", {"seconds": 8, "source": "content"}),)),
    ),
)
REPORT = Report(
    lab="tp1",
    attempt=2,
    started_at=datetime(2026, 11, 23, 14, 0, tzinfo=UTC),
    horizon_seq=7,
    pseudonym="0a1b2c",
    registry="ghcr.io",
    engine="embedded",
    os="Linux 6 x86_64",
    clock_skew_ms=0,
    pack_digest="ef" * 32,
    verdicts=VERDICTS,
    context=CONTEXT,
    journal=Span(8, 418, "cd" * 32),
)
DONE = replace(REPORT, verdicts=VERDICTS[:1])
DOWN = replace(
    REPORT,
    verdicts=(VERDICTS[3],),
    outage=Cause("not-answering", {"url": "https://127.0.0.1:5001", "name": "ghcr.io"}),
)

CONSOLE = """\
PASS          TP1-LOGIN    2/2  Logged in to ghcr.io
    source           journal #3 14:00:03Z GET /token 200 as ada
    advice           The secret for ghcr.io lies in config.json in base64, readable by anyone who
                     reads the file: a credential helper (§2.1) keeps it safe.
FAIL          TP1-PUSH     0/4  Tag 1.0 pushed to the right repository
    step             4. docker push
    observed         last push = journal #418 · digest = sha256:0123456789ab…
    source           journal #418 14:03:22Z PUT /v2/x/manifests/1.0 401 UNAUTHORIZED as anonymous
    expected         image = lovelace/engine/app:1.0
    likely cause     The push went to the namespace eve, which is not yours; yours is lovelace.
    or else          The image has not been pushed: the registry has not seen any try.
    to look further  $ labstack whoami
    to read          chapter §3.2, §4, §5.2
    a hint           $ labcheck hint TP1-PUSH
BLOCKED       TP1-TAGS     0/3  The tags 1.0, 1 and latest point to one image
    reason           waits for TP1-PUSH: mend that first
INCONCLUSIVE  TP1-PULL     0/3  Pulled by another machine
    reason           reading took longer than 8 s (image's content)

2/12 points · 1 passed, 1 failed, 1 blocked, 1 inconclusive
"""

PLAIN = """\
TP1-LOGIN RÉUSSI 2/2
TP1-LOGIN Connecté à ghcr.io
TP1-LOGIN source\u00a0: journal #3 14:00:03Z GET /token 200 as ada
TP1-LOGIN conseil\u00a0: Le secret pour ghcr.io est dans config.json en base64, lisible par quiconque lit le fichier\
\u00a0: un credential helper (§2.1) le protège.
TP1-PUSH ÉCHEC 0/4
TP1-PUSH Tag 1.0 poussé dans le bon dépôt
TP1-PUSH étape\u00a0: 4. docker push
TP1-PUSH observé\u00a0: dernier push = journal #418 · digest = sha256:0123456789ab…
TP1-PUSH source\u00a0: journal #418 14:03:22Z PUT /v2/x/manifests/1.0 401 UNAUTHORIZED as anonymous
TP1-PUSH attendu\u00a0: image = lovelace/engine/app:1.0
TP1-PUSH cause probable\u00a0: Le push visait l'espace de noms eve, qui n'est pas le vôtre\u00a0; le vôtre est lovelace.
TP1-PUSH ou bien\u00a0: L'image n'a pas été poussée\u00a0: le registre n'a vu aucun essai.
TP1-PUSH pour voir\u00a0: labstack whoami
TP1-PUSH à lire\u00a0: chapitre §3.2, §4, §5.2
TP1-PUSH un indice\u00a0: labcheck hint TP1-PUSH
TP1-TAGS BLOQUÉ 0/3
TP1-TAGS Les tags 1.0, 1 et latest désignent une seule image
TP1-TAGS raison\u00a0: attend TP1-PUSH\u00a0: à corriger d'abord
TP1-PULL INDÉTERMINÉ 0/3
TP1-PULL Tirée depuis une autre machine
TP1-PULL raison\u00a0: la lecture a pris plus de 8 s (contenu de l'image)
2/12 points · réussis\u00a0: 1, échecs\u00a0: 1, bloqués\u00a0: 1, indéterminés\u00a0: 1
"""


def test_the_console_report() -> None:
    """A failing line says all that contracts ask of it, in words."""
    assert console.render(REPORT, ENGLISH) == CONSOLE


def test_the_plain_report() -> None:
    """One fact a line, each line with its check's code, here in French."""
    assert plain.render(REPORT, FRENCH) == PLAIN


def test_a_cause_that_holds_twice_is_no_second_guess() -> None:
    """Two keys in the image are two facts; another cause is another guess."""
    causes = (
        Cause("blobs.missing", {"role": "layer", "digest": "sha256:1"}),
        Cause("blobs.missing", {"role": "layer", "digest": "sha256:2"}),
        Cause("push.never-tried"),
    )
    failing = replace(VERDICTS[1], finding=replace(VERDICTS[1].finding, causes=causes))
    labels = [line.label for line in story.tell(failing, ENGLISH) if line.label.endswith("cause")]
    assert labels == ["cause", "same_cause", "other_cause"]


def test_colour_only_adds_colour() -> None:
    """The words are the same without it."""
    coloured = console.render(REPORT, ENGLISH, colour=True)
    assert "\x1b[31;1mFAIL         \x1b[0m" in coloured
    for code in ("32", "31;1", "33", "35"):
        coloured = coloured.replace(f"\x1b[{code}m", "")
    assert coloured.replace("\x1b[0m", "") == CONSOLE


def test_all_done_is_said() -> None:
    """Only when everything passed."""
    assert console.ending(DONE, ENGLISH).endswith(
        "2/2 points · 1 passed, 0 failed, 0 blocked, 0 inconclusive\nAll done.\n"
    )


def test_an_outage_is_one_clear_sentence() -> None:
    """What does not answer, and what to do."""
    sentence = (
        "Nothing can be judged: the registry https://127.0.0.1:5001 does not answer. "
        "Start it again with: labstack up tp1"
    )
    assert sentence in console.ending(DOWN, ENGLISH).splitlines()
    assert sentence in plain.ending(DOWN, ENGLISH).splitlines()
    assert sentence in html.render(DOWN, ENGLISH)


def test_tampering_is_named() -> None:
    """Before any outage."""
    broken = replace(DOWN, integrity=Cause("journal-broken", {"line": 3}))
    assert "INTEGRITY: the journal was changed after it was written (line 3)." in console.ending(broken, ENGLISH)


def test_the_result_document() -> None:
    """The fields of the contract, with ids and parameters instead of texts."""
    document = json.loads(json_report.render(REPORT, "fr"))
    assert document["checks"][1] == {
        "id": "tp1-push",
        "code": "TP1-PUSH",
        "step": 4,
        "title_id": "check.TP1-PUSH.title",
        "tense": "since-start",
        "points": 4,
        "status": "fail",
        "blocked_by": [],
        "observed": {"push": "journal #418", "digest": DIGEST},
        "expected": {"name": "lovelace/engine/app:1.0"},
        "causes": [
            {"id": "push.foreign-namespace", "rank": 1, "params": {"namespace": "eve", "org": "lovelace"}},
            {"id": "push.never-tried", "rank": 2, "params": {}},
        ],
        "advice": [],
        "evidence": [
            {
                "kind": "journal",
                "ref": "journal #418 14:03:22Z PUT /v2/x/manifests/1.0 401 UNAUTHORIZED as anonymous",
                "sha256": "cd",
            }
        ],
        "hint_level": 1,
        "duration_ms": 1500,
    }
    del document["checks"]
    assert document == {
        "schema": "oci-registry-lab/report/1",
        "tool": {"name": "labcheck", "version": __version__},
        "pack": {"id": "tp1", "version": __version__, "digest": "ef" * 32},
        "lab": {"tp": "tp1", "attempt": 2, "started_at": "2026-11-23T14:00:00+00:00", "horizon_seq": 7},
        "student": {"pseudonym": "0a1b2c"},
        "lang": "fr",
        "env": {"os": "Linux 6 x86_64", "engine": "embedded", "clock_skew_ms": 0},
        "summary": {"pass": 1, "fail": 1, "blocked": 1, "inconclusive": 1, "points": 2, "max_points": 12},
        "journal": {"head": "cd" * 32, "seq_from": 8, "seq_to": 418},
    }


def test_words_of_ours_travel_as_ids() -> None:
    """What was observed is told in the reader's language; the document has ids, so that any language will do later."""
    said = Words("said.asked", {"request": "journal #7 PUT /v2/x 401", "who": Words("said.nobody")})
    finding = Finding(Status.FAIL, (Evidence("journal", said),), {"push": said, "tags": ("1.0", Words("said.off"))})
    failing = replace(REPORT, verdicts=(replace(VERDICTS[1], finding=finding),))
    assert "last push = journal #7 PUT /v2/x 401 as anonymous · tags there = 1.0, off" in plain.render(failing, ENGLISH)
    assert "dernier push = journal #7 PUT /v2/x 401 (anonyme) · tags présents = 1.0, désactivé" in plain.render(
        failing, FRENCH
    )
    check = json.loads(json_report.render(failing, "fr"))["checks"][0]
    asked = {
        "id": "said.asked",
        "params": {"request": "journal #7 PUT /v2/x 401", "who": {"id": "said.nobody", "params": {}}},
    }
    assert check["observed"] == {"push": asked, "tags": ["1.0", {"id": "said.off", "params": {}}]}
    assert check["evidence"] == [{"kind": "journal", "ref": asked, "sha256": None}]


def test_a_document_without_a_journal_says_so() -> None:
    """Nulls, not zeros."""
    document = json_report.document(replace(REPORT, journal=None), "en")
    assert document["journal"] == {"head": None, "seq_from": None, "seq_to": None}


def test_the_junit_report() -> None:
    """What did not pass never counts as passed: a failure, a skipped one, an error."""
    suite = ET.fromstring(junit.render(REPORT, ENGLISH))  # noqa: S314  our own text
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
    }
    assert [(case.get("name"), [child.tag for child in case]) for case in suite] == [
        ("TP1-LOGIN", []),
        ("TP1-PUSH", ["failure"]),
        ("TP1-TAGS", ["skipped"]),
        ("TP1-PULL", ["error"]),
    ]
    assert suite[1].get("time") == "1.500"
    assert "likely cause: The push went to the namespace eve" in (suite[1][0].text or "")


def test_the_page_escapes_what_the_registry_said() -> None:
    """A repository's name is not markup."""
    evil = replace(VERDICTS[1], finding=replace(VERDICTS[1].finding, observed={"push": "<script>alert(1)</script>"}))
    page = html.render(replace(REPORT, verdicts=(evil,)), FRENCH)
    assert page.startswith('<!doctype html>\n<html lang="fr">')
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(("width", "columns"), [(60, 60), (500, 100), (10, 40)])
def test_a_narrow_terminal_is_not_overrun(width: int, columns: int) -> None:
    """Sentences wrap where the terminal ends; what is to be copied stays whole."""
    failing = next(verdict for verdict in REPORT.verdicts if verdict.status is Status.FAIL)
    _, *lines = console.verdict_block(failing, ENGLISH, width=width).splitlines()
    assert max(len(line) for line in lines if len(line.split()) > 1 and "/" not in line) <= columns


@pytest.mark.parametrize("render", [console.render, plain.render, html.render, junit.render])
def test_what_an_image_says_of_itself_commands_no_terminal(render: Callable[[Report, Messages], str]) -> None:
    """A label may hold anything: escapes, bells, half characters, a novel."""
    seen = "\x1b[2J\x07\x9b\u2028\ud800\uffff" + "x" * 5000
    check = next(check for check in CHECKS if check.code == "TP1-BUILD")
    cause = Cause("build.nonce-differs", {"seen": seen, "image": "linux/amd64"})
    verdict = Verdict(check, Finding(Status.FAIL, observed={"nonce": seen}, causes=(cause,)))
    text = render(replace(REPORT, verdicts=(verdict,)), ENGLISH)
    assert not set(text) & set("\x1b\x07\x9b\u2028\ud800\uffff")
    assert "x" * 1500 not in text
    if render is junit.render:
        ET.fromstring(text)  # noqa: S314  our own text
