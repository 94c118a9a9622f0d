"""Where a student is sent to look further, by what they built."""

import pytest

from checker.facts import Kind, Stack, StackService, Unavailable
from checker.looks import looks
from checker.messages import Messages
from tests.unit.checker.private import service

CHAPTER = ("nginx", "cat nginx/conf.d/registry.conf")


@pytest.mark.parametrize(
    ("services", "expected"),
    [
        ((), CHAPTER),
        ((service(Kind.REGISTRY), service(Kind.NGINX)), CHAPTER),
        (
            (service(Kind.OTHER, {8081: 8081}), service(Kind.CADDY)),
            ("caddy", "docker compose exec caddy cat /etc/caddy/Caddyfile"),
        ),
        ((service(Kind.REGISTRY), service(Kind.TRAEFIK)), ("traefik", "docker compose config")),
        ((service(Kind.REGISTRY, {443: 443}),), ("registry", "docker compose config")),
        ((service(Kind.REGISTRY),), CHAPTER),
    ],
    ids=["nothing", "nginx", "Caddy", "Traefik", "no proxy", "no door"],
)
def test_one_looks_at_the_proxy_that_there_is(services: tuple[StackService, ...], expected: tuple[str, str]) -> None:
    """By its service's name, and by what shows its settings; where none is known, as in the chapter."""
    names, messages = looks(Stack("docker", "tp2", up=True, services=services)), Messages("en", {"tp": "tp2"})
    proxy, settings = expected
    assert messages.command("upload.too-large", names) == f"docker compose logs {proxy}"
    assert messages.command("upload.port-lost", names) == settings


def test_of_a_stack_that_is_not_seen_nothing_is_said() -> None:
    """Docker that does not tell, for one."""
    assert looks(Unavailable("docker-silent")) == {}
