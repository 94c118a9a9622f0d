"""The doorkeepers: nobody at the door, a password file, bearer tokens."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pyregistry.accounts.file import AccountsFile
from pyregistry.accounts.htpasswd import HtpasswdFile
from pyregistry.accounts.model import Accounts, Holder
from pyregistry.accounts.rights import Lack, find_lack
from pyregistry.auth.attempts import attempt_at_registry, list_actions
from pyregistry.auth.challenge import format_basic
from pyregistry.auth.credentials import Basic, Bearer, decode_base64, parse_authorization
from pyregistry.auth.faults import PASSWORD, find_fault, identify
from pyregistry.auth.interface import AccessRequest, RequestCredentials
from pyregistry.auth.outages import Outages
from pyregistry.auth.passes import Passes
from pyregistry.auth.scopes import Scope, scope_of, scopes_of
from pyregistry.auth.tokens import Claims, TokenExpired, TokenInvalid, TokenSigner, VerifiedTokens
from pyregistry.spec.endpoints import Access
from pyregistry.spec.errors import Unauthorized
from pyregistry.spec.identity import ANONYMOUS, Identity
from pyregistry.twins.interface import Attempt, Fault, Speech

BEARER = "bearer"


class OpenController:
    """Lets everybody do everything, as registry:2 does without ``auth``."""

    def authorize(self, credentials: RequestCredentials, wanted: Sequence[AccessRequest]) -> Identity:  # noqa: ARG002  nobody is asked
        """Nobody in particular."""
        return ANONYMOUS

    def recall(self, credentials: RequestCredentials, wanted: Sequence[AccessRequest]) -> Identity:  # noqa: ARG002  nobody is asked
        """The same."""
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
        self._outages = Outages()

    def authorize(self, credentials: RequestCredentials, wanted: Sequence[AccessRequest]) -> Identity:
        """See ``AccessController``. A name without its password is not believed, so a refusal names nobody."""
        sent = parse_authorization(credentials.authorization)
        if isinstance(sent, Basic) and self._verify(sent):
            return Identity(sent.user, PASSWORD)
        raise Unauthorized(
            list_actions(scopes_of(wanted)) or None,
            challenge=format_basic(self._realm),
            identity=Identity(None, PASSWORD if isinstance(sent, Basic) else None),
        )

    def recall(self, credentials: RequestCredentials, wanted: Sequence[AccessRequest]) -> Identity | None:  # noqa: ARG002  whoever comes in may do everything
        """A password that was verified within the last minute, with the hash that the file still holds."""
        sent = parse_authorization(credentials.authorization)
        known = isinstance(sent, Basic) and self._passwords.recall(sent.user, sent.password)
        return Identity(sent.user, PASSWORD) if isinstance(sent, Basic) and known else None

    def _verify(self, sent: Basic) -> bool:
        with self._outages.translated():
            return self._passwords.verify(sent.user, sent.password)


class BearerController:
    """Bearer tokens, and the access tokens behind them, which must still be good at every single request.

    Args:
        speech: The registry's manners.
        accounts: Who exists.
        signer: Verifies bearer tokens.
        outages: Tell of the accounts' trouble.
        now: Aware UTC time.
        prefix: ``http.prefix``, below which the token endpoint lives.
    """

    def __init__(
        self,
        speech: Speech,
        accounts: AccountsFile,
        signer: TokenSigner,
        outages: Outages,
        now: Callable[[], datetime],
        *,
        prefix: str = "",
    ) -> None:
        self._prefix = prefix
        self._speech = speech
        self._accounts = accounts
        self._outages = outages
        self._tokens = VerifiedTokens(signer.verify, now)
        self._passes = Passes()
        self._now = now

    def authorize(self, credentials: RequestCredentials, wanted: Sequence[AccessRequest]) -> Identity:
        """See ``AccessController``."""
        attempt = attempt_at_registry(self._speech, credentials.base_url + self._prefix, wanted)
        with self._outages.translated():
            visitor = self._authenticate(credentials.authorization, attempt)
        attempt = replace(attempt, identity=visitor.identity)
        # A push wants pull too; who may not push is to be told so, and not that they may not pull.
        for request in sorted(wanted, key=lambda request: request.access is Access.PULL):
            self._check(visitor, request, attempt)
        return visitor.identity

    def recall(self, credentials: RequestCredentials, wanted: Sequence[AccessRequest]) -> Identity | None:
        """A bearer token that was verified before, whose access token is still good for all that is wanted."""
        header, accounts = credentials.authorization, self._accounts.held()
        if header is None:
            return None
        known = self._passes.recall(header, wanted, accounts, self._now().timestamp())
        return known or self._recall_from(accounts, header, wanted)

    def _recall_from(self, accounts: Accounts | None, header: str, wanted: Sequence[AccessRequest]) -> Identity | None:
        """The answer, drawn from what is in memory, and remembered."""
        sent = parse_authorization(header)
        claims = self._tokens.recall(sent.token) if isinstance(sent, Bearer) else None
        visitor = self._recall_visitor(claims, accounts) if claims else None
        if claims is None or visitor is None or not all(map(visitor.may, wanted)):
            return None
        until = min(claims.expires_at, visitor.expires_at)
        return self._passes.grant(header, wanted, accounts, visitor.identity, until)

    def _recall_visitor(self, claims: Claims, accounts: Accounts | None) -> "_Visitor | None":
        if claims.identity.credential_id is None:
            return _Visitor(granted=claims.scopes)
        holder = accounts.holder(claims.identity.credential_id) if accounts else None
        if holder is None or find_fault(holder.token, self._speech, self._now()):
            return None
        return _Visitor(holder, claims.scopes)

    def _check(self, visitor: "_Visitor", request: AccessRequest, attempt: Attempt) -> None:
        if not visitor.may(request):
            raise self._speech.refuse_access(attempt, request.access, visitor.find_lack(request))

    def _authenticate(self, authorization: str | None, attempt: Attempt) -> "_Visitor":
        match parse_authorization(authorization):
            case None:
                raise self._speech.refuse_nothing_sent(attempt)
            case Bearer(token):
                return self._authenticate_bearer(token, replace(attempt, identity=_Visitor().identity))
            case Basic(_, password):
                known = identify(password, self._accounts.current().holder_of(password))
                raise self._speech.refuse_basic(replace(attempt, identity=known))
            case _:
                raise self._speech.refuse_basic(attempt)

    def _authenticate_bearer(self, token: str, attempt: Attempt) -> "_Visitor":
        try:
            claims = self._tokens.verify(token)
        except TokenExpired as exc:
            raise self._speech.refuse_expired(attempt) from exc
        except TokenInvalid as exc:
            return self._authenticate_access_token(token, attempt, exc)
        if claims.identity.credential_id is None:
            return _Visitor(granted=claims.scopes)
        holder = self._accounts.current().holder(claims.identity.credential_id)
        self._check_fault(holder, replace(attempt, identity=claims.identity))
        return _Visitor(holder, claims.scopes)

    def _authenticate_access_token(self, token: str, attempt: Attempt, invalid: TokenInvalid) -> "_Visitor":
        """Where the registry takes them: ``Bearer`` and an access token in base64, with or without a newline."""
        secret = (decode_base64(token) or "").strip()
        holder = self._accounts.current().holder_of(secret) if self._speech.takes_access_tokens else None
        if holder is None:
            raise self._speech.refuse_forged(attempt) from invalid
        self._check_fault(holder, replace(attempt, identity=holder.identity))
        return _Visitor(holder)

    def _check_fault(self, holder: Holder | None, attempt: Attempt) -> None:
        """A token that is not in the file any more is as good as revoked."""
        fault = Fault.REVOKED if holder is None else find_fault(holder.token, self._speech, self._now())
        if fault is not None:
            raise self._speech.refuse_fault(attempt, fault)


@dataclass(frozen=True, slots=True)
class _Visitor:
    """Who has come through authentication.

    Attributes:
        holder: Whose access token it was; None for a bearer token that was issued to nobody.
        granted: What the bearer token was issued for; None where an access token came as it is.
    """

    holder: Holder | None = None
    granted: tuple[Scope, ...] | None = None

    @property
    def identity(self) -> Identity:
        return self.holder.identity if self.holder else Identity(credential_kind=BEARER)

    @property
    def expires_at(self) -> float:
        """When the access token ends, in seconds since 1970; infinity for one that does not, or for none."""
        ends = self.holder.token.expires_at if self.holder else None
        return math.inf if ends is None else ends.timestamp()

    def find_lack(self, request: AccessRequest) -> Lack | None:
        return find_lack(self.holder, request.repository, request.access) if self.holder else Lack.NAMESPACE

    def may(self, request: AccessRequest) -> bool:
        """Whether both allow it: what the account may now, and what the bearer token was issued for."""
        scope = scope_of(request)
        return scope is None or (self.find_lack(request) is None and self.was_granted(scope))

    def was_granted(self, wanted: Scope) -> bool:
        return self.granted is None or any(scope.allows(wanted) for scope in self.granted)
