"""File trees: links that stay inside, parents that are implied, order that never changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.engine.tree import Kind, Node, TooManyLinks, Tree, clean


def link(target: str) -> Node:
    """A symbolic link."""
    return Node(Kind.SYMLINK, 0o777, target=target)


FILE = Node(Kind.FILE, 0o644)
FOLDER = Node(Kind.DIRECTORY, 0o755)


@pytest.mark.parametrize(
    ("path", "resolved"),
    [
        ("a/b", "a/b"),
        ("absolute/x", "real/x"),
        ("relative/x", "real/x"),
        ("outside", "etc/passwd"),
        ("chain/x", "real/x"),
        ("real/up", "real"),
        ("nowhere", "gone/file"),
        ("", ""),
    ],
)
def test_links_lead_inside_the_tree_only(path: str, resolved: str) -> None:
    """As in a chroot: neither an absolute target nor ``..`` leaves it."""
    tree = Tree(
        {
            "real": FOLDER,
            "absolute": link("/real"),
            "relative": link("./real"),
            "chain": link("absolute"),
            "outside": link("../../../etc/passwd"),
            "real/up": link("../real/."),
            "nowhere": link("gone/file"),
        }
    )
    assert tree.resolve(path) == resolved


def test_a_circle_of_links_ends() -> None:
    """With the kernel's words."""
    tree = Tree({"a": link("b"), "b": link("a")})
    with pytest.raises(TooManyLinks, match="/a/x: too many levels of symbolic links"):
        tree.resolve("a/x")


def test_children_are_seen_through_implied_folders() -> None:
    """A layer need not name the folders above a file."""
    tree = Tree({"a/b/c": FILE, "a.txt": FILE})
    assert tree.is_folder("a/b")
    assert not tree.is_folder("a.txt")
    assert tree.children("") == ["a", "a.txt"]
    assert list(tree.below("a")) == [("b/c", FILE)]


def test_a_file_takes_a_folders_place_with_all_below() -> None:
    """And only that folder's."""
    tree = Tree({"a": FOLDER, "a/b": FILE, "ab": FILE})
    tree.put("a", FILE)
    assert list(tree.below("")) == [("a", FILE), ("ab", FILE)]


def test_a_copy_is_another_tree() -> None:
    """A stage built on another does not change it."""
    first = Tree({"a": FILE})
    second = first.copy()
    second.put("b", FILE)
    second.remove("a")
    assert list(first.below("")) == [("a", FILE)]


@given(st.text(alphabet="ab./", max_size=20))
def test_a_cleaned_path_is_inside(text: str) -> None:
    """Relative, without empty parts, ``.`` and ``..``, and clean again."""
    path = clean(text)
    assert not {"", ".", ".."} & set(path.split("/")) or path == ""
    assert clean(path) == path
