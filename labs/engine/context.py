"""The build context: a folder of this machine as a tree, without what ``.dockerignore`` keeps out."""

import functools
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

from labs.engine.ignore import Ignore, IgnorePatternInvalid
from labs.engine.progress import format_size
from labs.engine.stage import BuildError, BuildProgress
from labs.engine.tree import Kind, Node, Tree, clean, join


class BuildContext:
    """The context of one build, read when an instruction first needs it.

    Args:
        folder: The context.
        dockerfile: Its own ``.dockerignore`` lies beside it.
        progress: Hears that the context is read, and what a COPY will not find.
    """

    def __init__(self, folder: Path, dockerfile: Path, progress: BuildProgress) -> None:
        self._folder = folder
        self._dockerfile = dockerfile
        self._progress = progress

    @functools.cached_property
    def _ignore(self) -> Ignore:
        self._progress.begin("[internal] load .dockerignore")
        try:
            ignore = read_ignore(self._folder, self._dockerfile)
        except (IgnorePatternInvalid, UnicodeDecodeError, OSError) as exc:
            raise BuildError(f"failed to read .dockerignore: {exc}") from exc
        self._progress.end()
        return ignore

    @functools.cached_property
    def tree(self) -> Tree:
        """Everything that is not ignored.

        Raises:
            BuildError: A folder cannot be read.
        """
        ignore = self._ignore
        self._progress.begin("[internal] load build context")
        try:
            tree = read_context(self._folder, ignore)
        except OSError as exc:
            fault = f"error from sender: open {exc.filename}: {(exc.strerror or str(exc)).lower()}"
            raise BuildError(fault) from exc
        size = sum(node.size for _, node in tree.below(""))
        self._progress.note(f"transferring context: {format_size(size)} done")
        self._progress.end()
        return tree

    def warn_ignored(self, words: Sequence[str], line: int) -> None:
        """Say so where an instruction names a file that ``.dockerignore`` keeps out."""
        for word in words:
            path = clean(word)
            if path and self._ignore.excludes(path) and (self._folder / path).exists():
                advice = f'CopyIgnoredFile: Attempting to Copy file "{word}" that is excluded by .dockerignore'
                self._progress.warn(advice, line)


def read_ignore(folder: Path, dockerfile: Path) -> Ignore:
    """The patterns for a build: ``<Dockerfile>.dockerignore`` beside it where there is one, else ``.dockerignore``.

    Raises:
        IgnorePatternInvalid: A line is no pattern.
    """
    own = dockerfile.with_name(f"{dockerfile.name}.dockerignore")
    path = own if own.is_file() else folder / ".dockerignore"
    return Ignore.parse(path.read_text(encoding="utf-8")) if path.is_file() else Ignore()


def read_context(folder: Path, ignore: Ignore) -> Tree:
    """The folder as a tree. Owner is root and content stays on disk until it is read; sockets and devices are left out.

    Two names of one file are one node, as long as it is inside the folder.
    """
    tree = Tree()
    files: dict[tuple[int, int], Node] = {}
    for path, entry in _walk(folder, "", ignore):
        facts = entry.stat(follow_symlinks=False)
        node = _node(entry, facts)
        if node is not None:
            tree.put(path, files.setdefault((facts.st_dev, facts.st_ino), node) if node.kind is Kind.FILE else node)
    return tree


def _walk(folder: Path, below: str, ignore: Ignore) -> Iterator[tuple[str, "os.DirEntry[str]"]]:
    """What is not ignored. Into an ignored folder we look only where an exception could name something in it."""
    with os.scandir(folder / below) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        path = join(below, entry.name)
        ignored = ignore.excludes(path)
        if not ignored:
            yield path, entry
        if entry.is_dir(follow_symlinks=False) and (not ignored or ignore.has_exceptions):
            yield from _walk(folder, path, ignore)


def _node(entry: "os.DirEntry[str]", facts: os.stat_result) -> Node | None:
    mode = stat.S_IMODE(facts.st_mode)
    if stat.S_ISDIR(facts.st_mode):
        return Node(Kind.DIRECTORY, mode)
    if stat.S_ISLNK(facts.st_mode):
        return Node(Kind.SYMLINK, 0o777, target=str(Path(entry.path).readlink()))
    if stat.S_ISREG(facts.st_mode):
        return Node(Kind.FILE, mode, size=facts.st_size, content=_opener(entry.path))
    return None


def _opener(path: str) -> Callable[[], IO[bytes]]:
    return lambda: Path(path).open("rb")
