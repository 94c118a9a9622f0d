"""What somebody at the door wants, put so that a twin can answer it."""

from collections.abc import Sequence

from pyregistry.auth.challenge import format_basic, format_bearer
from pyregistry.auth.interface import AccessRequest
from pyregistry.auth.scopes import Scope, scopes_of
from pyregistry.spec.identity import Identity
from pyregistry.twins.interface import Attempt, Speech


def attempt_at_registry(speech: Speech, base_url: str, wanted: Sequence[AccessRequest]) -> Attempt:
    """A request to the registry, which called us ``base_url``, ``http.prefix`` included.

    The realm follows the client's own words (Host, Forwarded, X-Forwarded-…), as registry:2's does. Whoever lies
    misleads itself alone: the challenge answers that one request, and nobody stores a 401. A stranger in between who
    could change the words of others could as well read their passwords. A registry that many reach sets ``http.host``,
    after which no header counts; a twin cannot, for it is reached by two names.
    """
    scopes = scopes_of(wanted)

    def challenge(error: str | None) -> str:
        return format_bearer(base_url + speech.token_path, speech.service, scopes, error)

    return Attempt(challenge, tuple(list_actions(scopes)))


def attempt_at_token_endpoint(speech: Speech, identity: Identity) -> Attempt:
    """A request to the token endpoint, which takes name and password."""
    return Attempt(lambda _: format_basic(speech.service), identity=identity)


def list_actions(scopes: Sequence[Scope]) -> list[dict[str, str]]:
    """The ``detail`` of registry:2's 401: one row an action."""
    return [
        {"Type": scope.type, "Class": scope.resource_class, "Name": scope.name, "Action": action}
        for scope in scopes
        for action in scope.actions
    ]
