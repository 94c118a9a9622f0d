"""COPY and ADD: from one tree into another, as BuildKit copies (its solver/llbsolver/file, tonistiigi/fsutil/copy)."""

import contextlib
import posixpath
import re
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from labs.engine.ignore import glob_expression
from labs.engine.layers import ArchiveInvalid, member_node, open_archive
from labs.engine.tree import Kind, Node, Tree, clean, join

FOLDER_MODE = 0o755
_WILDCARDS = re.compile(r"[*?\[]")


class CopyInvalid(ValueError):
    """The copy cannot be done. The message is BuildKit's own where it has one."""


class SourceUnknown(CopyInvalid):
    """The source has no such path.

    Args:
        path: From the root, with its slash.
    """

    def __init__(self, path: str) -> None:
        super().__init__(f'"{path}": not found')
        self.path = path


@dataclass(frozen=True, slots=True)
class Owner:
    """Numeric owner of what is copied."""

    uid: int
    gid: int


class Draft:
    """A layer in the making: what is put here changes the tree and is remembered.

    Args:
        tree: The stage's tree, which is changed.
    """

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.changes: dict[str, Node] = {}

    def put(self, path: str, node: Node) -> None:
        """Set a node, and make the folders above it."""
        self.make_folders(posixpath.dirname(path), Owner(0, 0))
        self.tree.put(path, node)
        self.changes[path] = node

    def make_folders(self, path: str, owner: Owner) -> None:
        """Make a folder and those above it where they are missing. The layer names them all, as an overlay does.

        Raises:
            CopyInvalid: One of them is a file.
        """
        parts = path.split("/") if path else []
        for index in range(len(parts)):
            folder = "/".join(parts[: index + 1])
            node = self.tree.get(folder) or Node(Kind.DIRECTORY, FOLDER_MODE, owner.uid, owner.gid)
            if node.kind is not Kind.DIRECTORY:
                raise CopyInvalid(f"cannot copy to non-directory: /{folder}")
            self.tree.put(folder, node)
            self.changes.setdefault(folder, node)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where copies go.

    Attributes:
        path: Absolute, or relative to the working directory; a slash at its end says that it is a folder.
        owner: ``--chown``; None keeps the source's owner.
        mode: ``--chmod``; None keeps the source's mode.
    """

    path: str
    owner: Owner | None = None
    mode: int | None = None


@dataclass(frozen=True, slots=True)
class Copier:
    """Copies into a draft. Archives that it opens stay open until ``archives`` is closed.

    Attributes:
        unpack: Whether local tar archives are unpacked, as ADD does.
    """

    draft: Draft
    destination: Destination
    archives: contextlib.ExitStack
    unpack: bool = False
    _changed: dict[Node, Node] = field(default_factory=dict)

    def copy(self, source: Tree, patterns: Iterable[str]) -> None:
        """Copy everything that the patterns name.

        Raises:
            SourceUnknown: A pattern without wildcards names nothing.
            CopyInvalid: The destination does not fit.
        """
        for pattern in patterns:
            for path in match(source, pattern):
                self._copy(source, path)

    def _copy(self, source: Tree, path: str) -> None:
        """A folder's content goes into the destination, a file to it or into it; symbolic links named are followed."""
        real = source.resolve(path)
        node = source.get(real)
        if node is None or node.kind is Kind.DIRECTORY:
            self._copy_folder(source, real)
        elif not (self.unpack and node.kind is Kind.FILE and self._unpack(node)):
            self._put(self._target(path), node)

    def _copy_folder(self, source: Tree, path: str) -> None:
        target = self._resolved()
        if not self.draft.tree.is_folder(target):
            self._make_folders(posixpath.dirname(target))
            self._put(target, source.get(path) or Node(Kind.DIRECTORY, FOLDER_MODE))
        self._make_folders(target)
        for below, node in source.below(path):
            self._put(join(target, below), node)

    def _target(self, path: str) -> str:
        """Where a single file goes."""
        target = self._resolved()
        into = self.destination.path.endswith(("/", "/.")) or self.draft.tree.is_folder(target)
        target = join(target, posixpath.basename(path)) if into else target
        self._make_folders(posixpath.dirname(target))
        return target

    def _resolved(self) -> str:
        return self.draft.tree.resolve(clean(self.destination.path))

    def _make_folders(self, path: str) -> None:
        self.draft.make_folders(path, self.destination.owner or Owner(0, 0))

    def _put(self, path: str, node: Node) -> None:
        if node.kind is Kind.DIRECTORY:
            existing = self.draft.tree.get(path)
            if existing and existing.kind is not Kind.DIRECTORY:
                raise CopyInvalid(f"cannot copy to non-directory: /{path}")
        elif self.draft.tree.is_folder(path):
            raise CopyInvalid(f"cannot replace to directory /{path} with file")
        self.draft.put(path, self._adapted(node))

    def _adapted(self, node: Node) -> Node:
        """The node with ``--chown`` and ``--chmod``; hard links stay hard links."""
        if node not in self._changed:
            owner = self.destination.owner or Owner(node.uid, node.gid)
            mode = node.mode if self.destination.mode is None or node.kind is Kind.SYMLINK else self.destination.mode
            self._changed[node] = replace(node, uid=owner.uid, gid=owner.gid, mode=mode)
        return self._changed[node]

    def _unpack(self, node: Node) -> bool:
        """Unpack an archive into the destination; False where the file is none."""
        if node.content is None:
            return False
        try:
            with node.content() as stream:
                archive = self.archives.enter_context(open_archive(stream))
        except ArchiveInvalid:
            return False
        target = self._resolved()
        self._make_folders(target)
        for member in archive:
            self._unpack_member(archive, member, target)
        return True

    def _unpack_member(self, archive: tarfile.TarFile, member: tarfile.TarInfo, folder: str) -> None:
        path = join(folder, _inside(member.name, folder))
        if path == folder:
            return
        if member.islnk():
            node = self.draft.tree.get(join(folder, _inside(member.linkname, folder)))
            if node is None:
                raise CopyInvalid(f"{member.name}: link to {member.linkname}, which is not before it in the archive")
        else:
            node = self._adapted(member_node(archive, member))
        if node.kind is Kind.SYMLINK:
            _inside(posixpath.join(posixpath.dirname(member.name), node.target.lstrip("/")), folder)
        parent = self.draft.tree.resolve(posixpath.dirname(path))
        self._make_folders(parent)
        self.draft.put(join(parent, posixpath.basename(path)), node)


