"""The grader's requests on a bad day: closed connections, gateways without a server, slow and silent servers."""

from collections.abc import Callable
from pathlib import Path

import pytest

from checker.facts import NotObserved
from checker.probes import DEADLINE_SECONDS, calls, connection
from checker.probes.connection import Connection
from checker.probes.surroundings import Address
from checker.probes.tls import HandshakeProbe, shown_certificate
from checker.probes.trust import Trust
from checker.runner import JUDGE_SECONDS
from labs.attempts import Endpoint
from tests.fakes.certificates import Leaf, TestAuthority
from tests.fakes.moods import Mood, Moods

NAME = "registry.example.com"
LIST = "/v2/lovelace/engine/app/tags/list"
LATE_SECONDS = 1.2
"""More than a second, which is what a handshake was once given."""
ALL_SECONDS = 10.0
"""For all verdicts."""


@pytest.fixture
def authority(tmp_path: Path) -> TestAuthority:
    """Whom the grader believes."""
    return TestAuthority(tmp_path / "ca")


@pytest.fixture
def leaf(authority: TestAuthority) -> Leaf:
    """The server's."""
    return authority.issue(NAME)


def connect(server: Moods, authority: TestAuthority | None = None) -> Connection:
    """A connection as the grader's, over TLS where there is an authority."""
    scheme = "https" if authority else "http"
    url = f"{scheme}://127.0.0.1:{server.port}"
    return Connection(Endpoint(NAME, url, str(authority.path) if authority else None), lambda: None)


def reason(read: Callable[[], object]) -> str:
    """Why nothing was observed."""
    with pytest.raises(NotObserved) as caught:
        read()
    return caught.value.unavailable.reason


def test_a_kept_connection_that_the_server_closed_is_made_anew(leaf: Leaf, authority: TestAuthority) -> None:
    """Whoever keeps a connection finds out by using it: plain or TLS, the request is sent once more, on another one."""
    for trusted, shown in ((None, None), (authority, leaf)):
        with Moods(200, Mood.HANGS_UP, 200, leaf=shown) as server:
            asking = connect(server, trusted)
            assert [asking.get(LIST).status for _ in range(2)] == [200, 200]
            first, kept, other = server.connections
        assert first == kept != other


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_gateway_whose_server_is_starting_is_asked_again(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second answer counts, on the same connection."""
    monkeypatch.setattr(connection, "PAUSE_SECONDS", 0.0)
    with Moods(status, 200) as server:
        assert connect(server).get(LIST).status == 200
        assert len(set(server.connections)) == 1


def test_nobody_is_asked_three_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is broken stays broken: the second answer is told, whatever it is."""
    monkeypatch.setattr(connection, "PAUSE_SECONDS", 0.0)
    with Moods(503, 503, 200) as server:
        assert connect(server).get(LIST).status == 503
    with Moods(Mood.HANGS_UP, Mood.HANGS_UP, 200) as server:
        assert reason(lambda: connect(server).get(LIST)) == "interrupted"
    with Moods(502, Mood.HANGS_UP, 200) as server:
        assert reason(lambda: connect(server).get(LIST)) == "interrupted"


@pytest.mark.parametrize("status", [200, 404, 429, 500])
def test_what_was_answered_is_not_asked_again(status: int) -> None:
    """Neither what is there nor what is not, nor a server's own fault."""
    with Moods(status, 200) as server:
        assert connect(server).get(LIST).status == status
        assert len(server.connections) == 1


def test_silence_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second wait would only come to the same, later."""
    monkeypatch.setattr(connection, "ANSWER_SECONDS", 0.1)
    with Moods(Mood.IS_SILENT, 200) as server:
        assert reason(lambda: connect(server).get(LIST)) == "timeout"
        assert len(server.connections) == 1


def test_a_late_handshake_is_waited_for(leaf: Leaf, authority: TestAuthority) -> None:
    """A server that other programs keep from its handshakes, or passwords that take long, is none that hangs."""
    with Moods(200, leaf=leaf, shakes_late_seconds=LATE_SECONDS) as server:
        assert connect(server, authority).get(LIST).status == 200
    with Moods(leaf=leaf, shakes_late_seconds=LATE_SECONDS) as server:
        assert shown_certificate(Address(NAME, 443, "127.0.0.1", server.port))


def test_a_handshake_that_never_comes_is_not_observed(
    leaf: Leaf, authority: TestAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is given up after the same wait as an answer."""
    monkeypatch.setattr(connection, "ANSWER_SECONDS", 0.1)
    monkeypatch.setattr("checker.probes.tls.ANSWER_SECONDS", 0.1)
    with Moods(leaf=leaf, shakes_late_seconds=60) as server:
        assert reason(lambda: connect(server, authority).get(LIST)) == "timeout"
    with Moods(leaf=leaf, shakes_late_seconds=60) as server:
        door = Address(NAME, 443, "127.0.0.1", server.port)
        assert reason(HandshakeProbe(door, Trust()).read) == "timeout"


def test_whatever_hangs_ends_within_the_time_for_all() -> None:
    """Silence is told by whoever met it, before its probe is given up; and then there is time left to judge."""
    assert calls.ANSWER_SECONDS < DEADLINE_SECONDS < ALL_SECONDS
    assert JUDGE_SECONDS < ALL_SECONDS
