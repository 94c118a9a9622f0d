"""How students look at the stack that they built: what the commands that look further are filled with. Pure."""

from collections.abc import Mapping

from checker.facts import Kind, Stack, Unavailable

_OF_COMPOSE = "docker compose config"
"""Shows how any service is started: Traefik's options and labels, a registry's variables."""
_SETTINGS = {
    Kind.NGINX: "cat nginx/conf.d/registry.conf",
    Kind.CADDY: "docker compose exec {proxy} cat /etc/caddy/Caddyfile",
}


def looks(stack: Stack | Unavailable) -> Mapping[str, str]:
    """``proxy``, the service that clients come to, and ``settings``, what shows its own; empty where none is known."""
    services = () if isinstance(stack, Unavailable) else stack.services
    proxies = [each for each in services if each.kind not in {Kind.REGISTRY, Kind.OTHER}]
    front = next(iter(proxies or [each for each in services if each.published]), None)
    if front is None:
        return {}
    return {"proxy": front.name, "settings": _SETTINGS.get(front.kind, _OF_COMPOSE).format(proxy=front.name)}
