"""A compose file's YAML with its lines: nodes under a cursor that knows where it stands and collects what is wrong.

What a key means is ``reading``'s business. Texts are Compose's (compose-go, go-yaml), seen in version 2.40.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import yaml

from labs.compose.interpolation import Interpolation, InterpolationInvalid, VariableMissing
from labs.compose.model import ComposeError, Issue
from labs.compose.words import say

_TAG = "tag:yaml.org,2002:"
_MERGE_TAG = f"{_TAG}merge"
_SCALAR_TAGS = {f"{_TAG}{kind}" for kind in ("str", "int", "float", "bool", "null")}
# The most that is read: a compose file has some kilobytes, and PyYAML some hundred a second.
_MAX_BYTES = 256 * 1024


@dataclass(slots=True)
class Findings:
    """What one file's reading found. ``remarks`` are warnings in Compose's words."""

    file: Path
    variables: Interpolation
    issues: list[Issue] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def add(self, node: yaml.Node, text: str) -> None:
        """A mistake at a node."""
        self.issues.append(Issue(self.file, node.start_mark.line + 1, text))


@dataclass(frozen=True, slots=True)
class Cursor:
    """One node. ``where`` is its path as Compose writes it: ``services.nginx.ports.0``."""

    node: yaml.Node
    where: str
    findings: Findings

    @property
    def line(self) -> int:
        """From 1."""
        return self.node.start_mark.line + 1

    @property
    def is_null(self) -> bool:
        """Whether nothing stands there."""
        return bool(self.node.tag == f"{_TAG}null")

    @property
    def is_mapping(self) -> bool:
        """Whether it has keys."""
        return isinstance(self.node, yaml.MappingNode)

    @property
    def is_list(self) -> bool:
        """Whether it has items."""
        return isinstance(self.node, yaml.SequenceNode)

    @property
    def is_text(self) -> bool:
        """Whether YAML takes it for a text, and not for a number or a truth."""
        return bool(self.node.tag == f"{_TAG}str")

    @property
    def is_scalar(self) -> bool:
        """Whether it is one word: a text, a number, a truth or nothing."""
        return isinstance(self.node, yaml.ScalarNode) and self.node.tag in _SCALAR_TAGS

    def wrong(self, text: str) -> None:
        """Note a mistake here."""
        self.findings.add(self.node, text)

    def invalid(self, text: str) -> None:
        """Note a mistake that Compose's schema finds."""
        self.wrong(f"validating {self.findings.file}: {self.where} {text}")

    def decline(self, value: str | None = None) -> None:
        """Note that Compose does this and we do not, in our own words: the key, or this value of it."""
        environ = self.findings.variables.variables
        if value is None:
            self.wrong(say(environ, "key", where=self.where))
        else:
            self.wrong(say(environ, "value", where=self.where, value=value))

    def check_keys(self, ours: Collection[str], known: Collection[str]) -> None:
        """Note keys that Compose does not know, in its words, and those that we do not do, in ours."""
        for key, cursor in self.keys().items():
            if key not in known and not key.startswith("x-"):
                at = Cursor(cursor.node, self.where, self.findings)
                at.invalid(f"additional properties '{key}' not allowed")
            elif key in known and key not in ours:
                cursor.decline()

    def entries(self) -> dict[str, "Cursor"]:
        """A mapping's values by key, ``<<`` resolved; without entries where it is none, which is noted."""
        if self.is_mapping:
            return {key: self._at(key, node) for key, (_, node) in _rows(self.node).items()}
        self.invalid("must be a mapping")
        return {}

    def keys(self) -> dict[str, "Cursor"]:
        """A mapping's keys, each standing where it is written."""
        return {key: self._at(key, node) for key, (node, _) in _rows(self.node).items()}

    def items(self) -> list["Cursor"]:
        """A list's items; none where it is no list, which is noted."""
        if isinstance(self.node, yaml.SequenceNode):
            return [self._at(str(number), node) for number, node in enumerate(self.node.value)]
        self.invalid("must be a array")
        return []

    def demand_text(self) -> str | None:
        """A text, its variables replaced; None where it is none, which is noted."""
        if self.is_text:
            return self.scalar()
        self.invalid("must be a string")
        return None

    def scalar(self) -> str | None:
        """Any one word as it is written, its variables replaced; None for nothing and for what cannot be replaced."""
        if self.is_null:
            return None
        try:
            return self.findings.variables.expand(str(self.node.value))
        except VariableMissing as exc:
            self.wrong(f"error while interpolating {self.where}: {exc}")
        except InterpolationInvalid as exc:
            self.wrong(
                f"invalid interpolation format for {self.where}.\nYou may need to escape any $ with another $.\n{exc}"
            )
        return None

    def boolean(self) -> bool:
        """A truth; false where it is none, which is noted."""
        if self.node.tag == f"{_TAG}bool":
            return str(self.node.value).lower() in {"true", "yes", "on"}
        self.invalid("must be a boolean")
        return False

    def _at(self, key: str, node: yaml.Node) -> "Cursor":
        return Cursor(node, f"{self.where}.{key}" if self.where else key, self.findings)


