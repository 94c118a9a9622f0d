"""Starting and stopping: one clear line and exit code 1 for whatever keeps a registry from serving."""

import json
import re
import socket
import ssl
import subprocess
import sys
import time
from base64 import b64encode
from contextlib import closing
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import pytest

from pyregistry.accounts.htpasswd import format_line
from tests.e2e.conftest import Start
from tests.e2e.pushes import make_image, push, require_whole
from tests.fakes.certificates import Leaf, TestAuthority
from tests.servers import RunningRegistry, ServerEnded, throw_away_tls, write_config


def test_the_log_says_where_it_listens_as_registry_2_says_it(tmp_path: Path, start: Start) -> None:
    """Logrus text on stderr; over TLS with its suffix."""
    tls = throw_away_tls(tmp_path / "tls")
    registry = start(write_config(tmp_path, tls=tls), tls)
    line = rf'time="[^"]+" level=info msg="listening on 127\.0\.0\.1:{registry.port}, tls"\n'
    assert re.search(line, registry.log())
    assert registry.request("GET", "/v2/").status == 200


def test_sigterm_ends_it_with_0_and_an_event(tmp_path: Path, start: Start) -> None:
    """Also with a connection that a client keeps open, and without waiting for it."""
    registry = start(write_config(tmp_path))
    connection = registry.connect()
    connection.request("GET", "/v2/")
    connection.getresponse().read()
    began = time.monotonic()
    assert registry.stop() == 0
    assert time.monotonic() - began < 5
    connection.close()
    assert [event.detail.get("action") for event in registry.events() if event.kind == "server"] == [
        "server.started",
        "server.stopped",
    ]


def test_a_request_in_flight_at_sigterm_is_answered(tmp_path: Path, start: Start) -> None:
    """The upload that a client has begun to send ends well; then the server goes."""
    registry = start(write_config(tmp_path, config={"http": {"draintimeout": "20s"}}))
    location = registry.request("POST", "/v2/org/app/blobs/uploads/").headers["location"].removeprefix(registry.url)
    connection = registry.connect()
    connection.putrequest("PATCH", location)
    connection.putheader("Content-Length", "10")
    connection.endheaders(b"12345")
    _wait_for_line(registry.log_path, "POST")
    registry.process.terminate()
    _wait_for_line(registry.log_path, "stopping server gracefully")
    connection.send(b"67890")
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Range"]) == (202, "0-9")
    connection.close()
    assert registry.process.wait(20) == 0


def test_a_request_that_does_not_end_is_broken_off_and_remembered(tmp_path: Path, start: Start) -> None:
    """A client that sends no further cannot keep the server: what it sent is kept, its event written, exit code 0."""
    registry = start(write_config(tmp_path))
    location = registry.request("POST", "/v2/org/app/blobs/uploads/").headers["location"].removeprefix(registry.url)
    connection = registry.connect()
    connection.putrequest("PATCH", location)
    connection.putheader("Content-Length", "10")
    connection.endheaders(b"12345")
    _wait_for_line(registry.log_path, "POST")
    assert registry.stop() == 0
    connection.close()
    [event] = [event for event in registry.events() if event.endpoint == "end-5"]
    assert (event.aborted, event.bytes_in) == (True, 5)
    assert registry.events()[-1].detail["action"] == "server.stopped"
    successor = start(registry.config_path)
    assert successor.request("GET", location).headers["range"] == "0-4"


def test_a_port_that_is_taken_is_named_with_who_holds_it(tmp_path: Path, start: Start) -> None:
    """Also by another registry: two never share a port."""
    first = start(write_config(tmp_path / "first"))
    address = f"127.0.0.1:{first.port}"
    with pytest.raises(ServerEnded) as ended:
        start(write_config(tmp_path / "second", config={"http": {"addr": address}}))
    assert ended.value.code == 1
    assert f"listen tcp {address}: bind: address already in use" in ended.value.output
    assert f"process {first.process.pid}" in ended.value.output
    assert "http.addr" in ended.value.output
    _require_one_line(ended.value.output)


@pytest.mark.parametrize(
    ("http", "words"),
    [
        (
            {"tls": {"certificate": "{tls}/server.crt", "key": "{tls}/absent.key"}},
            "absent.key: no such file or directory",
        ),
        ({"tls": {"certificate": "{tls}/server.crt", "key": "{tls}/ca.crt"}}, "no PEM pair of key and certificate"),
        ({"tls": {"certificate": "{tls}/other.crt", "key": "{tls}/server.key"}}, "no PEM pair of key and certificate"),
        ({"tls": {"certificate": "{tls}/server.crt"}}, "both a certificate and a key"),
        ({"addr": "127.0.0.1"}, "addr"),
    ],
)
def test_what_cannot_be_used_is_a_configuration_error(
    tmp_path: Path, start: Start, http: dict[str, Any], words: str
) -> None:
    """An absent key, one that is none, one of another certificate, half a pair, an address without a port."""
    tls = tmp_path / "tls"
    throw_away_tls(tls)
    (tls / "other.crt").write_bytes(throw_away_tls(tmp_path / "other").certificate.read_bytes())
    with pytest.raises(ServerEnded) as ended:
        start(write_config(tmp_path, config={"http": _filled(http, str(tls))}))
    assert ended.value.code == 1
    assert "configuration error" in ended.value.output
    assert words in ended.value.output
    assert "Traceback" not in ended.value.output


