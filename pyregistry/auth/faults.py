"""What a secret that somebody sent is worth."""

from datetime import datetime

from pyregistry.accounts.model import AccessToken, Holder, TokenState
from pyregistry.accounts.pat import kind_of
from pyregistry.spec.identity import Identity
from pyregistry.twins.interface import Fault, Speech

PASSWORD = "password"  # noqa: S105  a kind of credential


def find_fault(token: AccessToken, speech: Speech, now: datetime) -> Fault | None:
    """Why ``token`` is of no use at ``now``; None when it is good."""
    if token.kind not in speech.accepted_kinds:
        return Fault.KIND
    match token.state_at(now):
        case TokenState.REVOKED:
            return Fault.REVOKED
        case TokenState.EXPIRED:
            return Fault.EXPIRED
        case TokenState.ACTIVE:
            return None


def identify(secret: str, holder: Holder | None) -> Identity:
    """Who sent ``secret``, as far as it proves anything: for a secret that nobody holds only its kind, by its shape."""
    return holder.identity if holder else Identity(credential_kind=kind_of(secret) or PASSWORD)
