"""The part of Go's text/template that people type behind ``--format``. Pure.

{{.Config.Labels}}  {{json .}}  {{index .RepoDigests 0}}  {{range $k, $v := .Config.Labels}}…{{else}}…{{end}}
{{if and .A (eq .B "c")}}…{{else if …}}…{{end}}  {{with .A}}…{{end}}  {{.Architecture | upper}}  {{- trim -}}
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from labs.gojson import format_json

NO_VALUE = "<no value>"
Value = Any
"""What JSON holds: a mapping, a list, a text, a number, a truth value or None."""

_ACTION = re.compile(
    r"\{\{(?P<left>-\s)?(?P<body>(?:\"(?:[^\"\\]|\\.)*\"|`[^`]*`|[^\"`])*?)(?P<right>\s-)?\}\}", re.DOTALL
)
_COMMENT = re.compile(r"\s*/\*.*\*/\s*", re.DOTALL)
# token ::= string | raw string | number | field chain | variable with chain | word | one of ( ) | , := =
_LEXEME = re.compile(
    r"\s*(?:(?P<string>\"(?:[^\"\\]|\\.)*\"|`[^`]*`)|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<field>(?:\$\w*)?(?:\.\w+)+|\.)|(?P<variable>\$\w*)|(?P<word>\w+)|(?P<mark>:=|[()|,=]))"
)


class TemplateInvalid(ValueError):
    """The template cannot be read. The message is Go's, without its prefix."""


class TemplateFailed(ValueError):
    """The template cannot be filled in from these values. The message is Go's, without its prefix."""


@dataclass(frozen=True, slots=True)
class _Lexeme:
    kind: str
    text: str
    column: int


@dataclass(slots=True)
class _Node:
    """Text, an expression to print, or a block (``if``, ``range``, ``with``) with its two branches."""

    kind: str
    text: str = ""
    pipeline: list[_Lexeme] = field(default_factory=list)
    body: list["_Node"] = field(default_factory=list)
    other: list["_Node"] = field(default_factory=list)


class Template:
    """A template, read once, filled in as often as there are values.

    Raises:
        TemplateInvalid: It cannot be read.
    """

    def __init__(self, text: str) -> None:
        self._nodes, rest, _ = _parse(list(_split(_unescape(text))), ())
        if rest:
            raise TemplateInvalid("unexpected {{end}}")

    def render(self, values: Value, kind: str = "") -> str:
        """Fill in.

        Args:
            values: What ``.`` is.
            kind: Go's type of it, where a missing field is told by type; else it is told as a map.

        Raises:
            TemplateFailed: A field, index or function does not fit the values.
        """
        return "".join(_render(self._nodes, _Scope(values, {"$": values}, kind)))


@dataclass(frozen=True, slots=True)
class _Scope:
    """What ``.`` and the variables are at one place of a template."""

    dot: Value
    variables: dict[str, Any]
    kind: str

    def bind(self, dot: Value, **variables: Value) -> "_Scope":
        return _Scope(dot, self.variables | {f"${name}": value for name, value in variables.items()}, self.kind)


def _unescape(text: str) -> str:
    r"""docker/cli lets people type ``\t`` and ``\n`` outside of strings."""
    return text.replace(r"\t", "\t").replace(r"\n", "\n")


def _split(text: str) -> Iterator[_Node]:
    """Text and actions in order."""
    position, trim = 0, False
    for match in _ACTION.finditer(text):
        before = text[position : match.start()]
        before = before.lstrip() if trim else before
        yield _Node("text", before.rstrip() if match["left"] else before)
        trim, position = bool(match["right"]), match.end()
        if not _COMMENT.fullmatch(match["body"]):
            yield _Node("action", pipeline=_lex(match["body"], match.start("body")))
    rest = text[position:]
    if "{{" in rest:
        raise TemplateInvalid("unclosed action")
    yield _Node("text", rest.lstrip() if trim else rest)


def _lex(body: str, offset: int) -> list[_Lexeme]:
    found, position = [], 0
    while body[position:].strip():
        match = _LEXEME.match(body, position)
        if match is None or match.lastgroup is None:
            raise TemplateInvalid(f"unexpected {body[position:].strip()[:1]!r} in command")
        found.append(_Lexeme(match.lastgroup, match[match.lastgroup], offset + match.start(match.lastgroup)))
        position = match.end()
    if not found:
        raise TemplateInvalid("missing value for command")
    return found


