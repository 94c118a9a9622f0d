"""A typed cursor over one mapping of the configuration. Reading never stops: mistakes are collected.

What nobody honours is named when a section is left: it is a key that registry:2 knows and we do not offer
(``unsupported``), or a key that nobody knows, or an environment variable that was not meant for us.
"""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import yaml

from pyregistry.config import document, unsupported
from pyregistry.config.issues import Issue
from pyregistry.config.scalars import parse_duration, parse_path

Value = TypeVar("Value")
Default = TypeVar("Default")
Word = TypeVar("Word", bound=StrEnum)

_NOUNS: Mapping[type[yaml.Node], str] = {yaml.MappingNode: "a mapping", yaml.SequenceNode: "a list"}
_MAX_DIGITS = 18
"""Of a whole number: what fits into Go's 64 bits, and far below what Python refuses to convert."""

# What YAML's escapes can write into a text and no file name, header or key can hold: NUL and lone surrogates.
_UNUSABLE = re.compile(r"[\x00\ud800-\udfff]")


@dataclass(slots=True)
class Findings:
    """What reading has brought to light so far."""

    mistakes: list[Issue] = field(default_factory=list)
    warnings: list[Issue] = field(default_factory=list)


class Section:
    """One mapping. Used as a context manager; leaving it names the keys that were not read.

    Args:
        node: The mapping; a null is an empty one.
        path: Dotted path of the section, empty for the root.
        findings: Where mistakes and warnings go.
        word_allowed: A bare word ``w`` stands for ``{w: {}}``.
    """

    def __init__(self, node: yaml.Node, path: str, findings: Findings, *, word_allowed: bool = False) -> None:
        self.path = path
        self.node = node
        self._findings = findings
        self._read: set[str] = set()
        self._entries: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        if word_allowed and isinstance(node, yaml.ScalarNode) and not document.is_null(node):
            self._entries[node.value] = (node, document.null(node.start_mark.name))
        elif isinstance(node, yaml.MappingNode):
            self._fill(node)
        elif not document.is_null(node):
            self._expected("a mapping", node, path)

    def _fill(self, node: yaml.MappingNode) -> None:
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._mistake(key, self.path, "expected a word as key")
            elif key.value in self._entries:
                first = self._entries[key.value][0].start_mark.line + 1
                self._mistake(key, self._path(key.value), f"set twice, first in line {first}")
            else:
                self._entries[key.value] = (key, value)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            for name in self.names():
                self._name_unhonoured(name)

    def names(self) -> list[str]:
        """The keys that are there, in order."""
        return list(self._entries)

    def has(self, name: str) -> bool:
        """Whether the key is there, be it null."""
        return name in self._entries

    def section(self, name: str, *, word_allowed: bool = False) -> "Section":
        """The mapping below ``name``; an empty one where there is none."""
        node = self._take(name) or document.null(document.FILE)
        return Section(node, self._path(name), self._findings, word_allowed=word_allowed)

    def sections(self, name: str) -> "list[Section]":
        """The mappings of the list below ``name``."""
        return [Section(item, f"{self._path(name)}[{index}]", self._findings) for index, item in self._items(name)]

    def text(self, name: str, default: str) -> str:
        """A scalar as it was written."""
        return self.parsed(name, str, default)

    def path_of(self, name: str) -> Path | None:
        """A file's path."""
        return self.parsed(name, parse_path, None)

    def parsed(self, name: str, parse: Callable[[str], Value], default: Default) -> Value | Default:
        """A scalar in a grammar of its own; ``parse`` raises ``ValueError``."""
        node = self._take(name)
        return default if node is None else self._parsed(node, self._path(name), parse, default)

    def word(self, name: str, words: type[Word], default: Default) -> Word | Default:
        """One word of an enum, whatever its case."""
        return self.parsed(name, _parser_of(words), default)

    def boolean(self, name: str, *, default: bool) -> bool:
        """``true`` or ``false``."""
        node = self._take(name)
        if node is None:
            return default
        value = yaml.SafeLoader.bool_values.get(str(node.value).lower()) if node.tag.endswith(":bool") else None
        if value is None:
            self._expected("true or false", node, self._path(name))
            return default
        return value

    def switch(self, name: str) -> bool:
        """``true`` or ``false``, where registry:2 takes any text for ``false``: one in quotes, and we say so."""
        node = self._take(name)
        if node is None or not _is_quoted_truth(node):
            return self.boolean(name, default=False)
        self.warn(name, f"{node.value!r} in quotes is a text, and counts as false; write it without")
        return False

    def count(self, name: str, default: int) -> int:
        """A whole number from 0."""

        def parse(text: str) -> int:
            if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
                raise ValueError(f"expected a whole number, got {text[:40]!r}")
            return int(text)

        return self.parsed(name, parse, default)

    def duration(self, name: str, default: float) -> float:
        """Seconds. registry:2 takes a bare number as nanoseconds; so do we, and say so."""
        node = self._take(name)
        if node is None:
            return default
        if node.tag.endswith(":int") and str(node.value).isdigit() and node.value.strip("0"):
            self.warn(name, f"{node.value[:20]} means nanoseconds; write a unit, e.g. {node.value[:20]}s")
            return self._parsed(node, self._path(name), lambda text: parse_duration(f"{text}ns"), default)
        return self._parsed(node, self._path(name), parse_duration, default)

    def several(self, name: str, parse: Callable[[str], Value]) -> tuple[Value, ...]:
        """A list of scalars; those that do not parse are left out, and named."""
        values = [self._parsed(item, self._path(name), parse, None) for _, item in self._items(name)]
        return tuple(value for value in values if value is not None)

    def words(self, name: str, words: type[Word]) -> tuple[Word, ...]:
        """A list of words of an enum, whatever their case."""
        return self.several(name, _parser_of(words))

    def check_name(self, name: str, parse: Callable[[str], str]) -> None:
        """Hold a key of a free mapping against a grammar."""
        self._parsed(self._entries[name][0], self.path, parse, "")

    def require(self, name: str) -> None:
        """Note a mistake where the key ``name`` is absent or says nothing."""
        if self._take(name) is None:
            self.mistake(name, "is missing")

    def mistake(self, name: str, message: str) -> None:
        """Note a mistake about the key ``name``, or about the section where the key is absent."""
        node = self._entries[name][0] if name in self._entries else self.node
        self._mistake(node, self._path(name), message)

    def complain(self, message: str) -> None:
        """Note a mistake in registry:2's own words, about the section as a whole."""
        self._findings.mistakes.append(document.issue_at(self.node, message))

    def remark(self, message: str) -> None:
        """Note a remark that belongs to no key."""
        self._findings.warnings.append(Issue(message))

    def warn(self, name: str, message: str) -> None:
        """Note a remark about the key ``name``."""
        self._findings.warnings.append(document.issue_at(self._entries[name][0], f"{self._path(name)}: {message}"))

    def _path(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def _take(self, name: str) -> yaml.Node | None:
        """The node below ``name``, which counts as read; None where it is absent or null."""
        self._read.add(name)
        _, node = self._entries.get(name, (None, None))
        return None if node is None or document.is_null(node) else node

    def _items(self, name: str) -> list[tuple[int, yaml.Node]]:
        """The items of a list, numbered from 0."""
        node = self._take(name)
        if node is None:
            return []
        items = node.value if isinstance(node, yaml.SequenceNode) else _numbered(node)
        if items is None:
            self._expected('a list such as ["*"]', node, self._path(name))
        return list(enumerate(items or ()))

    def _parsed(self, node: yaml.Node, path: str, parse: Callable[[str], Value], default: Default) -> Value | Default:
        if not isinstance(node, yaml.ScalarNode) or node.tag == document.BROKEN_TAG:
            self._expected("one value", node, path)
            return default
        if _UNUSABLE.search(node.value):
            self._mistake(node, path, f"expected text without NUL and lone surrogates, got {node.value[:40]!r}")
            return default
        try:
            return parse(node.value)
        except ValueError as exc:
            self._mistake(node, path, str(exc))
            return default

    def _expected(self, wanted: str, node: yaml.Node, path: str) -> None:
        if node.tag == document.BROKEN_TAG:
            self._mistake(node, path, node.value)
        else:
            self._mistake(node, path, f"expected {wanted}, got {_NOUNS.get(type(node)) or repr(node.value)}")

    def _mistake(self, node: yaml.Node, path: str, message: str) -> None:
        self._findings.mistakes.append(document.issue_at(node, f"{path}: {message}" if path else message))

    def _name_unhonoured(self, name: str) -> None:
        """What is not offered is named even where somebody reads it already."""
        key, value = self._entries[name]
        path = self._path(name)
        if path in unsupported.REFUSED:
            self._mistake(key, path, f"not offered here: {unsupported.REFUSED[path]}")
        elif path in unsupported.WITHOUT_EFFECT:
            self.warn(name, f"has no effect here: {unsupported.WITHOUT_EFFECT[path]}")
        elif name in self._read:
            return
        elif key.start_mark.name != document.FILE:
            self._findings.warnings += [
                Issue(f"Ignoring unrecognized environment variable {variable}", variable=variable)
                for variable in dict.fromkeys(_sources(key, value))
            ]
        else:
            close = difflib.get_close_matches(name, self._read, n=1)
            self._mistake(key, path, "unknown key" + (f", did you mean {close[0]}?" if close else ""))


def _is_quoted_truth(node: yaml.Node) -> bool:
    """A truth that YAML does not take for one."""
    return bool(node.tag.endswith(":str")) and str(node.value).lower() in yaml.SafeLoader.bool_values


def _numbered(node: yaml.Node) -> list[yaml.Node] | None:
    """The items of a list that variables made or changed, by their numbers from 0; None for what is none."""
    if not isinstance(node, yaml.MappingNode) or node.start_mark.name == document.FILE:
        return None
    items = {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}
    numbers = [str(number) for number in range(len(node.value))]
    return [items[number] for number in numbers] if items.keys() == set(numbers) else None


def _parser_of(words: type[Word]) -> Callable[[str], Word]:
    def parse(text: str) -> Word:
        for word in words:
            if word.casefold() == text.casefold():
                return word
        raise ValueError(f"expected one of {', '.join(words)}, got {text!r}")

    return parse


def _sources(*nodes: yaml.Node) -> Iterator[str]:
    """Names of the variables that a subtree came from; aliases may make it a ring."""
    pending, seen = [*reversed(nodes)], set[int]()
    while pending:
        node = pending.pop()
        if id(node) not in seen:
            seen.add(id(node))
            yield node.start_mark.name
            if isinstance(node, yaml.MappingNode):
                pending += [below for entry in reversed(node.value) for below in reversed(entry)]