def match(tree: Tree, pattern: str) -> list[str]:
    """The paths that a pattern names, sorted; wildcards stay within one part of a path.

    Raises:
        SourceUnknown: It has no wildcards and names nothing.
    """
    path = clean(pattern)
    if not _WILDCARDS.search(path):
        real = tree.resolve(path)
        if tree.get(real) is None and not tree.is_folder(real):
            raise SourceUnknown(f"/{path}")
        return [path]
    found = [""]
    for part in path.split("/"):
        expression = re.compile(glob_expression(re.sub(r"\*+", "*", part)), re.DOTALL)
        found = [
            join(folder, name)
            for folder in found
            for name in tree.children(tree.resolve(folder))
            if expression.fullmatch(name)
        ]
    return found


def parse_mode(text: str) -> int:
    """Read ``--chmod``: octal digits.

    Raises:
        CopyInvalid: Something else, the symbolic form included.
    """
    if not re.fullmatch(r"0*[0-7]{1,4}", text):
        raise CopyInvalid(f"invalid chmod parameter: '{text}'. it should be octal string and between 0 and 07777")
    return int(text, 8)


def parse_owner(text: str, tree: Tree) -> Owner:
    """Read ``--chown`` or USER: ``user[:group]``, names by the tree's own /etc/passwd and /etc/group.

    A numeric user alone is its own group.

    Raises:
        CopyInvalid: The tree does not know the name.
    """
    user, _, group = text.partition(":")
    if user.isdigit():
        owner = Owner(int(user), int(user))
    else:
        row = _find(tree, "etc/passwd", user)
        if row is None:
            raise CopyInvalid(f"unable to find user {user}: no matching entries in passwd file")
        owner = Owner(int(row[2]), int(row[3]))
    return replace(owner, gid=_parse_group(group, tree)) if group else owner


def _parse_group(text: str, tree: Tree) -> int:
    if text.isdigit():
        return int(text)
    row = _find(tree, "etc/group", text)
    if row is None:
        raise CopyInvalid(f"unable to find group {text}: no matching entries in group file")
    return int(row[2])


def _find(tree: Tree, path: str, name: str) -> list[str] | None:
    """The fields of the line that begins with a name."""
    node = tree.get(tree.resolve(path))
    if node is None or node.content is None:
        return None
    with node.content() as stream:
        rows = [line.split(":") for line in stream.read().decode(errors="replace").splitlines()]
    return next((row for row in rows if row[0] == name and len(row) > len(("name", "password", "id"))), None)


def _inside(name: str, folder: str) -> str:
    """A member's path below the folder it is unpacked into.

    Raises:
        CopyInvalid: It leads out of it.
    """
    path = posixpath.normpath(name.lstrip("/") or ".")
    if path == ".." or path.startswith("../"):
        raise CopyInvalid(f'"{name}" is outside of "/{folder}"')
    return "" if path == "." else path
