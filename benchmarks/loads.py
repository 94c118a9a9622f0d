"""What is done to a server, and how fast it was: many small requests with wrk, one large pull or push with curl."""

import os
import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.contenders import Answer, Server
from benchmarks.content import LARGE_BYTES, REPOSITORY, Content, remove_blob
from pyregistry.spec.digest import Digest

CONNECTIONS = 32

_RATE = re.compile(r"^Requests/sec: +([0-9.]+)$", re.MULTILINE)
_FAULTS = re.compile(r"^ +(Non-2xx or 3xx responses|Socket errors): (.+)$", re.MULTILINE)


class Void(Exception):
    """The figure counts for nothing; the message says what was answered instead."""


def requests_per_second(server: Server, path: str, size: int | None, seconds: int) -> float:
    """As one wrk thread on 32 connections sees it.

    Args:
        server: Who is asked.
        path: What for.
        size: Bytes of the right answer, None where servers may differ.
        seconds: How long.

    Raises:
        Void: An answer was wrong, or was no answer.
    """
    answer = server.ask("GET", path)
    if answer.status != 200 or size not in (None, len(answer.body)):  # noqa: PLR2004  HTTP's own figure
        raise Void(f"expected 200 with {size} bytes, got {answer.status} with {len(answer.body)}")
    headers = [part for name, value in server.headers.items() for part in ("-H", f"{name}: {value}")]
    shown = _run(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", *headers, f"{server.url}{path}"])
    if faults := _FAULTS.search(shown):
        raise Void(f"{faults[1]}: {faults[2]}")
    rate = _RATE.search(shown)
    if rate is None:
        raise Void(f"wrk printed no rate: {shown[:200]}")
    return float(rate[1])


def pulled_per_second(server: Server, path: str) -> float:
    """MB/s of one curl that pulls the large blob.

    Raises:
        Void: It did not get all of it.
    """
    shown = _curl(server, ["--write-out", "%{http_code} %{size_download} %{time_total}", f"{server.url}{path}"])
    status, size, seconds = shown.split()
    if (status, size) != ("200", str(LARGE_BYTES)):
        raise Void(f"expected 200 with {LARGE_BYTES} bytes, got {status} with {size}")
    return LARGE_BYTES / float(seconds) / 1e6


def pushed_per_second(server: Server, content: Content, *, patch: bool) -> float:
    """MB/s of one curl that sends bytes which no registry has yet, until the registry says that it keeps them.

    Args:
        server: Who gets them.
        content: Where they are.
        patch: Send them with PATCH, as Docker does, and close the upload on a connection of its own; else all in one
            PUT, as containerd does.

    Raises:
        Void: A step was refused.
    """
    digest = content.renew()
    os.sync()  # nobody is to write for the one before
    location = _location(server.ask("POST", f"/v2/{REPOSITORY}/blobs/uploads/"), 202)
    if patch:
        location, seconds = _send(server, content, "PATCH", location, 202)
        began = time.perf_counter()
        _location(server.ask("PUT", _with_digest(location, digest)), 201)
        seconds += time.perf_counter() - began
    else:
        _, seconds = _send(server, content, "PUT", _with_digest(location, digest), 201)
    remove_blob(server.root, digest)
    return LARGE_BYTES / seconds / 1e6


def _send(server: Server, content: Content, method: str, path: str, status: int) -> tuple[str, float]:
    """The Location that came of it, and how long it took."""
    options = ["--request", method, "--upload-file", str(content.upload), "--header", "Expect:"]
    options += ["--header", "Content-Type: application/octet-stream"]
    written = "%{http_code} %{time_total} %header{location}"
    got, seconds, location = _curl(server, [*options, "--write-out", written, f"{server.url}{path}"]).split()
    if got != str(status):
        raise Void(f"{method}: expected {status}, got {got}")
    return _path(location), float(seconds)


def _with_digest(path: str, digest: Digest) -> str:
    return f"{path}{'&' if '?' in path else '?'}digest={digest}"


def _location(answer: Answer, status: int) -> str:
    """Where an upload goes on.

    Raises:
        Void: It does not.
    """
    if answer.status != status:
        raise Void(f"expected {status}, got {answer.status}: {answer.body[:200]!r}")
    return _path(answer.headers["location"])


def _curl(server: Server, options: Sequence[str]) -> str:
    headers = [part for name, value in server.headers.items() for part in ("--header", f"{name}: {value}")]
    trust = ["--cacert", str(server.ca)] if server.ca else []
    return _run(["curl", "--silent", "--show-error", "--output", "/dev/null", *trust, *headers, *options])


def _run(command: Sequence[str | Path]) -> str:
    """What a command printed.

    Raises:
        Void: It failed.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Void(f"{command[0]} ended with {done.returncode}: {done.stderr.strip()[:200]}")
    return done.stdout


def _path(location: str) -> str:
    parts = urlsplit(location)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
