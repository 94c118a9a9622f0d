"""Checks against real files and servers on loopback, in registry:2's words."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pyregistry.config.settings import FileCheck, HealthSettings, HttpCheck, TcpAddress, TcpCheck
from pyregistry.health.checks import CheckFailed, configured_checks, file_is_absent, http_answers, tcp_accepts


class Downstream(BaseHTTPRequestHandler):
    """Answers ``/<status>``; ``/away`` leads to another name of the same server, ``/hang`` nowhere."""

    def do_HEAD(self) -> None:
        """See the class."""
        seen.append(
            (self.headers["Host"].partition(":")[0], self.path, self.headers["X-Key"], self.headers["Authorization"])
        )
        if self.path == "/hang":
            released.wait(10)
            return
        self.send_response(302 if self.path == "/away" else int(self.path[1:]))
        self.send_header("Location", f"http://localhost:{self.headers['Host'].partition(':')[2]}/200")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


seen: list[tuple[str, str, str | None, str | None]] = []
released = threading.Event()


@pytest.fixture
def url() -> Iterator[str]:
    """A running one."""
    seen.clear()
    released.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Downstream)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        released.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that nobody listens on, and that nobody else is given meanwhile."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        yield probe.getsockname()[1]


def test_a_file_that_is_there_is_a_failure(tmp_path: Path) -> None:
    """And one that is gone again is not."""
    probe = file_is_absent(tmp_path / "down")
    probe()
    (tmp_path / "down").touch()
    with pytest.raises(CheckFailed, match=r"^file exists$"):
        probe()
    (tmp_path / "down").unlink()
    probe()


def test_a_file_that_cannot_be_looked_for_is_a_failure(tmp_path: Path) -> None:
    """Its folder is a file: whether it is there, nobody can say."""
    (tmp_path / "file").touch()
    with pytest.raises(CheckFailed, match="Not a directory"):
        file_is_absent(tmp_path / "file" / "down")()


def test_an_address_has_to_answer_with_its_status(url: str) -> None:
    """The wanted one and no other, with the configured headers and the URL's credentials."""
    http_answers(HttpCheck(f"{url}/200"))()
    http_answers(HttpCheck(f"{url.replace('//', '//u:p@')}/204", headers={"x-key": ("k",)}, status_code=204))()
    assert seen == [("127.0.0.1", "/200", None, None), ("127.0.0.1", "/204", "k", "Basic dTpw")]
    with pytest.raises(CheckFailed, match=r"^downstream service returned unexpected status: 503$"):
        http_answers(HttpCheck(f"{url}/503"))()


def test_a_redirect_is_followed_without_what_is_secret(url: str) -> None:
    """Another host gets neither the configured headers nor the credentials."""
    http_answers(HttpCheck(f"{url.replace('//', '//u:p@')}/away", headers={"X-Key": ("k",)}))()
    assert seen == [("127.0.0.1", "/away", "k", "Basic dTpw"), ("localhost", "/200", None, None)]


def test_an_address_that_does_not_answer_is_named_without_its_secrets(url: str, closed_port: int) -> None:
    """Whether it hangs or nobody is there."""
    for called, shown in (
        (f"{url.replace('//', '//u:p@')}/hang?key=hidden", f"{url}/hang"),
        (f"http://127.0.0.1:{closed_port}/?key=hidden", f"http://127.0.0.1:{closed_port}/"),
    ):
        with pytest.raises(CheckFailed, match=rf"^error while checking: {shown}$") as failed:
            http_answers(HttpCheck(called, timeout_seconds=0.05))()
        assert failed.value.__cause__
        assert "hidden" not in str(failed.value.__cause__)  # which the log tells, too


def test_a_port_has_to_take_connections(url: str, closed_port: int) -> None:
    """Nothing is said on it."""
    tcp_accepts(TcpCheck(TcpAddress("127.0.0.1", int(url.rpartition(":")[2]))))()
    with pytest.raises(CheckFailed, match=rf"^connection to 127.0.0.1:{closed_port} failed$"):
        tcp_accepts(TcpCheck(TcpAddress("127.0.0.1", closed_port)))()


def test_a_configuration_becomes_checks_under_registry_2s_names() -> None:
    """With their intervals and thresholds; a URL's secrets are no part of its name."""
    settings = HealthSettings(
        storage_driver_enabled=True,
        interval_seconds=1,
        threshold=2,
        file_checks=(FileCheck(Path("/run/down"), 3, 4),),
        http_checks=(HttpCheck("http://u:p@example.com/?k", interval_seconds=5, threshold=6),),
        tcp_checks=(TcpCheck(TcpAddress("::1", 6379), interval_seconds=7, threshold=8),),
    )
    checks = configured_checks(settings, "filesystem", lambda: None)
    assert [(check.name, check.interval_seconds, check.threshold) for check in checks] == [
        ("storagedriver_filesystem", 1, 2),
        ("/run/down", 3, 4),
        ("http://example.com/", 5, 6),
        ("[::1]:6379", 7, 8),
    ]
    assert list(configured_checks(HealthSettings(), "filesystem", lambda: None)) == []
