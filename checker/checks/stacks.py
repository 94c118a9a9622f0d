"""TP-2: whether the student's stack is up, and if not, what it said. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from checker.checks.telling import complaint, cut, pair
from checker.facts import (
    Door,
    Doors,
    Facts,
    Handshake,
    Keys,
    Kind,
    Page,
    Plain,
    Stack,
    StackService,
    Unavailable,
    known,
)
from checker.model import Cause, Evidence, Finding, Status, Value, Words

HTTPS_PORT = 443
_SPEAKS = frozenset({200, 401, 403})
"""Answers on /v2/ that let in, ask for a password, or keep out; which of them is right TP2-AUTH asks."""
_BAD_REQUEST = 400
"""What a TLS port answers plain HTTP."""
_GATEWAY_ERRORS = frozenset({502, 503, 504})
_SUCCESSES = range(200, 300)
_NOT_THERE = frozenset({200, 404, 405})
"""Pages of a web server that has, or has not, something else at that path."""
_OLD_TLS = "PROTOCOL_VERSION"
"""OpenSSL's word for the alert of a server that speaks none of the versions that it was offered."""

# nginx's own words for why it ends (src/event/ngx_event_openssl.c, src/core/ngx_conf_file.c, src/core/ngx_inet.c,
# src/core/ngx_connection.c), and the cause that each tells; the first that fits is the one.
_LAST_WORDS = (
    ("up.key-mismatch", re.compile(r"key values mismatch")),
    ("up.no-certificate", re.compile(r"cannot load certificate")),
    ("up.no-upstream", re.compile(r"host not found in upstream")),
    ("up.port-taken", re.compile(r"bind\(\) to .* failed|address already in use|port is already allocated")),
    ("up.bad-directive", re.compile(r"\[emerg\].* in \S+:\d+")),
)


def judge_up(facts: Facts) -> Finding:
    """The stack is up: the registry's name speaks TLS, and HTTP over it as a registry does."""
    stack, handshake = known(facts.stack), facts.handshake
    expected: dict[str, Value] = {"registry": pair(f"https://{facts.task.hosts[0]}/v2/", "200 | 401")}
    told = _stack_causes(stack, facts)
    if isinstance(handshake, Unavailable) and told:
        return Finding(Status.FAIL, _services(stack), _stack_seen(stack), expected, told)
    spoken = known(handshake)
    if spoken.version is None:
        causes = told or _silence_causes(stack, spoken, facts)
        return Finding(Status.FAIL, _services(stack), _stack_seen(stack), expected, causes)
    return _judge_answer(known(facts.doors), stack, spoken, expected, told)


def _judge_answer(
    doors: Doors, stack: Stack, spoken: Handshake, expected: Mapping[str, Value], told: tuple[Cause, ...]
) -> Finding:
    """TLS is spoken: what says HTTP over it, to nobody and to the student?

    A proxy asks for the password itself: that the registry behind it is gone only the right password brings to light,
    or the stack, where nobody is logged in.
    """
    nobody, student = doors.anonymous.status, doors.right.status if doors.right else None
    evidence = (
        Evidence("tls", f"{spoken.address} {spoken.version}"),
        Evidence("http", f"GET https://{spoken.name}/v2/ → {nobody}"),
    )
    observed: dict[str, Value] = {"registry": (spoken.version or "-", pair("/v2/", f"{nobody} | {student or '-'}"))}
    causes: tuple[Cause, ...] = ()
    if gateway := next((status for status in (nobody, student) if status in _GATEWAY_ERRORS), None):
        causes = (*told, Cause("up.bad-gateway", {"status": gateway}))
    elif nobody not in _SPEAKS or (nobody in _SUCCESSES and doors.anonymous.page):
        causes = (Cause("up.no-registry", {"status": nobody or 0}),)
    elif elsewhere := _led_elsewhere(doors):
        observed["below-v2"] = elsewhere.status or 0
        causes = (_missed(elsewhere),)
    elif student is None and any(each.kind is Kind.REGISTRY and not each.running for each in stack.services):
        causes = told
    return Finding(Status.FAIL if causes else Status.PASS, evidence, observed, expected, causes)


