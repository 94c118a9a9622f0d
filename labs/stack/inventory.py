"""All that a stack has that a never-used one does not, and its removal. What reset shows, removes and proves."""

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from labs.home import LabHome
from labs.stack.interface import Inventory, StackError


def owned(home: LabHome, slug: str) -> Sequence[Path]:
    """The folders that hold an exercise's things. The student's own files are the last."""
    return (home.stack(slug), home.engines(slug), home.files(slug))


def take(home: LabHome, slug: str, running: Sequence[str]) -> Inventory:
    """What is there now, beside the names of what runs. A folder that we may not read counts, by its name."""
    files = [label(home, path) for folder in owned(home, slug) for path in _walk(folder)]
    return Inventory(tuple(sorted(files)), tuple(sorted(running)))


def label(home: LabHome, path: Path) -> str:
    """A path as people are shown it: ``tp1/attempt.json``, ``work/tp1/Dockerfile``."""
    if path.is_relative_to(home.work):
        return str(Path("work") / path.relative_to(home.work))
    return str(path.relative_to(home.state))


def remove(folder: Path) -> None:
    """Remove a folder of ours, made writable first where it is not.

    Raises:
        StackError: The system refuses, with its reason.
    """
    try:
        _make_writable(folder)
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as exc:
        raise StackError("error.cannot-remove", path=exc.filename or folder, reason=exc.strerror) from exc


def closed(home: LabHome, slug: str) -> Iterator[Path]:
    """The folders that we need and may not use; of one inside another the outer. The student's own need no writing."""
    *ours, files = owned(home, slug)
    for folder in _above(home, slug):
        if _is_folder(folder) and not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            yield folder
    for folder in ours:
        yield from _closed(folder)
    if _is_folder(files) and not os.access(files, os.R_OK | os.X_OK):
        yield files


def regain(home: LabHome, slug: str) -> None:
    """Give the owner back what a ``chmod`` took of the folders that hold an exercise's things.

    What lies among the student's files and is root's, as containers leave it, is left so: it can be moved all the same.

    Raises:
        PermissionError: They are somebody else's.
    """
    *ours, files = owned(home, slug)
    for folder in _above(home, slug):
        if folder.is_dir():
            folder.chmod(folder.stat().st_mode | 0o700)
    for folder in ours:
        if folder.is_dir():
            _make_writable(folder)
    if files.is_dir():
        _make_writable(files, only_own=True)


def _above(home: LabHome, slug: str) -> Sequence[Path]:
    """The folders around those, outer ones first."""
    return sorted({folder.parent for folder in owned(home, slug)})


def _closed(folder: Path) -> Iterator[Path]:
    """The outermost folders, from one on, that we may not use. What lies in a closed one is not seen."""
    if not _is_folder(folder) or folder.is_symlink():
        return
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield folder
        return
    for entry in folder.iterdir():
        yield from _closed(entry)


def _is_folder(path: Path) -> bool:
    """Whether a folder is there, as far as we may know: ``Path.is_dir`` raises below one that we may not enter."""
    return os.access(path, os.F_OK) and path.is_dir()


def _walk(folder: Path) -> Iterator[Path]:
    """Everything below a folder that is no folder, and folders that cannot be read."""
    if not os.access(folder.parent, os.X_OK):
        if _is_folder(folder.parent):
            yield folder
        return
    if not folder.exists():
        return
    if not os.access(folder, os.R_OK | os.X_OK):
        yield folder
        return
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            yield from _walk(entry)
        else:
            yield entry


def _make_writable(folder: Path, *, only_own: bool = False) -> None:
    """Give the owner back what a ``chmod`` took, from the parent down; with ``only_own`` pass by what is another's."""
    if only_own and folder.stat().st_uid != os.geteuid():
        return
    for directory in (folder.parent, folder):
        directory.chmod(directory.stat().st_mode | 0o700)
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            _make_writable(entry, only_own=only_own)
