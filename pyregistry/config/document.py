"""YAML text → nodes that remember where they stand. Meaning is ``sections``' business.

PyYAML's own nodes are the tree: each carries a mark with its line and the name of what it was read from, which is
``FILE`` for the configuration file and the variable's name for an override.
"""

import yaml

from pyregistry.config.issues import Issue

FILE = "configuration file"
BROKEN_TAG = "!broken"
"""Tag of a node that stands for text which is no YAML; its value is the parser's complaint."""

NULL_TAG = "tag:yaml.org,2002:null"


class BrokenYaml(ValueError):
    """The text is no YAML. ``issue`` says where and why."""

    def __init__(self, issue: Issue) -> None:
        super().__init__(str(issue))
        self.issue = issue


def compose(text: str | bytes, name: str) -> yaml.Node:
    """Read one YAML document; an empty one is a null.

    Raises:
        BrokenYaml: It is not one YAML document.
    """
    try:
        loader = yaml.SafeLoader(text)
        loader.name = name
        return loader.get_single_node() or null(name)
    except yaml.MarkedYAMLError as exc:
        line = exc.problem_mark.line + 1 if exc.problem_mark else None
        raise BrokenYaml(Issue(f"yaml: {exc.problem}", line)) from exc
    except (yaml.YAMLError, UnicodeError) as exc:
        raise BrokenYaml(Issue(f"yaml: expected UTF-8 text without control characters ({exc})")) from exc
    except RecursionError as exc:
        raise BrokenYaml(Issue("yaml: nested too deeply")) from exc


def mark(name: str) -> yaml.Mark:
    """The start of ``name``."""
    return yaml.Mark(name, 0, 0, 0, None, 0)


def null(name: str) -> yaml.ScalarNode:
    """A null that stands at the start of ``name``."""
    return yaml.ScalarNode(NULL_TAG, "", mark(name), mark(name))


def text_node(value: str, name: str) -> yaml.ScalarNode:
    """A text that stands at the start of ``name``."""
    return yaml.ScalarNode("tag:yaml.org,2002:str", value, mark(name), mark(name))


def mapping_node(name: str) -> yaml.MappingNode:
    """An empty mapping that stands at the start of ``name``."""
    return yaml.MappingNode("tag:yaml.org,2002:map", [], mark(name), mark(name))


def is_null(node: yaml.Node) -> bool:
    """Whether the node says nothing."""
    return node.tag == NULL_TAG


def issue_at(node: yaml.Node, message: str) -> Issue:
    """A remark on ``node``, with its line or its variable."""
    name = node.start_mark.name
    return Issue(message, line=node.start_mark.line + 1) if name == FILE else Issue(message, variable=name)
