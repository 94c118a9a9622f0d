"""Access logs of Caddy and Traefik, by lines that Caddy 2.6.2 and Traefik 3.7.15 printed; and what else they print."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from checker.checks.agreement import needs_event
from checker.facts import AccessLog, Kind, LogLine, Stack, Unavailable
from checker.probes import caddy, nginx, traefik
from checker.probes.access_log import AccessLogProbe
from checker.probes.surroundings import LocalFile, Surroundings
from tests.unit.checker.private import LOGGING

Parse = Callable[[str, int], LogLine | None]
UP = Stack("docker", "tp2", up=True)
START = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)

CADDY = (
    '{"level":"info","ts":1795486016.3895476,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":'
    '"127.0.0.1","remote_port":"50204","proto":"HTTP/2.0","method":"PUT","host":"localhost:18446","uri":"/v2/x/blobs/'
    'uploads/4b?_state=Y%3D&digest=sha256:b3","headers":{"Accept":["*/*"],"Content-Length":["5000000"],"Authorization"'
    ':[],"User-Agent":["we\\"ird\\\\ \\ttab"]},"tls":{"resumed":false,"version":772,"cipher_suite":4865,"proto":"h2",'
    '"server_name":"localhost"}},"user_id":"admin","duration":0.073835848,"size":12,"status":201,"resp_headers":'
    '{"Server":["Caddy"],"Content-Length":["0"]}}'
)
CADDY_SAYS = (
    '{"level":"info","ts":1795486262.3849208,"msg":"using provided configuration","config_file":"/etc/caddy/Caddyfile"}'
    '\n{"level":"error","ts":1795486016.5,"logger":"http.handlers.reverse_proxy","msg":"aborting"}'
)
COMMON = (
    '127.0.0.1 - admin [24/Nov/2026:02:06:51 +0000] "PUT /v2/x/blobs/uploads/4b?_state=Y%3D&digest=sha256:b3 HTTP/2.0"'
    ' 201 12 "-" "we\\"ird\\ \ttab" 13 "registry@file" "http://127.0.0.1:15000" 38ms'
)
JSON = (
    '{"ClientAddr":"127.0.0.1:47624","ClientHost":"127.0.0.1","ClientUsername":"admin","DownstreamContentSize":12,'
    '"DownstreamStatus":201,"Duration":93430899,"OriginStatus":201,"RequestMethod":"PUT","RequestPath":"/v2/x/blobs/'
    'uploads/4b?_state=Y%3D\\u0026digest=sha256:b3","RouterName":"registry@file","ServiceURL":"http://127.0.0.1:15000",'
    '"StartUTC":"2026-11-24T02:06:51.589021057Z","level":"info","msg":"","request_User-Agent":"we\\"ird\\\\ \\ttab",'
    '"time":"2026-11-24T02:06:52Z"}'
)
TRAEFIK_SAYS = (
    "\x1b[90m2026-11-24T02:17:57Z\x1b[0m \x1b[32mINF\x1b[0m \x1b[1m\nVersion check is disabled.\n"
    '{"level":"info","version":"3.7.15","time":"2026-11-24T02:17:59Z","message":"Traefik version 3.7.15 built on …"}'
)
SPEAKERS: dict[str, tuple[Parse, str]] = {
    "caddy": (caddy.parse, CADDY),
    "traefik common": (traefik.parse, COMMON),
    "traefik genericCLF": (traefik.parse, COMMON.partition(" 13 ")[0]),
    "traefik json": (traefik.parse, JSON),
}


def read(folder: Path, keeper: Kind, *lines: str) -> AccessLog | Unavailable:
    """What the probe says of a proxy's log."""
    path = folder / "access.log"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    stack = Surroundings(UP, proxied=True, keeper=keeper, access_logs=(LocalFile(path),))
    return AccessLogProbe(stack, START).read()


@pytest.mark.parametrize("speaker", SPEAKERS)
def test_a_line_tells_who_asked_what_when_and_got_how_much(speaker: str) -> None:
    """The client's name as it was sent, with its quotation marks and backslashes."""
    parse, text = SPEAKERS[speaker]
    line = parse(text, 7)
    assert line is not None
    assert line.at.replace(microsecond=0).astimezone(UTC) == datetime(
        2026, 11, 24, 2, 6, 56 if speaker == "caddy" else 51, tzinfo=UTC
    )
    assert (line.number, line.user, line.method, line.path) == (
        7, "admin", "PUT", "/v2/x/blobs/uploads/4b?_state=Y%3D&digest=sha256:b3",
    )  # fmt: skip
    assert (line.status, line.size, line.user_agent, line.asked) == (201, 12, 'we"ird\\ \ttab', True)


@pytest.mark.parametrize(
    ("parse", "text", "status"),
    [
        (caddy.parse, CADDY.replace('"status":201', '"status":0').replace('"size":12', '"size":0'), 200),
        (traefik.parse, COMMON.replace("201 12", "404 12").replace('"http://127.0.0.1:15000"', '"-"'), 404),
        (traefik.parse, JSON.replace("201", "404").replace('"ServiceURL":"http://127.0.0.1:15000",', ""), 404),
    ],
    ids=["caddy", "traefik common", "traefik json"],
)
def test_a_name_that_the_proxy_does_not_serve_was_asked_of_nobody(parse: Parse, text: str, status: int) -> None:
    """Caddy notes no status and sends 200, Traefik finds no server and sends 404."""
    line = parse(text, 1)
    assert line is not None
    assert (line.asked, line.status) == (False, status)