def _parse(nodes: list[_Node], stops: tuple[str, ...]) -> tuple[list[_Node], list[_Node], _Node | None]:
    """Build the tree up to a stop word; returns the tree, what is left, and the stopping action."""
    tree: list[_Node] = []
    while nodes:
        node = nodes.pop(0)
        word = node.pipeline[0].text if node.kind == "action" and node.pipeline[0].kind == "word" else ""
        if word in stops:
            return tree, nodes, node
        if word in {"end", "else"}:
            raise TemplateInvalid(f"unexpected {{{{{word}}}}}")
        if word in {"if", "range", "with"}:
            node, nodes = _parse_block(word, node, nodes)
        elif node.kind == "action":
            _check_functions(node.pipeline)
        tree.append(node)
    if stops:
        raise TemplateInvalid("unexpected EOF")
    return tree, [], None


def _parse_block(word: str, node: _Node, nodes: list[_Node]) -> tuple[_Node, list[_Node]]:
    pipeline = node.pipeline[1:]
    if not pipeline:
        raise TemplateInvalid(f"missing value for {word}")
    _check_functions(pipeline)
    body, nodes, stop = _parse(nodes, ("end", "else"))
    other: list[_Node] = []
    if stop and stop.pipeline[0].text == "else":
        if len(stop.pipeline) > 1 and stop.pipeline[1].text == word == "if":
            inner, nodes = _parse_block("if", _Node("action", pipeline=stop.pipeline[1:]), nodes)
            other = [inner]
        else:
            other, nodes, _ = _parse(nodes, ("end",))
    return _Node(word, pipeline=pipeline, body=body, other=other), nodes


def _check_functions(pipeline: Sequence[_Lexeme]) -> None:
    for lexeme in pipeline:
        if lexeme.kind == "word" and lexeme.text not in {*_FUNCTIONS, "true", "false", "nil"}:
            raise TemplateInvalid(f'function "{lexeme.text}" not defined')


def _render(nodes: Sequence[_Node], scope: _Scope) -> Iterator[str]:
    for node in nodes:
        if node.kind == "text":
            yield node.text
        elif node.kind == "action":
            yield from _render_action(node, scope)
        elif node.kind == "range":
            yield from _render_range(node, scope)
        else:
            value = _evaluate(node.pipeline, scope)
            inner = scope.bind(value) if node.kind == "with" and value else scope
            yield from _render(node.body if value else node.other, inner)


def _render_action(node: _Node, scope: _Scope) -> Iterator[str]:
    names, pipeline = _declaration(node.pipeline)
    value = _evaluate(pipeline, scope)
    if names:
        scope.variables[names[0]] = value
    else:
        yield format_value(value)


def _render_range(node: _Node, scope: _Scope) -> Iterator[str]:
    names, pipeline = _declaration(node.pipeline)
    value = _evaluate(pipeline, scope)
    pairs = sorted(value.items()) if isinstance(value, Mapping) else list(enumerate(value or ()))
    if not pairs:
        yield from _render(node.other, scope)
    for key, item in pairs:
        bound = zip(reversed(names), (item, key), strict=False)
        yield from _render(node.body, scope.bind(item, **{name[1:]: one for name, one in bound}))


def _declaration(pipeline: list[_Lexeme]) -> tuple[list[str], list[_Lexeme]]:
    """``$k, $v := rest`` in its parts."""
    for position, lexeme in enumerate(pipeline):
        if lexeme.text in {":=", "="} and lexeme.kind == "mark":
            return [one.text for one in pipeline[:position] if one.kind == "variable"], pipeline[position + 1 :]
    return [], pipeline


def _evaluate(pipeline: Sequence[_Lexeme], scope: _Scope) -> Value:
    """Commands from left to right, each result the next one's last argument."""
    value: Value = None
    rest = list(pipeline)
    first = True
    while rest:
        words, rest = _take_command(rest)
        value = _call(words, scope, () if first else (value,))
        first = False
    return value


def _take_command(lexemes: list[_Lexeme]) -> tuple[list[_Lexeme], list[_Lexeme]]:
    depth = 0
    for position, lexeme in enumerate(lexemes):
        depth += {"(": 1, ")": -1}.get(lexeme.text, 0) if lexeme.kind == "mark" else 0
        if lexeme.text == "|" and lexeme.kind == "mark" and depth == 0:
            return lexemes[:position], lexemes[position + 1 :]
    return lexemes, []


def _call(words: list[_Lexeme], scope: _Scope, piped: tuple[Any, ...]) -> Value:
    if not words:
        raise TemplateInvalid("missing value for command")
    head = words[0]
    arguments = list(_operands(words[1:] if head.kind == "word" and head.text in _FUNCTIONS else words, scope))
    if head.kind != "word" or head.text not in _FUNCTIONS:
        return arguments[0]
    try:
        return _FUNCTIONS[head.text](*arguments, *piped)
    except (TypeError, ValueError, KeyError, IndexError) as exc:
        source = " ".join(word.text for word in words)
        reason = str(exc) if isinstance(exc, TemplateFailed) else f"wrong arguments: {exc}"
        raise TemplateFailed(
            f':1:{head.column}: executing "" at <{source}>: error calling {head.text}: {reason}'
        ) from exc


