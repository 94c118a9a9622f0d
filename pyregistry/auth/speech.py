"""How a registry with token authentication speaks: what it lets in, and how it says no.

``Speech`` is what a twin implements; ``DistributionSpeech`` is our own, in registry:2's words. A speech only words
things: who may do what is ``accounts.rights``, and the controllers and the issuer decide.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import Protocol

from pyregistry.accounts.pat import TokenKind
from pyregistry.accounts.rights import Lack
from pyregistry.auth.challenge import INSUFFICIENT_SCOPE, INVALID_TOKEN, format_basic, format_bearer
from pyregistry.auth.interface import AccessRequest
from pyregistry.auth.scopes import Scope, scopes_of
from pyregistry.spec.errors import RegistryError, Unauthorized
from pyregistry.spec.identity import ANONYMOUS, Identity


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
    """One request at the registry's door: who, for what, by which ``scheme://host`` the registry was called."""

    base_url: str
    wanted: tuple[AccessRequest, ...]
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

    def refuse_access(self, attempt: Attempt, refused: AccessRequest, lack: Lack | None) -> RegistryError:
        """``refused`` of all that is wanted is not allowed; without ``lack`` the bearer token is not meant for it."""
        ...

    def refuse_login(self, identity: Identity, fault: Fault) -> RegistryError:
        """The token endpoint does not take this credential."""
        ...

    def refuse_token(self, identity: Identity, requested: Sequence[Scope], lack: Lack) -> RegistryError | None:
        """Nothing of what was requested can be granted; None issues a token without rights instead."""
        ...


class DistributionSpeech:
    """registry:2's own words: always 401 and a challenge, with ``error`` where the token was the trouble."""

    service = "pyregistry"
    token_path = "/auth/token"  # noqa: S105  a path
    token_lifetime = timedelta(minutes=5)
    accepted_kinds = frozenset(TokenKind)
    takes_forms = True
    takes_access_tokens = False

    def refuse_nothing_sent(self, attempt: Attempt) -> RegistryError:
        """A challenge."""
        return self._challenge(attempt)

    def refuse_basic(self, attempt: Attempt) -> RegistryError:
        """The same as nothing."""
        return self._challenge(attempt)

    def refuse_forged(self, attempt: Attempt) -> RegistryError:
        """``invalid_token``."""
        return self._challenge(attempt, INVALID_TOKEN)

    def refuse_expired(self, attempt: Attempt) -> RegistryError:
        """``invalid_token``."""
        return self._challenge(attempt, INVALID_TOKEN)

    def refuse_fault(self, attempt: Attempt, fault: Fault) -> RegistryError:  # noqa: ARG002  one answer for all
        """``invalid_token``."""
        return self._challenge(attempt, INVALID_TOKEN)

    def refuse_access(self, attempt: Attempt, refused: AccessRequest, lack: Lack | None) -> RegistryError:  # noqa: ARG002  one answer for all
        """``insufficient_scope``."""
        return self._challenge(attempt, INSUFFICIENT_SCOPE)

    def refuse_login(self, identity: Identity, fault: Fault) -> RegistryError:  # noqa: ARG002  one answer for all
        """A challenge for name and password."""
        return Unauthorized(challenge=format_basic(self.service), identity=identity)

    def refuse_token(self, identity: Identity, requested: Sequence[Scope], lack: Lack) -> RegistryError | None:  # noqa: ARG002  never refused
        """Fewer rights than requested are no error, none at all neither."""
        return None

    def _challenge(self, attempt: Attempt, error: str | None = None) -> Unauthorized:
        scopes = scopes_of(attempt.wanted)
        challenge = format_bearer(attempt.base_url + self.token_path, self.service, scopes, error)
        return Unauthorized(list_actions(scopes) or None, challenge=challenge, identity=attempt.identity)


def list_actions(scopes: Sequence[Scope]) -> list[dict[str, str]]:
    """The ``detail`` of registry:2's 401: one row an action."""
    return [
        {"Type": scope.type, "Class": scope.resource_class, "Name": scope.name, "Action": action}
        for scope in scopes
        for action in scope.actions
    ]
