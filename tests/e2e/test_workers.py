"""Several processes serve one socket: together they are one registry, and none outlives it."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from pyregistry.spec.digest import Digest
from tests.e2e.pushes import make_image, push, push_manifest
from tests.servers import STOP_SECONDS, RunningRegistry, ServerEnded, running_registry

WORKERS = 3
THREADS = 8
CONFIG = {"pyregistry": {"workers": WORKERS}}


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RunningRegistry]:
    """A registry of several workers."""
    with running_registry(tmp_path, config=CONFIG) as running:
        yield running


def _family(registry: RunningRegistry) -> list[psutil.Process]:
    """The workers."""
    return psutil.Process(registry.process.pid).children()


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _is_gone(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.status() == psutil.STATUS_ZOMBIE
    return True


def test_several_processes_are_one_registry(registry: RunningRegistry) -> None:
    """A push whose requests go to any of them, pulls by many clients at once, and one journal of it all."""
    images = [make_image(f"image {number}", 300_000) for number in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as clients:
        list(clients.map(lambda image: push(registry, "org/app", image, Digest.of(image.config).encoded), images))
        tags = json.loads(registry.request("GET", "/v2/org/app/tags/list").body)["tags"]
        targets = [f"/v2/org/app/manifests/{tag}" for tag in tags] * 20
        answers = list(clients.map(lambda target: registry.request("GET", target), targets))
    assert {answer.status for answer in answers} == {200}
    assert {answer.body for answer in answers} == {image.manifest for image in images}
    assert len(_family(registry)) == WORKERS
    assert sum(event.endpoint == "end-3" for event in registry.events()) == len(targets)
    assert len({event.request_id for event in registry.events() if event.kind == "request"}) == len(
        [event for event in registry.events() if event.kind == "request"]
    )


def test_what_one_process_was_told_all_of_them_know(registry: RunningRegistry) -> None:
    """A tag that moves or goes is seen by the very next request, whichever process answers it, memory or not."""
    one, two = make_image("one", 1000), make_image("two", 1000)
    target = "/v2/org/app/manifests/1.0"
    push(registry, "org/app", one)
    push(registry, "org/app", two, "2.0")
    time.sleep(1.1)  # from then on what is read may be remembered
    with ThreadPoolExecutor(THREADS) as clients:

        def bodies() -> set[bytes]:
            return set(clients.map(lambda _: registry.request("GET", target).body, range(60)))

        assert bodies() == {one.manifest}
        for image in (two, one, two):
            assert push_manifest(registry, "org/app", image, "1.0").status == 201
            assert bodies() == {image.manifest}
        assert registry.request("DELETE", target).status == 202
        assert {json.loads(body)["errors"][0]["code"] for body in bodies()} == {"MANIFEST_UNKNOWN"}


def test_a_blob_deleted_in_one_repository_is_gone_there_in_all_processes(registry: RunningRegistry) -> None:
    """And stays where it was not deleted (CVE-2026-35172)."""
    image = make_image("image", 1000)
    for repository in ("org/app", "org/other"):
        push(registry, repository, image)
    time.sleep(1.1)  # from then on what is read may be remembered
    digest = Digest.of(image.layer)
    with ThreadPoolExecutor(THREADS) as clients:

        def statuses(repository: str) -> set[int]:
            target = f"/v2/{repository}/blobs/{digest}"
            return set(clients.map(lambda _: registry.request("GET", target).status, range(60)))

        assert [statuses("org/app"), statuses("org/other")] == [{200}, {200}]
        assert registry.request("DELETE", f"/v2/org/app/blobs/{digest}").status == 202
        assert [statuses("org/app"), statuses("org/other")] == [{404}, {200}]


def test_sigterm_ends_all_of_them(registry: RunningRegistry) -> None:
    """With 0, and a last event."""
    family = _family(registry)
    assert registry.stop() == 0
    assert all(_is_gone(worker) for worker in family)
    assert [event.detail["action"] for event in registry.events()] == ["server.started", "server.stopped"]


def test_no_worker_outlives_a_killed_registry(registry: RunningRegistry, tmp_path: Path) -> None:
    """The port is free again; the next registry serves what was there."""
    push(registry, "org/app", make_image("image", 1000))
    family = _family(registry)
    registry.kill()
    _until(lambda: all(_is_gone(worker) for worker in family))
    again = {**CONFIG, "http": {"addr": f"127.0.0.1:{registry.port}"}}
    with running_registry(tmp_path, config=again) as next_one:
        assert next_one.request("GET", "/v2/org/app/manifests/1.0").status == 200


def test_a_worker_that_ends_ends_the_registry(registry: RunningRegistry) -> None:
    """With 1 and a line that says so: half a registry is hard to notice, and whoever started it starts it again."""
    one, *others = _family(registry)
    os.kill(one.pid, signal.SIGKILL)
    assert registry.process.wait(STOP_SECONDS) == 1
    assert all(_is_gone(worker) for worker in others)
    assert f"worker {one.pid} ended with status 9: the registry stops" in registry.log()


def test_a_store_in_memory_is_not_shared_out(tmp_path: Path) -> None:
    """Each process would have one of its own."""
    config = {"storage": {"filesystem": None, "inmemory": {}}, "pyregistry": {"workers": 2}}
    with pytest.raises(ServerEnded) as ended, running_registry(tmp_path, config=config):
        pass
    assert ended.value.code == 1
    assert "several processes cannot share storage.inmemory" in ended.value.output
