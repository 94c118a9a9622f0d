"""Nobody's twin: registry:2's own words, always 401 and a challenge, with ``error`` where the token was the trouble."""

from datetime import timedelta

from pyregistry.accounts.pat import TokenKind
from pyregistry.accounts.rights import Lack
from pyregistry.spec.endpoints import Access
from pyregistry.spec.errors import RegistryError, Unauthorized
from pyregistry.spec.identity import Identity
from pyregistry.twins.interface import INSUFFICIENT_SCOPE, INVALID_TOKEN, Attempt, Fault


class DistributionSpeech:
    """distribution's manners: any kind of access token, the OAuth2 form, no reasons given."""

    service = "pyregistry"
    token_path = "/auth/token"  # noqa: S105  a path
    token_lifetime = timedelta(minutes=5)
    accepted_kinds = frozenset(TokenKind)
    takes_forms = True
    takes_access_tokens = False
    lacking_endpoints = frozenset[str]()

    def refuse_nothing_sent(self, attempt: Attempt) -> RegistryError:
        """A challenge."""
        return _refuse(attempt)

    def refuse_basic(self, attempt: Attempt) -> RegistryError:
        """The same as nothing."""
        return _refuse(attempt)

    def refuse_forged(self, attempt: Attempt) -> RegistryError:
        """``invalid_token``."""
        return _refuse(attempt, INVALID_TOKEN)

    def refuse_expired(self, attempt: Attempt) -> RegistryError:
        """``invalid_token``."""
        return _refuse(attempt, INVALID_TOKEN)

    def refuse_fault(self, attempt: Attempt, fault: Fault) -> RegistryError:  # noqa: ARG002  one answer for all
        """``invalid_token``."""
        return _refuse(attempt, INVALID_TOKEN)

    def refuse_access(self, attempt: Attempt, access: Access, lack: Lack | None) -> RegistryError:  # noqa: ARG002  one answer for all
        """``insufficient_scope``."""
        return _refuse(attempt, INSUFFICIENT_SCOPE)

    def refuse_login(self, attempt: Attempt, fault: Fault) -> RegistryError:  # noqa: ARG002  one answer for all
        """A challenge for name and password."""
        return _refuse(attempt)

    def refuse_token(self, identity: Identity, actions: frozenset[str], lack: Lack) -> RegistryError | None:  # noqa: ARG002  never refused
        """Fewer rights than requested are no error, none at all neither."""
        return None


def _refuse(attempt: Attempt, error: str | None = None) -> Unauthorized:
    return Unauthorized(list(attempt.wanted) or None, challenge=attempt.challenge(error), identity=attempt.identity)
