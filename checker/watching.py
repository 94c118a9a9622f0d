"""What of an exercise tells, without grading it, that somebody did something: its journals, and files that change."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from checker.endpoints import is_built, own_registry
from checker.sources import DOCKER_ENGINE, PUSHING_MACHINE
from labs.attempts import Attempt, AttemptUnreadable

DOCKER_SECONDS = 10.0
"""Docker tells nobody what happens in its containers: there it is graded again after a while."""
FILES_MAX_DEPTH = 3
"""Folders below the student's that are looked at: the registry's store beside them is deep, and its journal tells."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen of an exercise.

    Attributes:
        at: When, in seconds of any clock that does not jump.
        journals: Bytes of each journal.
        files: Size and time of each file that may change a verdict.
        blind: What happens there is not to be seen from here.
    """

    at: float
    journals: dict[Path, int] = field(default_factory=dict)
    files: dict[Path, tuple[int, int]] = field(default_factory=dict)
    blind: bool = False


def look(folder: Path, at: float) -> Sight:
    """See what there is of the attempt whose state folder this is; nothing where none is under way."""
    try:
        attempt = Attempt.load(folder)
    except AttemptUnreadable:
        attempt = None
    if attempt is None:
        return Sight(at)
    journals = {path: path.stat().st_size for path in _journals(attempt) if path.is_file()}
    if not is_built(attempt):
        return Sight(at, journals)
    return Sight(at, journals, {path: _stamp(path) for path in _files(attempt)}, attempt.engine == DOCKER_ENGINE)


def has_news(folder: Path, seen: Sight, at: float) -> bool:
    """Whether anybody but the grader did anything since, or a journal was begun anew."""
    now = look(folder, at)
    if now.files != seen.files or now.journals.keys() != seen.journals.keys():
        return True
    if now.blind and at - seen.at >= DOCKER_SECONDS:
        return True
    return any(_tells(path, seen.journals[path], size) for path, size in now.journals.items())


def _tells(path: Path, seen: int, size: int) -> bool:
    """Whether a journal tells of anybody else."""
    from checker.probes.journal import by_agent, is_news

    if size <= seen:
        return size < seen
    with path.open("rb") as journal:
        journal.seek(seen)
        return is_news(journal.read(), by_agent)


def _journals(attempt: Attempt) -> Iterator[Path]:
    """Where its registry remembers."""
    if path := own_registry(attempt).journal:
        yield Path(path)
    if is_built(attempt):
        from labs.compose.record import RecordUnreadable, projects

        try:
            yield from (
                Path(service.journal)
                for project in projects(_engine(attempt))
                for service in project.services
                if service.journal
            )
        except RecordUnreadable:
            return


def _files(attempt: Attempt) -> Iterator[Path]:
    """The student's files, and what compose and ``docker login`` wrote down."""
    yield from _within(Path(attempt.work), FILES_MAX_DEPTH)
    yield from _engine(attempt).glob("compose/*/project.json")
    yield from _engine(attempt).glob("config.json")
    yield from _engine(attempt).glob("certs.d/*/*")


def _within(folder: Path, depth: int) -> Iterator[Path]:
    """Files of a folder, and of those below it."""
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    for entry in entries:
        if entry.is_file():
            yield entry
        elif depth > 1 and entry.is_dir() and not entry.is_symlink():
            yield from _within(entry, depth - 1)


def _stamp(path: Path) -> tuple[int, int]:
    """Size and time of a file; zeros where it has just gone."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


def _engine(attempt: Attempt) -> Path:
    """Engine home of the student's machine."""
    return Path(attempt.machines[PUSHING_MACHINE])
