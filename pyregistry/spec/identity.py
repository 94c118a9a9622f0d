"""Who a request comes from, as guards decide it, errors carry it and the journal records it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a request comes from. ``account`` None is anonymous. Never holds a secret."""

    account: str | None = None
    credential_kind: str | None = None
    """``pat-classic``, ``pat-fine-grained``, ``password``, ``bearer``; None when no credential was sent."""
    credential_id: str | None = None
    """Public id of the access token, also behind a bearer token that was issued for it."""
    credential_scopes: tuple[str, ...] = ()
    """The access token's own scopes, e.g. ``write:packages``."""


ANONYMOUS = Identity()