def _led_elsewhere(doors: Doors) -> Door | None:
    """What answered in the registry's place, one level below /v2/."""
    asked = (doors.inside, doors.anonymous_read, doors.anonymous_push)
    return next((door for door in asked if door and door.page and door.status in _NOT_THERE), None)


def _missed(door: Door) -> Cause:
    """The proxy made this page itself, or asked the registry for something else than the client did."""
    page, status = door.page or Page(), door.status or 0
    if page.of_registry:
        return Cause("up.path-changed", {"status": status})
    return Cause("up.not-passed-on", {"status": status, "server": page.server or "-"})


def _services(stack: Stack) -> tuple[Evidence, ...]:
    """What runs of the stack, and what ended."""
    return tuple(
        Evidence(
            "stack",
            pair(f"{service.name} ({service.image})", Words("said.runs") if service.running else Words("said.ended")),
        )
        for service in stack.services
    )


def _stack_seen(stack: Stack) -> dict[str, Value]:
    """The stack as an observation."""
    return {"stack": tuple(evidence.ref for evidence in _services(stack)) or "-"}


def _stack_causes(stack: Stack, facts: Facts) -> tuple[Cause, ...]:
    """Why the stack is not whole, by what was refused or ended and what it said; nothing where all of it runs."""
    ended = [service for service in stack.services if not service.running]
    if stack.source == "url" or (stack.up and not ended):
        return ()
    words = [
        *_refusal_words(stack.refusal),
        *(cause for service in ended if (cause := _last_words(service.name, service.said))),
    ]
    return (*words, *_foreign_keys(facts, words), *(() if words else _other_ends(stack, ended)))


def _refusal_words(refusal: Sequence[str]) -> tuple[Cause, ...]:
    """Why nothing could be brought up: what nginx says of its files, else what compose says of its own."""
    return (_last_words("nginx", refusal) or Cause("up.refused", {"said": cut(refusal[0])}),) if refusal else ()


def _foreign_keys(facts: Facts, words: Sequence[Cause]) -> Iterable[Cause]:
    """Keys that are not the certificate's, where nobody said so yet."""
    if isinstance(facts.keys, Keys) and "up.key-mismatch" not in {cause.id for cause in words}:
        foreign = (file for file in facts.keys.files if file.purpose == "tls" and file.matches is False)
        yield from (Cause("up.key-mismatch", {"service": file.path}) for file in foreign)


def _other_ends(stack: Stack, ended: Sequence[StackService]) -> Iterable[Cause]:
    """What no words tell: nothing begun, taken down, or ended for a reason of its own."""
    if not stack.up:
        yield Cause("up.down" if stack.services else "up.nothing")
        return
    for service in ended:
        yield Cause("up.ended", {"service": service.name, "said": cut(complaint(service.said))})


def _last_words(who: str, said: Sequence[str]) -> Cause | None:
    """What somebody said of the reason why they ended or refused, where it is one that is known."""
    for word, pattern in _LAST_WORDS:
        line = next((line for line in reversed(said) if pattern.search(line)), None)
        if line is not None:
            return Cause(word, {"service": who, "said": cut(line)})
    return None


def _silence_causes(stack: Stack, spoken: Handshake, facts: Facts) -> tuple[Cause, ...]:
    """All of the stack runs, and there is no TLS at the registry's address."""
    wanted = urlsplit(f"//{facts.task.hosts[0]}").port or HTTPS_PORT
    published = sorted({port for service in stack.services if service.running for port in service.published})
    plain = facts.plain.on_tls_port.status if isinstance(facts.plain, Plain) else None
    if plain not in {None, _BAD_REQUEST}:
        return (Cause("up.plain-http", {"port": wanted}),)
    if stack.services and wanted not in published:
        return (Cause("up.other-port", {"port": wanted, "ports": ", ".join(map(str, published)) or "-"}),)
    if spoken.old_versions or _OLD_TLS in (spoken.fault or ""):
        return (Cause("up.old-tls", {"versions": ", ".join(spoken.old_versions) or spoken.fault or "-"}),)
    return (Cause("up.no-tls", {"address": spoken.address, "fault": spoken.fault or "-"}),)
