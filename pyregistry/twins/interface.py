"""What it takes to speak like some registry with token authentication: what it lets in, and how it says no.

A speech only words things. Who may do what is ``accounts.rights``; ``auth`` decides, and raises what the speech gives.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import Protocol

from pyregistry.accounts.pat import TokenKind
from pyregistry.accounts.rights import Lack
from pyregistry.spec.endpoints import Access
from pyregistry.spec.errors import RegistryError
from pyregistry.spec.identity import ANONYMOUS, Identity

INVALID_TOKEN = "invalid_token"  # noqa: S105  an error word of RFC 6750, not a password
INSUFFICIENT_SCOPE = "insufficient_scope"


class Fault(Enum):
    """What is wrong with a credential."""

    UNKNOWN = auto()
    """No such access token; perhaps a password, perhaps a slip."""
    EXPIRED = auto()
    REVOKED = auto()
    KIND = auto()
    """An access token of a kind that is of no use here."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody at the door.

    Attributes:
        challenge: Makes the WWW-Authenticate value for what is wanted, with an error word or without.
        wanted: What is wanted as registry:2 puts it into ``detail``: one row an action.
        identity: Who it is, as far as is known.
    """

    challenge: Callable[[str | None], str]
    wanted: tuple[Mapping[str, str], ...] = ()
    identity: Identity = ANONYMOUS


class Speech(Protocol):
    """The manners of one registry. Each method returns the error to raise."""

    @property
    def service(self) -> str:
        """The ``service`` of challenges, the audience of tokens."""
        ...

    @property
    def token_path(self) -> str:
        """Path of the token endpoint; the realm is the client's ``scheme://host`` and this."""
        ...

    @property
    def token_lifetime(self) -> timedelta:
        """How long a bearer token lives."""
        ...

    @property
    def accepted_kinds(self) -> frozenset[TokenKind]:
        """Kinds of access tokens that are of use here."""
        ...

    @property
    def takes_forms(self) -> bool:
        """Whether the token endpoint has the OAuth2 POST form."""
        ...

    @property
    def takes_access_tokens(self) -> bool:
        """Whether ``Bearer base64(access token)`` is as good as a bearer token."""
        ...

    @property
    def lacking_endpoints(self) -> frozenset[str]:
        """Ids of endpoints that the registry does not have; they are unknown paths there."""
        ...

    def refuse_nothing_sent(self, attempt: Attempt) -> RegistryError:
        """No Authorization header: the challenge that starts the token dance."""
        ...

    def refuse_basic(self, attempt: Attempt) -> RegistryError:
        """Name and password, or something unreadable, sent to the registry instead of the token endpoint."""
        ...

    def refuse_forged(self, attempt: Attempt) -> RegistryError:
        """A bearer token that is not ours."""
        ...

    def refuse_expired(self, attempt: Attempt) -> RegistryError:
        """A bearer token whose time is over; the client gets itself a new one."""
        ...

    def refuse_fault(self, attempt: Attempt, fault: Fault) -> RegistryError:
        """The access token, sent or behind the bearer token, is of no use any more."""
        ...

    def refuse_access(self, attempt: Attempt, access: Access, lack: Lack | None) -> RegistryError:
        """``access`` to something is not allowed; without ``lack`` the bearer token just was not issued for it."""
        ...

    def refuse_login(self, attempt: Attempt, fault: Fault) -> RegistryError:
        """The token endpoint does not take this credential. The challenge is one for name and password."""
        ...

    def refuse_token(self, identity: Identity, actions: frozenset[str], lack: Lack) -> RegistryError | None:
        """None of the requested ``actions`` can be granted; None issues a token without rights instead."""
        ...
