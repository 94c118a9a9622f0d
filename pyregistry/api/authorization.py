"""May the client do this? Asked between match and handler, about ``Match.access`` alone; no store is touched."""

from collections.abc import Sequence

from starlette.datastructures import QueryParams

from pyregistry.api.call import Wiring
from pyregistry.api.router import Match
from pyregistry.auth.interface import AccessController, AccessRequest, RequestCredentials
from pyregistry.spec.endpoints import Access
from pyregistry.spec.errors import Denied, NameInvalid, Unauthorized
from pyregistry.spec.identity import Identity
from pyregistry.spec.names import parse_repository

_OPEN_ENDPOINTS = frozenset({"root", "redirect", "options", "token"})
"""Asked before a client has any credential, or, as browsers ask for OPTIONS, never with one."""


def wanted_access(match: Match) -> list[AccessRequest]:
    """What the request wants, in the words of the scope it would be granted; the base endpoint wants only a login."""
    repository = match.repository
    if match.access is Access.PUSH:
        return [AccessRequest(repository, Access.PULL), AccessRequest(repository, Access.PUSH)]
    return [AccessRequest(repository, match.access)]


def mount_source(match: Match, query: QueryParams) -> str | None:
    """The repository that a mount would read from; None where there is none, or none that could exist."""
    if match.endpoint.id != "end-4" or "mount" not in query or "from" not in query:
        return None
    try:
        return parse_repository(query["from"])
    except NameInvalid:
        return None


def recall(
    wiring: Wiring, credentials: RequestCredentials, match: Match, source: str | None
) -> tuple[Identity, str | None] | None:
    """What ``authorize`` would return, where that is known at once; None asks for it in a thread."""
    if match.endpoint.id in _OPEN_ENDPOINTS:
        return Identity(), None
    wanted = wanted_access(match)
    if source is not None:
        wanted.append(AccessRequest(source, Access.PULL))
    identity = wiring.guard.controller.recall(credentials, wanted)
    return None if identity is None else (identity, source)


def authorize(
    wiring: Wiring, credentials: RequestCredentials, match: Match, source: str | None
) -> tuple[Identity, str | None]:
    """Who may go on, and the mount's source if they may read there.

    A client that may not read the source is not refused: it uploads the blob (distribution-spec 1.1.1 end-11). The
    challenge for one that may do nothing yet names the source all the same, so that its next token covers the mount.

    Raises:
        Unauthorized, Denied, Unavailable: See ``AccessController``.
    """
    if match.endpoint.id in _OPEN_ENDPOINTS:
        return Identity(), None
    controller, wanted = wiring.guard.controller, wanted_access(match)
    if source is None:
        return controller.authorize(credentials, wanted), None
    return _authorize_mount(controller, credentials, wanted, source)


def _authorize_mount(
    controller: AccessController, credentials: RequestCredentials, wanted: Sequence[AccessRequest], source: str
) -> tuple[Identity, str | None]:
    try:
        return controller.authorize(credentials, [*wanted, AccessRequest(source, Access.PULL)]), source
    except (Unauthorized, Denied) as refused:
        try:
            return controller.authorize(credentials, wanted), None
        except (Unauthorized, Denied):
            raise refused from None


def may_pull(wiring: Wiring, credentials: RequestCredentials, repository: str) -> bool:
    """Whether the client may read there as well. What it holds counts; it is not sent for a further token."""
    try:
        wiring.guard.controller.authorize(credentials, [AccessRequest(repository, Access.PULL)])
    except (Unauthorized, Denied):
        return False
    return True
