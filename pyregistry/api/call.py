"""What a handler is given: one request, what it is about, and what it may work with."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from starlette.requests import Request

from pyregistry.api.exchange import Exchange, current
from pyregistry.api.manners import SPEC_MANNERS, Manners
from pyregistry.api.router import Match
from pyregistry.auth.interface import Guard, TokenIssuer
from pyregistry.config.settings import Settings
from pyregistry.health import Health
from pyregistry.journal import EventLog
from pyregistry.spec.digest import Digest
from pyregistry.store.interface import Store
from pyregistry.store.recall import Prover

in_thread = asyncio.to_thread
"""Runs what may block; the way from here to a store and a guard.

Two things go without it, both for a measured reason: answers from memory (``recalling``), and the journal's write as
long as that is quick (``remembering``).
"""


def _unnoticed() -> None:
    """Nobody counts."""


@dataclass(frozen=True, slots=True)
class Wiring:
    """What the application is made of.

    Attributes:
        health: What is watched; None where nothing is.
        begun: Called when a request comes in, before its event can be; it neither waits nor raises.
        prover: Tells what answers rest on; None where none is to be given again.
        lacking_endpoints: Ids of the endpoints that the registry we stand in for does not have.
        manners: Whose way is taken where registry:2 and the specification differ.
    """

    settings: Settings
    store: Store
    guard: Guard
    journal: EventLog
    lacking_endpoints: frozenset[str] = frozenset()
    health: Health | None = None
    begun: Callable[[], None] = _unnoticed
    prover: Prover | None = None
    manners: Manners = SPEC_MANNERS


@dataclass(frozen=True, slots=True)
class Call:
    """One request on its way through a handler.

    Attributes:
        base_url: ``scheme://host[:port]`` as the client called us.
        mount_source: The repository of ``?from=``, if the client may read there.
        may_pull: Whether the client may read a repository; it may block.
    """

    request: Request
    match: Match
    wiring: Wiring
    base_url: str
    mount_source: str | None
    may_pull: Callable[[str], bool]

    @property
    def exchange(self) -> Exchange:
        """What logs and journal will tell; handlers add what only they know."""
        return current(self.request.scope)

    @property
    def store(self) -> Store:
        """The store."""
        return self.wiring.store

    @property
    def repository(self) -> str:
        """The repository that the request is about."""
        return self.match.repository

    @property
    def reference(self) -> str | Digest:
        """The tag or digest of a manifest endpoint."""
        return self.match.reference or _absent()

    @property
    def digest(self) -> Digest:
        """The digest of a blob or a subject."""
        return self.match.digest or _absent()

    @property
    def session(self) -> str:
        """The session of an upload endpoint."""
        return self.match.session or _absent()

    @property
    def issuer(self) -> TokenIssuer:
        """The issuer; there is a token endpoint only where there is one."""
        return self.wiring.guard.issuer or _absent()


def _absent() -> NoReturn:
    """The endpoint's row promises no such thing: the programmer's fault."""
    raise ValueError("a handler asked for what its endpoint does not have")
