"""The doorkeepers: nobody at the door, a password file, bearer tokens."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from pyregistry.accounts.file import AccountsFile
from pyregistry.accounts.htpasswd import HtpasswdFile
from pyregistry.accounts.model import Holder
from pyregistry.accounts.rights import Lack, find_lack
from pyregistry.auth.challenge import format_basic
from pyregistry.auth.credentials import Basic, Bearer, decode_base64, parse_authorization
from pyregistry.auth.faults import PASSWORD, find_fault, identify
from pyregistry.auth.interface import AccessRequest, RequestCredentials
from pyregistry.auth.scopes import scope_of, scopes_of
from pyregistry.auth.speech import Attempt, Fault, Speech, list_actions
from pyregistry.auth.tokens import Claims, TokenExpired, TokenInvalid, TokenSigner
from pyregistry.spec.errors import Unauthorized
from pyregistry.spec.identity import ANONYMOUS, Identity

BEARER = "bearer"


class OpenController:
    """Lets everybody do everything, as registry:2 does without ``auth``."""

    def authorize(self, credentials: RequestCredentials, wanted: Sequence[AccessRequest]) -> Identity:  # noqa: ARG002  nobody is asked
        """Nobody in particular."""
        return ANONYMOUS


class HtpasswdController:
    """Name and password at every request; whoever has one may do everything.

    Args:
        realm: The challenge's realm.
        passwords: The password file.
    """

    def __init__(self, realm: str, passwords: HtpasswdFile) -> None:
        self._realm = realm
        self._passwords = passwords

    def authorize(self, credentials: RequestCredentials, wanted: Sequence[AccessRequest]) -> Identity:
        """See ``AccessController``. A name without its password is not believed, so a refusal names nobody."""
        sent = parse_authorization(credentials.authorization)
        if isinstance(sent, Basic) and self._passwords.verify(sent.user, sent.password):
            return Identity(sent.user, PASSWORD)
        raise Unauthorized(
            list_actions(scopes_of(wanted)) or None,
            challenge=format_basic(self._realm),
            identity=Identity(None, PASSWORD if isinstance(sent, Basic) else None),
        )


class BearerController:
    """Bearer tokens, and the access tokens behind them, which must still be good at every single request.

    Args:
        speech: The registry's manners.
        accounts: Who exists.
        signer: Verifies bearer tokens.
        now: Aware UTC time.
    """

    def __init__(
        self, speech: Speech, accounts: AccountsFile, signer: TokenSigner, now: Callable[[], datetime]
    ) -> None:
        self._speech = speech
        self._accounts = accounts
        self._signer = signer
        self._now = now

    def authorize(self, credentials: RequestCredentials, wanted: Sequence[AccessRequest]) -> Identity:
        """See ``AccessController``."""
        attempt = Attempt(credentials.base_url, tuple(wanted))
        match parse_authorization(credentials.authorization):
            case None:
                raise self._speech.refuse_nothing_sent(attempt)
            case Bearer(token):
                return self._authorize_bearer(token, attempt)
            case Basic(_, password):
                known = identify(password, self._accounts.current().holder_of(password))
                raise self._speech.refuse_basic(replace(attempt, identity=known))
            case _:
                raise self._speech.refuse_basic(attempt)

    def _authorize_bearer(self, token: str, attempt: Attempt) -> Identity:
        attempt = replace(attempt, identity=Identity(credential_kind=BEARER))
        try:
            claims = self._signer.verify(token)
        except TokenExpired as exc:
            raise self._speech.refuse_expired(attempt) from exc
        except TokenInvalid as exc:
            return self._authorize_access_token(token, attempt, exc)
        if claims.identity.credential_id is None:
            return self._authorize_stranger(attempt)
        attempt = replace(attempt, identity=claims.identity)
        holder = self._accounts.current().holder(claims.identity.credential_id)
        return self._authorize_holder(holder, attempt, claims)

    def _authorize_access_token(self, token: str, attempt: Attempt, invalid: TokenInvalid) -> Identity:
        """Where the registry takes them: ``Bearer`` and an access token in base64, with or without a newline."""
        secret = (decode_base64(token) or "").strip()
        holder = self._accounts.current().holder_of(secret) if self._speech.takes_access_tokens else None
        if holder is None:
            raise self._speech.refuse_forged(attempt) from invalid
        return self._authorize_holder(holder, replace(attempt, identity=holder.identity), None)

    def _authorize_stranger(self, attempt: Attempt) -> Identity:
        """A bearer token that was issued to nobody opens nothing but the base endpoint."""
        for request in attempt.wanted:
            if scope_of(request) is not None:
                raise self._speech.refuse_access(attempt, request, Lack.NAMESPACE)
        return attempt.identity

    def _authorize_holder(self, holder: Holder | None, attempt: Attempt, claims: Claims | None) -> Identity:
        fault = Fault.REVOKED if holder is None else find_fault(holder.token, self._speech, self._now())
        if holder is None or fault is not None:
            raise self._speech.refuse_fault(attempt, fault or Fault.REVOKED)
        for request in attempt.wanted:
            lack = find_lack(holder, request.repository, request.access)
            if lack is not None or not _covers(claims, request):
                raise self._speech.refuse_access(attempt, request, lack)
        return holder.identity


def _covers(claims: Claims | None, request: AccessRequest) -> bool:
    """Whether the bearer token was issued for this; an access token sent as it is covers all that it may."""
    wanted = scope_of(request)
    return claims is None or wanted is None or any(scope.allows(wanted) for scope in claims.scopes)
