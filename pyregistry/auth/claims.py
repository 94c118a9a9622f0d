"""What the claims of an outside token server's token say (distribution's token specification, RFC 7519). Pure."""

from collections.abc import Mapping

from pyregistry.auth.scopes import Scope
from pyregistry.auth.tokens import LEEWAY, Claims, TokenExpired, TokenInvalid
from pyregistry.spec.identity import Identity

BEARER = "bearer"


def read_claims(claims: Mapping[str, object], issuer: str, service: str, now: float) -> Claims:
    """The claims, if they are for us and for now.

    Args:
        claims: Proven by a signature.
        issuer: Who must have issued them.
        service: Whom they must be for.
        now: Seconds since 1970.

    Raises:
        TokenExpired: Their time is over.
        TokenInvalid: They are not for us, not for now yet, or no claims.
    """
    if claims.get("iss") != issuer:
        raise TokenInvalid(f"from the untrusted issuer {shown(claims.get('iss'))}")
    audience = claims.get("aud")
    if service not in (audience if isinstance(audience, list) else [audience]):
        raise TokenInvalid(f"intended for another audience, {shown(audience)}")
    expires_at = _moment(claims, "exp") + LEEWAY.total_seconds()
    if now >= expires_at:
        raise TokenExpired("the token has expired")
    if now < _moment(claims, "nbf", 0.0) - LEEWAY.total_seconds():
        raise TokenInvalid("the token is not valid yet")
    return Claims(_parse_identity(claims.get("sub")), _parse_access(claims.get("access")), expires_at)


def shown(value: object) -> str:
    """A sender's words, clipped, for the log."""
    return repr(value)[:80]


def _moment(claims: Mapping[str, object], name: str, default: float | None = None) -> float:
    """A NumericDate (RFC 7519 §2): seconds since 1970, fractions allowed."""
    value = claims.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenInvalid(f"{name}: expected seconds since 1970, got {shown(value)}")
    try:
        return float(value)
    except OverflowError as exc:
        raise TokenInvalid(f"{name}: expected seconds since 1970, got too many digits") from exc


def _parse_identity(subject: object) -> Identity:
    """``sub``; absent or empty is nobody in particular. What cannot be written down is no name."""
    if not isinstance(subject, str | None) or not (subject or "").isprintable():
        raise TokenInvalid(f"sub: expected a name, got {shown(subject)}")
    return Identity(subject or None, BEARER)


def _parse_access(rows: object) -> tuple[Scope, ...]:
    """``access``: one scope a resource, whatever the number of its entries. Absent and null are none."""
    if not isinstance(rows, list | None):
        raise TokenInvalid(f"access: expected a list, got {shown(rows)}")
    together: dict[tuple[str, str], tuple[str, ...]] = {}
    for row in rows or ():
        kind, name, actions = _parse_row(row)
        together[kind, name] = (*together.get((kind, name), ()), *actions)
    return tuple(Scope(kind, name, tuple(dict.fromkeys(actions))) for (kind, name), actions in together.items())


def _parse_row(row: object) -> tuple[str, str, list[str]]:
    match row:
        case {"type": str(kind), "name": str(name), "actions": [*actions]} if _are_words(actions):
            return kind, name, actions
    raise TokenInvalid("access: expected {type, name, actions: [action, …]}")


def _are_words(actions: list[object]) -> bool:
    return all(isinstance(action, str) for action in actions)
