"""No secret that somebody sends in the wrong place is written down: not in the journal, not in either log."""

import socket
from pathlib import Path

from tests.e2e.conftest import Start
from tests.servers import RunningRegistry, write_config

TOKEN = "ghp_0123456789abcdefABCDEF"
JWT = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl"
PASSWORD = "hunter2hunter2"

REQUESTS = {
    "a token as method": (f"{TOKEN} /v2/ HTTP/1.1", "Host: h"),
    "a JWT as method": (f"{JWT} /v2/ HTTP/1.1", "Host: h"),
    "a password in Host": ("GET /v2/ HTTP/1.1", f"Host: alice:{PASSWORD}@h"),
    "a password in Referer": ("GET /v2/ HTTP/1.1", f"Host: h\r\nReferer: https://alice:{PASSWORD}@h/"),
    "a token as tag": (f"GET /v2/a/manifests/{TOKEN} HTTP/1.1", "Host: h"),
    "an encoded token as tag": (f"GET /v2/a/manifests/{TOKEN.replace('_', '%5F')} HTTP/1.1", "Host: h"),
    "a token encoded twice as tag": (f"GET /v2/a/manifests/{TOKEN.replace('_', '%255F')} HTTP/1.1", "Host: h"),
    "a token as repository": (f"GET /v2/{TOKEN}/tags/list HTTP/1.1", "Host: h"),
    "a password in the query": (f"GET /v2/_catalog?password={PASSWORD} HTTP/1.1", "Host: h"),
    "an encoded password in the query": (f"GET /v2/_catalog?pass%77ord={PASSWORD} HTTP/1.1", "Host: h"),
    "a token in User-Agent": ("GET /v2/ HTTP/1.1", f"Host: h\r\nUser-Agent: {JWT}"),
    "a password in the Authorization header": ("GET /v2/ HTTP/1.1", f"Host: h\r\nAuthorization: Basic {PASSWORD}"),
}


def test_no_secret_is_written_down(tmp_path: Path, start: Start) -> None:
    """Whatever is wrong with a request, its event is there, and the secret is nowhere."""
    registry = start(write_config(tmp_path, config={"log": {"level": "debug"}}))
    for request in REQUESTS.values():
        _send(registry, *request)
    registry.stop()
    written = registry.log() + registry.journal_path.read_text(encoding="utf-8")
    heads = {TOKEN: TOKEN.removeprefix("ghp_"), JWT: JWT.partition(".")[2], PASSWORD: PASSWORD}
    assert [secret for secret, part in heads.items() if part in written] == []
    assert len([event for event in registry.events() if event.kind == "request"]) == len(REQUESTS)


def _send(registry: RunningRegistry, line: str, headers: str) -> None:
    """One request as it is, and its whole answer."""
    with socket.create_connection((registry.host, registry.port), timeout=20) as client:
        client.sendall(f"{line}\r\n{headers}\r\nConnection: close\r\n\r\n".encode())
        while client.recv(65536):
            pass
