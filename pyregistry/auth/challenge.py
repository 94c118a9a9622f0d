"""``WWW-Authenticate`` values (RFC 9110 §11.6.1; distribution's token specification)."""

from collections.abc import Sequence

from pyregistry.auth.scopes import Scope, format_scope


def format_basic(realm: str) -> str:
    """A challenge for name and password."""
    return f"Basic realm={_quoted(realm)}"


def format_bearer(realm: str, service: str, scopes: Sequence[Scope] = (), error: str | None = None) -> str:
    """A challenge for a bearer token: where to get it, for what; several scopes stand in one parameter."""
    parameters = {"realm": realm, "service": service}
    if scopes:
        parameters["scope"] = " ".join(map(format_scope, scopes))
    if error:
        parameters["error"] = error
    return "Bearer " + ",".join(f"{name}={_quoted(value)}" for name, value in parameters.items())


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
