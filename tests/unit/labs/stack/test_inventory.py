"""What a stack has that a never-used one does not, and its removal."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from labs.home import LabHome
from labs.stack import inventory, workspace
from labs.stack.interface import NEVER_USED, StackError

NOBODY = 65534


def used(folder: Path) -> LabHome:
    """A lab in which TP-1 was used."""
    home = LabHome(folder / ".lab", folder / "work")
    for path in (
        home.stack("tp1") / "attempt.json",
        home.stack("tp1") / "hosted" / "store" / "docker" / "data",
        home.engine("tp1", "a") / "config.json",
        home.files("tp1") / "Dockerfile",
        home.state / "attempts.json",
        home.backups("tp1") / "earlier" / "Dockerfile",
        home.stack("tp2") / "attempt.json",
        home.engine("tp2", "a") / "config.json",
        home.files("tp2") / "compose.yaml",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return home


@pytest.fixture
def home(tmp_path: Path) -> LabHome:
    """A lab in which TP-1 was used."""
    return used(tmp_path)


def test_everything_of_the_exercise_and_nothing_else(home: LabHome) -> None:
    """Its state, the machines and the student's files count; counts, backups and other exercises do not."""
    assert inventory.take(home, "tp1", []).files == (
        "engines/tp1/a/config.json",
        "tp1/attempt.json",
        "tp1/hosted/store/docker/data",
        "work/tp1/Dockerfile",
    )


def test_two_exercises_share_nothing(home: LabHome) -> None:
    """What belongs to one exercise, its machines' logins included, goes without a file of the other's."""
    other = inventory.take(home, "tp2", [])
    for folder in inventory.owned(home, "tp1"):
        inventory.remove(folder)
    assert inventory.take(home, "tp1", []) == NEVER_USED
    assert inventory.take(home, "tp2", []) == other
    assert other.files == ("engines/tp2/a/config.json", "tp2/attempt.json", "work/tp2/compose.yaml")


def test_a_never_used_stack_has_nothing(tmp_path: Path) -> None:
    """Empty folders are no trace of use."""
    home = LabHome(tmp_path / ".lab", tmp_path / "work")
    assert inventory.take(home, "tp1", []) == NEVER_USED
    home.files("tp1").mkdir(parents=True)
    assert inventory.take(home, "tp1", []) == NEVER_USED


def test_a_link_is_removed_and_what_it_leads_to_is_not(home: LabHome, tmp_path: Path) -> None:
    """A student who links to their thesis keeps the thesis."""
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "draft").touch()
    (home.stack("tp1") / "link").symlink_to(tmp_path / "thesis")
    assert "tp1/link" in inventory.take(home, "tp1", []).files
    inventory.remove(home.stack("tp1"))
    assert not home.stack("tp1").exists()
    assert (tmp_path / "thesis" / "draft").exists()


def test_removing_what_is_not_there(home: LabHome) -> None:
    """Nothing to remove is removed."""
    inventory.remove(home.stack("tp9"))


def test_a_refusal_is_named(home: LabHome, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the system will not remove is an error with the path and the system's reason."""

    def refuse(path: Path) -> None:
        raise OSError(30, "Read-only file system", str(path))

    monkeypatch.setattr("labs.stack.inventory.shutil.rmtree", refuse)
    with pytest.raises(StackError) as caught:
        inventory.remove(home.stack("tp1"))
    assert caught.value.parameters == {"path": str(home.stack("tp1")), "reason": "Read-only file system"}


@contextmanager
def somebody_else() -> Iterator[None]:
    """Root may do anything; for a while this process is an ordinary user."""
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="becomes another user: needs root on Linux")
def test_read_only_folders_are_made_writable_first() -> None:
    """A folder that was made read-only or unreadable is seen by an ordinary user, and removed."""
    # Not pytest's tmp_path: that lies in a folder which only its owner may enter.
    with tempfile.TemporaryDirectory() as folder:
        home = used(Path(folder))
        for path in (Path(folder), *Path(folder).rglob("*")):
            os.chown(path, NOBODY, NOBODY)
        (home.stack("tp1") / "hosted" / "store").chmod(0o000)
        (home.stack("tp1") / "hosted").chmod(0o500)
        with somebody_else():
            with pytest.raises(PermissionError):
                shutil.rmtree(home.stack("tp1") / "hosted")
            assert "tp1/hosted/store" in inventory.take(home, "tp1", []).files
            inventory.remove(home.stack("tp1"))
        assert not home.stack("tp1").exists()


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="becomes another user: needs root on Linux")
@pytest.mark.parametrize("which", ["tp1/hosted", "tp1", "engines", "engines/tp1", "."])
def test_closed_folders_are_named_and_regained(which: str) -> None:
    """An ordinary user whose folders were closed by a chmod is told which, and has them back."""
    with tempfile.TemporaryDirectory() as folder:
        home = used(Path(folder))
        for path in (Path(folder), *Path(folder).rglob("*")):
            os.chown(path, NOBODY, NOBODY)
        before = inventory.take(home, "tp1", []).files
        (home.state / which).chmod(0o000)
        with somebody_else():
            assert next(inventory.closed(home, "tp1")) == home.state / which
            assert inventory.take(home, "tp1", []) != NEVER_USED
            inventory.regain(home, "tp1")
            assert list(inventory.closed(home, "tp1")) == []
            assert inventory.take(home, "tp1", []).files == before


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="becomes another user: needs root on Linux")
def test_what_a_container_left_is_moved_with_the_folder_around_it() -> None:
    """Docker makes a store that is root's among the student's files: the folder is theirs again, the store is kept."""
    with tempfile.TemporaryDirectory() as folder:
        home = used(Path(folder))
        for path in (Path(folder), *Path(folder).rglob("*")):
            os.chown(path, NOBODY, NOBODY)
        store = home.files("tp1") / "registry" / "docker"
        store.mkdir(parents=True)
        (store / "blob").write_text("pushed")
        with somebody_else():
            with pytest.raises(PermissionError):
                store.parent.rename(home.state / "registry")
            inventory.regain(home, "tp1")
            kept = workspace.keep(home.files("tp1"), home.backups("tp1"))
            assert home.files("tp1").is_dir()
            assert [path for path in inventory.take(home, "tp1", []).files if path.startswith("work/")] == []
        assert kept is not None
        assert (kept / "registry" / "docker" / "blob").read_text() == "pushed"
        assert (kept / "Dockerfile").exists()
