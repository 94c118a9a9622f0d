"""What people read: the same messages in both languages, in good typography."""

import re
import string
from pathlib import Path

import pytest

from labs import messages

CATALOG = Path(messages.__file__).parents[1] / "catalog"
FRENCH_FILES = [Path(messages.__file__).with_name("fr.toml"), *CATALOG.rglob("*fr.toml"), *CATALOG.rglob("fr/*")]


def placeholders(text: str) -> set[str]:
    """Names of the parameters of a message."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_say_the_same_things() -> None:
    """Every message exists in both languages, with the same parameters."""
    french, english = (messages.table(language) for language in messages.LANGUAGES)
    assert french.keys() == english.keys()
    assert {name: placeholders(text) for name, text in french.items()} == {
        name: placeholders(text) for name, text in english.items()
    }


@pytest.mark.parametrize("path", FRENCH_FILES, ids=lambda path: path.name)
def test_french_typography(path: Path) -> None:
    """Double punctuation follows a non-breaking space, never a plain one."""
    # In TOML, a space before a colon within quotes only; the key's equals sign is not punctuation.
    plain = re.findall(r".{0,20} [:;!?](?=[\s\"]|\\n|$)", path.read_text(encoding="utf-8"))
    assert plain == []


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "fr_FR.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "de_DE.UTF-8", "LC_MESSAGES": "fr_CH.UTF-8"}, "fr"),
        ({"LANG": "en_GB.UTF-8", "LAB_LANG": "fr"}, "fr"),
        ({"LANG": "fr_FR.UTF-8", "LAB_LANG": "klingon"}, "fr"),
    ],
)
def test_language(environ: dict[str, str], language: str) -> None:
    """LAB_LANG decides, then the locale as the C library reads it, then English."""
    assert messages.language(environ) == language
