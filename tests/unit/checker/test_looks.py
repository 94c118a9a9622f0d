"""Where a student is sent to look further, by what they built."""

import pytest

from checker.checks.tp2 import CHECKS
from checker.facts import AccessLog, Kind, Source, Stack, StackService, Unavailable
from checker.looks import looks
from checker.messages import Messages
from checker.report.story import tell
from checker.runner import run
from tests.unit.checker.exercise import Given
from tests.unit.checker.private import service, solved, world

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


def test_a_failure_sends_to_what_was_built() -> None:
    """In the report, by the verdict; what passed needs no look."""
    log_off = AccessLog(kept=False, proxied=True, keeper=Kind.CADDY)
    built = Stack("docker", "tp2", up=True, services=(service(Kind.REGISTRY), service(Kind.CADDY, {443: 443})))
    facts = world(solved(), stack=built, access_log=log_off)
    probes = [Given(source, getattr(facts, source)) for source in Source]
    found = {each.check.code: each for each in run(CHECKS, facts.task, probes).verdicts}
    spoken = Messages("en", {**facts.task.parameters, "tp": "tp2"})
    told = {line.label: line.text for line in tell(found["TP2-LOG"], spoken)}
    assert told["look"] == "docker compose exec caddy cat /etc/caddy/Caddyfile"
    assert found["TP2-AUTH"].looks == {}


def test_of_a_stack_that_is_not_seen_nothing_is_said() -> None:
    """Docker that does not tell, for one."""
    assert looks(Unavailable("docker-silent")) == {}
