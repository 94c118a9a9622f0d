"""All that a stack has that a never-used one does not, and its removal. What reset shows, removes and proves."""

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from labs.home import MACHINES, LabHome
from labs.stack.interface import Inventory, StackError
from labs.stack.processes import DetachedProcess


def owned(home: LabHome, slug: str) -> Sequence[Path]:
    """The folders that hold an exercise's things. The student's own files are the last."""
    return (home.stack(slug), *(home.engine(machine) for machine in MACHINES), home.files(slug))


def take(home: LabHome, slug: str, processes: Sequence[DetachedProcess]) -> Inventory:
    """What is there now. A folder that we may not read counts, by its name."""
    files = [label(home, path) for folder in owned(home, slug) for path in _walk(folder)]
    running = [process.name for process in processes if process.members()]
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


def _walk(folder: Path) -> Iterator[Path]:
    """Everything below a folder that is no folder, and folders that cannot be read."""
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


def _make_writable(folder: Path) -> None:
    """Give the owner back what a ``chmod`` took, from the parent down."""
    for directory in (folder.parent, folder):
        directory.chmod(directory.stat().st_mode | 0o700)
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            _make_writable(entry)
