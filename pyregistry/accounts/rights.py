"""What an account may do with a repository, on GitHub's rules. Packages are private.

| access  | scope of the token                 | and the namespace is          |
|---------|------------------------------------|-------------------------------|
| pull    | read:packages or write:packages    | ours, or we are an auditor    |
| push    | write:packages                     | ours                          |
| delete  | delete:packages                    | ours                          |
| catalog | read:packages or write:packages    | (every one) we are an auditor |
"""

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType

from pyregistry.accounts.model import Holder, Role
from pyregistry.accounts.scopes import DELETE_PACKAGES, READ_PACKAGES, WRITE_PACKAGES
from pyregistry.spec.endpoints import Access

_SCOPES: Mapping[Access, frozenset[str]] = MappingProxyType(
    {
        Access.PULL: frozenset({READ_PACKAGES, WRITE_PACKAGES}),
        Access.PUSH: frozenset({WRITE_PACKAGES}),
        Access.DELETE: frozenset({DELETE_PACKAGES}),
        Access.CATALOG: frozenset({READ_PACKAGES, WRITE_PACKAGES}),
    }
)
_AUDITED = frozenset({Access.PULL, Access.CATALOG})


class Lack(Enum):
    """What keeps a known account from something."""

    SCOPE = auto()
    """Its token was not given the scope; looked at first."""
    NAMESPACE = auto()
    """The repository belongs to somebody else."""


def find_lack(holder: Holder, repository: str, access: Access) -> Lack | None:
    """What ``holder`` lacks for ``access`` on ``repository``; None when nothing is lacking."""
    if access is Access.NONE:
        return None
    if _SCOPES[access].isdisjoint(holder.token.scopes):
        return Lack.SCOPE
    if access in _AUDITED and holder.account.role is Role.AUDITOR:
        return None
    return None if holder.account.belongs_to(repository.partition("/")[0]) else Lack.NAMESPACE