def test_the_registry_s_own_404_is_its_own() -> None:
    """Somebody was asked."""
    line = traefik.parse(COMMON.replace("201 12", "404 12"), 1)
    assert line is not None
    assert line.asked


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (caddy.parse, CADDY.replace('"user_id":"admin"', '"user_id":""')),
        (traefik.parse, COMMON.replace(" - admin", " - -")),
        (traefik.parse, JSON.replace('"admin"', '""')),
        (traefik.parse, JSON.replace('"admin"', '"-"')),
    ],
)
def test_nobody_is_nobody(parse: Parse, text: str) -> None:
    """However the proxy writes it."""
    line = parse(text, 1)
    assert line is not None
    assert line.user is None


def test_caddy_s_time_may_be_written() -> None:
    """As the encoder's ``time_format rfc3339`` has it; no other format is guessed."""
    line = caddy.parse(CADDY.replace("1795486016.3895476", '"2026-11-24T03:06:56+01:00"'), 1)
    assert line is not None
    assert line.at == datetime(2026, 11, 24, 2, 6, 56, tzinfo=UTC)
    assert caddy.parse(CADDY.replace("1795486016.3895476", '"yesterday"'), 1) is None


@pytest.mark.parametrize(
    ("keeper", "says", "line"),
    [
        (Kind.CADDY, CADDY_SAYS, CADDY),
        (Kind.TRAEFIK, TRAEFIK_SAYS, COMMON),
        (Kind.TRAEFIK, TRAEFIK_SAYS, JSON),
    ],
)
def test_what_a_proxy_says_of_itself_is_no_line(tmp_path: Path, keeper: Kind, says: str, line: str) -> None:
    """It goes to the same place, and is neither a request nor damage."""
    found = read(tmp_path, keeper, says, line)
    assert isinstance(found, AccessLog)
    assert (len(found.lines), found.unreadable, found.keeper) == (1, (), keeper)


def test_the_scripts_of_nginx_s_image_are_no_lines(tmp_path: Path) -> None:
    """They print before nginx starts, to where its log goes."""
    says = (
        "/docker-entrypoint.sh: Configuration complete; ready for start up",
        "10-listen-on-ipv6-by-default.sh: info: can not modify /etc/nginx/conf.d/default.conf (read-only file system?)",
        "/docker-entrypoint.sh: Sourcing /docker-entrypoint.d/15-local-resolvers.envsh",
    )
    found = read(tmp_path, Kind.NGINX, *says, "and what a hand wrote")
    assert isinstance(found, AccessLog)
    assert found.unreadable == (4,)
    assert not nginx.is_aside(COMMON)


@pytest.mark.parametrize(
    ("keeper", "line"),
    [
        (Kind.CADDY, "2026/11/24 02:06:56.389 INFO http.log.access handled request"),
        (Kind.CADDY, CADDY.replace('"status":201', '"status":"ok"')),
        (Kind.CADDY, CADDY.replace('"uri"', '"url"')),
        (Kind.CADDY, CADDY[:200]),
        (Kind.TRAEFIK, COMMON.replace("201 12", "ok 12")),
        (Kind.TRAEFIK, COMMON.replace("24/Nov", "31/Nov")),
        (Kind.TRAEFIK, f"{COMMON} and more"),
        (Kind.TRAEFIK, JSON.replace('"DownstreamStatus":201,', "")),
    ],
)
def test_what_is_no_line_is_told_by_its_number(tmp_path: Path, keeper: Kind, line: str) -> None:
    """A format that we do not read, and a line that a hand has changed."""
    found = read(tmp_path, keeper, line)
    assert isinstance(found, AccessLog)
    assert (found.lines, found.unreadable) == ((), (1,))


def test_a_traefik_that_hides_its_clients_is_not_judged(tmp_path: Path) -> None:
    """It drops all headers unless it is told to keep them: nobody knows then which lines are the grader's own."""
    hidden = COMMON.replace('"we\\"ird\\ \ttab"', '"-"')
    found = read(tmp_path, Kind.TRAEFIK, hidden, COMMON)
    assert isinstance(found, AccessLog)
    assert [needs_event(line, replace(found, logging=LOGGING)) for line in found.lines] == [False, True]
    told = Unavailable("log-agentless", {"path": str(tmp_path / "access.log")})
    assert read(tmp_path, Kind.TRAEFIK, hidden, hidden) == told
    assert read(tmp_path, Kind.TRAEFIK, JSON.replace('"request_User-Agent"', '"request_Accept"')) == told


@given(agent=st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc"]), min_size=1))
@example(agent="-")
def test_no_client_ends_its_field(agent: str) -> None:
    """Whatever it calls itself: of Traefik's line nothing else changes, for quotation marks are escaped."""
    line = traefik.parse(COMMON.replace('we\\"ird\\ \ttab', agent.replace('"', '\\"')), 1)
    assert line is not None
    assert (line.status, line.size, line.asked) == (201, 12, True)
    # A backslash before a quotation mark is the one thing that the format does not tell from the mark's own.
    named = "" if agent == "-" else agent  # a dash stands for a client that is not told
    assert line.user_agent.replace("\\", "") == named.replace("\\", "")


@given(text=st.one_of(st.text(), st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps)))
def test_any_text_is_a_line_or_none(text: str) -> None:
    """Nothing that a log may hold ends the reading."""
    for parse in (caddy.parse, traefik.parse):
        assert parse(text, 1) is None
    caddy.is_aside(text)
    traefik.is_aside(text)
