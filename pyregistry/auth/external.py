"""Doorkeepers that send clients elsewhere: to an outside token server, or nowhere at all."""

import logging
from collections.abc import Sequence

from pyregistry.auth.attempts import list_actions
from pyregistry.auth.challenge import format_bearer
from pyregistry.auth.claims import BEARER
from pyregistry.auth.credentials import Bearer, parse_authorization
from pyregistry.auth.interface import AccessRequest, RequestCredentials
from pyregistry.auth.scopes import scope_of, scopes_of
from pyregistry.auth.tokens import Claims, TokenInvalid, VerifiedTokens
from pyregistry.config.settings import SillyAuth, TokenAuth
from pyregistry.spec.errors import Unauthorized
from pyregistry.spec.identity import ANONYMOUS, Identity
from pyregistry.twins.interface import INSUFFICIENT_SCOPE, INVALID_TOKEN

_LOG = logging.getLogger(__name__)


class TokenController:
    """``auth.token``: bearer tokens of an outside token server, which say all that their bearer may do.

    Args:
        settings: The token server, and what its tokens must say.
        tokens: Proves them.
    """

    def __init__(self, settings: TokenAuth, tokens: VerifiedTokens) -> None:
        self._settings = settings
        self._tokens = tokens

    def authorize(self, credentials: RequestCredentials, wanted: Sequence[AccessRequest]) -> Identity:
        """See ``AccessController``. Always 401 with a challenge, as registry:2; ``error`` says what was the matter."""
        sent = parse_authorization(credentials.authorization)
        if not isinstance(sent, Bearer) or not sent.token:
            raise self._refusal(credentials, wanted)
        try:
            claims = self._tokens.verify(sent.token)
        except TokenInvalid as exc:
            _LOG.info("token refused: %s", exc)
            raise self._refusal(credentials, wanted, INVALID_TOKEN, Identity(credential_kind=BEARER)) from exc
        if not _cover(claims, wanted):
            raise self._refusal(credentials, wanted, INSUFFICIENT_SCOPE, claims.identity)
        return claims.identity

    def recall(self, credentials: RequestCredentials, wanted: Sequence[AccessRequest]) -> Identity | None:
        """A token that was proven before and has not expired."""
        sent = parse_authorization(credentials.authorization)
        claims = self._tokens.recall(sent.token) if isinstance(sent, Bearer) else None
        return claims.identity if claims and _cover(claims, wanted) else None

    def _refusal(
        self,
        credentials: RequestCredentials,
        wanted: Sequence[AccessRequest],
        error: str | None = None,
        identity: Identity = ANONYMOUS,
    ) -> Unauthorized:
        scopes = scopes_of(wanted)
        challenge = format_bearer(self._realm(credentials), self._settings.service, scopes, error)
        return Unauthorized(list_actions(scopes) or None, challenge=challenge, identity=identity)

    def _realm(self, credentials: RequestCredentials) -> str:
        """The token server; with ``autoredirect`` it answers on the host that the client called."""
        if self._settings.auto_redirect:
            return credentials.base_url + self._settings.auto_redirect_path
        return self._settings.realm


class SillyController:
    """``auth.silly``: whoever sends an Authorization header comes in and may do everything. For development.

    Args:
        settings: What the challenge names.
    """

    def __init__(self, settings: SillyAuth) -> None:
        self._settings = settings

    def authorize(self, credentials: RequestCredentials, wanted: Sequence[AccessRequest]) -> Identity:
        """See ``AccessController``. registry:2 calls everybody by this name."""
        known = self.recall(credentials, wanted)
        if known is None:
            scopes = scopes_of(wanted)
            challenge = format_bearer(self._settings.realm, self._settings.service, scopes)
            raise Unauthorized(list_actions(scopes) or None, challenge=challenge)
        return known

    def recall(self, credentials: RequestCredentials, wanted: Sequence[AccessRequest]) -> Identity | None:  # noqa: ARG002  nobody is told apart
        """The same, always."""
        return Identity("silly") if credentials.authorization else None


def _cover(claims: Claims, wanted: Sequence[AccessRequest]) -> bool:
    """Whether each thing that is wanted is granted."""
    needed = filter(None, map(scope_of, wanted))
    return all(any(scope.allows(each) for scope in claims.scopes) for each in needed)
