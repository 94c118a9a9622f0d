"""The registry's own token endpoint: an access token in, a bearer token out.

Granting less than was asked is no error (distribution's token specification): the registry refuses the request that
needed more, when it comes. So the client's message comes from there, in the twin's words.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from pyregistry.accounts.file import AccountsFile
from pyregistry.accounts.model import Holder
from pyregistry.accounts.rights import Lack, find_lack
from pyregistry.auth.attempts import attempt_at_token_endpoint
from pyregistry.auth.credentials import Basic, parse_authorization
from pyregistry.auth.faults import find_fault, identify
from pyregistry.auth.interface import IssuedToken, TokenRequest
from pyregistry.auth.outages import Outages
from pyregistry.auth.scopes import (
    ACTIONS,
    CATALOG,
    REGISTRY,
    REPOSITORY,
    Scope,
    ScopeInvalid,
    format_scope,
    parse_scope,
)
from pyregistry.auth.tokens import TokenSigner
from pyregistry.spec.endpoints import Access
from pyregistry.spec.errors import NameInvalid, Unsupported
from pyregistry.spec.identity import ANONYMOUS
from pyregistry.spec.names import parse_repository
from pyregistry.twins.interface import Fault, Speech

_ACCESS_OF_ACTION = {"pull": Access.PULL, "push": Access.PUSH, "delete": Access.DELETE}


class AccessTokenIssuer:
    """Issues bearer tokens for access tokens, and tokens without rights for nobody.

    Args:
        speech: The registry's manners.
        accounts: Who exists.
        signer: Signs bearer tokens.
        outages: Tell of the accounts' trouble.
        now: Aware UTC time.
    """

    def __init__(
        self,
        speech: Speech,
        accounts: AccountsFile,
        signer: TokenSigner,
        outages: Outages,
        now: Callable[[], datetime],
    ) -> None:
        self._speech = speech
        self._accounts = accounts
        self._outages = outages
        self._signer = signer
        self._now = now

    @property
    def path(self) -> str:
        """See ``TokenIssuer``."""
        return self._speech.token_path

    def issue(self, request: TokenRequest) -> IssuedToken:
        """See ``TokenIssuer``."""
        with self._outages.translated():
            holder = self._find_holder(request)
        identity = holder.identity if holder else ANONYMOUS
        requested = list(_readable(_requested(request)))
        granted = [scope for scope in (_grant(holder, scope) for scope in requested) if scope.actions]
        if requested and not granted:
            self._check_refusal(holder, requested)
        now = self._now()
        return IssuedToken(
            token=self._signer.sign(identity, granted, self._speech.token_lifetime),
            expires_in_seconds=int(self._speech.token_lifetime.total_seconds()),
            issued_at=now.isoformat(timespec="seconds").replace("+00:00", "Z"),
            identity=identity,
            granted=tuple(map(format_scope, granted)),
        )

    def _find_holder(self, request: TokenRequest) -> Holder | None:
        """Whoever shows an access token; None when no credential was sent. The user name is not looked at."""
        secret = self._form_secret(request) if request.form is not None else _basic_secret(request)
        if secret is None:
            return None
        holder = self._accounts.current().holder_of(secret)
        fault = Fault.UNKNOWN if holder is None else find_fault(holder.token, self._speech, self._now())
        if fault is not None:
            attempt = attempt_at_token_endpoint(self._speech, identify(secret, holder))
            raise self._speech.refuse_login(attempt, fault)
        return holder

    def _form_secret(self, request: TokenRequest) -> str:
        form = request.form or {}
        if not self._speech.takes_forms:
            raise Unsupported("the token endpoint answers GET only")
        if form.get("grant_type") != "password":
            raise Unsupported(f"grant_type: expected password, got {form.get('grant_type')!r}")
        return form.get("password", "")

    def _check_refusal(self, holder: Holder | None, requested: Sequence[Scope]) -> None:
        identity = holder.identity if holder else ANONYMOUS
        lack = _lack(holder, requested[0], requested[0].actions[0]) or Lack.NAMESPACE
        actions = frozenset(action for scope in requested for action in scope.actions)
        refusal = self._speech.refuse_token(identity, actions, lack)
        if refusal is not None:
            raise refusal


def _basic_secret(request: TokenRequest) -> str | None:
    """The password of the header; what is there and cannot be read is a secret that nobody holds."""
    match parse_authorization(request.authorization):
        case None:
            return None
        case Basic(_, password):
            return password
        case _:
            return ""


def _requested(request: TokenRequest) -> Iterator[str]:
    """Each scope as written; parameters may hold several, and the form's are in the form."""
    texts = request.scopes or ((request.form or {}).get("scope", ""),)
    for text in texts:
        yield from text.split()


def _readable(texts: Iterator[str]) -> Iterator[Scope]:
    """The scopes that are any; for the others nothing is granted, and that is no error."""
    for text in texts:
        try:
            yield parse_scope(text)
        except ScopeInvalid:
            continue


def _grant(holder: Holder | None, requested: Scope) -> Scope:
    """What of ``requested`` the holder may do."""
    actions = tuple(action for action in requested.actions if _lack(holder, requested, action) is None)
    return replace(requested, actions=actions)


def _lack(holder: Holder | None, scope: Scope, action: str) -> Lack | None:
    """What keeps the holder from one action; resources and actions that we do not have belong to nobody."""
    if holder is None:
        return Lack.NAMESPACE
    if (scope.type, scope.name, (action,)) == (REGISTRY, CATALOG, ACTIONS[Access.CATALOG]):
        return find_lack(holder, "", Access.CATALOG)
    if scope.type != REPOSITORY or action not in _ACCESS_OF_ACTION or not _is_repository(scope.name):
        return Lack.NAMESPACE
    return find_lack(holder, scope.name, _ACCESS_OF_ACTION[action])


def _is_repository(name: str) -> bool:
    try:
        return parse_repository(name) == name
    except NameInvalid:
        return False
