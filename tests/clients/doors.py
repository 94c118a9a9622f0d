"""How one comes in to a registry: by plain HTTP or TLS, with nothing, a password or an access token."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import bcrypt

from tests.clients.registry import Registry

USER, PASSWORD = "ada", "motdepasse_fort"
"""In the password file, and the owner of access tokens."""


class Visitor(Protocol):
    """Who can be let in."""

    def trust(self, registry: Registry) -> None:
        """Trust the registry's CA."""
        ...

    def login(self, registry: Registry, user: str, secret: str) -> None:
        """Log in, and remember it."""
        ...


@dataclass(frozen=True, slots=True)
class Door:
    """A registry, and what it asks for at the door.

    Attributes:
        user: Who logs in; None where nobody is asked.
    """

    registry: Registry
    user: str | None = None
    secret: str = ""

    def let_in(self, client: Visitor) -> None:
        """Make a client trust the registry, and log it in."""
        if self.registry.ca:
            client.trust(self.registry)
        if self.user:
            client.login(self.registry, self.user, self.secret)


def write_passwords(path: Path) -> Path:
    """Write a password file, as ``htpasswd -B`` does; the cost is the least that bcrypt has."""
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(rounds=4)).decode()
    path.write_text(f"{USER}:{hashed}\n", encoding="utf-8")
    return path
