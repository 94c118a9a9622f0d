"""Makes the French and the English notebook of each exercise from one source: their code cells are the same cells.

A source, ``notebooks/<tp>.source.md``, is a run of sections: ``=== fr`` and ``=== en`` (two markdown cells, always a
pair), ``=== code`` (a cell of both notebooks) and ``=== hidden`` (likewise, but JupyterLab shows it folded). Run this
file after a change; a test holds its result to the source.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat

FOLDER = Path(__file__).parent
LANGUAGES = ("fr", "en")
CODE = ("code", "hidden")
MARK = "=== "


class SourceInvalid(ValueError):
    """The source breaks its format: what was seen, on which line."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: ``kind`` is ``fr``, ``en``, ``code`` or ``hidden``; ``line`` is where it starts, from 1."""

    kind: str
    text: str
    line: int


def parse(source: str) -> Sequence[Cell]:
    """The cells of a source, in order.

    Raises:
        SourceInvalid: An unknown mark, text before the first mark, or a text in one language only.
    """
    cells = [Cell(kind, "\n".join(lines).strip("\n"), line) for kind, lines, line in _sections(source)]
    for number, cell in enumerate(cells):
        partner = {"fr": number + 1, "en": number - 1}.get(cell.kind)
        if partner is not None and (
            partner not in range(len(cells)) or {cell.kind, cells[partner].kind} != {"fr", "en"}
        ):
            raise SourceInvalid(f"line {cell.line}: expected === fr and === en in pairs, got === {cell.kind} alone")
    return cells


def _sections(source: str) -> Iterator[tuple[str, list[str], int]]:
    """Kind, lines and first line number of each section."""
    kind, lines, start = "", [], 1
    for number, line in enumerate(source.splitlines(), start=1):
        if not line.startswith(MARK):
            lines.append(line)
            continue
        if kind or any(lines):
            yield kind, lines, start
        kind, lines, start = line.removeprefix(MARK), [], number
        if kind not in {*LANGUAGES, *CODE}:
            raise SourceInvalid(f"line {number}: expected === fr, === en, === code or === hidden, got {line!r}")
    yield kind, lines, start


def notebook(slug: str, cells: Sequence[Cell], language: str) -> str:
    """The notebook of one language as text; cell ids are stable, outputs are empty."""
    own = [cell for cell in cells if cell.kind in {language, *CODE}]
    book = nbformat.v4.new_notebook(
        cells=[_notebook_cell(cell, f"{slug}-{number:02}") for number, cell in enumerate(own)],
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "registry_lab": {"exercise": slug, "language": language},
        },
    )
    return nbformat.writes(book) + "\n"


def _notebook_cell(cell: Cell, identity: str) -> nbformat.NotebookNode:
    """A code cell, or a markdown cell."""
    if cell.kind not in CODE:
        return nbformat.v4.new_markdown_cell(cell.text, id=identity)
    metadata = {"jupyter": {"source_hidden": True}} if cell.kind == "hidden" else {}
    return nbformat.v4.new_code_cell(cell.text, id=identity, metadata=metadata)


def outputs() -> Iterator[tuple[Path, str]]:
    """Every notebook that the sources make: where it belongs, and its text."""
    for source in sorted(FOLDER.glob("*.source.md")):
        slug = source.name.removesuffix(".source.md")
        cells = parse(source.read_text(encoding="utf-8"))
        for language in LANGUAGES:
            yield FOLDER / f"{slug}.{language}.ipynb", notebook(slug, cells, language)


def main() -> int:
    """Write the notebooks."""
    for path, text in outputs():
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{path.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
