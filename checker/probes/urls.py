"""A stack that was built some other way than with compose: only its URL is known, and what answers there."""

import socket

from checker.facts import Stack, Unavailable
from checker.probes.surroundings import HTTP_PORT, HTTPS_PORT, Address, Surroundings


def read_surroundings(name: str, port: int | None, standin: tuple[str, int] | None = None) -> Surroundings:
    """What can be known of it.

    Args:
        name: The host of its URL.
        port: Of its URL; None is 443.
        standin: Where 443 of that name leads on this machine, where no resolver knows the name.
    """
    typed = port or HTTPS_PORT
    host, here = (name, typed) if standin is None or _resolves(name) else (standin[0], port or standin[1])
    tls = Address(name, typed, host, here)
    unseen = Unavailable("stack-unseen", {"url": f"https://{tls.authority()}"})
    return Surroundings(
        stack=Stack("url", None, up=True),
        tls=tls,
        # Beside a TLS port of its own choosing nobody knows whose port 80 is.
        plain=Address(name, HTTP_PORT, host, HTTP_PORT) if host == name and typed == HTTPS_PORT else None,
        others=unseen,
        access_logs=unseen,
        password_files=unseen,
        certificates=unseen,
        keys=unseen,
    )


def _resolves(name: str) -> bool:
    """Whether this machine finds the name."""
    try:
        return bool(socket.getaddrinfo(name, None))
    except OSError:
        return False
