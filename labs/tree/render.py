"""Drawing the tree: as text for a terminal, as SVG for a notebook. Pure: tree → str."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from textwrap import wrap

from labs.tree.model import Node

DIGEST_LENGTH = len("sha256:") + 12
"""Characters of a digest that a picture shows: enough to compare by eye, as Docker does."""

ROW_HEIGHT = 90
COLUMN_WIDTH = 330
BOX_WIDTH = 290
BOX_HEIGHT = 72
MARGIN = 12
FACT_LIMIT = 37
"""Characters of one fact in a box; a longer one ends in an ellipsis. The full text is the box's tooltip."""

LINE_LIMIT = 4
"""Lines that a box has room for."""

UNITS = ("B", "kB", "MB", "GB")

COLOURS = {"tag": "#fde68a", "index": "#c7d2fe", "manifest": "#bfdbfe", "config": "#bbf7d0", "layer": "#e5e7eb"}


def render_text(name: str, root: Node) -> str:
    """The tree as indented lines, one object a line."""
    return "\n".join([name, *_text_lines(root, "", last=True)]) + "\n"


def _text_lines(node: Node, indent: str, *, last: bool) -> Iterator[str]:
    """A node's line, then its children's."""
    facts = f"  {', '.join(node.facts)}" if node.facts else ""
    yield f"{indent}{'└─' if last else '├─'} {node.role}  {_short(node.digest)}  {size_words(node.size)}{facts}"
    for number, child in enumerate(node.children, start=1):
        yield from _text_lines(child, indent + ("   " if last else "│  "), last=number == len(node.children))


def size_words(size: int) -> str:
    """A size as Docker prints it: decimal units, three figures."""
    power = min(len(UNITS) - 1, (len(str(size)) - 1) // 3)
    return f"{float(f'{size / 1000**power:.3g}'):g} {UNITS[power]}"


@dataclass(frozen=True, slots=True)
class _Box:
    """A node's place in the drawing; columns and rows count from 0, a row may be a half."""

    node: Node
    column: int
    row: float
    parent: "_Box | None"

    @property
    def x(self) -> float:
        return MARGIN + self.column * COLUMN_WIDTH

    @property
    def y(self) -> float:
        return MARGIN + self.row * ROW_HEIGHT


def render_svg(name: str, root: Node) -> str:
    """The tree as an SVG document: the name at the left, what it leads to at its right."""
    tag = Node("tag", name, 0, "", (), (root,))
    boxes = list(_place(tag, 0, 0, None))
    width = max(box.x for box in boxes) + BOX_WIDTH + MARGIN
    height = max(box.y for box in boxes) + BOX_HEIGHT + MARGIN
    parts = [*(_edge(box) for box in boxes if box.parent), *(_rectangle(box) for box in boxes)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        # A notebook's column may be narrower.
        'style="max-width:100%;height:auto" '
        f'font-family="monospace" font-size="12" role="img" aria-label="{escape(name)}">\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _place(node: Node, column: int, row: int, parent: _Box | None) -> Iterator[_Box]:
    """Boxes of ``node`` and all below it: a node stands level with its first child, leaves take a row each."""
    box = _Box(node, column, row, parent)
    yield box
    for child in node.children:
        yield from _place(child, column + 1, row, box)
        row += _leaves(child)


def _leaves(node: Node) -> int:
    """Rows that a node takes."""
    return sum(_leaves(child) for child in node.children) or 1


def _edge(box: _Box) -> str:
    """The line from a box's parent to it."""
    parent = box.parent
    if parent is None:
        return ""
    x1, y1 = parent.x + BOX_WIDTH, parent.y + BOX_HEIGHT / 2
    x2, y2 = box.x, box.y + BOX_HEIGHT / 2
    bend = (x1 + x2) / 2
    return f'<path d="M{x1:g},{y1:g} C{bend:g},{y1:g} {bend:g},{y2:g} {x2:g},{y2:g}" fill="none" stroke="#6b7280"/>'


def _rectangle(box: _Box) -> str:
    """A box with its words."""
    node = box.node
    words = _words(node)[:LINE_LIMIT]
    tooltip = "\n".join((node.digest, node.media_type, *node.facts)).strip()
    lines = "".join(
        f'<tspan x="{box.x + 8:g}" dy="15"{_weight(number)}>{escape(_cut(word))}</tspan>'
        for number, word in enumerate(words)
    )
    return (
        f'<g><title>{escape(tooltip)}</title><rect x="{box.x:g}" y="{box.y:g}" width="{BOX_WIDTH}" '
        f'height="{BOX_HEIGHT}" rx="6" fill="{COLOURS[node.role]}" stroke="#6b7280"/>'
        f'<text x="{box.x + 8:g}" y="{box.y + 2:g}" fill="#111827">{lines}</text></g>'
    )


def _words(node: Node) -> list[str]:
    """What a box says, heading first. A name is broken where it must be, never cut: its end is the tag."""
    if node.role == "tag":
        return [node.role, *_break(node.digest)]
    return [f"{node.role} · {size_words(node.size)}", _short(node.digest), *node.facts]


def _break(name: str) -> list[str]:
    """A name in lines that fit a box, broken behind slashes."""
    return [line.replace(" ", "") for line in wrap(name.replace("/", "/ "), FACT_LIMIT, break_on_hyphens=False)]


def _weight(number: int) -> str:
    """The first line of a box is its heading."""
    return ' font-weight="bold"' if number == 0 else ""


def _cut(word: str) -> str:
    """A word that fits a box."""
    return word if len(word) <= FACT_LIMIT else word[: FACT_LIMIT - 1] + "…"


def _short(digest: str) -> str:
    """The head of a digest; a name stays whole."""
    return f"{digest[:DIGEST_LENGTH]}…" if digest.startswith(("sha256:", "sha512:")) else digest