def test_every_mistake_of_a_configuration_is_told_at_once(tmp_path: Path) -> None:
    """With its line; nothing is created on the way."""
    config = tmp_path / "config.yml"
    config.write_text("version: 0.1\nstorage: {filesystem: {rootdirectory: store}}\nlog: {level: loud}\nhtpp: {}\n")
    done = subprocess.run(
        [sys.executable, "-m", "pyregistry", "serve", config], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "line 3: " in done.stderr
    assert "htpp" in done.stderr
    assert not (tmp_path / "store").exists()


def test_a_store_that_cannot_be_written_to_is_named(tmp_path: Path, start: Start) -> None:
    """Found at the start, not at the first push. A file in the way stands for every reason."""
    (tmp_path / "store").write_text("in the way")
    with pytest.raises(ServerEnded) as ended:
        start(write_config(tmp_path))
    assert ended.value.code == 1
    assert f"rootdirectory {tmp_path}/store: file exists" in ended.value.output
    _require_one_line(ended.value.output)


def test_a_journal_that_was_changed_is_refused(tmp_path: Path, start: Start) -> None:
    """It could not be continued; nothing is written over it."""
    registry = start(write_config(tmp_path))
    registry.stop()
    registry.journal_path.write_text("this is no event\n")
    with pytest.raises(ServerEnded) as ended:
        start(registry.config_path)
    assert ended.value.code == 1
    assert "journal.jsonl: last line: expected an event as JSON" in ended.value.output
    assert registry.journal_path.read_text() == "this is no event\n"


def test_a_successor_serves_what_its_predecessor_took(tmp_path: Path, start: Start) -> None:
    """The store and the journal are all that has to survive."""
    config, image = write_config(tmp_path), make_image("kept", 10_000)
    first = start(config)
    push(first, "org/app", image)
    first.stop()
    second = start(config)
    require_whole(second, "org/app", image)
    assert [event.seq for event in second.events()] == list(range(1, len(second.events()) + 1))


def test_a_unix_socket_is_served_and_cleared_away(tmp_path: Path) -> None:
    """``http.net: unix``; a file that a killed server left behind is no obstacle."""
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    config = write_config(tmp_path, config={"http": {"net": "unix", "addr": str(path)}})
    process = subprocess.Popen([sys.executable, "-m", "pyregistry", "serve", config], stderr=subprocess.PIPE, text=True)
    assert process.stderr
    with process, process.stderr as log:
        while "listening on" not in (line := log.readline()):
            assert line, "it ended"
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.sendall(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(1000).startswith(b"HTTP/1.1 200 OK")
        process.terminate()
        assert process.wait(20) == 0
    assert not path.exists()


@pytest.mark.parametrize(
    ("mode", "let_in"),
    [
        (None, {"known"}),
        ("require-and-verify-client-cert", {"known"}),
        ("verify-client-cert-if-given", {"known", "nobody"}),
    ],
)
def test_clients_show_a_certificate_as_the_configuration_says(
    tmp_path: Path, start: Start, mode: str | None, let_in: set[str]
) -> None:
    """One of the client CA, one of a stranger, none: with clientcas alone as registry:2, or as clientauth says."""
    tls, ours, strangers = throw_away_tls(tmp_path / "tls"), *map(TestAuthority, (tmp_path / "a", tmp_path / "b"))
    settings = {"clientcas": [str(ours.path)]} | ({"clientauth": mode} if mode else {})
    registry = start(write_config(tmp_path, tls=tls, config={"http": {"tls": settings}}), tls)
    clients = {"known": ours.issue("alice"), "stranger": strangers.issue("alice"), "nobody": None}
    assert {name for name, leaf in clients.items() if _is_let_in(registry, leaf)} == let_in


def _is_let_in(registry: RunningRegistry, leaf: Leaf | None) -> bool:
    """Whether a client with this certificate gets an answer."""
    context = ssl.create_default_context(cafile=str(registry.ca))
    if leaf:
        context.load_cert_chain(leaf.certificate, leaf.key)
    connection = HTTPSConnection(registry.host, registry.port, timeout=20, context=context)
    with closing(connection):
        try:
            connection.request("GET", "/v2/")
            return connection.getresponse().status == 200
        except (ssl.SSLError, ConnectionError):
            return False


def test_a_password_file_that_breaks_while_serving_is_told_once_and_heals(tmp_path: Path, start: Start) -> None:
    """503 for clients, one line with the file and its line for the operator, no traceback; mended, it serves again."""
    path = tmp_path / "htpasswd"
    good = f"{format_line('alice', 'secret', 4)}\n"
    path.write_text(good)
    registry = start(write_config(tmp_path, config={"auth": {"htpasswd": {"realm": "Lab", "path": str(path)}}}))
    alice = {"Authorization": f"Basic {b64encode(b'alice:secret').decode()}"}
    assert registry.request("GET", "/v2/", headers=alice).status == 200
    path.write_text(f"{good}bob\n")
    for _ in range(3):
        answer = registry.request("GET", "/v2/", headers=alice)
        assert (answer.status, json.loads(answer.body)["errors"][0]["code"]) == (503, "UNAVAILABLE")
        assert str(tmp_path).encode() not in answer.body
    path.write_text(f"{good}\n")
    assert registry.request("GET", "/v2/", headers=alice).status == 200
    registry.stop()
    assert registry.log().count(f'msg="nobody can come in: {path}: htpasswd: invalid entry at line 2"') == 1
    assert "Traceback" not in registry.log()


def _wait_for_line(log: Path, words: str) -> None:
    deadline = time.monotonic() + 20
    while words not in log.read_text(encoding="utf-8"):
        assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
        time.sleep(0.01)


def _require_one_line(output: str) -> None:
    assert len(output.splitlines()) == 1, output


def _filled(settings: dict[str, Any], folder: str) -> dict[str, Any]:
    """The paths of ``settings`` put below ``folder``."""
    return {
        name: _filled(value, folder) if isinstance(value, dict) else value.replace("{tls}", folder)
        for name, value in settings.items()
    }
