"""``REGISTRY_*`` variables laid over the configuration file, as registry:2 does it.

    variable ::= "REGISTRY" ("_" key)+

Each key is one level; no key of registry:2 contains ``_``. The value is YAML. In a list the key is the item's number,
from 0, as in registry:3: ``REGISTRY_NOTIFICATIONS_ENDPOINTS_0_URL``. An existing key is found whatever its
case, a new one is made lower-cased. Variables are applied in lexical order, so that ``REGISTRY_AUTH=htpasswd`` comes
before ``REGISTRY_AUTH_HTPASSWD_REALM`` and both combine. Whether a key means anything is decided where it is read.
"""

from collections.abc import Mapping

import yaml

from pyregistry.config.document import BROKEN_TAG, BrokenYaml, compose, is_null, mapping_node, null, text_node

PREFIX = "REGISTRY_"
CONFIGURATION_PATH = "REGISTRY_CONFIGURATION_PATH"
"""Names the file itself."""

VERSION = "REGISTRY_VERSION"
"""Has no effect: a file's version says how the file is to be read."""


def overlay(root: yaml.Node, environ: Mapping[str, str]) -> yaml.Node:
    """A tree like ``root`` with every ``REGISTRY_*`` variable applied to it."""
    for variable in sorted(environ):
        if variable.startswith(PREFIX) and variable not in (CONFIGURATION_PATH, VERSION):
            root = _replaced(root, variable.removeprefix(PREFIX).split("_"), variable, environ[variable])
    return root


def _replaced(node: yaml.Node, keys: list[str], variable: str, value: str) -> yaml.Node:
    """``node`` with the value put below ``keys``; without keys, the value itself."""
    if not keys:
        return _value(value, variable)
    mapping = _opened(node, variable)
    for index, (key, child) in enumerate(mapping.value):
        if isinstance(key, yaml.ScalarNode) and key.value.casefold() == keys[0].casefold():
            mapping.value[index] = (key, _replaced(child, keys[1:], variable, value))
            return mapping
    mapping.value.append((text_node(keys[0].lower(), variable), _replaced(null(variable), keys[1:], variable, value)))
    return mapping


def _opened(node: yaml.Node, variable: str) -> yaml.MappingNode:
    """``node`` as a mapping that can be added to: a bare word ``w`` means ``{w: {}}``, as in ``auth: htpasswd``.

    A list becomes a mapping from numbers, which whoever reads it takes for a list again.

    A copy, for an alias makes one mapping stand in two places, of which the variable names only one.
    """
    if isinstance(node, yaml.MappingNode):
        return yaml.MappingNode(node.tag, [*node.value], node.start_mark, node.end_mark)
    mapping = mapping_node(variable)
    if isinstance(node, yaml.SequenceNode):
        mapping.value += [(text_node(str(index), variable), item) for index, item in enumerate(node.value)]
    if isinstance(node, yaml.ScalarNode) and not is_null(node):
        mapping.value.append((node, null(node.start_mark.name)))
    return mapping


def _value(text: str, variable: str) -> yaml.Node:
    """The variable's value as a node; broken YAML is complained about only where the key turns out to be ours."""
    try:
        return compose(text, variable)
    except BrokenYaml as exc:
        broken = text_node(exc.issue.message, variable)
        broken.tag = BROKEN_TAG
        return broken
