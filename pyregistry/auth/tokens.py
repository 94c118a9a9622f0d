"""Bearer tokens: JWTs that this registry signs for itself.

The claims are those of distribution's token specification, and three of ours that name the access token behind the
bearer token, so that every later request can be recorded with it and stops working when it is revoked.

HS256 with a key derived from ``http.secret``: issuer and verifier are the same program, and processes that share the
secret understand each other's tokens. The derivation keeps the key apart from that of the upload states.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jwt

from pyregistry.accounts.remembered import Remembered
from pyregistry.auth.scopes import Scope
from pyregistry.spec.identity import Identity

ALGORITHM = "HS256"
_KEY_PURPOSE = b"pyregistry bearer tokens"

LEEWAY = timedelta(seconds=60)
"""How far the clock may have been set back since a token was signed; distribution allows as much."""


MEMORY_SECONDS = 300.0
"""How long a verified token need not be proven again. Not for ever: the certificate that proved it ends some day."""


class TokenInvalid(ValueError):
    """Not a token of this registry, or not any more one."""


class TokenExpired(TokenInvalid):
    """It was ours, and its time is over."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says. ``expires_at``: from when on it is not taken any more, in seconds since 1970."""

    identity: Identity
    scopes: tuple[Scope, ...]
    expires_at: float


class TokenSigner:
    """Signs and verifies tokens for one service.

    Args:
        service: The audience and issuer.
        secret: ``http.secret``.
        now: Aware UTC time.
    """

    def __init__(self, service: str, secret: str, now: Callable[[], datetime]) -> None:
        self._service = service
        self._key = hmac.digest(secret.encode(), _KEY_PURPOSE, hashlib.sha256)
        self._now = now

    def sign(self, identity: Identity, scopes: Sequence[Scope], lifetime: timedelta) -> str:
        """A token that says that ``identity`` may do what ``scopes`` say, for ``lifetime`` from now."""
        now = self._now()
        claims = {
            "iss": self._service,
            "sub": identity.account or "",
            "aud": self._service,
            "iat": int(now.timestamp()),
            "nbf": int(now.timestamp()),
            "exp": int((now + lifetime).timestamp()),
            "jti": secrets.token_urlsafe(16),
            "access": [_format_access(scope) for scope in scopes],
            "credential_id": identity.credential_id,
            "credential_kind": identity.credential_kind,
            "credential_scopes": identity.credential_scopes,
        }
        return jwt.encode(claims, self._key, algorithm=ALGORITHM)

    def verify(self, token: str) -> Claims:
        """Read a token and prove that it is ours and still good.

        Raises:
            TokenExpired: Its time is over.
            TokenInvalid: Anything else is wrong with it.
        """
        # The times are looked at below, by the injected clock.
        options: jwt.types.Options = {
            "require": ["exp", "nbf"],
            "verify_exp": False,
            "verify_nbf": False,
            "verify_iat": False,
        }
        try:
            values = jwt.decode(
                token, self._key, algorithms=[ALGORITHM], audience=self._service, issuer=self._service, options=options
            )
        except jwt.InvalidTokenError as exc:
            raise TokenInvalid(str(exc)) from exc
        now = self._now()
        if now >= datetime.fromtimestamp(values["exp"], UTC):
            raise TokenExpired("the token has expired")
        if now + LEEWAY < datetime.fromtimestamp(values["nbf"], UTC):
            raise TokenInvalid("the token is not valid yet")
        scopes = tuple(_parse_access(row) for row in values["access"])
        return Claims(_parse_identity(values), scopes, float(values["exp"]))


class VerifiedTokens:
    """Verifies each token once, and remembers what it said for some minutes, or until it expires.

    Args:
        verify: Proves a token; what it raises goes to whoever asks, and nothing is remembered.
        now: Aware UTC time.
    """

    def __init__(self, verify: Callable[[str], Claims], now: Callable[[], datetime]) -> None:
        self._verify = verify
        self._now = now
        self._remembered: Remembered[Claims] = Remembered()

    def verify(self, token: str) -> Claims:
        """What the token says.

        Raises:
            TokenExpired: Its time is over.
            TokenInvalid: Anything else is wrong with it.
        """
        claims = self.recall(token)
        if claims is None:
            claims = self._verify(token)
            until = min(claims.expires_at, self._now().timestamp() + MEMORY_SECONDS)
            self._remembered.remember(token.encode(), claims, until)
        return claims

    def recall(self, token: str) -> Claims | None:
        """What a token said that is still good; None where that is not known."""
        return self._remembered.recall(token.encode(), self._now().timestamp())


def _format_access(scope: Scope) -> dict[str, object]:
    return {"type": scope.type, "class": scope.resource_class, "name": scope.name, "actions": list(scope.actions)}


def _parse_access(row: dict[str, str]) -> Scope:
    return Scope(row["type"], row["name"], tuple(row["actions"]), row["class"])


def _parse_identity(values: dict[str, str]) -> Identity:
    scopes = tuple(values["credential_scopes"])
    return Identity(values["sub"] or None, values["credential_kind"], values["credential_id"], scopes)
