"""Which compose file is meant, and what its project is called."""

from pathlib import Path

import pytest

from labs.compose.discovery import NAMES, Source, locate, normalize_name
from labs.compose.model import ComposeError


def put(folder: Path, *names: str) -> None:
    """Files of a project."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_text("services: {}\n", encoding="utf-8")


def found(folder: Path, *, files: tuple[str, ...] = (), name: str | None = None, **environ: str) -> Source:
    """What is found from a folder."""
    return locate(environ, folder, files=files, name=name)


@pytest.mark.parametrize("first", range(len(NAMES)))
def test_the_first_of_composes_names_is_taken(first: int, tmp_path: Path) -> None:
    """In Compose's order; it says so where there are several."""
    put(tmp_path, *NAMES[first:])
    source = found(tmp_path)
    assert source.file == tmp_path / NAMES[first]
    assert bool(source.remarks) == (first < len(NAMES) - 1)


def test_folders_above_are_searched(tmp_path: Path) -> None:
    """The nearest file counts, and its folder is the project's."""
    put(tmp_path, "compose.yaml", ".env")
    (tmp_path / ".env").write_text("X=1\n", encoding="utf-8")
    (tmp_path / "a" / "b").mkdir(parents=True)
    source = found(tmp_path / "a" / "b")
    assert (source.file, source.folder, source.variables["X"]) == (tmp_path / "compose.yaml", tmp_path, "1")


def test_files_and_names_can_be_told(tmp_path: Path) -> None:
    """The command line goes before the environment, which goes before ``.env``."""
    put(tmp_path, "compose.yaml", "other.yml")
    (tmp_path / ".env").write_text("COMPOSE_FILE=other.yml\nCOMPOSE_PROJECT_NAME=dotenv\n", encoding="utf-8")
    assert found(tmp_path).file.name == "other.yml"
    assert found(tmp_path, files=("compose.yaml",)).file.name == "compose.yaml"
    assert found(tmp_path).name == "dotenv"
    assert found(tmp_path, COMPOSE_PROJECT_NAME="environ").name == "environ"
    assert found(tmp_path, name="typed", COMPOSE_PROJECT_NAME="environ").name == "typed"


@pytest.mark.parametrize(
    ("files", "name", "words"),
    [
        ((), None, "no configuration file provided: not found"),
        (("none.yml",), None, "open {folder}/none.yml: no such file or directory"),
        (
            ("compose.yaml",),
            "Foo.Bar",
            (
                'invalid project name "Foo.Bar": must consist only of lowercase alphanumeric characters, hyphens, and '
                "underscores as well as start with a letter or number"
            ),
        ),
    ],
)
def test_refusals_are_composes(files: tuple[str, ...], name: str | None, words: str, tmp_path: Path) -> None:
    """As seen with Docker Compose 2.40."""
    put(tmp_path, *(["compose.yaml"] if name else []))
    with pytest.raises(ComposeError) as caught:
        found(tmp_path, files=files, name=name)
    assert str(caught.value) == words.format(folder=tmp_path)


def test_several_files_are_refused_by_name(tmp_path: Path) -> None:
    """An override is not passed over in silence."""
    put(tmp_path, "compose.yaml", "compose.override.yaml")
    with pytest.raises(ComposeError, match=r"compose\.yaml, compose\.override\.yaml"):
        found(tmp_path, LAB_LANG="en")


@pytest.mark.parametrize(
    ("text", "name"), [("Foo.B ar_-é", "foobar_-"), ("_x", "x"), ("tp2", "tp2"), ("TP-2", "tp-2"), ("é", "")]
)
def test_names_are_made_of_folders_as_compose_makes_them(text: str, name: str) -> None:
    """Lower case, without what no name may have."""
    assert normalize_name(text) == name