def parse(file: Path, findings: Findings) -> Cursor:
    """Read a file's YAML.

    Raises:
        ComposeError: It is no YAML, not there, or no mapping: nothing of it can be judged.
    """
    root = _compose(file)
    if root is None:
        raise ComposeError(Issue(file, None, "empty compose file"))
    if not isinstance(root, yaml.MappingNode):
        kind = f"!!{root.tag.removeprefix(_TAG)}" + (f" `{root.value}`" if isinstance(root, yaml.ScalarNode) else "")
        line = root.start_mark.line + 1
        raise ComposeError(
            Issue(file, line, f"yaml: unmarshal errors:\n  line {line}: cannot unmarshal {kind} into cli.named")
        )
    for text, node in _duplicates(root, set()):
        findings.add(node, f"failed to parse {file}: {text}")
    return Cursor(root, "", findings)


def _compose(file: Path) -> yaml.Node | None:
    try:
        with file.open("rb") as source:
            text = source.read(_MAX_BYTES + 1)
    except OSError as exc:
        raise ComposeError(f"open {file}: {(exc.strerror or str(exc)).lower()}") from exc
    if len(text) > _MAX_BYTES:
        raise ComposeError(Issue(file, None, f"yaml: expected at most {_MAX_BYTES} bytes"))
    try:
        return yaml.compose(text.decode("utf-8-sig"), Loader=yaml.SafeLoader)
    except UnicodeDecodeError as exc:
        line = text.count(b"\n", 0, exc.start) + 1
        raise ComposeError(Issue(file, line, "yaml: invalid leading UTF-8 octet")) from exc
    except yaml.MarkedYAMLError as exc:
        _refuse(file, exc)
    except yaml.reader.ReaderError as exc:
        raise ComposeError(Issue(file, None, "yaml: control characters are not allowed")) from exc
    except RecursionError as exc:
        raise ComposeError(Issue(file, None, "yaml: exceeded max depth of 10000")) from exc


def _refuse(file: Path, fault: yaml.MarkedYAMLError) -> NoReturn:
    """In go-yaml's words, its line numbers included: of what began it, one short unless the scanner says so.

    Our own line is where the parser stood.
    """
    marks = [mark for mark in (fault.context_mark, fault.problem_mark) if mark]
    told = next((mark.line for mark in marks if mark.line), 0)
    told += 1 if told and isinstance(fault, yaml.scanner.ScannerError) else 0
    problem = str(fault.problem)
    if problem.startswith("found undefined alias"):
        problem, told = f"unknown anchor '{problem.split(chr(39))[1]}' referenced", 0
    problem = problem.partition(", but ")[0]
    for python, go in _PROBLEMS.items():
        problem = go if problem.startswith(python) else problem
    where = f"line {told}: " if told else ""
    line = marks[-1].line + 1 if marks else None
    raise ComposeError(Issue(file, line, f"yaml: {where}{problem}")) from fault


# What PyYAML says where libyaml, and with it go-yaml, says something else.
_PROBLEMS = {
    "mapping values are not allowed here": "mapping values are not allowed in this context",
    "expected <block end>": "did not find expected key",
    "expected ',' or '}'": "did not find expected ',' or '}'",
    "expected ',' or ']'": "did not find expected ',' or ']'",
    "found character '\\t' that cannot start any token": "found character that cannot start any token",
    "but found another document": "expected a single document",
}


def _duplicates(node: yaml.Node, seen: set[int]) -> Iterator[tuple[str, yaml.Node]]:
    """Keys that stand twice in one mapping. ``seen`` holds the nodes visited: anchors make one stand in two places."""
    if id(node) in seen or isinstance(node, yaml.ScalarNode):
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _duplicates(item, seen)
        return
    lines: dict[str, int] = {}
    for key, value in node.value:
        name, line = str(key.value), key.start_mark.line + 1
        if name in lines:
            yield f'line {line}: mapping key "{name}" already defined at line {lines[name]}', key
        lines[name] = line
        yield from _duplicates(value, seen)


def _rows(node: yaml.Node) -> dict[str, tuple[yaml.Node, yaml.Node]]:
    """Key and value nodes of a mapping; those of ``<<`` first, so that what is written here goes before."""
    if not isinstance(node, yaml.MappingNode):
        return {}
    merged: dict[str, tuple[yaml.Node, yaml.Node]] = {}
    for key, value in node.value:
        if key.tag == _MERGE_TAG:
            for part in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                merged = _rows(part) | merged
    return merged | {str(key.value): (key, value) for key, value in node.value if key.tag != _MERGE_TAG}
