"""What the API asks of authentication and authorization, in values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pyregistry.spec.endpoints import Access
from pyregistry.spec.identity import Identity


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """One thing that a request wants: ``access`` on ``repository`` (empty for the catalog and the base endpoint)."""

    repository: str
    access: Access


@dataclass(frozen=True, slots=True)
class RequestCredentials:
    """What a request brings along to prove who it is.

    Attributes:
        authorization: The Authorization header as sent, or None.
        base_url: ``scheme://host[:port]`` as the client called us; realms are built on it.
    """

    authorization: str | None
    base_url: str


class AccessController(Protocol):
    """Decides whether a request may go on. ``Match.access`` has been computed before; no store is touched."""

    def authorize(self, credentials: RequestCredentials, wanted: Sequence[AccessRequest]) -> Identity:
        """The identity that may do all that is wanted.

        Raises:
            Unauthorized: With the challenge to send back.
            Denied: Known, and not allowed. Both carry ``identity`` for the journal where one is known.
            Unavailable: Who may come in cannot be read at the moment.
        """
        ...

    def recall(self, credentials: RequestCredentials, wanted: Sequence[AccessRequest]) -> Identity | None:
        """What ``authorize`` would return, where that is known at once: in microseconds, without blocking.

        None says nothing about the answer, and asks for ``authorize`` in a thread; refusals always come from there.
        """
        ...


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A request to the token endpoint (distribution token spec GET, or OAuth2 POST).

    Attributes:
        authorization: The Authorization header of the GET form, or None.
        service: The ``service`` parameter.
        scopes: Each ``scope`` as written, ``repository:name:pull,push``.
        account: The ``account`` parameter, a hint.
        form: OAuth2 POST fields; None for GET.
    """

    authorization: str | None
    service: str | None
    scopes: tuple[str, ...]
    account: str | None = None
    offline: bool = False
    form: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """The token endpoint's answer. ``granted`` may be less than was asked: that is not an error."""

    token: str
    expires_in_seconds: int
    issued_at: str
    identity: Identity
    granted: tuple[str, ...]
    refresh_token: str | None = None


class TokenIssuer(Protocol):
    """A registry's own token endpoint."""

    @property
    def path(self) -> str:
        """Where the endpoint lives, e.g. ``/token`` on GHCR."""
        ...

    def issue(self, request: TokenRequest) -> IssuedToken:
        """A bearer token for what the account may do of what is asked.

        Raises:
            Unauthorized, Denied: In the twin's wording, with ``identity`` for the journal where one is known.
        """
        ...


@dataclass(frozen=True, slots=True)
class Guard:
    """What the server is wired with: the controller, and the issuer where the registry has its own."""

    controller: AccessController
    issuer: TokenIssuer | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers that the twin adds to every answer."""
    asks: bool = True
    """Somebody has to say who they are; False where everybody may do everything."""
