"""registry:2's configuration as text and ``REGISTRY_*`` variables: which paths and neighbours it names, and where.

Pure. Lines stay where they are, so that a mistake is told with the student's own line. What the settings mean is the
registry's business.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from urllib.parse import urlsplit

import yaml

PREFIX = "REGISTRY_"

Keys = tuple[str, ...]
"""Where a setting stands: ``("auth", "htpasswd", "path")``; an item of a list by its number."""

_PATHS: frozenset[Keys] = frozenset(
    {
        ("storage", "filesystem", "rootdirectory"),
        ("auth", "htpasswd", "path"),
        ("auth", "token", "rootcertbundle"),
        ("auth", "token", "jwks"),
        ("http", "tls", "certificate"),
        ("http", "tls", "key"),
        ("http", "tls", "clientcas", "*"),
        ("http", "tls", "letsencrypt", "cachefile"),
        ("health", "file", "*", "file"),
        ("pyregistry", "accounts", "path"),
        ("pyregistry", "journal", "path"),
    }
)
"""Settings that name a file or a folder of the container."""

_ADDRESSES: frozenset[Keys] = frozenset(
    {
        ("notifications", "endpoints", "*", "url"),
        ("proxy", "remoteurl"),
        ("health", "http", "*", "uri"),
        ("health", "tcp", "*", "addr"),
        ("redis", "addr"),
    }
)
"""Settings that name whom the registry itself asks: a URL, or host and port."""


def keys_of(variable: str) -> Keys:
    """Which setting a ``REGISTRY_*`` variable is."""
    return tuple(variable.removeprefix(PREFIX).lower().split("_"))


def settings(text: str, variables: Mapping[str, str]) -> dict[Keys, str]:
    """What is set, the file first, variables over it in lexical order, as the registry lays them; values as text."""
    found = dict(_values(text, ()))
    for variable in sorted(variables):
        if variable.startswith(PREFIX):
            keys = keys_of(variable)
            found = {known: value for known, value in found.items() if known[: len(keys)] != keys}
            found |= dict(_values(variables[variable], keys))
    return found


def with_paths(text: str, path: Callable[[str], str], keys: Keys = ()) -> str:
    """A YAML text with each container path in it replaced; one that is no YAML as it is.

    Args:
        text: The file, or a variable's value.
        path: The path of this machine for a container path.
        keys: Where the text stands: () for the file.
    """
    replaced = text
    nodes = [node for at, node in _leaves(text, keys) if _is_one_of(_PATHS, at) and node.value.startswith("/")]
    for node in sorted(nodes, key=lambda node: -node.start_mark.index):
        end = node.start_mark.index + len(text[node.start_mark.index : node.end_mark.index].rstrip())
        replaced = replaced[: node.start_mark.index] + json.dumps(path(node.value)) + replaced[end:]
    return replaced


def addresses(text: str, keys: Keys = ()) -> list[tuple[Keys, str, int]]:
    """Whom the registry asks: the setting, the host in it, and the text's line (from 1).

    Args:
        text: The file, or a variable's value.
        keys: Where the text stands: () for the file.
    """
    nodes = [(at, node) for at, node in _leaves(text, keys) if _is_one_of(_ADDRESSES, at)]
    return [(at, _host(node.value), node.start_mark.line + 1) for at, node in nodes]


def _host(address: str) -> str:
    """The host of a URL, or of ``host:port``; empty where there is none."""
    try:
        return urlsplit(address if "//" in address else f"//{address}").hostname or ""
    except ValueError:  # no address: the registry itself says so
        return ""


def _is_one_of(settings: Collection[Keys], keys: Keys) -> bool:
    return any(
        len(keys) == len(known) and all(want in {"*", key} for key, want in zip(keys, known, strict=True))
        for known in settings
    )


def _values(text: str, keys: Keys) -> Iterator[tuple[Keys, str]]:
    for at, node in _leaves(text, keys):
        yield at, "" if node.tag.endswith(":null") else str(node.value)


def _leaves(text: str, keys: Keys) -> Iterator[tuple[Keys, yaml.ScalarNode]]:
    """Every scalar with its keys. Of an empty mapping or list, a null."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        yield from [] if root is None else _below(root, keys)
    except (yaml.YAMLError, RecursionError):
        return


def _below(node: yaml.Node, keys: Keys) -> Iterator[tuple[Keys, yaml.ScalarNode]]:
    if isinstance(node, yaml.ScalarNode):
        yield keys, node
        return
    if isinstance(node, yaml.MappingNode):
        rows = [(str(key.value).lower(), value) for key, value in node.value]
    else:
        rows = [(str(number), value) for number, value in enumerate(node.value)]
    if not rows:
        yield keys, yaml.ScalarNode("tag:yaml.org,2002:null", "", node.start_mark, node.end_mark)
    for key, value in rows:
        yield from _below(value, (*keys, key))
