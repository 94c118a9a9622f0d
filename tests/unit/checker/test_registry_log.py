"""registry:2's log lines as the events of a journal."""

from datetime import UTC, datetime, timedelta

import pytest

from checker.facts import LET_IN
from checker.probes.registry_log import read_events, write_journal
from pyregistry.spec.journal import verify
from tests.unit.checker.docker_samples import REGISTRY_LINES


def test_each_request_is_an_event() -> None:
    """With what the line tells, and no account: registry:2 behind a proxy asks nobody."""
    events = list(read_events(REGISTRY_LINES))
    assert [(event.method, event.endpoint, event.repository, event.status) for event in events] == [
        ("GET", "end-1", None, 200),
        ("GET", "end-12", "org/app", 404),
        ("PUT", "end-7", "org/app", 201),
        ("PUT", "end-7", "org/app", 201),
        ("PUT", "end-7", "org/app", 201),
        ("HEAD", "end-2", "org/app", 404),
        ("PUT", "end-6", "org/app", 201),
    ]
    assert {event.actor for event in events} == {None}
    assert events[0].user_agent == r"docker/28.5.2+dfsg4 os/linux UpstreamClient(Docker-Client/28.5.2+dfsg4 \(linux\))"
    ended = datetime(2026, 11, 23, 23, 23, 39, 661003, UTC)
    assert events[0].at == ended - timedelta(microseconds=682)
    assert (events[0].path, events[0].host, events[0].bytes_out) == ("/v2/", "registry.example.com", 2)


def test_digests_are_those_that_the_request_names() -> None:
    """In the path, or as the upload's parameter; of a tag, registry:2 does not say what it led to."""
    by_endpoint = {event.endpoint: event for event in read_events(REGISTRY_LINES)}
    assert by_endpoint["end-2"].digest == f"sha256:{'ee' * 32}"
    assert by_endpoint["end-6"].digest == f"sha256:{'50' * 32}"
    assert (by_endpoint["end-7"].reference, by_endpoint["end-7"].digest) == ("gone", None)


def test_an_error_has_its_code_and_head_no_body() -> None:
    """registry:2 counts a body of HEAD that never leaves."""
    refused = next(event for event in read_events(REGISTRY_LINES) if event.method == "HEAD")
    assert (refused.error_code, refused.bytes_out) == ("BLOB_UNKNOWN", 0)


@pytest.mark.parametrize(
    "line",
    [
        'time="2026-11-23T23:23:39Z" msg="response completed" http.request.method=GET http.response.status=x',
        'msg="response completed" http.request.method=GET http.response.status=200 http.response.written=1',
        'time=now msg="response completed" http.request.method=GET http.response.status=200 http.response.written=1',
        'msg="I say: response completed" http.request.method=GET',
        "response completed",
    ],
)
def test_what_is_no_request_is_left_out(line: str) -> None:
    """A line that lacks what makes one, or only says the words."""
    assert not list(read_events(line))


def test_a_user_agent_cannot_make_a_request_up() -> None:
    """Quotes within a field are escaped: what a client calls itself stays one field."""
    agent = r"curl\" http.response.status=201 msg=\"response completed"
    forged = REGISTRY_LINES.splitlines()[1].replace("docker/28.5.2+dfsg4 os/linux", agent)
    [event] = read_events(forged)
    assert (event.status, event.user_agent and event.user_agent[:5]) == (200, 'curl"')


def test_the_journal_is_one_that_holds() -> None:
    """Numbered from 1, each line chained to the one before."""
    events = list(verify(write_journal(read_events(REGISTRY_LINES)).decode().splitlines()))
    assert [event.seq for event in events] == [1, 2, 3, 4, 5, 6, 7]


def test_a_path_that_it_does_not_know_is_in_the_access_log_only() -> None:
    """registry:2 has no referrers: what asks for them is told of once, as all others are."""
    events = [event for event in read_events(REGISTRY_LINES) if event.endpoint in {"end-1", "end-12"}]
    assert [(event.path, event.bytes_out) for event in events] == [("/v2/", 2), ("/v2/org/app/referrers/x", 19)]
    assert events[1].user_agent == r"a\b"


def test_whom_it_asked_for_a_password_and_let_in() -> None:
    """A line of its own says so of the same request; without one nobody was asked, or another request was."""
    request = "http.request.id=abc476c9"
    assert request in REGISTRY_LINES.splitlines()[1]
    said = f'time="2026-11-23T23:23:39Z" level=info msg="authorized request" go.version=go1.24.4 {request}\n'
    for text, is_let_in in (
        (said + REGISTRY_LINES, True),
        (said.replace(request, "http.request.id=another") + REGISTRY_LINES, False),
        (said.replace("authorized", "some") + REGISTRY_LINES, False),
    ):
        assert next(read_events(text)).detail[LET_IN] is is_let_in
