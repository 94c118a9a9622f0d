"""The student's files."""

import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from labs.catalog.model import Lab, load
from labs.home import LabHome
from labs.stack import workspace

PARAMETERS = {"user": "ada", "org": "atelier-1", "repo": "tp1-2", "nonce": "abcdef"}


@pytest.fixture
def lab() -> Lab:
    """TP-1."""
    return load("tp1")


@pytest.fixture
def home(tmp_path: Path) -> LabHome:
    """A lab whose stack has a state folder."""
    home = LabHome(tmp_path / ".lab", tmp_path / "work")
    home.stack("tp1").mkdir(parents=True)
    return home


@pytest.mark.parametrize("language", ["fr", "en"])
def test_starter_is_filled_in(lab: Lab, language: str) -> None:
    """No placeholder is left; the Dockerfile carries the student's values; the program is a static ELF file."""
    files = workspace.starter(lab, PARAMETERS, language)
    assert files.keys() == {"Dockerfile", "README.md", "greeting.txt", "greet", f"tp1.{language}.ipynb"}
    assert not any(b"{{" in content for content in files.values())
    assert b'lab.registry.nonce="abcdef"' in files["Dockerfile"]
    assert b'org.opencontainers.image.source="https://github.com/atelier-1/tp1-2"' in files["Dockerfile"]
    assert files["greet"].startswith(b"\x7fELF")


def test_a_payload_is_the_attempts_own_and_does_not_shrink(lab: Lab) -> None:
    """An exercise that asks for a payload gets as many bytes as it asks for, others with another nonce, none twice."""
    sized = replace(lab, payload=100_000)
    mine, again, theirs = (
        workspace.starter(sized, PARAMETERS | {"nonce": nonce}, "en")[workspace.PAYLOAD] for nonce in ("a", "a", "b")
    )
    assert mine == again != theirs
    assert len(mine) == 100_000 <= len(zlib.compress(mine, 9))


def test_texts_are_in_the_students_language(lab: Lab) -> None:
    """A French student reads French."""
    french, english = (workspace.starter(lab, PARAMETERS, language) for language in ("fr", "en"))
    assert "À faire".encode() in french["README.md"]
    assert french["README.md"] != english["README.md"]
    assert french["Dockerfile"] == english["Dockerfile"]


def test_changed_files_are_never_overwritten(home: LabHome, lab: Lab) -> None:
    """What the student changed stays; what they deleted comes back; what they left alone follows the parameters."""
    workspace.install(home, lab, PARAMETERS, "en")
    folder = home.files("tp1")
    (folder / "Dockerfile").write_text("FROM mine\n")
    (folder / "greet").unlink()
    (folder / "notes.txt").write_text("mine")
    workspace.install(home, lab, PARAMETERS | {"org": "atelier-9"}, "en")
    assert (folder / "Dockerfile").read_text() == "FROM mine\n"
    assert (folder / "notes.txt").read_text() == "mine"
    assert "atelier-9" in (folder / "greeting.txt").read_text()
    assert (folder / "greet").stat().st_mode & 0o111


@pytest.mark.parametrize("content", ["", "[]", "{"])
def test_a_lost_manifest_makes_every_file_the_students(home: LabHome, lab: Lab, content: str) -> None:
    """When we cannot tell whether a file is ours, it is not."""
    workspace.install(home, lab, PARAMETERS, "en")
    before = (home.files("tp1") / "Dockerfile").read_text()
    (home.stack("tp1") / workspace.MANIFEST).write_text(content)
    workspace.install(home, lab, PARAMETERS | {"nonce": "other"}, "en")
    assert (home.files("tp1") / "Dockerfile").read_text() == before


def test_kept_files_can_be_copied_back(home: LabHome, lab: Lab) -> None:
    """A reset moves everything, folders included, and leaves the folder that a shell may stand in."""
    workspace.install(home, lab, PARAMETERS, "en")
    folder = home.files("tp1")
    (folder / "src").mkdir()
    (folder / "src" / "main.c").write_text("int main;")
    inode = folder.stat().st_ino
    kept = workspace.keep(folder, home.backups("tp1"))
    assert kept is not None
    assert list(folder.iterdir()) == []
    assert folder.stat().st_ino == inode
    assert (kept / "src" / "main.c").read_text() == "int main;"
    assert kept.parent == home.backups("tp1")


def test_nothing_to_keep(home: LabHome) -> None:
    """No files, no backup: neither for a missing folder nor for an empty one."""
    folder = home.files("tp1")
    assert workspace.keep(folder, home.backups("tp1")) is None
    folder.mkdir(parents=True)
    assert workspace.keep(folder, home.backups("tp1")) is None
    assert not home.backups("tp1").exists()
