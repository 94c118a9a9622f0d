"""A file tree as values: the build context, a base image, the stage that is being built. Nothing touches a disk here.

Paths are POSIX, relative to the root, without ``.`` and ``..``; ``""`` is the root itself. Symbolic links are followed
inside the tree only, as if it were a chroot.
"""

import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import IO, Self

MAX_LINKS = 40
"""Symbolic links followed for one path, the kernel's own limit (ELOOP): ``too many levels of symbolic links``."""


class Kind(Enum):
    """What a node is."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    CHARACTER_DEVICE = "character device"
    BLOCK_DEVICE = "block device"
    FIFO = "fifo"


class TooManyLinks(ValueError):
    """The symbolic links of a path lead in a circle."""


@dataclass(frozen=True, eq=False, slots=True)
class Node:
    """A file, directory or link. Two paths with the very same node are hard links.

    Attributes:
        mode: Permission bits, 0 to 0o7777.
        target: Where a symbolic link points, as it is written.
        size: Bytes of a file's content.
        content: Opens a file's content at offset 0; the caller closes it. None is an empty file.
        device: Major and minor number.
        attributes: Extended attributes, as PAX header records (``SCHILY.xattr.…``).
    """

    kind: Kind
    mode: int
    uid: int = 0
    gid: int = 0
    target: str = ""
    size: int = 0
    content: Callable[[], IO[bytes]] | None = None
    device: tuple[int, int] = (0, 0)
    attributes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


ROOT = Node(Kind.DIRECTORY, 0o755)


def order(path: str) -> list[str]:
    """Sort key: parents before children, and siblings by name."""
    return path.split("/")


def clean(path: str) -> str:
    """A path of the tree from any absolute or relative text; ``..`` stops at the root."""
    return posixpath.normpath("/" + path).lstrip("/")


def join(folder: str, name: str) -> str:
    """A path below a folder of the tree; either may be empty."""
    return "/".join(part for part in (folder, name) if part)


class Tree:
    """Nodes by path. A path's parents need not be there: such a directory has no attributes of its own."""

    def __init__(self, nodes: Mapping[str, Node] | None = None) -> None:
        self._nodes: dict[str, Node] = {}
        self._children: dict[str, set[str]] = {}
        for path, node in (nodes or {}).items():
            self.put(path, node)

    def copy(self) -> Self:
        """Another tree with the same nodes, to be changed on its own."""
        return type(self)(self._nodes)

    def get(self, path: str) -> Node | None:
        """The node at a path; a link itself, not what it points at. The root is always there."""
        return self._nodes.get(path, None if path else ROOT)

    def put(self, path: str, node: Node) -> None:
        """Set a node; what was below goes away unless it stays a directory."""
        if node.kind is not Kind.DIRECTORY:
            self.empty(path)
        self._nodes[path] = node
        while path:
            path, _, name = path.rpartition("/")
            self._children.setdefault(path, set()).add(name)

    def remove(self, path: str) -> None:
        """Remove a node and everything below it."""
        self.empty(path)
        self._nodes.pop(path, None)
        folder, _, name = path.rpartition("/")
        self._children.get(folder, set()).discard(name)

    def empty(self, path: str) -> None:
        """Remove everything below a path."""
        for name in self.children(path):
            self.remove(join(path, name))
        self._children.pop(path, None)

    def below(self, path: str) -> Iterator[tuple[str, Node]]:
        """Everything below a path, parents first and siblings by name; paths are relative to it."""
        for name in self.children(path):
            child = join(path, name)
            if child in self._nodes:
                yield name, self._nodes[child]
            yield from ((join(name, below), node) for below, node in self.below(child))

    def children(self, path: str) -> list[str]:
        """Names directly below a path, sorted."""
        return sorted(self._children.get(path, ()))

    def is_folder(self, path: str) -> bool:
        """Whether the path is a directory, also one that only its content implies."""
        return path in self._children or ((node := self.get(path)) is not None and node.kind is Kind.DIRECTORY)

    def resolve(self, path: str) -> str:
        """Follow every symbolic link of a path, the last part's too. Parts that are not there stay as they are.

        Raises:
            TooManyLinks: More than ``MAX_LINKS`` on the way.
        """
        waiting, here, followed = path.split("/"), "", 0
        while waiting:
            part = waiting.pop(0)
            if part in {"", "."}:
                continue
            if part == "..":
                here = posixpath.dirname(here)
                continue
            node = self._nodes.get(join(here, part))
            if node is None or node.kind is not Kind.SYMLINK:
                here = join(here, part)
                continue
            followed += 1
            if followed > MAX_LINKS:
                raise TooManyLinks(f"/{path}: too many levels of symbolic links")
            here = "" if node.target.startswith("/") else here
            waiting[:0] = node.target.split("/")
        return here
