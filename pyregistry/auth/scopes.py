"""Scopes of bearer tokens, in the grammar of distribution's token specification. Pure.

```
scope    ::= type ":" name ":" action ("," action)*      several scopes are separated by spaces
type     ::= word ("(" word ")")?                        repository, registry; the class in parentheses is historical
name     ::= anything without spaces; it may contain ":" (a host's port)
action   ::= pull | push | delete | "*" | any word
```
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pyregistry.auth.interface import AccessRequest
from pyregistry.spec.endpoints import Access

REPOSITORY = "repository"
REGISTRY = "registry"
CATALOG = "catalog"
EVERYTHING = "*"

_WORD = r"[a-z0-9]+"
_SCOPE = re.compile(
    rf"(?P<type>{_WORD})(?:\((?P<class>{_WORD})\))?:(?P<name>\S+):(?P<actions>(?:[a-z]+|\*)(?:,(?:[a-z]+|\*))*)",
    re.ASCII,
)

ACTIONS: dict[Access, tuple[str, ...]] = {
    Access.NONE: (),
    Access.PULL: ("pull",),
    Access.PUSH: ("pull", "push"),
    Access.DELETE: ("delete",),
    Access.CATALOG: (EVERYTHING,),
}
"""The actions that a request with some access asks for, as registry:2 asks for them."""


class ScopeInvalid(ValueError):
    """The text is no scope."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Actions on one resource; each action once, in the order of the text."""

    type: str
    name: str
    actions: tuple[str, ...]
    resource_class: str = ""

    def allows(self, wanted: "Scope") -> bool:
        """Whether everything that ``wanted`` names is granted here."""
        same = (self.type, self.name) == (wanted.type, wanted.name)
        return same and (EVERYTHING in self.actions or set(wanted.actions) <= set(self.actions))


def parse_scope(text: str) -> Scope:
    """Read one scope.

    Raises:
        ScopeInvalid: The grammar is broken.
    """
    match = _SCOPE.fullmatch(text)
    if match is None:
        raise ScopeInvalid(f"{text[:80]!r}: expected a scope such as repository:name:pull,push")
    actions = tuple(dict.fromkeys(match["actions"].split(",")))
    return Scope(match["type"], match["name"], actions, match["class"] or "")


def format_scope(scope: Scope) -> str:
    """The scope as it stands on the wire."""
    of_class = f"({scope.resource_class})" if scope.resource_class else ""
    return f"{scope.type}{of_class}:{scope.name}:{','.join(scope.actions)}"


def scope_of(request: AccessRequest) -> Scope | None:
    """The scope that a request needs; None when it needs no more than a valid token."""
    if request.access is Access.NONE:
        return None
    if request.access is Access.CATALOG:
        return Scope(REGISTRY, CATALOG, ACTIONS[Access.CATALOG])
    return Scope(REPOSITORY, request.repository, ACTIONS[request.access])


def scopes_of(wanted: Sequence[AccessRequest]) -> list[Scope]:
    """The scopes that some requests need, one a resource; those that need none left out."""
    together: dict[tuple[str, str], Scope] = {}
    for scope in filter(None, map(scope_of, wanted)):
        known = together.get((scope.type, scope.name), scope)
        actions = tuple(dict.fromkeys(known.actions + scope.actions))
        together[scope.type, scope.name] = replace(known, actions=actions)
    return list(together.values())
