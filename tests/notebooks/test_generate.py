"""The notebooks are what their sources make, and the two languages hold the same code."""

import json
import re

import pytest

from notebooks.generate import FOLDER, Cell, SourceInvalid, notebook, outputs, parse

SLUGS = sorted(path.name.removesuffix(".source.md") for path in FOLDER.glob("*.source.md"))
NO_BREAK_SPACE = "\u00a0"
CODE = re.compile(r"```.*?```|`[^`]*`|https?://\S+", re.DOTALL)


def test_committed_notebooks_are_what_the_sources_make() -> None:
    """A change of a source without its notebooks is found."""
    made = dict(outputs())
    assert made
    assert {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.ipynb")} == {
        path.name: text for path, text in made.items()
    }


def test_both_languages_hold_the_same_code_cells() -> None:
    """What a student types does not depend on the language read."""
    books = {path.name: json.loads(text) for path, text in outputs()}
    code = {
        name: [cell["source"] for cell in book["cells"] if cell["cell_type"] == "code"] for name, book in books.items()
    }
    for slug in SLUGS:
        assert code[f"{slug}.fr.ipynb"] == code[f"{slug}.en.ipynb"] != []


@pytest.mark.parametrize("slug", SLUGS)
def test_french_text_keeps_its_punctuation_on_the_line(slug: str) -> None:
    """French typography: a no-break space stands before : ; ! ? and inside « »."""
    source = (FOLDER / f"{slug}.source.md").read_text(encoding="utf-8")
    french = [CODE.sub("", cell.text) for cell in parse(source) if cell.kind == "fr"]
    assert [text for text in french if re.search(r"(?<![\n]) [:;!?»]|« ", text)] == []
    assert sum(text.count(NO_BREAK_SPACE) for text in french) > 10


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("=== de\nHallo\n", "line 1: expected === fr, === en, === code or === hidden, got '=== de'"),
        ("=== fr\nBonjour\n=== code\n1\n", "line 1: expected === fr and === en in pairs, got === fr alone"),
        ("=== fr\nBonjour\n", "line 1: expected === fr and === en in pairs, got === fr alone"),
        ("=== en\nHello\n=== fr\nBonjour\n", "line 1: expected === fr and === en in pairs, got === en alone"),
    ],
)
def test_a_source_that_breaks_its_format_is_refused_with_its_line(source: str, message: str) -> None:
    """The author learns where."""
    with pytest.raises(SourceInvalid, match=re.escape(message)):
        parse(source)


def test_a_hidden_cell_is_code_that_a_reader_sees_folded() -> None:
    """A riddle does not show its answer; all other code is open."""
    book = json.loads(notebook("tp9", [Cell("hidden", "1 + 1", 1), Cell("code", "1 + 1", 4)], "fr"))
    assert [cell["cell_type"] for cell in book["cells"]] == ["code", "code"]
    assert [cell["metadata"] for cell in book["cells"]] == [{"jupyter": {"source_hidden": True}}, {}]


def test_outputs_are_never_committed() -> None:
    """A generated notebook starts empty, whatever was run."""
    book = json.loads(notebook("tp9", [Cell("code", "1 + 1", 1)], "en"))
    assert book["cells"] == [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": "tp9-00",
            "metadata": {},
            "outputs": [],
            "source": ["1 + 1"],
        }
    ]
