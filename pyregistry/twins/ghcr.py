"""GitHub's container registry, ghcr.io, as its clients meet it.

Seen in public reports of its answers, 2020 to 2026:

- a wrong or dead credential at the token endpoint: 403 DENIED ``denied``, which Docker prints as ``denied: denied``;
- a credential that names nobody, or none at all on a push: 401 UNAUTHORIZED ``unauthenticated: …``;
- a push with a token that lacks write:packages: ``permission_denied: The token provided does not match expected …``;
- a push to somebody else's package: ``permission_denied: write_package``;
- a private package that one may not see: 403 already at the token endpoint, without WWW-Authenticate;
- the referrers of a manifest: 404, so that clients list them under a tag.
"""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from pyregistry.accounts.pat import TokenKind
from pyregistry.accounts.rights import Lack
from pyregistry.spec.endpoints import REFERRERS, Access
from pyregistry.spec.errors import Denied, RegistryError, Unauthorized
from pyregistry.spec.identity import Identity
from pyregistry.twins.interface import INSUFFICIENT_SCOPE, INVALID_TOKEN, Attempt, Fault

BAD_CREDENTIALS = "denied"
INVALID_BEARER = "invalid token"
UNAUTHENTICATED = "unauthenticated: User cannot be authenticated with the token provided."
SCOPES_MISSING = "permission_denied: The token provided does not match expected scopes."
PERMISSION_MISSING: Mapping[Access, str] = MappingProxyType(
    {
        Access.PULL: "permission_denied: read_package",
        Access.PUSH: "permission_denied: write_package",
        Access.DELETE: "permission_denied: delete_package",
        Access.CATALOG: "permission_denied: read_package",
    }
)


class GhcrSpeech:
    """ghcr.io's manners: classic access tokens only, no OAuth2 form, 403 rather than 401 once somebody is known."""

    service = "ghcr.io"
    token_path = "/token"  # noqa: S105  a path
    token_lifetime = timedelta(minutes=5)
    accepted_kinds = frozenset({TokenKind.CLASSIC})
    takes_forms = False
    takes_access_tokens = True
    lacking_endpoints = frozenset({REFERRERS})

    def refuse_nothing_sent(self, attempt: Attempt) -> RegistryError:
        """A challenge."""
        return _challenge(attempt)

    def refuse_basic(self, attempt: Attempt) -> RegistryError:
        """403 ``invalid token``."""
        return Denied(message=INVALID_BEARER, identity=attempt.identity)

    def refuse_forged(self, attempt: Attempt) -> RegistryError:
        """403 ``invalid token``."""
        return Denied(message=INVALID_BEARER, identity=attempt.identity)

    def refuse_expired(self, attempt: Attempt) -> RegistryError:
        """A challenge, or no client could get past its first five minutes."""
        return _challenge(attempt, error=INVALID_TOKEN)

    def refuse_fault(self, attempt: Attempt, fault: Fault) -> RegistryError:  # noqa: ARG002  the client is not told which
        """401 ``unauthenticated``."""
        return _challenge(attempt, message=UNAUTHENTICATED, error=INVALID_TOKEN)

    def refuse_access(self, attempt: Attempt, access: Access, lack: Lack | None) -> RegistryError:
        """401 for a stranger or a bearer token for something else, 403 for the known."""
        if attempt.identity.account is None:
            return _challenge(attempt, message=UNAUTHENTICATED)
        if lack is None:
            return _challenge(attempt, error=INSUFFICIENT_SCOPE)
        if lack is Lack.SCOPE:
            return Denied(message=SCOPES_MISSING, identity=attempt.identity)
        return Denied(message=PERMISSION_MISSING[access], identity=attempt.identity)

    def refuse_login(self, attempt: Attempt, fault: Fault) -> RegistryError:
        """401 for an access token of the wrong kind, else 403 ``denied``."""
        if fault is Fault.KIND:
            return Unauthorized(message=UNAUTHENTICATED, identity=attempt.identity)
        return Denied(message=BAD_CREDENTIALS, identity=attempt.identity)

    def refuse_token(self, identity: Identity, actions: frozenset[str], lack: Lack) -> RegistryError | None:
        """403 when one only wants to read; who wants to write is refused by the registry, in clearer words."""
        if actions != {"pull"}:
            return None
        if lack is Lack.SCOPE and identity.account is not None:
            return Denied(message=SCOPES_MISSING, identity=identity)
        return Denied(identity=identity)


def _challenge(attempt: Attempt, message: str | None = None, error: str | None = None) -> Unauthorized:
    return Unauthorized(message=message, challenge=attempt.challenge(error), identity=attempt.identity)
