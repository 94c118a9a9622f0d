"""The table of known differences, ``differences.toml``, and the page that is made from it."""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_TABLE = Path(__file__).with_name("differences.toml")
PAGE = Path(__file__).parents[2] / "docs" / "differences.md"
CLASSES = {
    "spec": "Where a specification says otherwise",
    "v3": "Where registry:3 changed it",
    "ours": "Where we think it better",
}

_HEAD = """\
# Where we differ from registry:2

Made from `tests/differential/differences.toml` by `python -m tests.differential.page`; a test compares the two. The
same requests go to Debian's `docker-registry` {version} and to us, both with the same `config.yml`: {asks} requests
in {cases} cases, over every endpoint. Statuses, error codes, bodies and the headers that clients act on are the same
where nothing is listed.

What is not a matter of one request stands elsewhere: `garbage-collect` in [Looking after a store](maintenance.md), keys
of the configuration in [Configuration](configuration.md). Where there is a ¹, `pyregistry.mode: registry2` brings
registry:2's way back.
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """One row.

    Attributes:
        kind: One of ``CLASSES``.
        seen: What is observed, each line with its case.
        everywhere: What may be observed in any case, each line with the case in which it has to be.
        lesson: Under ``pyregistry.mode: registry2`` nothing of it is left.
    """

    id: str
    kind: str
    what: str
    reason: str
    seen: frozenset[str]
    everywhere: Sequence[tuple[str, str]]
    lesson: bool


def load() -> list[Difference]:
    """All rows, in the order of the file."""
    rows = tomllib.loads(_TABLE.read_text(encoding="utf-8"))["difference"]
    return [
        Difference(
            row["id"],
            row["class"],
            row["what"],
            row["reason"],
            frozenset(row.get("seen", ())),
            tuple(zip(row.get("everywhere", ()), row.get("witness", ()), strict=True)),
            row.get("lesson", False),
        )
        for row in rows
    ]


def render(rows: Sequence[Difference], version: str, cases: int, asks: int) -> str:
    """The page."""
    return "".join([_HEAD.format(version=version, cases=cases, asks=asks), *_sections(rows)])


def _sections(rows: Sequence[Difference]) -> Iterator[str]:
    for kind, title in CLASSES.items():
        yield f"\n## {title}\n\n| what | why |\n|---|---|\n"
        for row in rows:
            if row.kind == kind:
                yield f"| {_cell(row.what)}{' ¹' if row.lesson else ''} | {_cell(row.reason)} |\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
