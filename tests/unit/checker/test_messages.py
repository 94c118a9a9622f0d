"""Texts: everything that can be said can be said in both languages, and the page of checks is the code's own."""

import re
import string
import tomllib
from pathlib import Path

import pytest

import checker
from checker import checks
from checker.cli import language
from checker.facts import Fault, Source
from checker.messages import LANGUAGES, Messages
from checker.report import reference

ROOT = Path(checker.__file__).parent
CHECKS = [check for slug in checks.slugs() for check in checks.pack(slug).checks]


def texts(name: str) -> dict[tuple[str, ...], str]:
    """All texts of one file by their path."""
    flat: dict[tuple[str, ...], str] = {}

    def walk(table: dict[str, object], path: tuple[str, ...]) -> None:
        for key, value in table.items():
            if isinstance(value, dict):
                walk(value, (*path, key))
            else:
                flat[*path, key] = str(value)

    walk(tomllib.loads((ROOT / "messages" / f"{name}.toml").read_text(encoding="utf-8")), ())
    return flat


def fields(text: str) -> set[str]:
    """The placeholders of a text."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_say_the_same_things() -> None:
    """The same ids with the same parameters."""
    french, english = texts("fr"), texts("en")
    assert {key: fields(text) for key, text in french.items()} == {key: fields(text) for key, text in english.items()}


def test_french_is_set_in_french() -> None:
    """No breaking space before double punctuation, none missing."""
    spaced = re.compile(r"(?:^|[^\u00a0])[;!?](?:\s|$)|[^\u00a0`/]:(?:\s|$)|«[^\u00a0]|[^\u00a0]»")
    assert [text for text in texts("fr").values() if spaced.search(text)] == []


def test_every_cause_has_its_text_and_no_text_is_left_over() -> None:
    """The texts of causes are those that the checks declare."""
    declared = {cause for check in CHECKS for cause in check.causes}
    assert {key[1] for key in texts("en") if key[0] == "cause"} == declared


def test_every_look_further_belongs_to_a_cause() -> None:
    """A command for a cause that does not exist helps nobody."""
    declared = {cause for check in CHECKS for cause in check.causes}
    assert {key[0] for key in texts("commands")} - declared == {"default"}


def test_every_reason_in_the_code_has_its_text_and_no_text_is_left_over() -> None:
    """Reasons of INCONCLUSIVE, as the sources spell them."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.rglob("*.py"))
    used = set(re.findall(r'Unavailable\(\s*"([a-z-]+)"', source)) | {"garbage", "empty", "server-error"}
    used |= {"not-answering", "unreachable"}
    used |= set(re.findall(r'Unavailable\("([a-z-]+)" if \w+ else "[a-z-]+"', source))
    assert {key[1] for key in texts("en") if key[0] == "unavailable"} == used


def test_every_advice_has_its_text() -> None:
    """And the other way round: what checks name and no check declares as a cause is advice."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "checks").glob("*.py"))
    declared = {cause for check in CHECKS for cause in check.causes}
    named = set(re.findall(r'Cause\("([a-z]+\.[a-z0-9-]+)"', source)) - declared
    assert {key[1] for key in texts("en") if key[0] == "advice"} == named


def test_every_word_of_an_observation_has_its_text_and_no_text_is_left_over() -> None:
    """Ids as the code spells them, and those that follow from what was read."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.rglob("*.py"))
    used = {f"said.{fault}" for fault in Fault} | {f"role.{role}" for role in ("manifest", "config", "layer")}
    used |= set(re.findall(r'"(said\.[a-z-]+)"', source))
    assert {".".join(key) for key in texts("en") if key[0] in {"said", "role"}} == used


def test_every_source_has_its_text() -> None:
    """What could not be read is named in the reader's language."""
    assert set(map(str, Source)) <= {key[1] for key in texts("en") if key[0] == "source"}


@pytest.mark.parametrize("spoken", LANGUAGES)
def test_every_check_is_described(spoken: str) -> None:
    """What it asks, its evidence, and what it does not prove."""
    for code in (check.code for check in CHECKS):
        for part in ("title", "asks", "evidence", "unproved"):
            assert Messages(spoken).check(code, part)


def test_the_page_of_checks_is_the_codes_own() -> None:
    """``labcheck explain --lang en > docs/checks.md`` has been run: codes, points, causes and texts agree."""
    page = (ROOT.parent / "docs" / "checks.md").read_text(encoding="utf-8")
    assert page == reference.render(CHECKS, Messages("en"))


@pytest.mark.parametrize(
    ("wanted", "environ", "expected"),
    [
        ("fr", {"LAB_LANG": "en", "LANG": "en_GB.UTF-8"}, "fr"),
        (None, {"LAB_LANG": "fr", "LANG": "en_GB.UTF-8"}, "fr"),
        (None, {"LANG": "fr_FR.UTF-8"}, "fr"),
        (None, {"LC_ALL": "C.UTF-8", "LANG": "fr_FR.UTF-8"}, "en"),
        (None, {"LC_MESSAGES": "fr_CA", "LANG": "en_GB"}, "fr"),
        (None, {"LAB_LANG": "de", "LANG": "de_DE"}, "en"),
    ],
)
def test_the_language_is_asked_for_or_the_locales(wanted: str | None, environ: dict[str, str], expected: str) -> None:
    """--lang, then LAB_LANG, then French in a French locale, else English."""
    assert language(wanted, environ) == expected
