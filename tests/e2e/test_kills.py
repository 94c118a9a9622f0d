"""``kill -9`` of a real server at any moment of a push: after a restart nothing half-written is served.

And of a collection beside one.

The moments are counted, not timed: changes of the disk on the server's side, bytes on the client's.
"""

import itertools
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from http.client import HTTPException
from pathlib import Path

from pyregistry.spec.digest import Digest
from tests.e2e import dying
from tests.e2e.conftest import Start
from tests.e2e.pushes import (
    Image,
    make_image,
    push,
    push_manifest,
    require_nothing_half_written,
    require_sound_files,
    require_whole,
)
from tests.servers import POLL_SECONDS, ROOT, START_SECONDS, RunningRegistry, write_config
from tests.tools import NOTHING_SKIPPED

EVERY_MOMENT = os.environ.get(NOTHING_SKIPPED) == "1"
STRIDE = 1 if EVERY_MOMENT else 17
"""Of the changes of the disk; a push makes some hundred. In `make check` the server dies at each of them."""

LEAST_MOMENTS = 60
"""Fewer would mean that the disk was not watched."""

MOST_MOMENTS = 400
"""More than any push of this size has: beyond it, the server would never have died and the test would prove nothing."""

LEAST_DEATHS = 8
"""Of a collection; each does what its predecessor did not come to."""

BYTE_COUNTS = (0, 1, 65_536, 1_048_577, 2_499_999, 2_500_000) if EVERY_MOMENT else (1, 1_048_577, 2_500_000)


def test_a_server_that_dies_at_any_change_of_the_disk_serves_nothing_half_written(tmp_path: Path, start: Start) -> None:
    """Each server dies in one push; its successor serves what is whole, takes the push again, and has its journal."""
    config, number, survived = write_config(tmp_path), 1, False
    registry = _start_mortal(start, config, number)
    while not survived:
        assert number < MOST_MOMENTS
        image, repository = make_image(f"moment {number}"), f"org/moment-{number}"
        _arm(registry)
        survived = _survives(registry, repository, image)
        registry = _start_mortal(start, config, number + STRIDE)
        require_nothing_half_written(registry, repository, image)
        push(registry, repository, image)
        require_whole(registry, repository, image)
        assert registry.events()
        number += STRIDE
    assert number > LEAST_MOMENTS


def test_a_server_that_dies_while_bytes_arrive_keeps_whole_what_was_whole(tmp_path: Path, start: Start) -> None:
    """Killed after so many bytes of a layer were sent, no answer awaited; an earlier image stays as it was."""
    config = write_config(tmp_path)
    registry = start(config)
    earlier = make_image("earlier", 100_000)
    push(registry, "org/app", earlier, "0.9")
    for count in BYTE_COUNTS:
        image, repository = make_image(f"killed after {count} bytes"), f"org/after-{count}"
        _send_and_kill(registry, repository, image.layer, count)
        registry = start(config)
        require_nothing_half_written(registry, repository, image)
        require_whole(registry, "org/app", earlier, "0.9")
        push(registry, repository, image)
        require_whole(registry, repository, image)


def test_a_server_that_dies_right_after_an_answer_has_what_it_answered_for(tmp_path: Path, start: Start) -> None:
    """201 is a promise: the manifest, its tag and its event are there after kill -9."""
    config = write_config(tmp_path)
    registry = start(config)
    image = make_image("promised", 10_000)
    push(registry, "org/app", image)
    assert push_manifest(registry, "org/app", image, "latest").status == 201
    registry.kill()
    successor = start(config)
    require_whole(successor, "org/app", image, "latest")
    pushed = [event.reference for event in successor.events() if event.endpoint == "end-7" and event.status == 201]
    assert pushed == ["1.0", "latest"]


def test_a_collection_that_dies_at_any_change_of_the_disk_leaves_all_that_is_tagged(
    tmp_path: Path, start: Start
) -> None:
    """Each dies a change later than the one before, beside a registry that serves; the last one leaves no garbage."""
    registry = start(write_config(tmp_path, config={"pyregistry": {"gc": {"grace": "0s"}}}))
    images = {f"{number}.0": make_image(f"image {number}", 1_000) for number in range(6)}
    for tag, image in images.items():
        push(registry, "org/app", image, tag)
    for tag in list(images)[1:]:
        assert registry.request("DELETE", f"/v2/org/app/manifests/{tag}").status == 202
    kept = images["0.0"]
    for number in itertools.count(1):
        assert number < MOST_MOMENTS
        died = _collect_and_die(registry, number)
        require_whole(registry, "org/app", kept, "0.0")
        require_sound_files(registry.store)
        assert _scrub(registry) == 0
        if not died:
            break
    assert number > LEAST_DEATHS
    assert {path.parts[-2] for path in registry.store.glob("docker/registry/v2/blobs/*/*/*/data")} == {
        Digest.of(content).encoded for content in (kept.manifest, kept.config, kept.layer)
    }


def _collect_and_die(registry: RunningRegistry, number: int) -> bool:
    """Whether the collection was killed."""
    program = (sys.executable, dying.__file__, str(number), "garbage-collect", "-m", str(registry.config_path))
    ran = subprocess.run(program, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, check=False)
    assert ran.returncode in {0, -signal.SIGKILL}, ran
    return ran.returncode != 0


def _scrub(registry: RunningRegistry) -> int:
    program = (sys.executable, "-m", "pyregistry", "scrub", str(registry.config_path))
    return subprocess.run(program, capture_output=True, check=False).returncode


def _start_mortal(start: Start, config: Path, number: int) -> RunningRegistry:
    """A server that, once armed, dies at its ``number``-th change of the disk."""
    return start(config, program=(sys.executable, dying.__file__, str(number)))


def _arm(registry: RunningRegistry) -> None:
    registry.process.send_signal(signal.SIGUSR1)
    deadline = time.monotonic() + START_SECONDS
    while dying.ARMED not in registry.log():
        assert time.monotonic() < deadline, registry.log()
        time.sleep(POLL_SECONDS)


def _survives(registry: RunningRegistry, repository: str, image: Image) -> bool:
    """Push, and end the server if that did not."""
    try:
        push(registry, repository, image)
    except (OSError, HTTPException):
        assert registry.process.wait(START_SECONDS) == -signal.SIGKILL
        return False
    registry.kill()
    return True


def _send_and_kill(registry: RunningRegistry, repository: str, content: bytes, count: int) -> None:
    location = registry.request("POST", f"/v2/{repository}/blobs/uploads/").headers["location"]
    with closing(registry.connect()) as connection:
        connection.putrequest("PATCH", location.removeprefix(registry.url))
        connection.putheader("Content-Length", str(len(content)))
        connection.endheaders()
        connection.send(content[:count])
        registry.kill()
