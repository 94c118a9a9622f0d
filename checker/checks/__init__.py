"""The checks, pure: facts → finding. One module a lab, named by its slug; ``pack`` finds it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules

from checker.facts import Target
from checker.model import Check


@dataclass(frozen=True, slots=True)
class Pack:
    """One lab's checks in the order in which they are shown, and what they want read from the registry."""

    slug: str
    checks: tuple[Check, ...]
    target: Callable[[Mapping[str, str]], Target]

    def check(self, code: str) -> Check | None:
        """The check of that code, in any case."""
        return next((check for check in self.checks if check.code == code.upper()), None)


def slugs() -> list[str]:
    """Labs that have checks, sorted."""
    return sorted(module.name for module in iter_modules(__path__) if module.name.startswith("tp"))


def pack(slug: str) -> Pack:
    """The checks of one lab.

    Raises:
        KeyError: There is none of that slug.
    """
    if slug not in slugs():
        raise KeyError(slug)
    module = import_module(f"{__name__}.{slug}")
    return Pack(slug, module.CHECKS, module.target)