def _operands(words: list[_Lexeme], scope: _Scope) -> Iterator[Any]:
    rest = list(words)
    while rest:
        lexeme = rest.pop(0)
        if lexeme.text == "(" and lexeme.kind == "mark":
            inner, rest = _take_group(rest)
            yield _evaluate(inner, scope)
        else:
            yield _operand(lexeme, scope)


def _take_group(lexemes: list[_Lexeme]) -> tuple[list[_Lexeme], list[_Lexeme]]:
    depth = 1
    for position, lexeme in enumerate(lexemes):
        depth += {"(": 1, ")": -1}.get(lexeme.text, 0) if lexeme.kind == "mark" else 0
        if depth == 0:
            return lexemes[:position], lexemes[position + 1 :]
    raise TemplateInvalid("unclosed left paren")


def _operand(lexeme: _Lexeme, scope: _Scope) -> Value:
    if lexeme.kind == "string":
        return lexeme.text[1:-1] if lexeme.text.startswith("`") else json.loads(lexeme.text)
    if lexeme.kind == "number":
        return float(lexeme.text) if "." in lexeme.text else int(lexeme.text)
    if lexeme.kind == "word":
        return {"true": True, "false": False}.get(lexeme.text)
    variable, _, chain = lexeme.text.partition(".")
    value = scope.variables.get(variable) if variable else scope.dot
    return _walk(value, [name for name in chain.split(".") if name], lexeme, scope)


def _walk(value: Value, names: list[str], lexeme: _Lexeme, scope: _Scope) -> Value:
    for name in names:
        if isinstance(value, Mapping) and name in value:
            value = value[name]
        elif isinstance(value, Mapping) and value is not scope.variables["$"]:
            return None
        else:
            place = f':1:{lexeme.column}: executing "" at <{lexeme.text}>'
            missing = f'map has no entry for key "{name}"'
            reason = f"can't evaluate field {name} in type {scope.kind}" if scope.kind else missing
            raise TemplateFailed(f"{place}: {reason}")
    return value


def format_value(value: Value) -> str:
    """A value as Go's ``%v`` prints it."""
    if value is None:
        return NO_VALUE
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return f"map[{' '.join(f'{key}:{format_value(item)}' for key, item in sorted(value.items()))}]"
    if isinstance(value, list | tuple):
        return f"[{' '.join(format_value(item) for item in value)}]"
    return str(value)


def to_json(value: Value) -> str:
    """Compact JSON with Go's escapes of ``<``, ``>`` and ``&``."""
    return format_json(value).decode()


def _index(value: Value, *keys: Value) -> Value:
    for key in keys:
        if isinstance(value, Mapping):
            value = value.get(key)
        elif not isinstance(key, int) or not isinstance(value, list | tuple):
            raise TemplateFailed(f"cannot index {format_value(value)} with {format_value(key)}")
        elif not 0 <= key < len(value):
            raise TemplateFailed(f"index out of range: {key}")
        else:
            value = value[key]
    return value


def _printf(form: str, *values: Value) -> str:
    """Go's verbs as Python's: %v and %q are the ones that differ."""
    verbs = iter(values)
    return re.sub(r"%([-+0-9.]*)([vqsdfx%])", lambda match: _format_verb(match, verbs), form)


def _format_verb(match: "re.Match[str]", values: Iterator[Any]) -> str:
    if match[2] == "%":
        return "%"
    value = next(values, None)
    if match[2] in "dfx":
        return f"%{match[1]}{match[2]}" % value
    text = json.dumps(value, ensure_ascii=False) if match[2] == "q" else format_value(value)
    return f"%{match[1]}s" % text


def _truncate(text: str, length: int) -> str:
    return text[:length]


def _pad(text: str, before: int, after: int) -> str:
    return f"{' ' * before}{text}{' ' * after}" if text else text


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "json": to_json,
    "index": _index,
    "len": len,
    "join": lambda items, separator: separator.join(format_value(item) for item in items or ()),
    "split": lambda text, separator: text.split(separator),
    "upper": str.upper,
    "lower": str.lower,
    "title": str.title,
    "truncate": _truncate,
    "pad": _pad,
    "printf": _printf,
    "print": lambda *values: "".join(format_value(value) for value in values),
    "println": lambda *values: " ".join(format_value(value) for value in values) + "\n",
    "eq": lambda first, *others: any(first == other for other in others),
    "ne": lambda one, other: one != other,
    "lt": lambda one, other: one < other,
    "le": lambda one, other: one <= other,
    "gt": lambda one, other: one > other,
    "ge": lambda one, other: one >= other,
    "and": lambda *values: next((value for value in values if not value), values[-1]),
    "or": lambda *values: next((value for value in values if value), values[-1]),
    "not": lambda value: not value,
}
